//! What several tests share: real servers, and waits for conditions.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test takes some of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "it serves tests alone")]

mod brief;
pub mod fetching;
pub mod http_server;
pub mod object;
pub mod promtool;
pub mod world;
