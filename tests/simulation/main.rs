//! The whole engine in one thread on simulated time, in worlds that nobody thought of: a seed is a
//! history of what happens to catalog, store and sources, of what fails while restock works, and
//! of what people tell it; after each step everything is held against a model of what restock owes.
//!
//! A difference is printed with its seed and the shortest history that shows it; the seed gives
//! the same history for ever.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a broken simulation should stop"
)]
#![expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    reason = "numbers are small here"
)]
#![expect(
    clippy::wildcard_enum_match_arm,
    clippy::similar_names,
    clippy::struct_excessive_bools,
    clippy::print_stdout,
    reason = "it sums up many cases, and prints the sums"
)]

mod asking;
mod breaker;
mod case;
mod dice;
mod ear;
mod fate;
mod generate;
mod hands;
#[path = "../support/hindrance.rs"]
mod hindrance;
mod hunt;
#[path = "../support/interference.rs"]
mod interference;
mod judge;
mod kept;
#[path = "../support/memory_catalog.rs"]
mod memory_catalog;
#[path = "../support/memory_ledger/mod.rs"]
mod memory_ledger;
#[path = "../support/memory_source.rs"]
mod memory_source;
#[path = "../support/memory_store.rs"]
mod memory_store;
mod model;
mod orphans;
mod pass;
mod people;
mod play;
mod reached;
mod regressions;
mod repairs;
mod settle;
mod shrink;
mod step;
mod things;
mod weather;
mod world;
