//! Findings: since when each stands, and which no longer do.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use restock::ledger::{FindingCursor, FindingKey};
use restock::model::{Digest, Finding, FindingCount, FindingKind, Summary, Unhealable};

/// All findings of a store, by kind and subject.
#[derive(Default)]
pub(super) struct Findings(BTreeMap<FindingKind, BTreeMap<String, Kept>>);

struct Kept {
    finding: Finding,
    last_pass: String,
    /// `None` while it stands.
    closed_at: Option<DateTime<Utc>>,
}

impl Findings {
    /// A finding that stands keeps its first sighting, one that was closed begins anew. A sighting
    /// in the future was made before the clock was set back.
    pub(super) fn keep(&mut self, summary: &Summary, found: &[(FindingKey, Finding)]) {
        for (key, finding) in found {
            let mut kept = Kept {
                finding: finding.clone(),
                last_pass: summary.pass_id.clone(),
                closed_at: None,
            };
            let of_kind = self.0.entry(key.kind).or_default();
            if let Some(before) = of_kind.get_mut(&key.subject) {
                let first_seen = before.finding.first_seen;
                if before.stands() && first_seen <= finding.first_seen {
                    kept.finding.first_seen = first_seen;
                }
                *before = kept;
            } else {
                of_kind.insert(key.subject.clone(), kept);
            }
        }
    }

    /// Closes those that stand and were last seen by another pass than this one.
    pub(super) fn close_unseen(&mut self, summary: &Summary) {
        self.close(summary.finished_at, |kept| kept.last_pass != summary.pass_id);
    }

    /// Closes those that this pass recorded before.
    pub(super) fn close_recorded(&mut self, summary: &Summary) {
        self.close(summary.finished_at, |kept| kept.last_pass == summary.pass_id);
    }

    fn close(&mut self, at: DateTime<Utc>, which: impl Fn(&Kept) -> bool) {
        let all = self.0.values_mut().flat_map(BTreeMap::values_mut);
        for kept in all.filter(|kept| kept.stands() && which(kept)) {
            kept.closed_at = Some(at);
        }
    }

    /// Closes those about an object that is right again.
    pub(super) fn close_repaired(&mut self, key: &str, at: DateTime<Utc>) {
        for kind in [FindingKind::Missing, FindingKind::Corrupt, FindingKind::Unknown] {
            let kept = self.0.get_mut(&kind).and_then(|of_kind| of_kind.get_mut(key));
            if let Some(kept) = kept.filter(|kept| kept.stands()) {
                kept.closed_at = Some(at);
            }
        }
    }

    /// When one that stands was first seen.
    pub(super) fn first_seen(&self, key: &FindingKey) -> Option<DateTime<Utc>> {
        let kept = self.0.get(&key.kind)?.get(&key.subject)?;
        kept.stands().then_some(kept.finding.first_seen)
    }

    /// Those of one kind that stand, by collection and subject, from behind a cursor on.
    pub(super) fn standing_of(
        &self,
        kind: FindingKind,
        after: Option<&FindingCursor>,
        limit: usize,
    ) -> Vec<(Finding, FindingCursor)> {
        let after = after.filter(|after| after.kind == kind);
        let after = after.map(|after| (after.collection.as_str(), after.subject.as_str()));
        let mut found: Vec<_> = self
            .0
            .get(&kind)
            .into_iter()
            .flatten()
            .filter(|(_, kept)| kept.stands())
            .map(|(subject, kept)| ((kept.finding.collection.as_str(), subject.as_str()), kept))
            .filter(|(place, _)| after.is_none_or(|after| *place > after))
            .collect();
        found.sort_by_key(|(place, _)| *place);
        let found = found.into_iter().take(limit).map(|((collection, subject), kept)| {
            let (collection, subject) = (collection.to_owned(), subject.to_owned());
            (kept.finding.clone(), FindingCursor { kind, collection, subject })
        });
        found.collect()
    }

    pub(super) fn of(&self, digest: &Digest) -> Vec<Finding> {
        let about = self.standing().filter(|finding| finding.digest.as_ref() == Some(digest));
        let mut found: Vec<_> = about.cloned().collect();
        found.sort();
        found
    }

    pub(super) fn counts(&self) -> Vec<FindingCount> {
        let mut sorts = BTreeMap::new();
        for finding in self.standing() {
            let Finding { kind, reason, healable, unhealable, accepted, first_seen, .. } = finding;
            let sort = (*kind, reason.clone(), *healable, *unhealable, *accepted);
            let (count, oldest) = sorts.entry(sort).or_insert((0, *first_seen));
            *count += 1;
            *oldest = (*oldest).min(*first_seen);
        }
        let counts = sorts.into_iter().map(|(sort, (count, oldest))| {
            let (kind, reason, healable, unhealable, accepted) = sort;
            FindingCount { kind, reason, healable, unhealable, accepted, count, oldest }
        });
        counts.collect()
    }

    /// The objects about which one stands that a heal would try again.
    pub(super) fn tried_again(&self) -> BTreeSet<Digest> {
        let waits = |why| why != Unhealable::SourceGone;
        let tried = self.standing().filter(|finding| !finding.unhealable.is_some_and(waits));
        tried.filter_map(|finding| finding.digest).collect()
    }

    /// Forgets those that were closed before; tells how many.
    pub(super) fn prune(&mut self, before: DateTime<Utc>) -> usize {
        let n_before = self.len();
        for of_kind in self.0.values_mut() {
            of_kind.retain(|_, kept| kept.closed_at.is_none_or(|closed_at| closed_at >= before));
        }
        n_before - self.len()
    }

    fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    fn standing(&self) -> impl Iterator<Item = &Finding> {
        let all = self.0.values().flat_map(BTreeMap::values);
        all.filter(|kept| kept.stands()).map(|kept| &kept.finding)
    }
}

impl Kept {
    const fn stands(&self) -> bool {
        self.closed_at.is_none()
    }
}
