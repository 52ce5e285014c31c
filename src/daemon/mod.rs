//! The daemon: passes on a schedule and on demand, one at a time, for as long as it is let.

mod order;
mod state;

pub use order::{Order, OrderError};
pub use state::{Activity, DaemonState, Orders, Reload};
