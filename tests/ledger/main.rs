//! The ledger: one suite for every kind of database, then what is particular to a `SQLite` file and
//! to servers, and their locks.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that cannot set itself up has failed, and reads what tests/run sets"
)]

#[path = "../support/databases.rs"]
mod databases;
mod keys;
mod lease;
mod lease_lost;
mod lease_server;
mod lock;
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
