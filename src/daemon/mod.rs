//! The daemon: passes on a schedule and on demand, one at a time, for as long as it is let.

mod acknowledge;
mod journal;
pub mod memory;
pub mod notify;
mod opener;
mod order;
mod pass;
mod reload;
mod run;
mod standby;
mod state;
mod steps;
mod tell;
mod timetable;

pub use opener::{OpenFailure, Opened, Opener, Plan, Side};
pub use order::{Order, OrderError};
pub use run::Daemon;
pub use standby::Standby;
pub use state::{Activity, DaemonState, Orders, Reload};
pub use tell::tell_state;
pub use timetable::Timing;
