//! [`ObjectView`]: all that is known of one object, as `show` tells it.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{
    Attempts, CatalogRow, Digest, Finding, ObjectMeta, Removal, Repair, SourceVerdict, redact_url,
};

/// All that is known of one digest.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ObjectView {
    /// The digest that was asked for.
    pub digest: Digest,
    /// Each collection that wants it or could hold it.
    pub places: Vec<PlaceView>,
    /// The findings about it that stand.
    pub findings: Vec<Finding>,
    /// What is remembered of its heals; null where there was none since the last success.
    pub attempts: Option<Attempts>,
    /// When `run` tries again; null where it would now, or not at all.
    #[serde(serialize_with = "crate::model::instant::optional_millis")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub next_try: Option<DateTime<Utc>>,
    /// Why a heal would hold it, in words; null where it would not.
    pub held: Option<String>,
    /// Its newest repairs, newest first.
    pub repairs: Vec<PastRepair>,
    /// What plans for orphans did with it, newest first.
    pub removals: Vec<Removal>,
}

/// The object in one collection.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PlaceView {
    /// The collection.
    pub collection: String,
    /// Its key there.
    pub key: String,
    /// What a probe said just now.
    pub object: ObjectState,
    /// The rows that want it.
    pub rows: Vec<RowView>,
    /// Where its bytes can be had again.
    pub sources: Vec<SourceView>,
}

/// The answer of the probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ObjectState {
    /// It is there.
    Present {
        /// Size in bytes.
        size: u64,
        /// The store's tag of this version.
        etag: Option<String>,
        /// When it was last modified, by the store's clock.
        #[serde(serialize_with = "crate::model::instant::optional_millis")]
        #[schemars(with = "Option<DateTime<Utc>>")]
        modified: Option<DateTime<Utc>>,
    },
    /// The store said that it is not.
    Absent,
    /// Nobody can say.
    Unknown {
        /// Why.
        cause: String,
    },
}

/// One row, without what may be secret in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RowView {
    /// Which row, as the query's `ref` column says.
    pub r#ref: Option<String>,
    /// The name people know it by.
    pub name: Option<String>,
    /// Size in bytes, where the row tells one.
    pub size: Option<u64>,
    /// When it was last written.
    #[serde(serialize_with = "crate::model::instant::optional_millis")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub updated_at: Option<DateTime<Utc>>,
}

/// One source; made from a whole URL, holds the redacted one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SourceView {
    source: String,
    verdict: Option<SourceVerdict>,
}

/// One repair of the past.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PastRepair {
    /// When it ended.
    #[serde(serialize_with = "crate::model::instant::millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub at: DateTime<Utc>,
    /// What became of it.
    #[serde(flatten)]
    pub repair: Repair,
}

impl SourceView {
    /// A source, redacted, with its last verdict.
    pub fn new(url: &str, verdict: Option<SourceVerdict>) -> Self {
        Self { source: redact_url(url), verdict }
    }

    /// The redacted URL.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Its last verdict.
    pub const fn verdict(&self) -> Option<&SourceVerdict> {
        self.verdict.as_ref()
    }
}

impl From<ObjectMeta> for ObjectState {
    fn from(meta: ObjectMeta) -> Self {
        Self::Present { size: meta.size, etag: meta.etag, modified: meta.modified }
    }
}

impl From<&CatalogRow> for RowView {
    fn from(row: &CatalogRow) -> Self {
        Self {
            r#ref: row.reference.clone(),
            name: row.name.clone(),
            size: row.size,
            updated_at: row.updated_at,
        }
    }
}
