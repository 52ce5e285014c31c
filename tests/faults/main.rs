//! What sources, stores, catalogs and ledgers do wrong, carried through whole passes: what the
//! repair says, what the store holds afterwards, and what the next heal does.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a broken test should stop"
)]

mod bad_neighbors;
mod bucket;
mod bucket_audit;
mod bucket_publish;
mod damage;
mod encodings;
mod pages;
mod policy;
mod publishing;
mod read_back;
mod records;
mod several_sources;
mod single;
mod single_source;
mod slow_store;
mod store_faults;

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
#[path = "../support/mod.rs"]
mod support;
