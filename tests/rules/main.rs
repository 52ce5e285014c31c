//! The rules for doubtful worlds, one by one, each with its edges; and what other tools of this
//! kind were taught by accidents, as behaviours of this one.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
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

mod absent;
mod accepted;
mod between;
mod breaker;
mod confirming;
mod corruption;
mod digest;
mod foreign;
mod helper;
mod lock;
mod orphans;
mod outcomes;
mod peers;
mod plans;
mod readable;
mod replaced;
mod retries;
mod rows;
mod slices;
mod switched_off;
mod told;
mod unkept;
mod young;
