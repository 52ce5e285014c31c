//! What is known of an object or of a store, from catalog, store and ledger. Nothing is changed.

mod object;
mod status;

use std::sync::Arc;

use crate::catalog::{Catalog, CatalogError};
use crate::clock::Clock;
use crate::ledger::{Ledger, LedgerError};
use crate::plan::HealOptions;
use crate::store::Store;

pub use status::status;

/// Looks into everything there is about single objects.
#[derive(Clone)]
pub struct Inspector {
    /// What should exist.
    pub catalog: Arc<dyn Catalog>,
    /// Where it should lie.
    pub store: Arc<dyn Store>,
    /// What was found and done.
    pub ledger: Arc<dyn Ledger>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// What may be done, and how patiently.
    pub heal: HealOptions,
}

/// What keeps an object from being looked into.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// Its rows cannot be read.
    #[error("cannot look into the catalog")]
    Catalog(#[from] CatalogError),
    /// What is known of it cannot be read.
    #[error("cannot look into the ledger")]
    Ledger(#[from] LedgerError),
}
