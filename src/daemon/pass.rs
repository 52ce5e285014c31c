//! [`OnePass`]: one pass of the daemon, by the same engine as the one-shot commands.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;

use crate::clock::Clock;
use crate::ledger::Ledger;
use crate::model::{Command, Depth, Outcome, Slice, Span, Summary, error_chain};
use crate::observe::{Observer, Tee};
use crate::pass::{FailOn, PassFailure, PassReport, Request, Restraint};
use crate::plan::{Reading, Rotation};

use super::journal::FoundLog;
use super::memory;
use super::opener::{OpenFailure, Opened, Opener, Plan, Side};
use super::tell::tell_unopened;

/// One deep pass takes at most this part of the time to the next: shallow passes wait for it.
const PART_OF_INTERVAL: u128 = 2;

/// Everything for one pass.
pub(super) struct OnePass {
    pub(super) opener: Arc<dyn Opener>,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) paused: bool,
    pub(super) depth: Depth,
}

/// How a pass of the daemon ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// The pass, where it began.
    pub(super) pass_id: Option<String>,
    /// One line for people.
    pub(super) line: String,
    /// Whether the catalog answered; `None` where it was not asked.
    pub(super) catalog: Option<Result<(), Arc<str>>>,
    /// Whether the store answered; `None` where it was not asked.
    pub(super) store: Option<Result<(), Arc<str>>>,
}

impl Ended {
    /// A pass of which no more is known than this line.
    fn with(line: String) -> Self {
        Self { pass_id: None, line, catalog: None, store: None }
    }
}

impl OnePass {
    /// Runs the pass. A panic of it, which is a bug, ends nothing else.
    pub(super) async fn run(self) -> Ended {
        let ran = AssertUnwindSafe(self.run_once()).catch_unwind().await;
        ran.unwrap_or_else(|_| {
            tracing::error!("a pass ended by a bug of restock; its panic is told above");
            Ended::with("the last pass ended by a bug".to_owned())
        })
    }

    async fn run_once(self) -> Ended {
        let began = self.clock.now();
        let mut opened = match self.opener.open().await {
            Ok(opened) => opened,
            Err(failure) => return self.not_opened(&failure, began),
        };
        let plan = self.opener.plan();
        let rotation = match self.rotation(&plan, began).await {
            Ok(rotation) => rotation,
            Err(why) => {
                return self.not_opened(&OpenFailure { side: Side::Other, message: why }, began);
            }
        };
        let slice = rotation.as_ref().and_then(|rotation| Self::slice(rotation, &plan, began));
        let request = self.request(&opened, slice);
        let found = Arc::new(FoundLog::default());
        let heard: Arc<dyn Observer> = Arc::<FoundLog>::clone(&found);
        opened.auditor.observer = Arc::new(Tee::new([Arc::clone(&opened.auditor.observer), heard]));
        match opened.auditor.heal(&request, &opened.healer).await {
            Ok(report) => {
                found.log_rest(&report);
                if let (Some(rotation), Some(slice)) = (rotation, slice) {
                    self.advance(&rotation, slice, &plan, &report).await;
                }
                told(&report)
            }
            Err(PassFailure::Cancelled) => Ended::with("the last pass was cut off".to_owned()),
            Err(error) => {
                let why = error_chain(&error);
                tracing::error!("the pass failed: {why}");
                Ended::with(format!("the last pass failed: {why}"))
            }
        }
    }

    fn request(&self, opened: &Opened, deep: Option<Slice>) -> Request {
        let heals = opened.auditor.settings.heal.enabled && !self.paused;
        Request {
            command: if heals { Command::Heal } else { Command::Audit },
            collections: Vec::new(),
            slice: Slice::WHOLE,
            deep,
            digests: None,
            replace_unreadable: false,
            fail_on: FailOn::default(),
            restraint: Restraint { backs_off: true, paused: self.paused },
        }
    }

    async fn rotation(&self, plan: &Plan, now: DateTime<Utc>) -> Result<Option<Rotation>, String> {
        if self.depth == Depth::Shallow {
            return Ok(None);
        }
        let interval = plan.deep.interval(now).unwrap_or_else(TimeDelta::zero);
        let known = memory::rotation(&*self.ledger, now, interval).await;
        let known = known.map_err(|error| error_chain(&error))?;
        Ok(Some(known.unwrap_or_else(|| Rotation::beginning(now, interval))))
    }

    /// The slice to read now, no wider than can be read before others wait too long.
    fn slice(rotation: &Rotation, plan: &Plan, now: DateTime<Utc>) -> Option<Slice> {
        let interval = plan.deep.interval(now).and_then(|delta| delta.to_std().ok());
        let bytes = interval.map(|interval| {
            let whole = u128::from(plan.bandwidth.0).saturating_mul(interval.as_millis()) / 1000;
            u64::try_from(whole / PART_OF_INTERVAL).unwrap_or(u64::MAX)
        });
        rotation.due(now, plan.cycle.delta(), bytes)
    }

    async fn advance(&self, rotation: &Rotation, slice: Slice, plan: &Plan, report: &PassReport) {
        let summary = &report.summary;
        if summary.outcome == Outcome::Failed {
            return;
        }
        let cycle = plan.cycle.delta();
        let read =
            Reading { objects: summary.verified.unwrap_or(0), bytes: summary.bytes_verified };
        let next = rotation.advanced(slice, summary.started_at, cycle, read);
        let debt = next.debt(self.clock.now());
        if debt > plan.deep.interval(summary.started_at).unwrap_or(cycle) * 2 {
            tracing::warn!("{}", lag_sentence(debt));
        }
        if let Err(error) = memory::keep_rotation(&*self.ledger, &next).await {
            let why = error_chain(&error);
            tracing::error!("the slice that was read is read again, as it was not kept: {why}");
        }
    }

    fn not_opened(&self, failure: &OpenFailure, began: DateTime<Utc>) -> Ended {
        tell_unopened(failure, self.depth, began, self.clock.now(), &*self.observer);
        tracing::error!("no pass: {failure}");
        let why: Arc<str> = failure.message.as_str().into();
        let of = |side| (failure.side == side).then(|| Err(Arc::clone(&why)));
        Ended {
            pass_id: None,
            line: format!("no pass: {failure}"),
            catalog: of(Side::Catalog),
            store: of(Side::Store),
        }
    }
}

fn told(report: &PassReport) -> Ended {
    let Summary { outcome, expected, missing, corrupt, healed, .. } = &report.summary;
    let n = |count: &Option<u64>| count.map_or("?".to_owned(), |count| count.to_string());
    let line = format!(
        "last pass {}: {} expected, {} missing, {} corrupt, {healed} healed",
        outcome.as_str(),
        n(expected),
        n(missing),
        n(corrupt),
    );
    let by = |codes: &[&str]| {
        let mut errors = report.summary.errors.iter();
        let error = errors.find(|error| codes.contains(&error.code.as_str()));
        Some(error.map_or(Ok(()), |error| Err(Arc::from(error.message.as_str()))))
    };
    let pass_id = Some(report.summary.pass_id.clone());
    Ended { pass_id, line, catalog: by(&["catalog"]), store: by(&["listing", "store"]) }
}

fn lag_sentence(debt: TimeDelta) -> String {
    let debt = Span::seconds(debt.num_seconds().try_into().unwrap_or(0));
    format!("reading lags {debt} behind: raise `bandwidth` or `cycle` in [deep]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_is_told_in_units_that_fit() {
        let told = |seconds: i64| lag_sentence(TimeDelta::milliseconds(seconds * 1000 + 7));
        assert!(told(12).contains("lags 12s behind"), "{}", told(12));
        assert!(told(5400).contains("lags 1h 30m behind"), "{}", told(5400));
        assert!(told(3 * 86_400).contains("lags 3d behind"), "{}", told(3 * 86_400));
    }
}
