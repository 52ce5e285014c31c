//! [`Finding`]: something wrong, confirmed, with its evidence.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Digest;

/// What is wrong, in the order in which reports list it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Expected, listed as absent, and a HEAD gave 404.
    Missing,
    /// Its bytes were read and have another digest.
    Corrupt,
    /// Expected, and nobody can say whether it is there.
    Unknown,
    /// A row that cannot be right: its digest is none, or its size is not that of its bytes.
    InvalidRecord,
    /// An object that no row wants, confirmed by a second look-up.
    Orphan,
    /// A key that the key layout renders for no digest.
    Foreign,
}

impl FindingKind {
    /// All kinds, in report order.
    pub const ALL: [Self; 6] = [
        Self::Missing,
        Self::Corrupt,
        Self::Unknown,
        Self::InvalidRecord,
        Self::Orphan,
        Self::Foreign,
    ];

    /// The word that reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Corrupt => "corrupt",
            Self::Unknown => "unknown",
            Self::InvalidRecord => "invalid_record",
            Self::Orphan => "orphan",
            Self::Foreign => "foreign",
        }
    }
}

/// Why an object could not be had again.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Unhealable {
    /// No row names a source.
    NoSource,
    /// Every source answered 404 or 410 when it was last asked.
    SourceGone,
    /// Every source serves other bytes.
    SourceDrifted,
    /// The policy allows none of the sources as written.
    PolicyBlocked,
    /// The known size is over `heal.max_object_size`.
    TooLarge,
    /// Healing is off for this collection.
    Disabled,
}

impl Unhealable {
    /// All of them, from the farthest from being healed to the nearest.
    pub(super) const BY_NEARNESS: [Self; 6] = [
        Self::NoSource,
        Self::PolicyBlocked,
        Self::SourceDrifted,
        Self::SourceGone,
        Self::TooLarge,
        Self::Disabled,
    ];

    /// Of two reasons the nearer one, which is the one to tell.
    #[must_use]
    pub fn nearer(self, other: Self) -> Self {
        let place = |why| Self::BY_NEARNESS.iter().position(|known| *known == why);
        if place(other) > place(self) { other } else { self }
    }

    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::NoSource,
        Self::SourceGone,
        Self::SourceDrifted,
        Self::PolicyBlocked,
        Self::TooLarge,
        Self::Disabled,
    ];

    /// The word that reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSource => "no_source",
            Self::SourceGone => "source_gone",
            Self::SourceDrifted => "source_drifted",
            Self::PolicyBlocked => "policy_blocked",
            Self::TooLarge => "too_large",
            Self::Disabled => "disabled",
        }
    }
}

/// The evidence words of findings that are not the cause of an unknown.
pub mod reason {
    /// The bytes were read and have another digest.
    pub const DIGEST_MISMATCH: &str = "digest_mismatch";
    /// The catalog gives another size than the bytes have, and the digest is right.
    pub const SIZE_MISMATCH: &str = "size_mismatch";
    /// An orphan not seen often or long enough to be flagged.
    pub const CANDIDATE: &str = "candidate";
    /// An orphan past its grace period.
    pub const FLAGGED: &str = "flagged";
    /// A row whose digest is neither 64 hex digits nor 32 bytes.
    pub const MALFORMED_DIGEST: &str = "malformed_digest";
    /// A row that was written at a time which has not come yet.
    pub const FUTURE: &str = "future";
    /// A row whose time of writing is none.
    pub const UNREADABLE_TIME: &str = "unreadable_time";
    /// A key that the layout renders for no digest.
    pub const NO_DIGEST_KEY: &str = "not_a_digest_key";
    /// A key that cannot be addressed at all (`a//b`, `..`, control characters, not UTF-8).
    pub const UNADDRESSABLE_KEY: &str = "unaddressable_key";
    /// A listing or a HEAD shows it, and a GET answers that it is not there.
    pub const UNREADABLE: &str = "unreadable";
}

/// One thing wrong. Shapes and words are those of the report `restock.pass/v1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// What is wrong.
    pub kind: FindingKind,
    /// The collection that it belongs to.
    pub collection: String,
    /// The object's key; null for a row without one.
    pub key: Option<String>,
    /// The digest; null for foreign keys and malformed rows.
    pub digest: Option<Digest>,
    /// The names that rows give it, distinct and sorted.
    pub names: Vec<String>,
    /// How many rows want it.
    pub rows: u64,
    /// Which rows, at most 20.
    pub refs: Vec<String>,
    /// The distinct sources, redacted.
    pub sources: Vec<String>,
    /// Size in bytes, as the catalog gives it.
    pub expected_size: Option<u64>,
    /// Size in bytes, as the store has it.
    pub observed_size: Option<u64>,
    /// The digest of the bytes that were read.
    pub observed_digest: Option<Digest>,
    /// The evidence: one of [`reason`], or the cause of an unknown; null for what is missing.
    pub reason: Option<String>,
    /// Whether it could be healed, as far as can be said without network; null where healing
    /// does not apply.
    pub healable: Option<bool>,
    /// Why it could not.
    pub unhealable: Option<Unhealable>,
    /// Whether a person accepted the loss.
    pub accepted: bool,
    /// The same in a sentence.
    pub detail: String,
    /// When a pass first found it.
    #[serde(serialize_with = "super::instant::millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub first_seen: DateTime<Utc>,
}

impl Finding {
    /// A finding with nothing but its kind, place and sentence; the rest is set as known.
    pub fn new(kind: FindingKind, collection: &str, at: DateTime<Utc>, detail: String) -> Self {
        Self {
            kind,
            collection: collection.to_owned(),
            key: None,
            digest: None,
            names: Vec::new(),
            rows: 0,
            refs: Vec::new(),
            sources: Vec::new(),
            expected_size: None,
            observed_size: None,
            observed_digest: None,
            reason: None,
            healable: None,
            unhealable: None,
            accepted: false,
            detail,
            first_seen: at,
        }
    }
}
