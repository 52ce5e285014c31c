//! What a pass of the daemon found, as lines of the log: what is new, and how it ended.

use std::sync::{Mutex, PoisonError};

use crate::model::{Finding, FindingKind, PassError, Summary};
use crate::observe::{Event, Observer};
use crate::pass::PassReport;

/// New findings of one pass that get a line each; the ledger tells of all.
const FINDINGS_AT_MOST: usize = 100;

/// Logs what a pass found as soon as it is known, and the rest when it has healed that.
#[derive(Default)]
pub(super) struct FoundLog {
    /// Errors that are logged; `None` before anything is.
    errors: Mutex<Option<usize>>,
}

impl Observer for FoundLog {
    fn notice(&self, event: &Event<'_>) {
        if let Event::Found(found) = event {
            self.log(found.summary, found.findings);
        }
    }
}

impl FoundLog {
    /// Logs what of a pass is not logged yet.
    pub(super) fn log_rest(&self, report: &PassReport) {
        self.log(&report.summary, &report.findings);
    }

    /// Logs under its id what went wrong in a pass and what it found for the first time.
    fn log(&self, summary: &Summary, findings: &[Finding]) {
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        let _pass = tracing::info_span!("pass", pass_id = summary.pass_id).entered();
        let before = errors.replace(summary.errors.len());
        summary.errors.iter().skip(before.unwrap_or(0)).for_each(log_error);
        // What stands after healing was found before it.
        if before.is_none() {
            log_news(summary, findings);
        }
    }
}

fn log_news(summary: &Summary, findings: &[Finding]) {
    let mut new = findings.iter().filter(|finding| is_news(finding, summary));
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
