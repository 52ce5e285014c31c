//! A pass for people at a terminal: details first, the verdict and the next command last.

use std::io::{self, Write};

use super::PassReport;
use super::breaker::{ack, numbers, reason_named};
use super::findings::findings;
use super::repairs::repairs;
use super::text::{TextOptions, Tone, bytes, count, escape, phrases, time};
use crate::model::{Command, Depth, Finding, Outcome, Summary};

/// Writes what is wrong by kind, then repairs, errors and numbers, the verdict, and at the end
/// the next command to run where there is one.
pub fn table(
    report: &PassReport<'_>,
    options: &TextOptions<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    let summary = report.summary;
    findings(&report.sorted_findings(), options, out)?;
    repairs(&report.sorted_repairs(), options, out)?;
    errors(summary, options, out)?;
    writeln!(out, "{}", about(summary))?;
    if let Some(numbers) = objects(summary) {
        writeln!(out, "{numbers}")?;
    }
    if let Some(work) = work(summary) {
        writeln!(out, "{work}")?;
    }
    let (word, rest) = verdict(report);
    writeln!(out, "{}: {rest}", options.paint(tone(summary.outcome), word))?;
    match next(report, options) {
        Some(command) => writeln!(out, "next: {command}"),
        None => Ok(()),
    }
}

fn errors(summary: &Summary, options: &TextOptions<'_>, out: &mut impl Write) -> io::Result<()> {
    for error in &summary.errors {
        let subject =
            error.subject.as_deref().map(|s| format!(" [{}]", escape(s))).unwrap_or_default();
        let word = options.paint(Tone::Bad, "error");
        writeln!(out, "{word}: {}{subject}: {}", escape(&error.code), escape(&error.message))?;
    }
    if !summary.errors.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

pub(super) fn about(summary: &Summary) -> String {
    let command = match summary.command {
        Command::Audit => "audit",
        Command::Heal => "heal",
    };
    let depth = match summary.depth {
        Depth::Shallow => "shallow",
        Depth::Deep => "deep",
    };
    let slice = summary.slice.as_deref().map(|s| format!(" slice {s}")).unwrap_or_default();
    let took = (summary.finished_at - summary.started_at).num_milliseconds().max(0);
    let (seconds, millis) = (took / 1000, took % 1000);
    format!(
        "{command} {} ({depth}{slice}) at {}, {seconds}.{millis:03} s",
        summary.pass_id,
        time(summary.started_at)
    )
}

/// The counts that were established and are not nothing.
fn objects(summary: &Summary) -> Option<String> {
    let some = |n: Option<u64>| n.filter(|n| *n > 0);
    let orphans = some(summary.orphans).map(|n| {
        let size = summary.orphan_bytes.map(|b| format!(", {}", bytes(b))).unwrap_or_default();
        let flagged = summary.orphans_flagged.unwrap_or(0);
        format!("{} ({flagged} flagged{size})", count(n, "orphan"))
    });
    let parts = [
        summary.expected.map(|n| format!("{n} expected")),
        summary.observed.map(|n| format!("{n} observed")),
        some(summary.verified).map(|n| format!("{n} verified")),
        some(summary.young).map(|n| format!("{n} young")),
        some(summary.accepted).map(|n| format!("{n} accepted")),
        orphans,
        some(summary.foreign).map(|n| count(n, "foreign key")),
        some(summary.at_risk).map(|n| format!("{n} at risk (present, and could not be healed)")),
    ];
    let line = phrases(parts.into_iter().flatten());
    (!line.is_empty()).then_some(line)
}

fn work(summary: &Summary) -> Option<String> {
    let some = |n: u64| (n > 0).then_some(n);
    let parts = [
        some(summary.healed).map(|n| format!("{n} healed")),
        some(summary.heal_failed).map(|n| format!("{n} not healed")),
        some(summary.held).map(|n| format!("{n} held")),
        some(summary.bytes_verified).map(|n| format!("{} read", bytes(n))),
        some(summary.bytes_downloaded).map(|n| format!("{} downloaded", bytes(n))),
    ];
    let line = phrases(parts.into_iter().flatten());
    (!line.is_empty()).then_some(line)
}

const fn tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Clean => Tone::Good,
        Outcome::Incomplete | Outcome::Busy => Tone::Doubtful,
        Outcome::Failed | Outcome::Refused | Outcome::Findings => Tone::Bad,
    }
}

/// The outcome's word, and what it means here.
pub(super) fn verdict(report: &PassReport<'_>) -> (&'static str, String) {
    let summary = report.summary;
    let place = place(report);
    let rest = match summary.outcome {
        Outcome::Busy => "another instance holds the lock; nothing was done".to_owned(),
        Outcome::Failed if place.is_empty() => "the pass could not finish".to_owned(),
        Outcome::Failed => format!("the pass could not finish; {place}"),
        Outcome::Refused if place.is_empty() => "nothing was healed".to_owned(),
        Outcome::Refused => format!("nothing was healed; {place}"),
        Outcome::Clean | Outcome::Findings | Outcome::Incomplete => place,
    };
    (summary.outcome.as_str(), rest)
}

/// How many objects are where they belong, and what is wrong with the others.
fn place(report: &PassReport<'_>) -> String {
    let summary = report.summary;
    let mut parts = Vec::new();
    match (summary.expected, summary.present) {
        (Some(0), _) => parts.push("nothing is expected".to_owned()),
        (Some(1), Some(1)) => parts.push("the one expected object is there".to_owned()),
        (Some(1), Some(_)) => parts.push("the one expected object is not there".to_owned()),
        (Some(expected), Some(present)) if expected == present => {
            parts.push(format!("all {expected} expected objects are there"));
        }
        (Some(expected), Some(present)) => {
            parts.push(format!("{present} of {expected} expected objects are there"));
        }
        (Some(_) | None, None) | (None, Some(_)) => {}
    }
    let kinds =
        [(summary.missing, "missing"), (summary.corrupt, "corrupt"), (summary.unknown, "unknown")];
    for (n, word) in kinds {
        parts.extend(n.filter(|n| *n > 0).map(|n| format!("{n} {word}")));
    }
    let losses = summary.missing.unwrap_or(0) + summary.corrupt.unwrap_or(0);
    if losses > 0 && summary.accepted == Some(losses) {
        parts.push("which is accepted".to_owned());
    }
    let invalid = summary.invalid_records.filter(|n| *n > 0);
    parts.extend(invalid.map(|n| count(n, "invalid record")));
    let (yes, no) = (healable(report.findings, true), healable(report.findings, false));
    if yes + no > 0 {
        parts.push(format!("{yes} of {} can be healed", yes + no));
    }
    phrases(parts)
}

fn healable(findings: &[Finding], wanted: bool) -> usize {
    findings.iter().filter(|finding| finding.healable == Some(wanted)).count()
}

/// The command that a person would run now.
fn next(report: &PassReport<'_>, options: &TextOptions<'_>) -> Option<String> {
    let (summary, restock) = (report.summary, options.invocation);
    if let Some(open) = &summary.breaker {
        let reason = reason_named(&open.reason)?;
        let (missing, expected) = (open.missing, open.expected);
        return Some(format!(
            "{} (the breaker is open: {}; only if that is right)",
            ack(reason, missing, expected, options),
            numbers(reason, missing, expected)
        ));
    }
    let healed = match summary.command {
        Command::Audit => false,
        Command::Heal => true,
    };
    if matches!(summary.outcome, Outcome::Failed | Outcome::Busy | Outcome::Refused) {
        return None;
    }
    if !healed && healable(report.findings, true) > 0 {
        return Some(if report.healing_off {
            format!("RESTOCK_HEAL__ENABLED=true {restock} heal --dry-run (healing is off)")
        } else {
            format!("{restock} heal")
        });
    }
    let stuck = report
        .sorted_findings()
        .into_iter()
        .find(|finding| finding.healable.is_some() && !finding.accepted)?;
    stuck.digest.map(|digest| format!("{restock} show {digest}"))
}
