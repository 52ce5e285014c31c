//! restock beside Fleet: `--from-fleet-env`, and the configuration file that is ready for Fleet.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a broken test should stop")]

mod environment;
mod file;
mod layers;
mod place;
