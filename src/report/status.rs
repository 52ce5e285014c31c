//! [`StatusView`]: what the ledger knows now, as `status` tells it.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{BreakerState, Depth, FindingCount, FindingKind, Summary};

/// What the ledger knows of one store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatusView {
    /// The store's identity: scheme, endpoint, bucket and prefix.
    pub store: String,
    /// The newest passes, newest first.
    pub passes: Vec<Summary>,
    /// The findings that stand, counted by kind.
    pub standing: Vec<Standing>,
    /// The breaker, where it is latched.
    pub breaker: Option<BreakerState>,
    /// Objects whose heal failed and is to be tried again.
    pub heals_pending: u64,
    /// When the first of them is due; null where none is.
    #[serde(serialize_with = "crate::model::instant::optional_millis")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub next_heal_at: Option<DateTime<Utc>>,
    /// Uploads that were begun and not ended; the next heal sweeps those that a crash left.
    pub uploads: u64,
    /// What the daemon is doing; left out where none was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daemon: Option<DaemonView>,
}

/// What a running daemon says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DaemonView {
    /// What it is doing.
    pub activity: ActivityView,
    /// Whether it holds the store's lock.
    pub holds_lock: bool,
    /// Whether a person paused healing.
    pub paused: bool,
    /// Whether the catalog answered last.
    pub catalog: SideView,
    /// Whether the store answered last.
    pub store: SideView,
    /// When the next shallow pass is due.
    #[serde(serialize_with = "crate::model::instant::optional_millis")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub next_shallow: Option<DateTime<Utc>>,
    /// When the next deep pass is due.
    #[serde(serialize_with = "crate::model::instant::optional_millis")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub next_deep: Option<DateTime<Utc>>,
    /// Why the configuration was not taken over when it was last read; null where it holds.
    pub reload_problem: Option<String>,
}

/// What a daemon is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ActivityView {
    /// It is opening what its configuration names.
    Starting,
    /// Another instance works on the store, and this one is a spare.
    Standby,
    /// It waits for the next activation.
    Idle,
    /// A pass runs.
    Pass {
        /// Its depth.
        depth: Depth,
        /// Since when.
        #[serde(serialize_with = "crate::model::instant::millis")]
        #[schemars(with = "DateTime<Utc>")]
        since: DateTime<Utc>,
    },
    /// It finishes what it began, and ends.
    Draining,
}

/// Whether one of the two sides answered when it was last asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SideView {
    /// It was not asked yet.
    Unasked,
    /// It answered.
    Up,
    /// It did not.
    Down {
        /// Why.
        cause: String,
    },
}

/// The findings of one kind that stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Standing {
    /// The kind.
    pub kind: FindingKind,
    /// How many.
    pub count: u64,
    /// Those of them that could be healed, as far as the last pass could say.
    pub healable: u64,
    /// Those of them that a person accepted.
    pub accepted: u64,
    /// Those of them that could not be healed, and that nobody accepted.
    #[serde(default)]
    pub unhealable: u64,
    /// When the oldest of them was first seen.
    #[serde(serialize_with = "crate::model::instant::millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub oldest: DateTime<Utc>,
}

impl Standing {
    /// Counts summed up by kind, in report order; kinds without a finding are left out.
    pub fn of(counts: &[FindingCount]) -> Vec<Self> {
        let tally = |kind| {
            let of_kind = || counts.iter().filter(move |count| count.kind == kind);
            let sum = |wanted: fn(&FindingCount) -> bool| {
                of_kind().filter(|count| wanted(count)).map(|count| count.count).sum()
            };
            Some(Self {
                kind,
                count: sum(|_| true),
                healable: sum(|count| count.healable == Some(true)),
                accepted: sum(|count| count.accepted),
                unhealable: sum(|count| count.healable == Some(false) && !count.accepted),
                oldest: of_kind().map(|count| count.oldest).min()?,
            })
        };
        FindingKind::ALL.into_iter().filter_map(tally).collect()
    }
}
