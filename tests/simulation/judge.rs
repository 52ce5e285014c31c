//! A report held against the model, and against itself.

use std::collections::BTreeMap;

use restock::model::{Cause, Finding, FindingKind, Outcome, PassError, RepairResult, reason};
use restock::pass::PassReport;

use crate::breaker::breaker;
use crate::case::Case;
use crate::memory_source::Answer;
use crate::model::{Verdict, Wanted, allowed, has_unreadable, invalid, wanted};
use crate::repairs::repairs;
use crate::step::Kind;
use crate::things::{SECRET, Thing, digest_of, thing_at, things};

/// What a report says of each thing before anything was healed.
pub(crate) type Told = BTreeMap<&'static str, Verdict>;

fn told(report: &PassReport, case: &Case<'_>) -> Told {
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
    let told = told(report, case);
    breaker(case, &told, &mut wrong);
    repairs(case, answers, &mut wrong);
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

/// Whether a pass failed by this over what it saw, and not over what it kept.
pub(crate) fn is_about_what_was_seen(error: &PassError) -> bool {
    error.code != "ledger" && !error.only_holds_orphans()
}

fn orphans(case: &Case<'_>, failed: bool, wrong: &mut Vec<String>) {
    let flagged = |finding: &&Finding| finding.reason.as_deref() == Some(reason::FLAGGED);
    for finding in case.report.findings.iter().filter(flagged) {
        let key = finding.key.as_deref().unwrap_or_default();
        // A ledger that does not take what was seen takes nothing from what was seen.
        if failed && case.report.summary.errors.iter().any(is_about_what_was_seen) {
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
        if case.seen.clock_set
            || !case.rows.iter().all(held)
            || case.remembered.accepted.contains(&thing.digest)
        {
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

fn secrets(report: &PassReport, wrong: &mut Vec<String>) {
    let text = format!("{:?} {:?} {:?}", report.findings, report.repairs, report.summary);
    if text.contains(SECRET) {
        wrong.push("I11: a report holds a secret of a URL".to_owned());
    }
}
