//! Objects that no row wants: candidates first, flagged when nothing speaks against it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta};

use crate::model::{BreakerState, Finding, FindingKind, reason};
use crate::plan::{OrphanSeen, judge_orphan};

use super::examine::Examined;
use super::{Context, PassFailure};

/// Clocks that differ by more than this flag no orphans (design §3.3).
pub(super) const SKEW_AT_MOST: TimeDelta = TimeDelta::minutes(5);

/// Which orphans a pass may flag, of those that are old and were seen often enough.
pub(super) enum Flags {
    /// Any.
    All,
    /// Those that a full pass had flagged: a part of the scope cannot tell whether the inventory
    /// shrank.
    Standing(HashSet<String>),
    /// None: a part of the pass failed, or the breaker is open.
    None,
}

impl Flags {
    fn allow(&self, key: &str) -> bool {
        match self {
            Self::All => true,
            Self::Standing(keys) => keys.contains(key),
            Self::None => false,
        }
    }
}

impl Context<'_> {
    pub(super) async fn flags(
        &self,
        examined: &[Examined],
        breaker: Option<&BreakerState>,
        failed: bool,
    ) -> Result<Flags, PassFailure> {
        if failed || breaker.is_some_and(BreakerState::is_open) {
            return Ok(Flags::None);
        }
        if self.request.is_full() {
            return Ok(Flags::All);
        }
        if examined.iter().all(|one| one.verdicts.orphans.is_empty()) {
            return Ok(Flags::None);
        }
        let findings = self.auditor.ledger.findings(u32::MAX).await?;
        let flagged = findings.into_iter().filter(|finding| {
            finding.kind == FindingKind::Orphan
                && finding.reason.as_deref() == Some(reason::FLAGGED)
        });
        Ok(Flags::Standing(flagged.filter_map(|finding| finding.key).collect()))
    }

    /// The orphans of one collection, flagged or candidates, with their sightings kept.
    pub(super) async fn orphans(
        &self,
        examined: &Examined,
        flags: &Flags,
        failed: bool,
    ) -> Result<Vec<Finding>, PassFailure> {
        let verdicts = &examined.verdicts;
        if self.request.digests.is_some() {
            return Ok(Vec::new());
        }
        let ledger = &self.auditor.ledger;
        let skew = verdicts.skew.unwrap_or_default();
        let keys: Vec<_> =
            verdicts.orphans.iter().map(|o| verdicts.collection.key.render(&o.digest)).collect();
        let before: HashMap<_, _> =
            ledger.sightings(&keys).await?.into_iter().map(|s| (s.key.clone(), s)).collect();
        let (mut findings, mut sightings) = (Vec::new(), Vec::new());
        for (orphan, key) in verdicts.orphans.iter().zip(&keys) {
            let seen = OrphanSeen {
                modified: DateTime::from_timestamp(orphan.time, 0)
                    .filter(|_| orphan.time != i64::MIN),
                store_now: self.started_at + skew,
                now: self.started_at,
            };
            let (sighting, old) =
                judge_orphan(key, before.get(key), seen, &self.auditor.settings.orphans);
            let unread = verdicts.unreadable_rows > 0;
            let flagged = old && !unread && skew.abs() <= SKEW_AT_MOST && flags.allow(key);
            let mut finding = self.about(FindingKind::Orphan, &orphan.digest, examined);
            finding.observed_size = Some(orphan.size());
            finding.first_seen = sighting.first_seen;
            let (word, detail) = if flagged {
                (reason::FLAGGED, "no row has wanted it throughout its grace period")
            } else if unread {
                (reason::CANDIDATE, "no row wants it, unless one whose digest cannot be read does")
            } else {
                (reason::CANDIDATE, "no row wants it; not yet old or often enough seen to flag")
            };
            finding.reason = Some(word.to_owned());
            detail.clone_into(&mut finding.detail);
            findings.push(finding);
            sightings.push(sighting);
        }
        // Only complete passes count as sightings.
        if !failed {
            self.unkept.note(ledger.put_sightings(&sightings).await);
        }
        if self.request.slice.is_whole() && !verdicts.empty_over_objects {
            let prefix = verdicts.collection.key.prefix();
            self.unkept.note(ledger.retain_sightings(prefix, &keys).await);
        }
        Ok(findings)
    }
}
