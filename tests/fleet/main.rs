//! restock beside a Fleet: MariaDB with Fleet's tables of three ages, a bucket with Fleet's keys, and
//! sources on the web. `tests/run` starts the servers.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that cannot set itself up has failed"
)]
#![allow(dead_code, reason = "the helpers serve other tests too")]
#![allow(
    clippy::struct_field_names,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::wildcard_enum_match_arm,
    reason = "facts keep their own words, and SQL is put together as it is read"
)]

mod audit;
#[path = "../support/databases.rs"]
mod databases;
#[path = "../support/fleet/mod.rs"]
mod fleet;
mod heal;
mod rights;
#[path = "../support/s3.rs"]
mod s3;
mod stopped;
mod story;
#[path = "../support/mod.rs"]
mod support;
