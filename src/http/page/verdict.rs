//! [`Verdict`]: the top line of the page. Is anything wrong, and what is to be done?

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{BreakerReason, BreakerState, FindingKind, Outcome};
use crate::report::{ActivityView, DaemonView, SideView, StatusView, count};

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Doubtful,
    Bad,
}

/// What is the matter, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) tone: Tone,
    pub(super) what: String,
    pub(super) action: String,
}

/// Without a pass that ended for this long, what is shown is old.
const STALE: TimeDelta = TimeDelta::days(1);

fn say(tone: Tone, what: impl Into<String>, action: impl Into<String>) -> Verdict {
    Verdict { tone, what: what.into(), action: action.into() }
}

impl Verdict {
    /// The gravest thing that a status tells.
    pub(super) fn of(view: &StatusView, now: DateTime<Utc>) -> Self {
        let daemon = view.daemon.as_ref();
        let open = view.breaker.as_ref().filter(|state| state.is_open()).map(of_breaker);
        open.or_else(|| daemon.and_then(of_sides))
            .or_else(|| of_last_pass(view))
            .or_else(|| of_damage(view))
            .or_else(|| of_doubt(view))
            .or_else(|| daemon.and_then(of_daemon))
            .or_else(|| of_age(view, now))
            .unwrap_or_else(|| Self {
                tone: Tone::Good,
                what: "Everything expected is there".to_owned(),
                action: "Nothing is to be done.".to_owned(),
            })
    }
}

fn of_breaker(state: &BreakerState) -> Verdict {
    let (missing, expected) = (state.missing, state.expected);
    let (what, ack) = match state.reason {
        BreakerReason::MassMissing => (
            format!(
                "Healing stopped: {missing} of {} missing or corrupt",
                count(expected, "expected object")
            ),
            format!("--expect-missing {missing}"),
        ),
        BreakerReason::InventoryShrunk => (
            format!("Healing stopped: the catalog names only {} now", count(expected, "object")),
            format!("--expect-records {expected}"),
        ),
    };
    let action = format!(
        "Check that this is the right store, prefix and database. Only if the loss is real: \
         restock breaker ack {ack}"
    );
    say(Tone::Bad, what, action)
}

fn of_sides(daemon: &DaemonView) -> Option<Verdict> {
    [("catalog", &daemon.catalog), ("store", &daemon.store)].into_iter().find_map(|(name, side)| {
        let SideView::Down { cause } = side else { return None };
        Some(say(
            Tone::Bad,
            format!("The {name} does not answer: what is shown is old"),
            cause.clone(),
        ))
    })
}

fn of_last_pass(view: &StatusView) -> Option<Verdict> {
    let last = view.passes.first().filter(|pass| pass.outcome == Outcome::Failed)?;
    let why = last.errors.first().map_or("See the log.", |error| error.message.as_str());
    Some(say(Tone::Bad, "The last pass failed: what is shown is old", why))
}

/// Missing and corrupt objects, without what was accepted.
fn of_damage(view: &StatusView) -> Option<Verdict> {
    let damage = || {
        let kinds = [FindingKind::Missing, FindingKind::Corrupt];
        view.standing.iter().filter(move |standing| kinds.contains(&standing.kind))
    };
    let all: u64 = damage().map(|standing| standing.count.saturating_sub(standing.accepted)).sum();
    if all == 0 {
        return None;
    }
    let hopeless: u64 = damage().map(|standing| standing.unhealable).sum();
    if hopeless > 0 {
        let what = format!("{} cannot be healed", count(hopeless, "missing or corrupt object"));
        let action = "Bring the files back, or mend the rows that name their sources; `restock \
                      show DIGEST` tells why for each.";
        return Some(say(Tone::Bad, what, action));
    }
    let what = format!("{} to be healed", count(all, "missing or corrupt object"));
    let paused = view.daemon.as_ref().is_some_and(|daemon| daemon.paused);
    if paused {
        let action = "Healing is paused: POST /api/v1/heal/resume lets it go on.";
        return Some(say(Tone::Bad, what, action));
    }
    Some(say(Tone::Doubtful, what, "The next pass heals them, if their sources answer."))
}

fn of_doubt(view: &StatusView) -> Option<Verdict> {
    let of = |kind| {
        let standing = view.standing.iter().find(|standing| standing.kind == kind)?;
        Some(standing.count.saturating_sub(standing.accepted)).filter(|count| *count > 0)
    };
    if let Some(n) = of(FindingKind::Unknown) {
        let what = format!("{} could not be checked", count(n, "object"));
        return Some(say(Tone::Doubtful, what, "Look at permissions and throttling of the store."));
    }
    let n = of(FindingKind::InvalidRecord)?;
    let what = format!("{} of the catalog cannot be right", count(n, "row"));
    Some(say(Tone::Doubtful, what, "Mend them in the program that owns the catalog; see below."))
}

fn of_daemon(daemon: &DaemonView) -> Option<Verdict> {
    if let Some(problem) = &daemon.reload_problem {
        let what = "The configuration was changed, and cannot be used";
        return Some(say(Tone::Doubtful, what, problem.clone()));
    }
    if daemon.paused {
        let action = "POST /api/v1/heal/resume lets it go on.";
        return Some(say(Tone::Doubtful, "Healing is paused by an operator", action));
    }
    match daemon.activity {
        ActivityView::Standby => {
            let what = "This instance is a spare";
            Some(say(
                Tone::Good,
                what,
                "Another one works on the store; this one takes over if it ends.",
            ))
        }
        ActivityView::Starting
        | ActivityView::Idle
        | ActivityView::Pass { .. }
        | ActivityView::Draining => None,
    }
}

fn of_age(view: &StatusView, now: DateTime<Utc>) -> Option<Verdict> {
    let Some(last) = view.passes.first() else {
        let what = "No pass has ended yet";
        return Some(say(Tone::Doubtful, what, "The first one begins when the daemon starts."));
    };
    // One that ended in the future tells as little of what happened lately.
    if (now - last.finished_at).abs() < STALE {
        return None;
    }
    let action = "Look at the schedule of the daemon, and at its log.";
    Some(say(Tone::Doubtful, "No pass has ended for more than a day", action))
}
