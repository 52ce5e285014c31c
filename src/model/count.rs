//! What a ledger tells in numbers: findings that stand, and passes that ran.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Depth, FindingKind, Unhealable};

/// How many findings of one sort stand, ordered as reports list them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct FindingCount {
    /// What is wrong.
    pub kind: FindingKind,
    /// The evidence: one of [`super::reason`], or the cause of an unknown; null for what is missing.
    pub reason: Option<String>,
    /// Whether they could be healed; null where healing does not apply.
    pub healable: Option<bool>,
    /// Why they could not.
    pub unhealable: Option<Unhealable>,
    /// Whether a person accepted them.
    pub accepted: bool,
    /// How many.
    pub count: u64,
    /// When the oldest of them was first seen.
    #[serde(serialize_with = "super::instant::millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub oldest: DateTime<Utc>,
}

/// What became of all passes of one depth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PassTotals {
    /// Whether bytes were read.
    pub depth: Depth,
    /// How many ran, to whatever end.
    pub runs: u64,
    /// Those of them that failed.
    pub failures: u64,
    /// When the last one began that ended.
    #[serde(serialize_with = "super::instant::millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub started_at: DateTime<Utc>,
    /// When it ended.
    #[serde(serialize_with = "super::instant::millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub finished_at: DateTime<Utc>,
    /// When the last one ended that did not fail.
    #[serde(serialize_with = "super::instant::optional_millis")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub succeeded_at: Option<DateTime<Utc>>,
}
