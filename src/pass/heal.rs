//! A pass that carries out its plan, and the report as it stands after healing.

use std::collections::{HashMap, HashSet};

use crate::heal::{Executed, HealError, Healer, held};
use crate::ledger::LedgerError;
use crate::model::{
    Cause, Corruption, Depth, Digest, Finding, FindingKind, PassError, Repair, RepairResult,
    SourceVerdict, Summary, Unhealable, error_chain, reason,
};
use crate::observe::{Event, PassFound};
use crate::plan::{Action, Hold, Plan, Step, Target, next_try, unhealable_from};

use super::describe::{standings, wrong_bytes};
use super::tell::Fault;
use super::{Auditor, KnownSource, PassFailure, PassReport, Request, Restraint, new_id};

impl Auditor {
    /// Runs a pass and carries out its plan. With an open breaker nothing is done, and the
    /// outcome is "refused".
    pub async fn heal(
        &self,
        request: &Request,
        healer: &Healer,
    ) -> Result<PassReport, PassFailure> {
        let pass_id = new_id();
        let pass = async {
            let unsettled = healer.settle_earlier().await.err();
            let mut report = self.look(&pass_id, request).await?;
            if let Some(error) = unsettled {
                report.not_kept(&error);
            }
            report.name_unwanted();
            self.restrain(&mut report.plan, request.restraint).await?;
            self.found(&mut report, request).await;
            let ask_anew = request.digests.is_some();
            let mut report = self.carry_out(report, request, ask_anew, healer).await?;
            self.record(&mut report, request).await;
            Ok(report)
        };
        self.told(&pass_id, request.depth(), pass).await
    }

    /// Carries out a plan that was made earlier: its objects are examined again, and entries that
    /// no longer fit are held. Refused for another catalog or store.
    pub async fn heal_from(
        &self,
        plan: &Plan,
        request: &Request,
        healer: &Healer,
    ) -> Result<PassReport, PassFailure> {
        let pass_id = new_id();
        self.told(&pass_id, Depth::Deep, self.follow(&pass_id, plan, request, healer)).await
    }

    async fn follow(
        &self,
        pass_id: &str,
        plan: &Plan,
        request: &Request,
        healer: &Healer,
    ) -> Result<PassReport, PassFailure> {
        let digests = plan.actions.iter().map(|action| action.target.digest).collect();
        let named =
            Request { digests: Some(digests), replace_unreadable: false, ..request.clone() };
        let (ask_anew, request) = (request.digests.is_some(), named);
        if let Some(why) = plan.misfit(&self.identity()) {
            let empty = Request { digests: Some(Vec::new()), ..request.clone() };
            let mut report = self.look(pass_id, &empty).await?;
            report.summary.errors.push(PassError {
                code: "plan_misfit".to_owned(),
                message: why,
                subject: None,
            });
            report.refuse(&request);
            self.record(&mut report, &request).await;
            return Ok(report);
        }
        let unsettled = healer.settle_earlier().await.err();
        let mut report = self.look(pass_id, &request).await?;
        if let Some(error) = unsettled {
            report.not_kept(&error);
        }
        let unfit = report.keep_only(plan);
        self.found(&mut report, &request).await;
        // Nobody named these digests by hand, so remembered drift is honored.
        let mut report = self.carry_out(report, &request, ask_anew, healer).await?;
        report.repairs.extend(unfit);
        report.count_repairs();
        report.decide_after_heal(&request);
        self.record(&mut report, &request).await;
        Ok(report)
    }

    /// Records and tells what a pass found before it heals any of it: that may take long, and may
    /// be cut off.
    async fn found(&self, report: &mut PassReport, request: &Request) {
        if !report.plan.actions.iter().any(|action| action.step.acts()) {
            return;
        }
        report.decide_after_heal(request);
        self.record(report, request).await;
        self.observer.notice(&Event::Found(PassFound {
            summary: &report.summary,
            findings: &report.findings,
            census: report.census.as_ref(),
        }));
    }

    /// Holds in a plan what a daemon does not do now.
    async fn restrain(&self, plan: &mut Plan, restraint: Restraint) -> Result<(), PassFailure> {
        if restraint.paused {
            plan.hold(|_| Some(Hold::Paused));
        }
        if !restraint.backs_off {
            return Ok(());
        }
        let digests: Vec<_> = plan.actions.iter().map(|action| action.target.digest).collect();
        let waiting = self.waiting(&digests).await?;
        plan.hold(|action| waiting.contains(&action.target.digest).then_some(Hold::BackOff));
        Ok(())
    }

    /// Those of these objects whose last heal failed too short a while ago.
    pub(super) async fn waiting(&self, digests: &[Digest]) -> Result<HashSet<Digest>, LedgerError> {
        let (now, options) = (self.clock.now(), &self.settings.heal);
        let attempts = self.ledger.attempts(digests).await?.into_iter();
        let waits =
            attempts.filter(|(_, own)| next_try(own, options, now).is_some_and(|due| due > now));
        Ok(waits.map(|(digest, _)| digest).collect())
    }

    async fn carry_out(
        &self,
        mut report: PassReport,
        request: &Request,
        ask_anew: bool,
        healer: &Healer,
    ) -> Result<PassReport, PassFailure> {
        let before = self.store.requests();
        // The pass has weighed these itself.
        let stood = self.ledger.corruptions().await.unwrap_or_else(|error| {
            report.not_kept(&error);
            Vec::new()
        });
        match healer.execute(&report.plan, &report.read, ask_anew).await {
            Ok(Executed { repairs, unrecorded }) => {
                report.repairs = repairs;
                if let Some(error) = unrecorded {
                    report.not_kept(&error);
                }
            }
            // Nothing was done, and what was found is told all the same.
            Err(HealError::Ledger(error)) => report.not_kept(&error),
            Err(HealError::Catalog(error)) => {
                let message = format!("nothing was healed: {}", error_chain(&error));
                let error = PassError { code: "catalog".to_owned(), message, subject: None };
                report.summary.errors.push(error);
                report.fault = report.fault.or(Some(Fault::CATALOG));
            }
        }
        match self.known_now().await {
            Ok((verdicts, mut corruptions)) => {
                let stood: HashMap<_, _> = stood.iter().map(|c| (&c.key, c)).collect();
                corruptions.retain(|now| stood.get(&now.key) != Some(&now));
                report.apply(Some(&verdicts), &corruptions);
            }
            Err(error) => {
                report.not_kept(&error);
                report.apply(None, &[]);
            }
        }
        let spent = self.store.requests().since(before);
        let requests = &mut report.summary.store_requests;
        requests.list += spent.list;
        requests.head += spent.head;
        requests.get += spent.get;
        requests.put += spent.put;
        report.decide_after_heal(request);
        if healer.cancel.is_cancelled() {
            self.record(&mut report, request).await;
            return Err(PassFailure::Cancelled);
        }
        Ok(report)
    }

    /// What stands now against sources and objects.
    async fn known_now(&self) -> Result<(Vec<SourceVerdict>, Vec<Corruption>), LedgerError> {
        Ok((self.ledger.verdicts().await?, self.ledger.corruptions().await?))
    }
}

impl PassReport {
    /// Tells of named digests that no row wants: a name mistyped is no clean pass.
    pub(super) fn name_unwanted(&mut self) {
        for digest in std::mem::take(&mut self.unwanted) {
            self.summary.errors.push(PassError {
                code: "no_such_row".to_owned(),
                message: format!("no row of the catalog wants {digest}: there is nothing to heal"),
                subject: Some(digest.to_string()),
            });
        }
    }

    /// Leaves in the plan what an earlier plan holds too; entries of that plan which the world no
    /// longer asks for are returned as held.
    fn keep_only(&mut self, earlier: &Plan) -> Vec<Repair> {
        let wanted: HashMap<&Target, (Cause, Step)> = earlier
            .actions
            .iter()
            .map(|action| (&action.target, (action.cause, action.step)))
            .collect();
        self.plan.actions.retain_mut(|now| {
            let Some((cause, step)) = wanted.get(&now.target) else { return false };
            // What a person had switched off stays off. The breaker is asked now: between plan
            // and execution somebody may have answered it.
            if now.step == Step::Restore && *step == Step::Hold(Hold::HealingOff) {
                now.step = *step;
            }
            now.cause == *cause
        });
        let fits =
            |planned: &&Action| !self.plan.actions.iter().any(|now| now.target == planned.target);
        let unfit = earlier.actions.iter().filter(fits);
        let why = |action: &Action| match action.step {
            Step::ReplaceUnreadable => {
                "only `restock heal DIGEST --replace-unreadable` replaces it"
            }
            Step::Restore | Step::Hold(_) => {
                "the plan no longer fits: it is not in that state any more"
            }
        };
        unfit.map(|action| held(action, why(action))).collect()
    }

    /// Findings and counts as they are after these repairs, with the verdicts that stand now, where
    /// they are known, and the corruptions that were found meanwhile.
    fn apply(&mut self, verdicts: Option<&[SourceVerdict]>, corruptions: &[Corruption]) {
        let corruptions: HashMap<_, _> = corruptions.iter().map(|c| (c.key.as_str(), c)).collect();
        let by_key: HashMap<(String, String), Repair> = self
            .repairs
            .iter()
            .map(|repair| ((repair.collection.clone(), repair.key.clone()), repair.clone()))
            .collect();
        let (summary, sources) = (&mut self.summary, &self.sources);
        self.findings.retain_mut(|finding| {
            let Some(repair) = repair_of(finding, &by_key) else { return true };
            if !repair.result.is_success() {
                let place = (repair.collection.clone(), repair.digest);
                let sources = sources.get(&place).map_or(&[][..], Vec::as_slice);
                if let Some(corruption) = corruptions.get(repair.key.as_str()) {
                    leaves(finding.kind, summary);
                    summary.corrupt = summary.corrupt.map(|n| n + 1);
                    turn_corrupt(finding, corruption);
                }
                if let Some(verdicts) = verdicts {
                    judge_anew(finding, sources, verdicts);
                }
                return true;
            }
            leaves(finding.kind, summary);
            summary.present = summary.present.map(|n| n + 1);
            // Restored bytes were proven on their way, and what was there already was read.
            summary.verified = summary.verified.map(|n| n + 1);
            false
        });
        self.findings.sort();
        self.count_repairs();
    }

    fn count_repairs(&mut self) {
        let count = |wanted: fn(RepairResult) -> bool| {
            u64::try_from(self.repairs.iter().filter(|r| wanted(r.result)).count()).unwrap_or(0)
        };
        self.summary.healed = count(|result| result == RepairResult::Restored);
        self.summary.held = count(|result| result == RepairResult::Held);
        self.summary.heal_failed =
            count(|result| !result.is_success() && result != RepairResult::Held);
        self.summary.bytes_downloaded = self.repairs.iter().map(|repair| repair.bytes).sum();
    }

    fn decide_after_heal(&mut self, request: &Request) {
        let refused = self.summary.breaker.is_some();
        self.decide(request, refused);
    }

    fn refuse(&mut self, request: &Request) {
        self.summary.errors.retain(|error| error.code == "plan_misfit");
        self.decide(request, true);
        self.summary.forget_counts();
        self.summary.outcome = crate::model::Outcome::Refused;
        self.summary.exit_code = self.summary.outcome.exit_code();
    }
}

/// Takes a finding of this kind out of the counts: something lies under its key now.
fn leaves(kind: FindingKind, summary: &mut Summary) {
    let count = match kind {
        FindingKind::Corrupt => &mut summary.corrupt,
        FindingKind::Unknown => &mut summary.unknown,
        FindingKind::Missing
        | FindingKind::InvalidRecord
        | FindingKind::Orphan
        | FindingKind::Foreign => &mut summary.missing,
    };
    *count = count.map(|n| n.saturating_sub(1));
    if kind == FindingKind::Missing {
        summary.observed = summary.observed.map(|n| n + 1);
    }
}

/// What was read under a finding's key while it was healed: the wrong bytes that lie there now.
fn turn_corrupt(finding: &mut Finding, corruption: &Corruption) {
    finding.kind = FindingKind::Corrupt;
    finding.reason = Some(reason::DIGEST_MISMATCH.to_owned());
    finding.observed_size = Some(corruption.meta.size);
    finding.observed_digest = Some(corruption.observed_digest);
    finding.detail = wrong_bytes(corruption.meta.size, &corruption.observed_digest);
}

fn repair_of<'a>(
    finding: &Finding,
    repairs: &'a HashMap<(String, String), Repair>,
) -> Option<&'a Repair> {
    let healed = [FindingKind::Missing, FindingKind::Corrupt, FindingKind::Unknown];
    if !healed.contains(&finding.kind) {
        return None;
    }
    repairs.get(&(finding.collection.clone(), finding.key.clone()?))
}

/// What the sources said meanwhile, in a finding that remains. What forbids a heal whatever they
/// say was known before.
fn judge_anew(finding: &mut Finding, sources: &[KnownSource], verdicts: &[SourceVerdict]) {
    let Some(digest) = finding.digest else { return };
    if finding.kind == FindingKind::Unknown {
        return;
    }
    match finding.unhealable {
        None | Some(Unhealable::SourceGone | Unhealable::SourceDrifted) => {}
        Some(
            Unhealable::NoSource
            | Unhealable::PolicyBlocked
            | Unhealable::TooLarge
            | Unhealable::Disabled,
        ) => return,
    }
    finding.unhealable = unhealable_from(standings(&digest, sources, verdicts));
    finding.healable = Some(finding.unhealable.is_none());
}
