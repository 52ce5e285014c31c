//! Repairs: what they say is true, and what could be healed was.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use restock::model::{Cause, FindingKind, Outcome, Repair, RepairResult};

use crate::asking::SOURCES;
use crate::case::Case;
use crate::memory_source::{Answer, DENIED};
use crate::model::{has_good_source, rows_of, thing_of};
use crate::step::Kind;
use crate::things::{Thing, digest_of, thing_at};

pub(crate) fn repairs(
    case: &Case<'_>,
    answers: impl Fn(&str) -> Option<Answer>,
    wrong: &mut Vec<String>,
) {
    let failed = case.report.summary.outcome == Outcome::Failed;
    if !case.heals() && !case.report.repairs.is_empty() {
        wrong.push("I12: an audit repaired".to_owned());
    }
    let mut keys = BTreeSet::new();
    let held_back = case.paused && case.pass.kind == Kind::Daemon;
    for repair in &case.report.repairs {
        if repair.result != RepairResult::Held && is_too_early(case, repair) {
            wrong.push(format!("{} is tried again before its time", repair.key));
        }
        if held_back && repair.result != RepairResult::Held {
            wrong.push(format!("{} is healed while healing is paused", repair.key));
        }
        if !keys.insert(&repair.key) {
            wrong.push(format!("{} was repaired twice in one pass", repair.key));
        }
        let Some(thing) = thing_of(&repair.digest) else { continue };
        let was_right = case
            .lay(thing)
            .into_iter()
            .flatten()
            .any(|(bytes, _)| digest_of(&bytes) == thing.digest);
        // What nobody reads back, a store that keeps other bytes or a HEAD that lies can break.
        let ghost = case.seen.ghosts.contains(&repair.key);
        let unread = !case.setting.verify && (case.seen.mangled || ghost);
        if repair.result.is_success() && !was_right && !unread {
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

/// Whether a daemon's heal of an object failed too short a while ago: 15 minutes after the first
/// time, twice as long after each further one, a day at most.
fn is_too_early(case: &Case<'_>, repair: &Repair) -> bool {
    let (Some(attempts), Some(thing)) =
        (case.remembered.attempts.get(&repair.digest), thing_of(&repair.digest))
    else {
        return false;
    };
    let (Some(last), true) = (attempts.last_at, attempts.failures > 0) else { return false };
    let minutes = (15_i64 << (attempts.failures - 1).min(20)).min(24 * 60);
    case.pass.kind == Kind::Daemon
        && case.is_calm(thing)
        && !case.remembered.touched.contains(&repair.digest)
        && last <= case.now
        && case.now < last + TimeDelta::minutes(minutes)
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
        let left_alone = case.seen.left_alone.iter().any(|host| url.contains(host));
        !url.contains(DENIED)
            && !left_alone
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
    // Of very many sources the good one may have its turn in the next pass.
    let many = rows_of(thing, rows).len() > SOURCES;
    has_good_source(thing, rows, gives)
        && !case.seen.mangled
        && !switched_off
        && !obstructed
        && !waits
        && forgotten
        && planned
        && !many
}
