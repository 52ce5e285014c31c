//! [`Repair`]: the record of one carried-out action.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Digest;

/// Why an object is to be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It was absent.
    Missing,
    /// Its bytes were read and wrong.
    Corrupt,
}

impl Cause {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Missing, Self::Corrupt];

    /// The word that reports and metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Corrupt => "corrupt",
        }
    }
}

/// How an action ended, best first: of several sources the best result counts.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RepairResult {
    /// Proven bytes were published.
    Restored,
    /// It is there, and its bytes were read and are right.
    AlreadyPresent,
    /// 404 or 410.
    SourceGone,
    /// A complete answer with another digest.
    SourceDrifted,
    /// Policy or size forbids it.
    Refused,
    /// Deliberately not taken.
    Held,
    /// All else.
    Failed,
}

impl RepairResult {
    /// The word that reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Restored => "restored",
            Self::AlreadyPresent => "already_present",
            Self::SourceGone => "source_gone",
            Self::SourceDrifted => "source_drifted",
            Self::Refused => "refused",
            Self::Held => "held",
            Self::Failed => "failed",
        }
    }

    /// Whether the object is right now.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Restored | Self::AlreadyPresent)
    }
}

/// The closed set of reasons for which a heal fails or holds; those in `ALL` are labels of its
/// metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// The source did not answer, or not with the whole file.
    SourceUnavailable,
    /// 404 or 410.
    SourceGone,
    /// A complete answer with another digest.
    SourceDrifted,
    /// A scheme, host or address that `[source]` does not allow.
    PolicyBlocked,
    /// Over `heal.max_object_size`.
    TooLarge,
    /// The store did not take the bytes.
    StoreWrite,
    /// The store took the bytes, and afterwards they could not be read there, or others lie there.
    VerifyAfterWrite,
    /// Its host was silent too often in this pass: held, and no failure.
    HostSilent,
}

impl FailureReason {
    /// Those that are failures.
    pub const ALL: [Self; 7] = [
        Self::SourceUnavailable,
        Self::SourceGone,
        Self::SourceDrifted,
        Self::PolicyBlocked,
        Self::TooLarge,
        Self::StoreWrite,
        Self::VerifyAfterWrite,
    ];

    /// The word that reports and metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SourceUnavailable => "source_unavailable",
            Self::SourceGone => "source_gone",
            Self::SourceDrifted => "source_drifted",
            Self::PolicyBlocked => "policy_blocked",
            Self::TooLarge => "too_large",
            Self::StoreWrite => "store_write",
            Self::VerifyAfterWrite => "verify_after_write",
            Self::HostSilent => "host_silent",
        }
    }
}

/// What became of one action. Shapes and words are those of the report `restock.pass/v1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Repair {
    /// The object's collection.
    pub collection: String,
    /// The object's key.
    pub key: String,
    /// Its digest.
    pub digest: Digest,
    /// Why it was to be restored.
    pub cause: Cause,
    /// How it ended.
    pub result: RepairResult,
    /// Why it failed, or was held for a silent host; null otherwise.
    pub reason: Option<FailureReason>,
    /// The source that decided the result, redacted.
    pub source: Option<String>,
    /// Bytes downloaded, over all sources and tries.
    pub bytes: u64,
    /// How long it took.
    pub seconds: f64,
    /// The corrupt bytes that were read under its key before; null where there were none.
    #[serde(default)]
    pub corrupt: Option<CorruptBytes>,
    /// The same in a sentence.
    pub detail: String,
}

/// Bytes that were read and found wrong, as they are told once they are replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CorruptBytes {
    /// The digest that they have.
    pub observed_digest: Digest,
    /// Their size in bytes.
    pub observed_size: u64,
    /// The key of the copy that was made of them, in the same store; null where there is none.
    pub quarantine_key: Option<String>,
}
