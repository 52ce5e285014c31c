//! A pass for programs: one document, or one record a line.

use std::io::{self, Write};

use serde::Serialize;

use super::PassReport;
use super::record::{Document, FindingRecord, RepairRecord, SummaryRecord};

/// Writes the report as one document and a line feed.
pub fn json(report: &PassReport<'_>, out: &mut impl Write) -> io::Result<()> {
    line(&Document::new(report), out)
}

/// Writes one record a line: findings, repairs, and one summary last, which carries `schema`.
pub fn ndjson(report: &PassReport<'_>, out: &mut impl Write) -> io::Result<()> {
    for finding in report.sorted_findings() {
        line(&FindingRecord::new(finding), out)?;
    }
    for repair in report.sorted_repairs() {
        line(&RepairRecord::new(repair), out)?;
    }
    line(&SummaryRecord::last(report.summary), out)
}

/// Writes one value and a line feed. A closed pipe stays [`io::ErrorKind::BrokenPipe`].
pub(super) fn line(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
