//! A report held against the model, and against itself.

use std::collections::{BTreeMap, BTreeSet};

use restock::model::{BreakerReason, Cause, Finding, FindingKind, Outcome, RepairResult, reason};
use restock::pass::PassReport;

use crate::case::Case;
use crate::memory_source::{Answer, DENIED};
use crate::model::{
    Verdict, Wanted, allowed, has_good_source, has_unreadable, invalid, thing_of, wanted,
};
use crate::step::Kind;
use crate::things::{SECRET, Thing, digest_of, thing_at, things};

/// What a report says of each thing before anything was healed.
fn told(report: &PassReport, case: &Case<'_>) -> BTreeMap<&'static str, Verdict> {
    let mut told = BTreeMap::new();
    for finding in &report.findings {
        let Some(thing) = finding.key.as_deref().and_then(thing_at) else { continue };
        let verdict = match finding.kind {
            FindingKind::Missing => Verdict::Missing,
            FindingKind::Corrupt => Verdict::Corrupt,
            FindingKind::Unknown => Verdict::Unknown,
            FindingKind::Orphan => Verdict::Orphan,
            FindingKind::InvalidRecord | FindingKind::Foreign => continue,
        };
        told.insert(thing.key.as_str(), verdict);
    }
    for repair in &report.repairs {
        let Some(thing) = thing_at(&repair.key) else { continue };
        if repair.result.is_success() {
            let cause = match repair.cause {
                Cause::Missing => Verdict::Missing,
                Cause::Corrupt => Verdict::Corrupt,
            };
            // What nobody can read is replaced as if nothing were there.
            let unread =
                matches!(case.pass.kind, Kind::Named(_, true)) && cause == Verdict::Missing;
            told.insert(thing.key.as_str(), if unread { Verdict::Unknown } else { cause });
        }
    }
    told
}

/// What is wrong with a report.
pub(crate) fn judge(case: &Case<'_>, answers: impl Fn(&str) -> Option<Answer>) -> Vec<String> {
    let mut wrong = Vec::new();
    let report = case.report;
    let failed = report.summary.outcome == Outcome::Failed;
    if failed && case.is_calm_all_over() && !expects_failure(case) {
        wrong.push(format!("it failed though nothing did: {:?}", report.summary.errors));
    }
    verdicts(case, failed, &mut wrong);
    orphans(case, failed, &mut wrong);
    counts(case, &mut wrong);
    code(case, failed, &mut wrong);
    breaker(case, failed, &mut wrong);
    repairs(case, failed, answers, &mut wrong);
    secrets(report, &mut wrong);
    wrong
}

/// A name that no row wants, and a plan that was made for another world, are errors.
fn expects_failure(case: &Case<'_>) -> bool {
    let nobody =
        |thing: &Thing| case.rows.iter().all(|rows| wanted(thing, rows, case) == Wanted::No);
    match case.pass.kind {
        Kind::Named(n, _) => nobody(&things()[n]),
        _ => false,
    }
}

fn verdicts(case: &Case<'_>, failed: bool, wrong: &mut Vec<String>) {
    let told = told(case.report, case);
    let partly = |thing: &Thing| {
        let errors = &case.report.summary.errors;
        errors.iter().any(|e| e.subject.as_deref() == Some(thing.collection))
    };
    for thing in things() {
        let allowed = allowed(thing, case);
        let verdict = match told.get(thing.key.as_str()) {
            Some(verdict) => *verdict,
            None if failed && partly(thing) => continue,
            // Silence: it is right, or young, or nothing is said of it.
            None => {
                let quiet = [Verdict::Present, Verdict::Young, Verdict::Nothing];
                if quiet.iter().any(|verdict| allowed.contains(verdict)) || failed {
                    continue;
                }
                wrong.push(format!("I6: nothing is said of {}, owed: {allowed:?}", thing.key));
                continue;
            }
        };
        let replaced = matches!(case.pass.kind, Kind::Named(_, true))
            && verdict == Verdict::Unknown
            && (allowed.contains(&Verdict::Missing) || allowed.contains(&Verdict::Corrupt));
        if !allowed.contains(&verdict) && !replaced {
            let invariant = match verdict {
                Verdict::Missing | Verdict::Orphan => "I5: ",
                _ => "",
            };
            wrong
                .push(format!("{invariant}{} is called {verdict:?}, owed: {allowed:?}", thing.key));
        }
    }
}

fn orphans(case: &Case<'_>, failed: bool, wrong: &mut Vec<String>) {
    let flagged = |finding: &&Finding| finding.reason.as_deref() == Some(reason::FLAGGED);
    for finding in case.report.findings.iter().filter(flagged) {
        let key = finding.key.as_deref().unwrap_or_default();
        // A ledger that does not take what was seen takes nothing from what was seen.
        if failed && case.report.summary.errors.iter().any(|error| error.code != "ledger") {
            wrong.push(format!("{key} is flagged by a pass that failed"));
        }
        if case.rows.iter().all(|rows| has_unreadable(&finding.collection, rows)) {
            wrong.push(format!("{key} is flagged beside a row that cannot be read"));
        }
        if case.report.summary.breaker.is_some() {
            wrong.push(format!("{key} is flagged while the breaker is open"));
        }
        if case.skew.abs() > 301 {
            wrong.push(format!("{key} is flagged though clocks differ by {} s", case.skew));
        }
    }
}

fn counts(case: &Case<'_>, wrong: &mut Vec<String>) {
    let summary = &case.report.summary;
    let counts =
        (summary.expected, summary.present, summary.missing, summary.corrupt, summary.unknown);
    let (Some(expected), Some(present), Some(missing), Some(corrupt), Some(unknown)) = counts
    else {
        if summary.outcome != Outcome::Failed {
            wrong.push("counts are absent though it did not fail".to_owned());
        }
        return;
    };
    if present + missing + corrupt + unknown != expected {
        wrong.push(format!("I8: {present}+{missing}+{corrupt}+{unknown} are not {expected}"));
    }
    let of = |kind| case.report.findings.iter().filter(|f| f.kind == kind).count() as u64;
    let told = [
        ("missing", missing, of(FindingKind::Missing)),
        ("corrupt", corrupt, of(FindingKind::Corrupt)),
        ("unknown", unknown, of(FindingKind::Unknown)),
        ("orphans", summary.orphans.unwrap_or(0), of(FindingKind::Orphan)),
        ("foreign", summary.foreign.unwrap_or(0), of(FindingKind::Foreign)),
    ];
    for (what, counted, found) in told {
        if counted != found {
            wrong.push(format!("I8: {counted} {what} are counted, {found} are told"));
        }
    }
    let results = |is: fn(RepairResult) -> bool| {
        case.report.repairs.iter().filter(|r| is(r.result)).count() as u64
    };
    if summary.healed != results(|result| result == RepairResult::Restored) {
        wrong.push("I8: `healed` is not the number of repairs that restored".to_owned());
    }
    if summary.held != results(|result| result == RepairResult::Held) {
        wrong.push("I8: `held` is not the number of repairs that were held".to_owned());
    }
    if case.is_calm_all_over() {
        exact_counts(case, wrong);
    }
}

/// Where nothing changed and nothing failed, each number is known.
fn exact_counts(case: &Case<'_>, wrong: &mut Vec<String>) {
    let summary = &case.report.summary;
    let mut owed: BTreeMap<Verdict, u64> = BTreeMap::new();
    for thing in things() {
        let allowed = allowed(thing, case);
        if let (1, Some(verdict)) = (allowed.len(), allowed.first()) {
            *owed.entry(*verdict).or_default() += 1;
        } else if !case.heals() {
            wrong.push(format!("the model does not know {}: {allowed:?}", thing.key));
        }
    }
    let n = |verdict| owed.get(&verdict).copied().unwrap_or(0);
    let mut told = vec![("young", summary.young, n(Verdict::Young))];
    if !case.heals() {
        let expected = [Verdict::Present, Verdict::Missing, Verdict::Corrupt, Verdict::Unknown];
        told.push(("expected", summary.expected, expected.into_iter().map(n).sum()));
        told.push(("present", summary.present, n(Verdict::Present)));
        told.push(("orphans", summary.orphans, n(Verdict::Orphan)));
    }
    for (what, counted, owed) in told {
        if counted != Some(owed) {
            wrong.push(format!("{what}: {counted:?} are counted, {owed} are owed"));
        }
    }
    let (unreadable, mistimed) = invalid(case);
    let mismatches = case
        .report
        .findings
        .iter()
        .filter(|f| f.reason.as_deref() == Some(reason::SIZE_MISMATCH))
        .count() as u64;
    if summary.invalid_records != Some(unreadable + mistimed + mismatches) {
        wrong.push(format!(
            "invalid records: {:?} are counted, {unreadable} unreadable, {mistimed} mistimed and \
             {mismatches} sizes are owed",
            summary.invalid_records
        ));
    }
}

/// The exit code follows from the numbers (contract §2), and 0 from the truth (I6).
fn code(case: &Case<'_>, failed: bool, wrong: &mut Vec<String>) {
    let summary = &case.report.summary;
    let accepted =
        |kind| case.report.findings.iter().filter(|f| f.kind == kind && f.accepted).count() as u64;
    let more = |count: Option<u64>, less: u64| count.unwrap_or(0) > less;
    let findings = more(summary.missing, accepted(FindingKind::Missing))
        || more(summary.corrupt, accepted(FindingKind::Corrupt))
        || more(summary.invalid_records, 0);
    let empty = summary.errors.iter().any(|error| error.code == "empty_catalog");
    let owed = if failed {
        1
    } else if case.heals() && summary.breaker.is_some() {
        4
    } else if findings {
        2
    } else if more(summary.unknown, 0) || empty {
        3
    } else {
        0
    };
    if summary.exit_code != owed {
        wrong.push(format!("it exits with {}, {owed} is owed", summary.exit_code));
    }
    // What nobody reads back, a store that changes bytes on their way in can break.
    if summary.exit_code != 0 || (case.seen.mangled && !case.setting.verify) {
        return;
    }
    for thing in things() {
        let held = |rows: &Vec<_>| {
            case.is_about(thing) && matches!(wanted(thing, rows, case), Wanted::Old(_))
        };
        if !case.rows.iter().all(held) || case.remembered.accepted.contains(&thing.digest) {
            continue;
        }
        let shown = case.seen.ghosts.contains(&thing.key) && !case.reads(thing);
        let archived = case.archived.contains(&thing.key) && case.setting.archived_is_present;
        let is_there = case
            .lay(thing)
            .into_iter()
            .flatten()
            .any(|(bytes, _)| !case.reads(thing) || digest_of(&bytes) == thing.digest);
        if !is_there && !shown && !archived {
            wrong.push(format!("I6: it exits with 0, and {} is not right", thing.key));
        }
    }
}

fn breaker(case: &Case<'_>, failed: bool, wrong: &mut Vec<String>) {
    let summary = &case.report.summary;
    let repairs = case.report.repairs.iter();
    if summary.breaker.is_some() && repairs.clone().any(|r| r.result != RepairResult::Held) {
        wrong.push("the breaker is open, and something was healed".to_owned());
    }
    if failed || !case.is_full() || !case.is_calm_all_over() || !case.setting.breaker {
        return;
    }
    if case.heals() {
        return;
    }
    let (Some(expected), Some(missing), Some(corrupt), Some(unknown), Some(young)) =
        (summary.expected, summary.missing, summary.corrupt, summary.unknown, summary.young)
    else {
        return;
    };
    let (damaged, judged) = (missing + corrupt, expected - unknown);
    let mass = damaged >= 5 && damaged * 5 > judged;
    let last = case.remembered.last_full.as_ref().map_or(0, |last| last.named);
    let lost = last.saturating_sub(expected + young);
    let shrunk = lost >= 5 && lost * 5 > last;
    let before = case.remembered.breaker.as_ref();
    let owed = match before {
        None => mass || shrunk,
        Some(state) if state.acknowledged.is_none() => true,
        Some(state) => {
            let agreed = state.acknowledged.unwrap_or(0);
            match (mass, shrunk, state.reason) {
                (true, _, BreakerReason::MassMissing) => damaged > agreed,
                (false, true, BreakerReason::InventoryShrunk) => expected + young < agreed,
                (false, false, _) => false,
                _ => true,
            }
        }
    };
    if summary.breaker.is_some() != owed {
        wrong.push(format!(
            "the breaker is {:?}, and open is {owed}: {damaged} of {judged}, {lost} of {last} lost, \
             before: {before:?}",
            summary.breaker
        ));
    }
}

fn repairs(
    case: &Case<'_>,
    failed: bool,
    answers: impl Fn(&str) -> Option<Answer>,
    wrong: &mut Vec<String>,
) {
    if !case.heals() && !case.report.repairs.is_empty() {
        wrong.push("I12: an audit repaired".to_owned());
    }
    let mut keys = BTreeSet::new();
    for repair in &case.report.repairs {
        if !keys.insert(&repair.key) {
            wrong.push(format!("{} was repaired twice in one pass", repair.key));
        }
        let Some(thing) = thing_of(&repair.digest) else { continue };
        let was_right = case
            .lay(thing)
            .into_iter()
            .flatten()
            .any(|(bytes, _)| digest_of(&bytes) == thing.digest);
        if repair.result.is_success() && !was_right && !case.seen.mangled {
            wrong.push(format!(
                "I1: {} is called {:?}, and is not right",
                repair.key, repair.result
            ));
        }
    }
    if failed || !case.heals() || !case.is_calm_all_over() || case.report.summary.breaker.is_some()
    {
        return;
    }
    for finding in &case.report.findings {
        let Some(thing) = finding.key.as_deref().and_then(thing_at) else { continue };
        let cause = match finding.kind {
            FindingKind::Missing => Cause::Missing,
            FindingKind::Corrupt => Cause::Corrupt,
            _ => continue,
        };
        if is_owed(case, thing, cause, &answers) {
            wrong.push(format!("I4: {} could be healed, and was not", thing.key));
        }
    }
}

/// Whether a calm heal owes it to restore a thing.
fn is_owed(
    case: &Case<'_>,
    thing: &Thing,
    cause: Cause,
    answers: impl Fn(&str) -> Option<Answer>,
) -> bool {
    let Some(rows) = case.rows.first() else { return false };
    let gives = |url: &str| {
        !url.contains(DENIED)
            && match answers(url) {
                Some(Answer::Gives(bytes) | Answer::Encoded(_, Some(bytes))) => {
                    digest_of(&bytes) == thing.digest
                }
                _ => false,
            }
    };
    let switched_off = (thing.collection == crate::things::ICONS && !case.setting.icons_heal)
        || (cause == Cause::Corrupt && !case.setting.replace_corrupt);
    let obstructed = case.archived.contains(&thing.key) || case.unreadable.contains(&thing.key);
    let waits = case.pass.kind == Kind::Daemon
        && (case.paused
            || case.remembered.attempts.get(&thing.digest).is_some_and(|a| a.failures > 0));
    // What is remembered of its sources is honored, unless a person named it.
    let forgotten = matches!(case.pass.kind, Kind::Named(..))
        || !case.remembered.drifted.contains(&thing.digest);
    let planned = case.pass.kind != Kind::FromPlan;
    has_good_source(thing, rows, gives)
        && !case.seen.mangled
        && !switched_off
        && !obstructed
        && !waits
        && forgotten
        && planned
}

fn secrets(report: &PassReport, wrong: &mut Vec<String>) {
    let text = format!("{:?} {:?} {:?}", report.findings, report.repairs, report.summary);
    if text.contains(SECRET) {
        wrong.push("I11: a report holds a secret of a URL".to_owned());
    }
}
