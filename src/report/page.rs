//! Parts of long lists for programs: records as in a report, and where the next part begins.

use std::io::{self, Write};

use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::json::line;
use super::record::{FindingRecord, SummaryRecord};
use super::shapes;
use crate::model::{Finding, Summary};

const FINDINGS: &str = "restock.findings/v1";
const PASSES: &str = "restock.passes/v1";

#[derive(Serialize, JsonSchema)]
struct FindingsPage<'a> {
    schema: &'static str,
    /// Findings that stand, by kind, collection and subject.
    findings: Vec<FindingRecord<'a>>,
    /// Where the next part begins; null where there is none.
    next_cursor: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
struct PassesPage<'a> {
    schema: &'static str,
    /// Passes, newest first.
    passes: Vec<SummaryRecord<'a>>,
    /// Where the next part begins; null where there is none.
    next_cursor: Option<&'a str>,
}

/// The JSON Schema of a part of the findings.
pub(super) fn findings_schema() -> Schema {
    shapes::root::<FindingsPage<'static>>(FINDINGS)
}

/// The JSON Schema of a part of the passes.
pub(super) fn passes_schema() -> Schema {
    shapes::root::<PassesPage<'static>>(PASSES)
}

/// Writes findings as one document, `restock.findings/v1`.
pub fn findings_json(
    findings: &[Finding],
    next_cursor: Option<&str>,
    out: &mut impl Write,
) -> io::Result<()> {
    let findings = findings.iter().map(FindingRecord::new).collect();
    line(&FindingsPage { schema: FINDINGS, findings, next_cursor }, out)
}

/// Writes passes as one document, `restock.passes/v1`.
pub fn passes_json(
    passes: &[Summary],
    next_cursor: Option<&str>,
    out: &mut impl Write,
) -> io::Result<()> {
    let passes = passes.iter().map(SummaryRecord::inside).collect();
    line(&PassesPage { schema: PASSES, passes, next_cursor }, out)
}
