//! The ledger: one suite for every adapter, then what is particular to a `SQLite` file, and the
//! lock beside it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot set itself up has failed"
)]

mod lock;
mod notes;
mod removals;
mod samples;
mod sqlite;
mod suite;
