//! Parts of long lists for programs: records as in a report, and where the next part begins.

use std::io::{self, Write};

use serde::Serialize;

use super::json::line;
use super::record::{FindingRecord, SummaryRecord};
use crate::model::{Finding, Summary};

#[derive(Serialize)]
struct FindingsPage<'a> {
    schema: &'static str,
    findings: Vec<FindingRecord<'a>>,
    next_cursor: Option<&'a str>,
}

#[derive(Serialize)]
struct PassesPage<'a> {
    schema: &'static str,
    passes: Vec<SummaryRecord<'a>>,
    next_cursor: Option<&'a str>,
}

/// Writes findings as one document, `restock.findings/v1`.
pub fn findings_json(
    findings: &[Finding],
    next_cursor: Option<&str>,
    out: &mut impl Write,
) -> io::Result<()> {
    let findings = findings.iter().map(FindingRecord::new).collect();
    line(&FindingsPage { schema: "restock.findings/v1", findings, next_cursor }, out)
}

/// Writes passes as one document, `restock.passes/v1`.
pub fn passes_json(
    passes: &[Summary],
    next_cursor: Option<&str>,
    out: &mut impl Write,
) -> io::Result<()> {
    let passes = passes.iter().map(SummaryRecord::inside).collect();
    line(&PassesPage { schema: "restock.passes/v1", passes, next_cursor }, out)
}
