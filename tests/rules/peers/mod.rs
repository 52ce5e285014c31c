//! What comparable tools got wrong or right, as behaviours of restock.

mod doubts;
mod reach;
mod repairs;
mod sharing;
mod sources;
