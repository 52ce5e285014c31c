//! A preflight for people: a line for each package, then the numbers.

use std::io::{self, Write};

use super::{Line, PreflightReport, sentence};
use crate::model::{Outcome, Repair, RepairResult};
use crate::preflight::{Summary, Verdict};
use crate::report::text::{TextOptions, Tone, count, escape, phrases, short};

/// Writes `file:line  digest  verdict  message` for each package and problem; when quiet, for
/// those that are bad, and nothing else.
pub(super) fn table(
    preflight: &PreflightReport<'_>,
    options: &TextOptions<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    for line in preflight.lines() {
        let at = line.at();
        let (digest, verdict, corrupt, message) = match line {
            Line::Answer(answer) => {
                (answer.digest(), answer.verdict, answer.corrupt, sentence(answer))
            }
            Line::Problem(problem) => (None, Verdict::WouldFail, false, problem.message.clone()),
            Line::Note(note) => {
                let (file, message) = (note.at.file.to_string_lossy(), escape(&note.message));
                writeln!(out, "{}:{}  -  note  {message}", escape(&file), note.at.line)?;
                continue;
            }
        };
        let digest = digest.map_or_else(|| "-".to_owned(), |digest| digest.to_string());
        let tone = match verdict {
            _ if corrupt => Tone::Bad,
            Verdict::WouldFail => Tone::Bad,
            Verdict::Unknown => Tone::Doubtful,
            Verdict::WillDownload => Tone::Heading,
            Verdict::Ok => Tone::Good,
        };
        let file = at.file.to_string_lossy();
        let word = options.paint(tone, verdict.as_str());
        writeln!(out, "{}:{}  {digest}  {word}  {}", escape(&file), at.line, escape(&message))?;
    }
    let summary = &preflight.report.summary;
    for error in &summary.errors {
        let word = options.paint(Tone::Bad, "error");
        writeln!(out, "{word}: {}: {}", escape(&error.code), escape(&error.message))?;
    }
    if preflight.quiet {
        return Ok(());
    }
    repairs(&preflight.report.repairs, options, out)?;
    let tone = match summary.outcome {
        Outcome::Clean => Tone::Good,
        Outcome::Incomplete | Outcome::Busy => Tone::Doubtful,
        Outcome::Failed | Outcome::Refused | Outcome::Findings => Tone::Bad,
    };
    let word = options.paint(tone, summary.outcome.as_str());
    writeln!(out, "{word}: {}", numbers(summary))
}

fn repairs(repairs: &[Repair], options: &TextOptions<'_>, out: &mut impl Write) -> io::Result<()> {
    for repair in repairs {
        let (tone, word) = match repair.result {
            RepairResult::Restored => (Tone::Good, "restored"),
            RepairResult::AlreadyPresent => (Tone::Good, "already present"),
            RepairResult::SourceGone
            | RepairResult::SourceDrifted
            | RepairResult::Refused
            | RepairResult::Held
            | RepairResult::Failed => (Tone::Doubtful, "not restored"),
        };
        let (digest, detail) = (short(&repair.digest), escape(&repair.detail));
        writeln!(out, "{} {digest}: {detail}", options.paint(tone, word))?;
    }
    Ok(())
}

/// The numbers that are not nothing.
pub(super) fn numbers(summary: &Summary) -> String {
    let some = |n: Option<u64>| n.filter(|n| *n > 0);
    let of = |n: Option<u64>, what: &str| some(n).map(|n| format!("{n} {what}"));
    let packages = count(summary.references, "package");
    let parts = [
        Some(format!("{packages} in {}", count(summary.files, "file"))),
        of(Some(summary.policies).filter(|n| *n != 1), "policies that install one"),
        of(Some(summary.policies).filter(|n| *n == 1), "policy that installs one"),
        of(summary.ok, "ok"),
        of(summary.will_download, "will be downloaded"),
        of(summary.would_fail, "would fail"),
        of(summary.unknown, "unknown"),
        of(summary.corrupt, "corrupt"),
        of(Some(summary.url_only), "with a URL alone, not looked up"),
        of(Some(summary.healed), "healed"),
        of(Some(summary.heal_failed), "not healed"),
        of(Some(summary.held), "held"),
    ];
    phrases(parts.into_iter().flatten())
}
