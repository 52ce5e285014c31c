//! What a report says, in short.

use restock::model::{Finding, FindingKind, Repair, RepairResult, Unhealable};
use restock::pass::PassReport;

use super::world::Object;

/// The findings in short: kind, key (or detail) and reason, in report order.
pub fn briefly(report: &PassReport) -> Vec<(FindingKind, String, Option<String>)> {
    let brief = |finding: &Finding| {
        let what = finding.key.clone().unwrap_or_else(|| finding.detail.clone());
        (finding.kind, what, finding.reason.clone())
    };
    report.findings.iter().map(brief).collect()
}

/// How many findings of a kind.
pub fn count(report: &PassReport, kind: FindingKind) -> usize {
    report.findings.iter().filter(|finding| finding.kind == kind).count()
}

/// The repair of an object.
pub fn repair<'a>(report: &'a PassReport, object: &Object) -> &'a Repair {
    report.repairs.iter().find(|repair| repair.digest == object.digest).unwrap()
}

/// The result of an object's repair.
pub fn result(report: &PassReport, object: &Object) -> RepairResult {
    repair(report, object).result
}

/// Why an object's finding says that it cannot be healed.
pub fn unhealable(report: &PassReport, object: &Object) -> Option<Unhealable> {
    report.findings.iter().find(|f| f.digest == Some(object.digest)).unwrap().unhealable
}
