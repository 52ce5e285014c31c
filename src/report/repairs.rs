//! Repairs for people: what was done, failures first.

use std::io::{self, Write};

use super::text::{ROWS_AT_MOST, TextOptions, Tone, bytes, escape, grid, short};
use crate::model::{Repair, RepairResult};

/// The order in which results are listed: what did not work comes first.
const ORDER: [RepairResult; 7] = [
    RepairResult::Failed,
    RepairResult::SourceDrifted,
    RepairResult::SourceGone,
    RepairResult::Refused,
    RepairResult::Held,
    RepairResult::Restored,
    RepairResult::AlreadyPresent,
];

/// Writes a group of repairs for each result that there is.
pub(super) fn repairs(
    sorted: &[&Repair],
    options: &TextOptions<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    for result in ORDER {
        let group: Vec<_> = sorted.iter().filter(|repair| repair.result == result).collect();
        if group.is_empty() {
            continue;
        }
        let tone = match result {
            RepairResult::Restored | RepairResult::AlreadyPresent => Tone::Good,
            RepairResult::Held => Tone::Doubtful,
            RepairResult::Failed
            | RepairResult::SourceDrifted
            | RepairResult::SourceGone
            | RepairResult::Refused => Tone::Bad,
        };
        let heading = format!("{} ({})", title(result), group.len());
        writeln!(out, "{}", options.paint(tone, &heading))?;
        let shown = group.get(..ROWS_AT_MOST).unwrap_or(&group);
        grid(out, ["DIGEST", "DOWNLOADED", "DETAIL", "KEY"], shown.iter().map(|r| row(r)))?;
        let more = group.len() - shown.len();
        if more > 0 {
            writeln!(out, "  … and {more} more (see --output json)")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

const fn title(result: RepairResult) -> &'static str {
    match result {
        RepairResult::Restored => "restored: downloaded, proven and published",
        RepairResult::AlreadyPresent => "already present: nothing was left to do",
        RepairResult::SourceGone => "not healed, source gone: 404 or 410",
        RepairResult::SourceDrifted => "not healed, source drifted: it serves other bytes now",
        RepairResult::Refused => "not healed, refused: not allowed by policy or size",
        RepairResult::Held => "held: deliberately not done",
        RepairResult::Failed => "not healed, failed",
    }
}

fn row(repair: &Repair) -> [String; 4] {
    [
        short(&repair.digest),
        bytes(repair.bytes),
        escape(&repair.detail).into_owned(),
        escape(&repair.key).into_owned(),
    ]
}
