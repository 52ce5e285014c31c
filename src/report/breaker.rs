//! The breaker for people: why it is open, and the command that answers it.

use std::io::{self, Write};

use super::text::{TextOptions, Tone, count, time};
use crate::model::{BreakerReason, BreakerState};

/// Writes whether the breaker is open, why, and with which number it can be acknowledged.
pub fn breaker(
    state: Option<&BreakerState>,
    options: &TextOptions<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    let Some(state) = state else {
        return writeln!(out, "{}", options.paint(Tone::Good, "breaker: closed"));
    };
    let heading =
        format!("breaker: open since {} ({})", time(state.opened_at), state.reason.as_str());
    writeln!(out, "{}", options.paint(Tone::Bad, &heading))?;
    writeln!(out, "  {}", numbers(state.reason, state.missing, state.expected))?;
    if let Some(n) = state.acknowledged {
        return writeln!(
            out,
            "  acknowledged with {n}: heals run until a full pass finds the world inside the limits"
        );
    }
    writeln!(out, "  heals are refused until somebody says that this is right:")?;
    writeln!(out, "    {}", ack(state.reason, state.missing, state.expected, options))
}

/// What the breaker saw.
pub(super) fn numbers(reason: BreakerReason, missing: u64, expected: u64) -> String {
    match reason {
        BreakerReason::MassMissing => {
            format!("{missing} of {} missing or corrupt", count(expected, "expected object"))
        }
        BreakerReason::InventoryShrunk => format!(
            "the catalog names {} now, far fewer than at the last full pass",
            count(expected, "object")
        ),
    }
}

/// The command that lets heals run.
pub fn ack(
    reason: BreakerReason,
    missing: u64,
    expected: u64,
    options: &TextOptions<'_>,
) -> String {
    let restock = options.invocation;
    match reason {
        BreakerReason::MassMissing => format!("{restock} breaker ack --expect-missing {missing}"),
        BreakerReason::InventoryShrunk => {
            format!("{restock} breaker ack --expect-records {expected}")
        }
    }
}

/// The reason that a summary names, where it is one.
pub(super) fn reason_named(word: &str) -> Option<BreakerReason> {
    BreakerReason::ALL.into_iter().find(|reason| reason.as_str() == word)
}
