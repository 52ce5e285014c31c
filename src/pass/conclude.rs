//! From verdicts to a report: the breaker, the orphans, the findings, the plan, the numbers.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::ledger::{FindingKey, LedgerError};
use crate::model::{
    BreakerState, BreakerSummary, Cause, Finding, FindingKind, PassError, Span, Summary,
    Unhealable, reason,
};
use crate::observe::Event;
use crate::plan::{BreakerTurn, Hold, PassCounts, Plan, judge_breaker, make_plan, switched_off};

use super::examine::Examined;
use super::flag::SKEW_AT_MOST;
use super::outcome::{Accepted, Circumstances};
use super::verdicts::Verdicts;
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
        let mut plan = self.plan(&findings, hold_all);
        let read: HashMap<_, _> = examined
            .iter()
            .flat_map(|one| {
                let key = &one.verdicts.collection.key;
                let read = one.verdicts.corrupt.iter().filter(|corrupt| corrupt.read_now);
                read.map(|corrupt| {
                    let corruption = corrupt.under(key.render(&corrupt.digest));
                    (corruption.key.clone(), corruption)
                })
            })
            .collect();
        if self.request.replace_unreadable && self.request.digests.is_some() {
            let held = |finding: &Finding| hold_all.or_else(|| self.holds_unreadable(finding));
            plan.replace_unreadable(&findings, |key| read.contains_key(key), held);
        }
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
        report.take_unkept(self.unkept.into_error());
        report.decide(self.request, false);
        if failed {
            report.summary.forget_counts();
        }
        Ok(report)
    }

    /// Why an object that nobody can read is left as it is, although a person named it.
    fn holds_unreadable(&self, finding: &Finding) -> Option<Hold> {
        let mut collections = self.auditor.catalog.collections().iter();
        let heals = collections.any(|c| c.name == finding.collection && c.heal);
        // Something lies there, as with a corrupt object.
        switched_off(&self.auditor.settings.heal, heals, Cause::Corrupt)
    }

    fn plan(&self, findings: &[Finding], hold_all: Option<Hold>) -> Plan {
        let (identity, options) = (self.auditor.identity(), &self.auditor.settings.heal);
        make_plan(findings, &self.pass_id, self.started_at, identity, hold_all, options)
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
            if breaker == before {
                return Ok(Latched { breaker, judged });
            }
            match ledger.swap_breaker(before.as_ref(), breaker.as_ref()).await {
                Ok(false) => continue,
                Ok(true) => {}
                // It holds for this pass all the same.
                Err(error) => self.unkept.note(Err(error)),
            }
            if let Some(turn) = BreakerTurn::between(before.as_ref(), breaker.as_ref()) {
                self.auditor.observer.notice(&Event::BreakerTurned(&turn));
            }
            return Ok(Latched { breaker, judged });
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
        let of_rows = |e: &Examined| e.verdicts.malformed_rows + e.verdicts.mistimed_rows;
        let invalid_rows: u64 = examined.iter().map(of_rows).sum();
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
            invalid_records: Some(invalid_rows + size(mismatches)),
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
    /// Keeps a pass in the ledger. One that cannot be kept is told all the same, and has failed.
    pub(super) async fn record(&self, report: &mut PassReport, request: &Request) {
        // A clock that was set back meanwhile lets no pass end before it began.
        report.summary.finished_at = self.clock.now().max(report.summary.started_at);
        if let Err(error) = self.keep(report, request).await {
            report.fail_unkept(&error, request);
        }
    }

    async fn keep(&self, report: &mut PassReport, request: &Request) -> Result<(), LedgerError> {
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
        let around = Circumstances {
            failed: !self.summary.errors.iter().all(PassError::only_holds_orphans),
            incomplete: has(PassError::EMPTY_CATALOG),
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
        let expected = verdicts.present + damaged + unknown;
        counts.expected += expected;
        counts.named += expected + verdicts.young;
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
            PassError::EMPTY_CATALOG,
            format!(
                "{}, and {} objects lie under `{}`: none of them is called an orphan; is this the \
                 right catalog?",
                without_digest(verdicts),
                verdicts.observed,
                verdicts.collection.key.prefix()
            ),
        ));
    }
    if verdicts.unreadable_rows > 0 {
        let (n, name) = (verdicts.unreadable_rows, &verdicts.collection.name);
        told.push(warn(
            PassError::UNREADABLE_ROWS,
            format!(
                "{n} row{} of collection `{name}` {} a digest that cannot be read, and may want \
                 any object: no orphan of the collection is flagged or taken away until that is \
                 mended",
                if n == 1 { "" } else { "s" },
                if n == 1 { "has" } else { "have" },
            ),
        ));
    }
    if let Some(skew) = verdicts.skew.filter(|skew| skew.abs() > SKEW_AT_MOST) {
        told.push(warn(
            PassError::CLOCK_SKEW,
            format!(
                "the store's clock and this machine's differ by {} s: no orphan is flagged",
                skew.num_seconds()
            ),
        ));
    }
    told
}

/// That a collection wants nothing, as far as its rows tell, in the words of its rows.
fn without_digest(verdicts: &Verdicts) -> String {
    let name = &verdicts.collection.name;
    match (verdicts.rows, verdicts.unreadable_rows) {
        (None | Some(0), _) => format!("the catalog has no row of collection `{name}`"),
        (Some(n), 0) => format!("the digest of all rows ({n}) of collection `{name}` is NULL"),
        (Some(n), _) => {
            format!("no row of collection `{name}` ({n} in all) has a digest that can be read")
        }
    }
}

/// The subject under which the ledger keeps a finding.
pub(super) fn finding_key(finding: &Finding) -> FindingKey {
    let of_key = |key: &String| match finding.reason.as_deref() {
        // An object may have several invalid records.
        Some(why @ (reason::FUTURE | reason::UNREADABLE_TIME)) => format!("{key}: {why}"),
        Some(_) | None => key.clone(),
    };
    let of_rows = || {
        let refs: HashSet<_> = finding.refs.iter().chain(&finding.names).collect();
        let mut refs: Vec<_> = refs.into_iter().map(String::as_str).collect();
        refs.sort_unstable();
        format!("{}: {} {}", finding.collection, finding.detail, refs.join(" "))
    };
    let subject = finding.key.as_ref().map_or_else(of_rows, of_key);
    FindingKey { kind: finding.kind, subject }
}

fn size(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
