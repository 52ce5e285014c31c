//! Findings to a plan: pure decisions. Nothing here acts, waits or asks for the time.

mod options;

pub use options::{BreakerOptions, HealOptions, OrphanOptions};
