//! A plan for people: what a heal would do, object by object.

use std::io::{self, Write};

use super::text::{ROWS_AT_MOST, TextOptions, Tone, count, escape};
use crate::model::Cause;
use crate::plan::{Hold, Plan, Step};

/// Writes what would be done, and with which command it is done.
pub fn plan_table(plan: &Plan, options: &TextOptions<'_>, out: &mut impl Write) -> io::Result<()> {
    let restores = plan.actions.iter().filter(|action| action.step == Step::Restore).count();
    for action in plan.actions.iter().take(ROWS_AT_MOST) {
        let cause = match action.cause {
            Cause::Missing => "missing",
            Cause::Corrupt => "corrupt",
        };
        let step = match action.step {
            Step::Restore => "restore",
            Step::Hold(Hold::Breaker) => "hold (the breaker is open)",
            Step::Hold(Hold::HealingOff) => "hold (healing is off)",
            Step::Hold(Hold::BackOff) => "hold (it failed not long ago)",
        };
        writeln!(out, "  {step:<10} {cause:<8} {}", escape(&action.target.key))?;
    }
    let more = plan.actions.len().saturating_sub(ROWS_AT_MOST);
    if more > 0 {
        writeln!(out, "  … and {more} more (see --output json)")?;
    }
    let restores = u64::try_from(restores).unwrap_or(u64::MAX);
    let line = format!("plan: {} to restore, nothing was done", count(restores, "object"));
    writeln!(out, "{}", options.paint(Tone::Heading, &line))?;
    if restores > 0 {
        writeln!(out, "next: {} heal", options.invocation)?;
    }
    Ok(())
}
