//! A pass as annotations of GitHub's workflows. Objects have no file: what is wrong stands beside
//! the run.

use std::io::{self, Write};

use super::PassReport;
use super::annotation::{Annotation, Level, annotate};
use super::junit::{name, sentence};
use super::table::verdict;
use crate::model::{Command, Finding, FindingKind};

/// Writes an error for each finding that decides the exit code and for what kept the pass from a
/// verdict, a warning for what nobody could check or flag, and a notice with the verdict.
pub(super) fn pass(report: &PassReport<'_>, out: &mut impl Write) -> io::Result<()> {
    let title = match report.summary.command {
        Command::Audit => "restock audit",
        Command::Heal => "restock heal",
    };
    let errors = report.summary.errors.iter().map(|error| Annotation {
        level: if error.decides_nothing() { Level::Warning } else { Level::Error },
        place: None,
        title: format!("{title}: {}", error.code),
        message: super::junit::error(error),
        name: error.subject.clone().unwrap_or_else(|| error.code.clone()),
    });
    let findings = report.sorted_findings().into_iter();
    let findings = findings.filter_map(|finding| annotation(title, report, finding));
    let annotations: Vec<_> = errors.chain(findings).collect();
    let (word, rest) = verdict(report);
    annotate(&annotations, title, Some(&format!("{word}: {rest}")), out)
}

fn annotation(title: &str, report: &PassReport<'_>, finding: &Finding) -> Option<Annotation> {
    let level = match (report.fail_on.counts(finding), finding.kind) {
        (true, _) => Level::Error,
        (false, FindingKind::Unknown) if !finding.accepted => Level::Warning,
        (false, _) => return None,
    };
    Some(Annotation {
        level,
        place: None,
        title: format!("{title}: {}", finding.kind.as_str()),
        message: format!("{}: {}", name(finding), sentence(finding)),
        name: name(finding),
    })
}
