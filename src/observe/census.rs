//! [`Census`]: the state of a store, as the last pass that looked at everything counted it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::model::{Finding, FindingKind, Summary, Unhealable};

/// What a complete pass over everything counted. What a person accepted is among the missing and
/// corrupt, and counted nowhere else but in `accepted`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    /// Rows of the catalog.
    pub records: u64,
    /// Expected and there.
    pub present: u64,
    /// Expected and absent.
    pub missing: u64,
    /// Expected and there with other bytes.
    pub corrupt: u64,
    /// Expected, and nobody can say.
    pub unknown: u64,
    /// Missing and corrupt objects that restock cannot bring back by itself.
    pub unhealable: BTreeMap<Unhealable, u64>,
    /// Missing and corrupt objects that it can bring back, and has not yet.
    pub pending: u64,
    /// Missing and corrupt objects whose loss a person accepted.
    pub accepted: u64,
    /// Present objects that could not be brought back.
    pub at_risk: BTreeMap<Unhealable, u64>,
    /// When the missing or corrupt object was first seen so that has been for longest.
    pub oldest_unhealthy: Option<DateTime<Utc>>,
    /// Orphans that are not flagged.
    pub orphans_candidate: u64,
    /// Orphans that are.
    pub orphans_flagged: u64,
    /// The bytes of all orphans.
    pub orphan_bytes: u64,
    /// Keys that are no digest's.
    pub foreign: u64,
}

impl Census {
    /// What a summary says; `None` where the pass did not establish its counts. What a summary does
    /// not hold is set by whoever knows it, and findings are added by [`Census::add`].
    pub fn of(summary: &Summary) -> Option<Self> {
        let orphans_flagged = summary.orphans_flagged?;
        Some(Self {
            present: summary.present?,
            missing: summary.missing?,
            corrupt: summary.corrupt?,
            unknown: summary.unknown?,
            orphans_candidate: summary.orphans?.saturating_sub(orphans_flagged),
            orphans_flagged,
            orphan_bytes: summary.orphan_bytes?,
            foreign: summary.foreign?,
            ..Self::default()
        })
    }

    /// Counts a finding that stands.
    pub fn add(&mut self, finding: &Finding) {
        if !matches!(finding.kind, FindingKind::Missing | FindingKind::Corrupt) {
            return;
        }
        if finding.accepted {
            self.accepted += 1;
            return;
        }
        match (finding.unhealable, finding.healable) {
            (Some(why), _) => *self.unhealable.entry(why).or_default() += 1,
            (None, Some(true)) => self.pending += 1,
            (None, Some(false) | None) => {}
        }
        let oldest = self.oldest_unhealthy.get_or_insert(finding.first_seen);
        *oldest = finding.first_seen.min(*oldest);
    }
}
