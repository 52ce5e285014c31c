//! The metrics, from the events of real passes to what Prometheus reads.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::float_cmp,
    reason = "a test that cannot set itself up has failed, and whole numbers are exact"
)]

#[path = "../support/mod.rs"]
mod support;

mod events;
mod names;
mod passes;
mod shown;
