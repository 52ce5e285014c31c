//! Findings for people: what is wrong, grouped by kind.

use std::io::{self, Write};

use super::text::{
    ROWS_AT_MOST, TextOptions, Tone, bytes, count, escape, grid, list, or_dash, short, time,
};
use crate::model::{Finding, FindingKind, Unhealable};

/// Writes a group of findings for each kind that there is; `sorted` is in report order.
pub(super) fn findings(
    sorted: &[&Finding],
    options: &TextOptions<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    for group in sorted.chunk_by(|a, b| a.kind == b.kind) {
        let Some(first) = group.first() else { continue };
        let heading = format!("{} ({})", title(first.kind), group.len());
        writeln!(out, "{}", options.paint(tone(first.kind), &heading))?;
        let shown = group.get(..ROWS_AT_MOST).unwrap_or(group);
        rows(first.kind, shown, out)?;
        let more = group.len() - shown.len();
        if more > 0 {
            writeln!(out, "  … and {more} more (see --output json)")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

pub(super) const fn title(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Missing => "missing: in the catalog, not in the store",
        FindingKind::Corrupt => "corrupt: in the store with other bytes",
        FindingKind::Unknown => "unknown: could not be checked",
        FindingKind::InvalidRecord => "invalid records: rows of the catalog that need mending",
        FindingKind::Orphan => "orphans: in the store, in no row",
        FindingKind::Foreign => "foreign: keys that are no digest's",
    }
}

const fn tone(kind: FindingKind) -> Tone {
    match kind {
        FindingKind::Missing | FindingKind::Corrupt => Tone::Bad,
        FindingKind::Unknown | FindingKind::InvalidRecord => Tone::Doubtful,
        FindingKind::Orphan | FindingKind::Foreign => Tone::Heading,
    }
}

fn rows(kind: FindingKind, findings: &[&Finding], out: &mut impl Write) -> io::Result<()> {
    let each = findings.iter();
    match kind {
        FindingKind::Missing => grid(
            out,
            ["NAME", "DIGEST", "HEALABLE", "KEY"],
            each.map(|f| [list(&f.names), digest(f), healable(f), key(f)]),
        ),
        FindingKind::Corrupt => grid(
            out,
            ["NAME", "DIGEST", "HEALABLE", "EVIDENCE", "KEY"],
            each.map(|f| [list(&f.names), digest(f), healable(f), evidence(f), key(f)]),
        ),
        FindingKind::Unknown => grid(
            out,
            ["NAME", "DIGEST", "CAUSE", "KEY"],
            each.map(|f| [list(&f.names), digest(f), reason(f), key(f)]),
        ),
        FindingKind::InvalidRecord => grid(
            out,
            ["NAME", "ROW", "REASON", "DETAIL"],
            each.map(|f| [list(&f.names), list(&f.refs), reason(f), escape(&f.detail).into()]),
        ),
        FindingKind::Orphan => grid(
            out,
            ["STATE", "SIZE", "FIRST SEEN", "KEY"],
            each.map(|f| {
                [reason(f), or_dash(f.observed_size.map(bytes)), time(f.first_seen), key(f)]
            }),
        ),
        FindingKind::Foreign => grid(out, ["REASON", "KEY"], each.map(|f| [reason(f), key(f)])),
    }
}

fn digest(finding: &Finding) -> String {
    or_dash(finding.digest.as_ref().map(short))
}

fn key(finding: &Finding) -> String {
    or_dash(finding.key.as_deref().map(|key| escape(key).into_owned()))
}

fn reason(finding: &Finding) -> String {
    or_dash(finding.reason.as_deref().map(|reason| escape(reason).into_owned()))
}

fn healable(finding: &Finding) -> String {
    let word = match (finding.healable, finding.unhealable) {
        (Some(true), _) => "yes".to_owned(),
        (_, Some(why)) => format!("no: {}", because(why)),
        (Some(false), None) => "no".to_owned(),
        (None, None) => "-".to_owned(),
    };
    if finding.accepted { format!("{word} (accepted)") } else { word }
}

/// Why an object could not be had again, in words.
pub(super) const fn because(why: Unhealable) -> &'static str {
    match why {
        Unhealable::NoSource => "no source",
        Unhealable::SourceGone => "source gone",
        Unhealable::SourceDrifted => "source drifted",
        Unhealable::PolicyBlocked => "source not allowed",
        Unhealable::TooLarge => "too large",
        Unhealable::Disabled => "healing is off",
    }
}

fn evidence(finding: &Finding) -> String {
    match (finding.expected_size, finding.observed_size, &finding.observed_digest) {
        (Some(expected), Some(observed), _) if expected != observed => {
            format!("{} of {}", bytes(observed), count_bytes(expected))
        }
        (_, _, Some(observed)) => format!("has {}", short(observed)),
        (_, Some(observed), None) => bytes(observed),
        (_, None, None) => reason(finding),
    }
}

/// A size that a rounded one could be confused with is given to the byte.
fn count_bytes(n: u64) -> String {
    if n < 1024 { bytes(n) } else { format!("{} ({})", bytes(n), count(n, "byte")) }
}
