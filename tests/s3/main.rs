//! restock's own binary on S3, against real servers that disagree with each other on purpose, with
//! the AWS command line as somebody who knows nothing of restock. `tests/run` starts the servers.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that cannot set itself up has failed"
)]
#![expect(dead_code, reason = "the helpers serve other tests too")]

mod alone;
mod crash;
mod large;
mod neighbors;
mod orphans;
mod refusals;
#[path = "../support/relay.rs"]
mod relay;
#[path = "../support/s3.rs"]
mod s3;
mod story;
#[path = "../support/mod.rs"]
mod support;
mod world;
