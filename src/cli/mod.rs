//! The command line.

pub mod console;
pub mod logging;
pub mod progress;

mod log_line;
mod numbers;
