//! What earlier passes left behind for later ones: the values that a ledger keeps.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use sha2::{Digest as _, Sha256};

use super::{CatalogRow, Digest, Repair, RepairResult};

/// What a probe or a read tells of one version of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectMeta {
    /// Size in bytes.
    pub size: u64,
    /// The store's tag of this version; of a directory: inode, size and modification time.
    pub etag: Option<String>,
    /// When it was last modified, by the store's clock.
    pub modified: Option<DateTime<Utc>>,
}

/// A staged upload that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The key that it is for.
    pub key: String,
    /// The store's id of it: a multipart upload id, or the name of a temporary file.
    pub id: String,
}

/// Proven bytes that are about to be published: what a run that is cut off here leaves to the next
/// one, which looks what became of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Publishing {
    /// The pass.
    pub pass_id: String,
    /// The repair as it is if the object is found there.
    pub repair: Repair,
    /// The corrupt version that it is to replace.
    pub replaces: Option<ObjectMeta>,
}

impl Publishing {
    /// Whether what a probe found is what was published.
    pub fn is_done(&self, found: &ObjectMeta) -> bool {
        found.size == self.repair.bytes && self.replaces.as_ref() != Some(found)
    }
}

/// A corruption that stands until a repair, a deep read or another version of the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corruption {
    /// The object's key.
    pub key: String,
    /// The digest that it should have.
    pub digest: Digest,
    /// The digest that its bytes had.
    pub observed_digest: Digest,
    /// The version that was read.
    pub meta: ObjectMeta,
    /// When it was read.
    pub found_at: DateTime<Utc>,
}

/// An orphan as it was seen so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The object's key.
    pub key: String,
    /// When a complete pass first saw it as an orphan.
    pub first_seen: DateTime<Utc>,
    /// When a sighting was last counted.
    pub counted_at: DateTime<Utc>,
    /// How many sightings counted.
    pub sightings: u32,
}

/// What is remembered of an object's heals.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attempts {
    /// Finished failures since the last success.
    pub failures: u32,
    /// How the last one ended.
    pub last_result: Option<RepairResult>,
    /// When the last one ended.
    #[serde(serialize_with = "super::instant::optional_millis")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub last_at: Option<DateTime<Utc>>,
    /// Fingerprint of the rows and sources that were tried; another one clears the back-off.
    pub fingerprint: String,
}

/// Why a source is not asked again before somebody acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// 404 or 410, or it says by itself that it has not these bytes.
    Gone,
    /// A complete answer with another digest.
    Drifted,
}

/// The last word of one source on one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceVerdict {
    /// The object.
    pub digest: Digest,
    /// SHA-256 (hex) of the whole source: the ledger keeps no secrets.
    pub source_id: String,
    /// The source, redacted.
    pub source: String,
    /// What it said.
    pub verdict: Verdict,
    /// Its tag, where it sent one.
    pub etag: Option<String>,
    /// How many bytes it sent.
    pub length: Option<u64>,
    /// The digest of what it sent.
    pub observed_digest: Option<Digest>,
    /// When it was asked.
    #[serde(serialize_with = "super::instant::millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub at: DateTime<Utc>,
}

/// Why the breaker opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerReason {
    /// Too many of the expected objects are missing or corrupt.
    MassMissing,
    /// The rows of the catalog name far fewer digests than at the last full pass.
    InventoryShrunk,
}

impl BreakerReason {
    /// Both.
    pub const ALL: [Self; 2] = [Self::MassMissing, Self::InventoryShrunk];

    /// The word that reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MassMissing => "mass_missing",
            Self::InventoryShrunk => "inventory_shrunk",
        }
    }
}

/// The latched breaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BreakerState {
    /// Why it opened.
    pub reason: BreakerReason,
    /// Missing and corrupt objects, as the last full pass counted them.
    pub missing: u64,
    /// Expected objects, as the last full pass counted them; for `inventory_shrunk`, the distinct
    /// digests that rows named.
    pub expected: u64,
    /// When it opened.
    #[serde(serialize_with = "super::instant::millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub opened_at: DateTime<Utc>,
    /// The number that a person acknowledged: of missing objects, or of expected ones where the
    /// inventory shrank. Heals run until a full pass finds the world inside the limits, or worse
    /// than acknowledged.
    pub acknowledged: Option<u64>,
}

/// What the last full pass knew, for the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastFull {
    /// The pass.
    pub pass_id: String,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// How many distinct digests its rows named, those that were too young to be judged included.
    pub named: u64,
}

impl SourceVerdict {
    /// The id of a source in the ledger: SHA-256 (hex) of its whole text.
    pub fn id_of(url: &str) -> String {
        Digest::new(Sha256::digest(url).into()).to_string()
    }
}

impl Attempts {
    /// Fingerprint of an object's rows and sources: another one clears back-off and verdicts.
    pub fn fingerprint_of(rows: &[CatalogRow]) -> String {
        let mut parts: Vec<_> =
            rows.iter().map(|row| (&row.reference, &row.sources, row.updated_at)).collect();
        parts.sort();
        Digest::new(Sha256::digest(format!("{parts:?}")).into()).to_string()
    }
}

impl BreakerState {
    /// Whether heals are refused: latched, and nobody has answered yet.
    pub const fn is_open(&self) -> bool {
        self.acknowledged.is_none()
    }
}
