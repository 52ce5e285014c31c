//! `[http]` of `restock run`, over real sockets: every route, who is refused, and that nobody who
//! asks keeps the daemon from its work.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot set itself up has failed"
)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/golden.rs"]
mod golden;

#[path = "../support/schema.rs"]
mod schema;

#[path = "../cli/binary.rs"]
#[expect(dead_code, reason = "the tests of single commands use more of it")]
mod binary;

#[path = "../cli/place.rs"]
#[expect(dead_code, reason = "the tests of single commands use more of it")]
mod place;

#[path = "../daemon/running.rs"]
#[expect(dead_code, reason = "the tests of the daemon use more of it")]
mod running;

mod access;
mod client;

mod documents;
mod fuzz;

mod load;
mod orders;
mod page;
mod paging;
mod routes;
mod served;
mod slow;
mod spare;
mod starts;
mod status;
