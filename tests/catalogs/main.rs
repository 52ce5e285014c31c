//! The catalog port over each database: the conformance suite on all of them, and what is special
//! about each.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may fail by panicking, and reads what tests/run sets"
)]

#[macro_use]
mod suite;

#[path = "../support/databases.rs"]
mod databases;
mod server;
mod sqlite;
