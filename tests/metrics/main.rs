//! The metrics, from the events of real passes to what Prometheus reads.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

#[path = "../support/mod.rs"]
mod support;

mod events;
mod names;
mod passes;
mod shown;
