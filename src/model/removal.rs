//! [`Removal`]: the record of what a person's plan did with one object.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Digest;

/// What became of an object in a plan to take it away, or to put it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemovalResult {
    /// A proven copy lies under the quarantine prefix, and the object is gone.
    Moved,
    /// It is gone.
    Deleted,
    /// It was put back from the quarantine.
    Restored,
    /// Deliberately left as it is.
    Held,
    /// Nobody could say what is there, and so nothing was done.
    Unknown,
    /// All else.
    Failed,
}

impl RemovalResult {
    /// The word that reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
            Self::Held => "held",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
        }
    }

    /// Whether the store is another than before.
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Moved | Self::Deleted | Self::Restored)
    }
}

/// What became of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Removal {
    /// The plan that it is an entry of.
    pub plan_id: String,
    /// The object's collection.
    pub collection: String,
    /// The object's key.
    pub key: String,
    /// The digest that its key names.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What became of it.
    pub result: RemovalResult,
    /// Where its copy lies; null where there is none.
    pub to: Option<String>,
    /// The digest of its bytes, where they were read.
    pub observed_digest: Option<Digest>,
    /// When.
    #[serde(serialize_with = "super::instant::millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub at: DateTime<Utc>,
    /// The same in a sentence.
    pub detail: String,
}
