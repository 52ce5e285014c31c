//! From verdicts to a report: the breaker, the orphans, the findings, the plan, the numbers.

use std::collections::{BTreeMap, HashSet};

use crate::ledger::FindingKey;
use crate::model::{
    BreakerState, BreakerSummary, Finding, FindingKind, PassError, Span, Summary, Unhealable,
    reason,
};
use crate::plan::{Hold, PassCounts, judge_breaker, make_plan};

use super::examine::Examined;
use super::flag::SKEW_AT_MOST;
use super::outcome::{Accepted, Circumstances};
use super::{Auditor, Context, PassFailure, PassReport, Request};

/// The breaker after a pass.
struct Latched {
    /// As the ledger has it.
    breaker: Option<BreakerState>,
    /// As it would be, had the pass seen everything.
    judged: Option<BreakerState>,
}

impl Context<'_> {
    pub(super) async fn conclude(
        self,
        examined: Vec<Examined>,
        mut errors: Vec<PassError>,
    ) -> Result<PassReport, PassFailure> {
        let failed = !errors.is_empty();
        let full = self.request.is_full() && !failed;
        let counts = count(&examined);
        let Latched { breaker, judged } = self.latch(counts, failed).await?;
        let is_open =
            |state: &Option<BreakerState>| state.as_ref().is_some_and(BreakerState::is_open);
        let hold_all = match (is_open(&breaker), is_open(&judged)) {
            (true, _) => Some(Hold::Breaker),
            (false, true) => Some(Hold::Incomplete),
            (false, false) => None,
        };
        let flags = self.flags(&examined, breaker.as_ref(), failed).await?;
        let mut findings = Vec::new();
        for one in &examined {
            findings.extend(self.describe(one).await?);
            findings.extend(self.orphans(one, &flags, failed).await?);
            errors.extend(warnings(one));
        }
        self.remember_first_seen(&mut findings).await?;
        findings.sort();
        let plan =
            make_plan(&findings, &self.pass_id, self.started_at, self.auditor.identity(), hold_all);
        let read = examined
            .iter()
            .flat_map(|one| {
                let key = &one.verdicts.collection.key;
                let read = one.verdicts.corrupt.iter().filter(|corrupt| corrupt.read_now);
                read.map(|corrupt| (key.render(&corrupt.digest), corrupt.meta.clone()))
            })
            .collect();
        let mut summary = self.sum_up(&examined, &findings, errors);
        summary.breaker = breaker.filter(BreakerState::is_open).map(|state| BreakerSummary {
            reason: state.reason.as_str().to_owned(),
            missing: state.missing,
            expected: state.expected,
        });
        // Where a collection gave no verdict, its rows may want them.
        let named = self.request.digests.iter().flatten().filter(|_| !failed);
        let unwanted = named.filter(|d| !examined.iter().any(|one| one.rows.contains_key(d)));
        let unwanted = unwanted.copied().collect();
        let repairs = Vec::new();
        let sources = self.sources_of(&plan, &examined);
        let mut report = PassReport {
            findings,
            repairs,
            summary,
            plan,
            read,
            sources,
            full,
            unwanted,
            fault: None,
            census: None,
            rows: examined.iter().map(|one| one.verdicts.rows).sum(),
            at_risk: at_risk(&examined),
        };
        report.decide(self.request, false);
        if failed {
            report.summary.forget_counts();
        }
        Ok(report)
    }

    /// Judges the world, and latches the breaker where that is called for.
    async fn latch(&self, counts: PassCounts, failed: bool) -> Result<Latched, PassFailure> {
        let full = self.request.is_full() && !failed;
        let ledger = &self.auditor.ledger;
        loop {
            // Read again: somebody may have answered it while the pass ran.
            let before = ledger.breaker().await?;
            let judged = self.judge(before.as_ref(), counts, full);
            // A part of the scope cannot tell the share of the whole. It opens nothing for later
            // passes, and holds what this one would do.
            let breaker = if failed { before.clone() } else { judged.clone() };
            // Or answers it at this very moment.
            if breaker == before || ledger.swap_breaker(before.as_ref(), breaker.as_ref()).await? {
                return Ok(Latched { breaker, judged });
            }
        }
    }

    fn judge(
        &self,
        before: Option<&BreakerState>,
        counts: PassCounts,
        full: bool,
    ) -> Option<BreakerState> {
        // A person who names digests has looked; the latch binds all the same.
        if self.request.digests.is_some() {
            return before.cloned();
        }
        judge_breaker(
            before,
            counts,
            full.then_some(self.known.last_full.as_ref()),
            &self.auditor.settings.breaker,
            self.started_at,
        )
    }

    async fn remember_first_seen(&self, findings: &mut [Finding]) -> Result<(), PassFailure> {
        let keys: Vec<_> = findings.iter().map(finding_key).collect();
        let seen = self.auditor.ledger.first_seen(&keys).await?;
        for (finding, seen) in findings.iter_mut().zip(seen) {
            // A corruption that stands was found when it was read, and nothing in the future.
            let first = seen.unwrap_or(finding.first_seen).min(finding.first_seen);
            finding.first_seen = first.min(self.started_at);
        }
        Ok(())
    }

    fn sum_up(
        &self,
        examined: &[Examined],
        findings: &[Finding],
        errors: Vec<PassError>,
    ) -> Summary {
        let sum = |of: fn(&Examined) -> u64| Some(examined.iter().map(of).sum());
        let of_kind = |kind| size(findings.iter().filter(|f| f.kind == kind).count());
        let counts = count(examined);
        let malformed_rows: u64 = examined.iter().map(|e| e.verdicts.malformed_rows).sum();
        let mismatches: usize = examined.iter().map(|e| e.verdicts.size_mismatches.len()).sum();
        let flagged = findings.iter().filter(|f| f.reason.as_deref() == Some(reason::FLAGGED));
        Summary {
            pass_id: self.pass_id.clone(),
            command: self.request.command,
            depth: self.request.depth(),
            slice: (!self.request.slice.is_whole()).then(|| self.request.slice.to_string()),
            started_at: self.started_at,
            finished_at: self.auditor.clock.now(),
            outcome: crate::model::Outcome::Clean,
            exit_code: 0,
            expected: Some(counts.expected),
            observed: sum(|e| e.verdicts.observed),
            present: sum(|e| e.verdicts.present),
            verified: sum(|e| e.verdicts.verified),
            missing: Some(of_kind(FindingKind::Missing)),
            corrupt: Some(of_kind(FindingKind::Corrupt)),
            unknown: Some(of_kind(FindingKind::Unknown)),
            young: sum(|e| e.verdicts.young),
            accepted: Some(size(findings.iter().filter(|f| f.accepted).count())),
            orphans: Some(of_kind(FindingKind::Orphan)),
            orphans_flagged: Some(size(flagged.count())),
            orphan_bytes: sum(|e| e.verdicts.orphans.iter().map(crate::model::Record::size).sum()),
            foreign: Some(of_kind(FindingKind::Foreign)),
            invalid_records: Some(malformed_rows + size(mismatches)),
            at_risk: sum(|e| e.verdicts.at_risk.values().sum()),
            healed: 0,
            heal_failed: 0,
            held: 0,
            bytes_verified: examined.iter().map(|e| e.verdicts.bytes_verified).sum(),
            bytes_downloaded: 0,
            store_requests: self.auditor.store.requests().since(self.requests_before),
            breaker: None,
            errors,
        }
    }
}

impl Auditor {
    /// Keeps a pass in the ledger.
    pub(super) async fn record(
        &self,
        report: &mut PassReport,
        request: &Request,
    ) -> Result<(), PassFailure> {
        // A clock that was set back meanwhile lets no pass end before it began.
        report.summary.finished_at = self.clock.now().max(report.summary.started_at);
        let keyed: Vec<_> = report.findings.iter().map(|f| (finding_key(f), f.clone())).collect();
        let full = report.full && request.is_full();
        self.ledger.record_pass(&report.summary, &keyed, full).await?;
        report.census = report.count_all();
        self.remember(report, request).await?;
        let retain = Span(self.settings.retain).delta();
        if let Some(before) = report.summary.finished_at.checked_sub_signed(retain) {
            self.ledger.prune(before).await?;
        }
        Ok(())
    }
}

impl PassReport {
    /// Settles outcome and exit code from what the report holds.
    pub(super) fn decide(&mut self, request: &Request, refused: bool) {
        let has = |code: &str| self.summary.errors.iter().any(|error| error.code == code);
        let soft = ["empty_catalog", "clock_skew"];
        let around = Circumstances {
            failed: self.summary.errors.iter().any(|e| !soft.contains(&e.code.as_str())),
            incomplete: has("empty_catalog"),
            refused,
            accepted: Accepted::of(&self.findings),
        };
        let n = self.summary.accepted.map(|_| around.accepted.missing + around.accepted.corrupt);
        self.summary.accepted = n;
        self.summary.outcome = request.fail_on.outcome(&self.summary, around);
        self.summary.exit_code = self.summary.outcome.exit_code();
    }
}

fn count(examined: &[Examined]) -> PassCounts {
    let mut counts = PassCounts::default();
    for one in examined {
        let verdicts = &one.verdicts;
        let damaged = size(verdicts.missing.len() + verdicts.corrupt.len());
        let unknown = size(verdicts.unknown.len());
        counts.expected += verdicts.present + damaged + unknown;
        counts.unknown += unknown;
        counts.damaged += damaged;
    }
    counts
}

fn at_risk(examined: &[Examined]) -> BTreeMap<Unhealable, u64> {
    let mut all = BTreeMap::new();
    for (why, count) in examined.iter().flat_map(|one| &one.verdicts.at_risk) {
        *all.entry(*why).or_default() += count;
    }
    all
}

fn warnings(examined: &Examined) -> Vec<PassError> {
    let verdicts = &examined.verdicts;
    let warn = |code: &str, message: String| PassError {
        code: code.to_owned(),
        message,
        subject: Some(verdicts.collection.name.clone()),
    };
    let mut told = Vec::new();
    if verdicts.empty_over_objects {
        told.push(warn(
            "empty_catalog",
            format!(
                "the catalog has no row of collection `{}`, and {} objects lie under `{}`: none of \
                 them is called an orphan; is this the right catalog?",
                verdicts.collection.name,
                verdicts.observed,
                verdicts.collection.key.prefix()
            ),
        ));
    }
    if let Some(skew) = verdicts.skew.filter(|skew| skew.abs() > SKEW_AT_MOST) {
        told.push(warn(
            "clock_skew",
            format!(
                "the store's clock and this machine's differ by {} s: no orphan is flagged",
                skew.num_seconds()
            ),
        ));
    }
    told
}

/// The subject under which the ledger keeps a finding.
pub(super) fn finding_key(finding: &Finding) -> FindingKey {
    let subject = finding.key.clone().unwrap_or_else(|| {
        let refs: HashSet<_> = finding.refs.iter().chain(&finding.names).collect();
        let mut refs: Vec<_> = refs.into_iter().map(String::as_str).collect();
        refs.sort_unstable();
        format!("{}: {} {}", finding.collection, finding.detail, refs.join(" "))
    });
    FindingKey { kind: finding.kind, subject }
}

fn size(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
