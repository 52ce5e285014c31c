//! HTTP: metrics, health, a status page, a read-only API, and orders to the daemon.
//!
//! Everything is shown of a [`Panel`], which holds no more than that. Nothing here keeps a pass
//! from its work: connections, questions to the ledger and the size of answers are bounded.

mod access;
mod admin;
mod answer;
mod api;
mod hosts;
mod listen;
mod options;
mod page;
mod panel;
mod probes;
mod routes;
mod seats;
mod serve;
mod token;

pub use access::Access;
pub use listen::{ListenError, Listeners};
pub use options::{ApiAccess, HttpOptions};
pub use panel::Panel;
pub use serve::serve;
pub use token::TokenError;
