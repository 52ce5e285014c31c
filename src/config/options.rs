//! [`Options`]: a configuration file as it is written, composed of what each layer owns.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::{CatalogOptions, CollectionOptions};
use crate::http::HttpOptions;
use crate::ledger::LedgerOptions;
use crate::model::Acceptance;
use crate::pass::{AuditOptions, DeepOptions};
use crate::plan::{BreakerOptions, HealOptions, OrphanOptions};
use crate::source::SourceOptions;
use crate::store::StoreOptions;

/// The configuration of restock, as in `restock.toml`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "restock.toml")]
pub struct Options {
    /// The database that says what should exist.
    pub catalog: CatalogOptions,
    /// Kinds of objects, with preset "custom", or in place of a preset's of the same name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub collection: Vec<CollectionOptions>,
    /// Where the objects lie.
    pub store: StoreOptions,
    /// Where restock remembers what it found and did.
    pub ledger: LedgerOptions,
    /// Shallow passes, and what all passes share.
    pub audit: AuditOptions,
    /// Reading and hashing.
    pub deep: DeepOptions,
    /// What may be done to the store.
    pub heal: HealOptions,
    /// What may be asked for bytes, and how patiently.
    pub source: SourceOptions,
    /// When an object without a row is flagged.
    pub orphans: OrphanOptions,
    /// Known losses, of which nobody is told until their day has passed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<Acceptance>,
    /// What no sane world looks like.
    pub breaker: BreakerOptions,
    /// Where a daemon answers, and to whom.
    pub http: HttpOptions,
}
