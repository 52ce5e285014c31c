//! What a pass of the daemon found, as lines of the log: what is new, and how it ended.

use crate::model::{Finding, FindingKind, PassError, Summary};
use crate::pass::PassReport;

/// New findings of one pass that get a line each; the ledger tells of all.
const FINDINGS_AT_MOST: usize = 100;

/// Logs what went wrong in a pass and what it found for the first time, under its id.
pub(super) fn log_report(report: &PassReport) {
    let summary = &report.summary;
    let _pass = tracing::info_span!("pass", pass_id = summary.pass_id).entered();
    summary.errors.iter().for_each(log_error);
    let mut new = report.findings.iter().filter(|finding| is_news(finding, summary));
    new.by_ref().take(FINDINGS_AT_MOST).for_each(log_finding);
    let more = new.count();
    if more > 0 {
        tracing::warn!("and {more} more new findings: see /api/v1/findings, or `restock audit`");
    }
}

fn log_error(error: &PassError) {
    let subject = error.subject.as_deref().unwrap_or_default();
    tracing::warn!(code = error.code, subject, "{}", error.message);
}

fn log_finding(finding: &Finding) {
    let Finding { kind, collection, key, healable, detail, .. } = finding;
    let (kind, key) = (kind.as_str(), key.as_deref().unwrap_or_default());
    tracing::warn!(kind, collection, key, healable, "{detail}");
}

/// An orphan is old news until it is flagged, and a loss that was accepted is none. What is corrupt
/// was told when it was read.
fn is_news(finding: &Finding, summary: &Summary) -> bool {
    finding.first_seen >= summary.started_at
        && !finding.accepted
        && !matches!(finding.kind, FindingKind::Orphan | FindingKind::Corrupt)
}
