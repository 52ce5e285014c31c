//! The breaker as the contract has it (§2), held against what a pass did.

use restock::model::{BreakerReason, Outcome, RepairResult};

use crate::case::Case;
use crate::judge::Told;
use crate::model::{Verdict, Wanted, wanted};
use crate::things::{Thing, things};

pub(crate) fn breaker(case: &Case<'_>, told: &Told, wrong: &mut Vec<String>) {
    let failed = case.report.summary.outcome == Outcome::Failed;
    let summary = &case.report.summary;
    let repairs = case.report.repairs.iter();
    if summary.breaker.is_some() && repairs.clone().any(|r| r.result != RepairResult::Held) {
        wrong.push("the breaker is open, and something was healed".to_owned());
    }
    if failed && case.heals() && case.lists() && case.setting.breaker {
        part_is_held(case, told, wrong);
    }
    if failed || case.heals() || !case.is_full() || !case.is_calm_all_over() {
        return;
    }
    if !case.setting.breaker {
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

/// A part of the scope that shows more damage than the breaker lets pass is not healed.
fn part_is_held(case: &Case<'_>, told: &Told, wrong: &mut Vec<String>) {
    let errors = &case.report.summary.errors;
    let seen = |thing: &&Thing| {
        case.is_about(thing)
            && !errors.iter().any(|error| error.subject.as_deref() == Some(thing.collection))
    };
    let is_wanted = |thing: &&Thing| {
        case.rows.iter().any(|rows| matches!(wanted(thing, rows, case), Wanted::Old(_)))
    };
    let judged = things().iter().filter(seen).filter(is_wanted).count();
    let damaged = told
        .values()
        .filter(|verdict| matches!(verdict, Verdict::Missing | Verdict::Corrupt))
        .count();
    let acted = case.report.repairs.iter().any(|repair| repair.result != RepairResult::Held);
    let agreed = case.remembered.breaker.is_some();
    if damaged >= 5 && damaged * 5 > judged && acted && !agreed {
        wrong.push(format!("a part was healed of which {damaged} of {judged} were damaged"));
    }
}
