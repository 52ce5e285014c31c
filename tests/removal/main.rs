//! Taking objects away and putting them back: what is held, what faults and crashes leave, and that
//! nothing goes that anybody could want.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot set itself up has failed"
)]

#[path = "../support/hindrance.rs"]
mod hindrance;
#[path = "../support/interference.rs"]
mod interference;
#[path = "../support/memory_catalog.rs"]
mod memory_catalog;
#[path = "../support/memory_ledger/mod.rs"]
mod memory_ledger;
#[path = "../support/memory_store.rs"]
mod memory_store;
#[path = "../support/met_store.rs"]
mod met_store;
#[path = "../support/mod.rs"]
mod support;

mod apply;
mod bench;
mod cut_off;
mod guards;
mod prune;
mod record;
mod restore;
mod stopping;
