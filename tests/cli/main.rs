//! The program as it is called: every command, what it prints where, and how it exits.
//!
//! `RESTOCK_TEST_BIN` names another build of it to test.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that cannot set itself up has failed, and reads what tests/run sets"
)]

#[path = "../support/databases.rs"]
mod databases;
#[path = "../support/schema.rs"]
mod schema;
#[path = "../support/mod.rs"]
mod support;

mod accepted;
mod binary;
mod ci_examples;
mod demo;
mod documents;
mod doubt;
mod ends;
mod input;
mod loose;
mod orphans;
mod outputs;
mod place;
mod plans;
mod preflight;
mod preflight_files;
mod promises;
mod quarantine;
mod secrets;
mod server_ledgers;
mod shapes;
mod sources;
mod story;
mod strangers;
mod textfile;
mod unreadable;
mod usage;
