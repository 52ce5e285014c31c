//! A plan for people: what a heal would do, object by object.

use std::collections::HashMap;
use std::io::{self, Write};

use super::findings::because;
use super::text::{ROWS_AT_MOST, TextOptions, Tone, count, escape};
use crate::model::{Cause, Finding, Unhealable};
use crate::plan::{Action, Hold, Plan, Step};

/// Writes what would be done, and with which command it is done. The findings, which the plan was
/// made from, tell for which objects nothing can be done.
pub fn plan_table(
    plan: &Plan,
    findings: &[Finding],
    options: &TextOptions<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    let hopeless: HashMap<_, _> = findings
        .iter()
        .filter_map(|f| Some(((f.collection.as_str(), f.key.as_deref()?), f.unhealable?)))
        .collect();
    let why = |action: &Action| {
        let target = &action.target;
        hopeless.get(&(target.collection.as_str(), target.key.as_str())).copied()
    };
    let restores = |action: &&Action| action.step.acts() && why(action).is_none();
    let restores = plan.actions.iter().filter(restores).count();
    for action in plan.actions.iter().take(ROWS_AT_MOST) {
        let cause = match (action.step, action.cause) {
            (Step::ReplaceUnreadable, _) => "unknown",
            (_, Cause::Missing) => "missing",
            (_, Cause::Corrupt) => "corrupt",
        };
        let step = match (action.step, why(action)) {
            (Step::Restore, None) => "restore".to_owned(),
            (Step::ReplaceUnreadable, None) => "replace unreadable".to_owned(),
            (Step::Restore | Step::ReplaceUnreadable, Some(why)) => {
                format!("cannot restore ({})", because(why))
            }
            (Step::Hold(Hold::Breaker), _) => "hold (the breaker is open)".to_owned(),
            (Step::Hold(Hold::Incomplete), _) => "hold (a part of the pass failed)".to_owned(),
            (Step::Hold(Hold::HealingOff), None | Some(Unhealable::Disabled)) => {
                "hold (healing is off)".to_owned()
            }
            (Step::Hold(Hold::HealingOff), Some(why)) => {
                format!("hold (healing is off; cannot restore: {})", because(why))
            }
            (Step::Hold(Hold::Paused), _) => "hold (healing is paused)".to_owned(),
            (Step::Hold(Hold::BackOff), _) => "hold (its next try is not due yet)".to_owned(),
        };
        writeln!(out, "  {step:<10} {cause:<8} {}", escape(&action.target.key))?;
    }
    let more = plan.actions.len().saturating_sub(ROWS_AT_MOST);
    if more > 0 {
        writeln!(out, "  … and {more} more (see --output json)")?;
    }
    let restores = u64::try_from(restores).unwrap_or(u64::MAX);
    let total = u64::try_from(plan.actions.len()).unwrap_or(u64::MAX);
    let all = count(total, "object");
    let what = if restores < total { format!("{restores} of {all}") } else { all };
    let line = format!("plan: {what} to restore, nothing was done");
    writeln!(out, "{}", options.paint(Tone::Heading, &line))?;
    if plan.actions.iter().any(|action| action.step == Step::ReplaceUnreadable) {
        let line = "the same command without --dry-run (--from-plan leaves unreadable objects)";
        writeln!(out, "next: {line}")?;
    } else if restores > 0 {
        writeln!(out, "next: {} heal", options.invocation)?;
    }
    Ok(())
}
