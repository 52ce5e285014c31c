//! Taking objects away and putting them back: what is held, what faults and crashes leave, and that
//! nothing goes that anybody could want.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test that cannot set itself up has failed"
)]
#![expect(dead_code, reason = "the helpers serve other tests too")]

#[path = "../support/memory_store.rs"]
mod memory_store;
#[path = "../support/mod.rs"]
mod support;

mod apply;
mod bench;
mod cut_off;
mod doubles;
mod guards;
mod meddled;
mod prune;
mod record;
mod restore;
