//! restock keeps a catalog of SHA-256 digests and the object store behind it in agreement.
//!
//! ```text
//! data      config ─► catalog ┐
//!                     store   ┴► sorter ─► reconcile ─► confirm ─► findings ─► plan ─► heal ─► ledger ─► report
//! imports   cli ─► config ─► report ─► pass ─► heal ─► ports ─► plan, reconcile ─► model
//! ```
//!
//! `tests/tidy.rs` holds the layers; ARCHITECTURE.md is the map.

pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
mod database;
mod files;
pub mod gitops;
pub mod heal;
pub mod http;
pub mod import;
pub mod inspect;
pub mod ledger;
pub mod model;
pub mod observe;
pub mod pass;
pub mod plan;
pub mod preflight;
pub mod reconcile;
pub mod removal;
pub mod report;
pub mod sorter;
pub mod source;
pub mod store;
pub mod survey;
