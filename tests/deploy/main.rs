//! What is shipped for operators (`deploy/`, `docs/runbook.md`): that its parts agree with each
//! other and with what restock shows. What other programs have to say of it, promtool and systemd,
//! is asked by `tests/deploy-check`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that cannot read what it tests has failed"
)]

mod alerts;
mod dashboard;
mod files;
mod kubernetes;
mod metrics;
mod names;
mod permissions;
mod queries;
mod units;
