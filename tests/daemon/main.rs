//! `restock run`: what it does by itself, what it does when asked, and how it ends.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_cmp,
    reason = "a test that cannot set itself up has failed, and whole numbers are exact"
)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/memory_store.rs"]
mod memory_store;

#[path = "../cli/binary.rs"]
#[expect(dead_code, reason = "the tests of single commands use more of it")]
mod binary;

#[path = "../cli/place.rs"]
#[expect(dead_code, reason = "the tests of single commands use more of it")]
mod place;

mod ends;
mod gauges;
mod log;
mod notify;
mod passes;
mod rotation;
mod running;
mod set_clock;
mod unit;
