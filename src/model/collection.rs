//! [`Collection`] and the rows that a catalog has of it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Digest, KeyTemplate, Sources};

/// One kind of object in the catalog, with its own key layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// Its name, as in reports and `--collection`.
    pub name: String,
    /// How its keys are spelled.
    pub key: KeyTemplate,
    /// Whether its objects may be healed at all.
    pub heal: bool,
}

/// One row of the catalog, whole: read only for the digests in question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CatalogRow {
    /// The object that the row wants.
    pub digest: Digest,
    /// The name people know it by.
    pub name: Option<String>,
    /// Where its bytes can be had again.
    pub sources: Sources,
    /// Size in bytes, where the row tells one other than 0.
    pub size: Option<u64>,
    /// When the row was last written; `None` counts as old.
    pub updated_at: Option<DateTime<Utc>>,
    /// Which row to mend, as the query's `ref` column says.
    pub reference: Option<String>,
    /// Whether the program that owns the catalog would hand the object out for this row. A row
    /// that is kept for a rollback only is not active, and wants its object all the same.
    pub active: bool,
}

/// A row whose digest cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedRow {
    /// The digest column as it stands, fit for printing.
    pub shown: String,
    /// The name people know it by.
    pub name: Option<String>,
    /// Which row to mend.
    pub reference: Option<String>,
}

/// A row with a digest whose time of writing says nothing of its age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MistimedRow {
    /// The object that the row wants.
    pub digest: Digest,
    /// The column as it stands, fit for printing.
    pub shown: String,
    /// Whether it is a time, and one that has not come yet.
    pub is_future: bool,
    /// The name people know it by.
    pub name: Option<String>,
    /// Which row to mend.
    pub reference: Option<String>,
}
