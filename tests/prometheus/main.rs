//! The whole of it, watched: a database and a bucket on real servers, a source, `restock run`, and a
//! real Prometheus that scrapes it with the shipped rules. An outsider breaks the store with awscli,
//! and the alerts are read back from Prometheus.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test that cannot set itself up has failed"
)]
#![allow(dead_code, reason = "the helpers serve other tests too")]

#[path = "../cli/binary.rs"]
mod binary;
#[path = "../support/databases.rs"]
mod databases;
mod outsider;
mod prometheus;
#[path = "../support/s3.rs"]
mod s3;
mod story;
#[path = "../support/mod.rs"]
mod support;
mod watched;
