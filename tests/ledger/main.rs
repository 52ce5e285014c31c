//! The ledger: one suite for every kind of database and for the double in memory, then what is
//! particular to a `SQLite` file, to servers and to the double, and the locks.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that cannot set itself up has failed, and reads what tests/run sets"
)]

mod again;
mod alike;
#[path = "../support/databases.rs"]
mod databases;
#[path = "../support/interference.rs"]
mod interference;
mod keys;
mod lease;
mod lease_lost;
mod lease_server;
mod lock;
mod memory;
#[path = "../support/memory_ledger/mod.rs"]
mod memory_ledger;
mod notes;
mod numbers;
mod outages;
mod pooler;
mod removals;
mod samples;
mod server;
mod sqlite;
mod stores;
mod suite;
mod upgrade;
mod wire;
