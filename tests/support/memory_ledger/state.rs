//! What a ledger holds of one store.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SubsecRound, Utc};
use restock::ledger::{Fence, FindingKey};
use restock::model::{
    Acceptance, Attempts, BreakerState, Corruption, Digest, Finding, FindingKind, Outcome,
    Publishing, Removal, Repair, Sighting, SourceVerdict, Summary, Upload,
};

use super::findings::Findings;
use super::passes::Passes;

/// Everything, by the keys under which a later value takes the place of an earlier one.
#[derive(Default)]
pub(super) struct State {
    pub(super) passes: Passes,
    pub(super) findings: Findings,
    pub(super) corruptions: BTreeMap<String, Corruption>,
    pub(super) sightings: BTreeMap<String, Sighting>,
    pub(super) attempts: BTreeMap<Digest, Attempts>,
    /// By object and source.
    pub(super) verdicts: BTreeMap<(Digest, String), SourceVerdict>,
    /// In the order in which they were recorded.
    repairs: Vec<(DateTime<Utc>, Repair)>,
    pub(super) publishings: BTreeMap<String, Publishing>,
    /// By plan and key. The times are exact, those in the removals are not.
    removals: BTreeMap<(String, String), (DateTime<Utc>, Removal)>,
    /// By key and id: when they began.
    uploads: BTreeMap<(String, String), DateTime<Utc>>,
    pub(super) breaker: Option<BreakerState>,
    pub(super) notes: BTreeMap<String, String>,
    pub(super) accepted: BTreeMap<Digest, Acceptance>,
    lease: Option<Fence>,
    takeovers: i64,
}

impl State {
    pub(super) fn take_over(&mut self, holder: &str) -> Fence {
        self.takeovers += 1;
        let fence = Fence::new(self.takeovers, holder);
        self.lease = Some(fence.clone());
        fence
    }

    pub(super) fn give_back(&mut self, fence: &Fence) {
        self.lease.take_if(|held| held == fence);
    }

    pub(super) fn is_held_under(&self, fence: &Fence) -> bool {
        self.lease.as_ref() == Some(fence)
    }

    /// Keeps a pass that was recorded with this outcome `before`. Once it is recorded, it closes
    /// nothing of others: they may have come later.
    pub(super) fn keep_pass(
        &mut self,
        summary: &Summary,
        found: &[(FindingKey, Finding)],
        is_full: bool,
        before: Option<Outcome>,
    ) {
        self.passes.keep(summary, is_full, before);
        if before.is_some() {
            self.findings.close_recorded(summary);
        }
        self.findings.keep(summary, found);
        if is_full && before.is_none() {
            self.findings.close_unseen(summary);
        }
    }

    /// Forgets what ended before, save this pass; tells how many those were.
    pub(super) fn prune(&mut self, before: DateTime<Utc>, last_full: Option<&str>) -> usize {
        let n_passes = self.passes.prune(before, last_full);
        let n_findings = self.findings.prune(before);
        let n_others = self.repairs.len() + self.removals.len();
        self.repairs.retain(|(at, _)| *at >= before);
        self.removals.retain(|_, (at, _)| *at >= before);
        n_passes + n_findings + n_others - self.repairs.len() - self.removals.len()
    }

    /// Forgets the sightings that stand for nothing, and the accepted losses that ran out.
    pub(super) fn prune_the_rest(&mut self, before: DateTime<Utc>) {
        let Self { findings, sightings, accepted, .. } = self;
        sightings.retain(|key, sighting| {
            let key = FindingKey { kind: FindingKind::Orphan, subject: key.clone() };
            sighting.counted_at >= before || findings.first_seen(&key).is_some()
        });
        accepted.retain(|_, accepted| accepted.holds(before));
    }

    pub(super) fn sightings_of(&self, keys: &[String]) -> Vec<Sighting> {
        let keys: BTreeSet<&String> = keys.iter().collect();
        keys.into_iter().filter_map(|key| self.sightings.get(key)).cloned().collect()
    }

    /// The keys with this prefix that were sighted and are not among those `seen`.
    pub(super) fn sighted_no_more(&self, prefix: &str, seen: &[String]) -> Vec<String> {
        let seen: BTreeSet<&str> = seen.iter().map(String::as_str).collect();
        let sighted = self.sightings.range(prefix.to_owned()..).map(|(key, _)| key);
        let with_prefix = sighted.take_while(|key| key.starts_with(prefix));
        with_prefix.filter(|key| !seen.contains(key.as_str())).cloned().collect()
    }

    pub(super) fn attempts_of(&self, digests: &[Digest]) -> Vec<(Digest, Attempts)> {
        let digests: BTreeSet<&Digest> = digests.iter().collect();
        let known = |digest| self.attempts.get(digest).map(|attempts| (*digest, attempts.clone()));
        digests.into_iter().filter_map(known).collect()
    }

    pub(super) fn pending_attempts(
        &self,
        after: Option<&Digest>,
        limit: u32,
    ) -> Vec<(Digest, Attempts)> {
        let tried_again = self.findings.tried_again();
        let behind = self.attempts.iter().filter(|(digest, _)| after.is_none_or(|a| *digest > a));
        let pending = behind.filter(|(digest, _)| tried_again.contains(digest));
        let pending = pending.map(|(digest, attempts)| (*digest, attempts.clone()));
        pending.take(limit.try_into().unwrap()).collect()
    }

    pub(super) fn keep_attempts(&mut self, digest: &Digest, attempts: Option<&Attempts>) {
        let Some(attempts) = attempts else {
            self.attempts.remove(digest);
            return;
        };
        let last_at = attempts.last_at.map(|at| at.trunc_subsecs(3));
        self.attempts.insert(*digest, Attempts { last_at, ..attempts.clone() });
    }

    pub(super) fn keep_verdict(&mut self, verdict: &SourceVerdict) {
        let key = (verdict.digest, verdict.source_id.clone());
        let at = verdict.at.trunc_subsecs(3);
        self.verdicts.insert(key, SourceVerdict { at, ..verdict.clone() });
    }

    pub(super) fn keep_repair(&mut self, at: DateTime<Utc>, repair: &Repair) {
        self.repairs.push((at, repair.clone()));
        self.publishings.remove(&repair.key);
        if repair.result.is_success() {
            self.findings.close_repaired(&repair.key, at);
        }
    }

    pub(super) fn repairs_of(&self, digest: &Digest, limit: u32) -> Vec<(DateTime<Utc>, Repair)> {
        let newest = self.repairs.iter().rev();
        let mut found: Vec<_> = newest.filter(|(_, repair)| repair.digest == *digest).collect();
        // Of those that ended at the same time, the one that was recorded last stays the first.
        found.sort_by(|(a, _), (b, _)| b.cmp(a));
        found.into_iter().take(limit.try_into().unwrap()).cloned().collect()
    }

    pub(super) fn keep_removal(&mut self, removal: &Removal) {
        let key = (removal.plan_id.clone(), removal.key.clone());
        let kept = Removal { at: removal.at.trunc_subsecs(3), ..removal.clone() };
        self.removals.insert(key, (removal.at, kept));
    }

    /// The newest first; those of the same time by plan and key.
    pub(super) fn removals(&self, which: impl Fn(&Removal) -> bool) -> Vec<Removal> {
        let mut found: Vec<_> = self.removals.values().filter(|(_, one)| which(one)).collect();
        found.sort_by(|(a, _), (b, _)| b.cmp(a));
        found.into_iter().map(|(_, removal)| removal.clone()).collect()
    }

    pub(super) fn uploads(&self) -> Vec<Upload> {
        let mut uploads: Vec<_> = self.uploads.iter().map(|(upload, at)| (at, upload)).collect();
        uploads.sort();
        let uploads = uploads.into_iter().map(|(_, (key, id))| (key.clone(), id.clone()));
        uploads.map(|(key, id)| Upload { key, id }).collect()
    }

    pub(super) fn begin_upload(&mut self, upload: &Upload, at: DateTime<Utc>) {
        self.uploads.insert((upload.key.clone(), upload.id.clone()), at);
    }

    pub(super) fn end_upload(&mut self, upload: &Upload) {
        self.uploads.remove(&(upload.key.clone(), upload.id.clone()));
    }

    /// Puts a state of the breaker in place of the one that was read; `false` where it is another
    /// by now.
    pub(super) fn swap_breaker(
        &mut self,
        read: Option<&BreakerState>,
        after: Option<&BreakerState>,
    ) -> bool {
        if self.breaker.as_ref() != read {
            return false;
        }
        self.breaker = after.map(|after| {
            let opened_at = after.opened_at.trunc_subsecs(3);
            BreakerState { opened_at, ..after.clone() }
        });
        true
    }
}
