//! Passes, the last full one, and the totals that outlive them.

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use restock::ledger::{Page, PassCursor};
use restock::model::{Depth, LastFull, Outcome, PassTotals, Summary};

use super::page_of;

/// By how much the clocks of two machines may differ that share a ledger.
const SKEW: TimeDelta = TimeDelta::minutes(5);

/// All passes of a store.
#[derive(Default)]
pub(super) struct Passes {
    kept: BTreeMap<String, Kept>,
    /// In the order of reports.
    totals: Vec<PassTotals>,
}

struct Kept {
    summary: Summary,
    /// By which passes are ordered: in what was the future when the clock was set back, it is
    /// changed, and the summary is not.
    finished_at: DateTime<Utc>,
    is_full: bool,
}

impl Passes {
    /// How a pass stands recorded; `None` where it is not.
    pub(super) fn outcome_of(&self, pass_id: &str) -> Option<Outcome> {
        self.kept.get(pass_id).map(|kept| kept.summary.outcome)
    }

    pub(super) fn keep(&mut self, summary: &Summary, is_full: bool, before: Option<Outcome>) {
        self.move_back_from_the_future(summary);
        self.count(summary, before);
        let started_at = summary.started_at.trunc_subsecs(3);
        let finished_at = summary.finished_at.trunc_subsecs(3);
        let kept = Kept {
            summary: Summary { started_at, finished_at, ..summary.clone() },
            finished_at: summary.finished_at,
            is_full,
        };
        self.kept.insert(summary.pass_id.clone(), kept);
    }

    /// Passes that ended in the future were recorded before the clock was set back: they ended
    /// before this one began.
    fn move_back_from_the_future(&mut self, summary: &Summary) {
        let future = summary.finished_at + SKEW;
        let before = summary.started_at - TimeDelta::milliseconds(1);
        let passes = self.kept.values_mut().map(|kept| &mut kept.finished_at);
        let totals = self.totals.iter_mut().flat_map(|totals| {
            [Some(&mut totals.finished_at), totals.succeeded_at.as_mut()].into_iter().flatten()
        });
        for at in passes.chain(totals).filter(|at| **at > future) {
            *at = before;
        }
    }

    /// A pass that is recorded again is counted once.
    fn count(&mut self, summary: &Summary, before: Option<Outcome>) {
        let failed = summary.outcome == Outcome::Failed;
        let newly_failed = failed && before != Some(Outcome::Failed);
        let (runs, failures) = (u64::from(before.is_none()), u64::from(newly_failed));
        let succeeded_at = (!failed).then_some(summary.finished_at);
        let &Summary { depth, started_at, finished_at, .. } = summary;
        let Some(totals) = self.totals.iter_mut().find(|totals| totals.depth == depth) else {
            let new = PassTotals { depth, runs, failures, started_at, finished_at, succeeded_at };
            self.totals.push(new);
            self.totals.sort_by_key(|totals| totals.depth == Depth::Deep);
            return;
        };
        totals.runs += runs;
        totals.failures += failures;
        totals.succeeded_at = totals.succeeded_at.max(succeeded_at);
        if finished_at >= totals.finished_at {
            (totals.started_at, totals.finished_at) = (started_at, finished_at);
        }
    }

    pub(super) fn totals(&self) -> Vec<PassTotals> {
        self.totals.clone()
    }

    pub(super) fn page(&self, after: Option<&PassCursor>, limit: u32) -> Page<Summary, PassCursor> {
        let mut newest: Vec<_> =
            self.kept.iter().map(|(pass_id, kept)| (kept.finished_at, pass_id, kept)).collect();
        if let Some(after) = after {
            let after = (after.finished_at, &after.pass_id);
            newest.retain(|(at, pass_id, _)| (*at, *pass_id) < after);
        }
        newest.sort_by(|a, b| (b.0, b.1).cmp(&(a.0, a.1)));
        let items = newest.into_iter().map(|(finished_at, pass_id, kept)| {
            (kept.summary.clone(), PassCursor { finished_at, pass_id: pass_id.clone() })
        });
        page_of(items, limit)
    }

    /// The newest pass that went over everything and counted it.
    pub(super) fn last_full_summary(&self) -> Option<Summary> {
        let full = self.kept.values().filter(|kept| kept.is_full);
        let counted = full.filter(|kept| kept.summary.expected.is_some());
        let newest = counted.max_by_key(|kept| (kept.finished_at, &kept.summary.pass_id));
        newest.map(|kept| kept.summary.clone())
    }

    pub(super) fn last_full(&self) -> Option<LastFull> {
        let Summary { pass_id, finished_at, expected, young, .. } = self.last_full_summary()?;
        let named = expected?.saturating_add(young.unwrap_or(0));
        Some(LastFull { pass_id, finished_at, named })
    }

    /// Forgets those that ended before, save this one; tells how many.
    pub(super) fn prune(&mut self, before: DateTime<Utc>, last_full: Option<&str>) -> usize {
        let n_before = self.kept.len();
        self.kept.retain(|pass_id, kept| {
            kept.finished_at >= before || Some(pass_id.as_str()) == last_full
        });
        n_before - self.kept.len()
    }
}
