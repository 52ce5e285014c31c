//! Test cases in `JUnit`'s XML: what CI systems show beside the tests of the code.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite, XmlString};

use super::PassReport;
use super::findings::title;
use super::table::{about, verdict};
use super::text::{escape, list};
use crate::model::{Command, Finding, FindingKind, Outcome, PassError};

/// How a test case ended.
pub(super) enum Ended {
    Passed,
    Failed,
    /// It could not be tested.
    Error,
}

/// One test case.
pub(super) struct Case {
    pub(super) class: String,
    pub(super) name: String,
    pub(super) ended: Ended,
    /// One word for its kind.
    pub(super) kind: &'static str,
    pub(super) message: String,
    /// File and line, where it has a place.
    pub(super) place: Option<(String, u32)>,
}

impl Case {
    fn into_xml(self) -> TestCase {
        let mut status = match self.ended {
            Ended::Passed => TestCaseStatus::success(),
            Ended::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
            Ended::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
        };
        let passed = matches!(self.ended, Ended::Passed);
        if !passed {
            status.set_message(text(&self.message)).set_type(self.kind);
            status.set_description(text(&self.message));
        }
        let mut case = TestCase::new(text(&self.name), status);
        case.set_classname(text(&self.class));
        if passed && !self.message.is_empty() {
            case.set_system_out(text(&self.message));
        }
        if let Some((file, line)) = self.place {
            case.extra.insert("file".into(), text(&file));
            case.extra.insert("line".into(), line.to_string().into());
        }
        case
    }
}

/// Writes suites of cases.
pub(super) fn write(
    name: &str,
    suites: impl IntoIterator<Item = (String, Vec<Case>)>,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut report = Report::new(name);
    for (name, cases) in suites {
        let mut suite = TestSuite::new(text(&name));
        suite.add_test_cases(cases.into_iter().map(Case::into_xml));
        report.add_test_suite(suite);
    }
    // Into a text first, so that an error of the writer stays what it is.
    let xml = report.to_string().map_err(io::Error::other)?;
    out.write_all(xml.as_bytes())
}

/// A text that XML can hold: what it has no place for is spelled out.
fn text(text: &str) -> XmlString {
    XmlString::new(escape(text))
}

/// Writes a case for each finding that decides the exit code, or that nobody could check, and one
/// for the pass itself.
pub(super) fn pass(report: &PassReport<'_>, out: &mut impl Write) -> io::Result<()> {
    let command = match report.summary.command {
        Command::Audit => "restock audit",
        Command::Heal => "restock heal",
    };
    let findings = report.sorted_findings();
    let mut collections: Vec<_> =
        findings.iter().map(|finding| finding.collection.as_str()).collect();
    collections.sort_unstable();
    collections.dedup();
    let suites = collections.into_iter().map(|collection| {
        let of_it = findings.iter().filter(|finding| finding.collection == collection);
        let cases: Vec<_> = of_it.filter_map(|finding| case(command, report, finding)).collect();
        (format!("{command}: {collection}"), cases)
    });
    let whole = (command.to_owned(), vec![whole(command, report)]);
    write(command, suites.filter(|(_, cases)| !cases.is_empty()).chain([whole]), out)
}

fn case(command: &str, report: &PassReport<'_>, finding: &Finding) -> Option<Case> {
    let ended = match (report.fail_on.counts(finding), finding.kind) {
        (true, _) => Ended::Failed,
        (false, FindingKind::Unknown) if !finding.accepted => Ended::Error,
        (false, _) => return None,
    };
    Some(Case {
        class: format!("{command}.{}.{}", finding.collection, finding.kind.as_str()),
        name: name(finding),
        ended,
        kind: finding.kind.as_str(),
        message: format!("{}: {}", title(finding.kind), sentence(finding)),
        place: None,
    })
}

/// The pass itself: it fails where it gave no verdict.
fn whole(command: &str, report: &PassReport<'_>) -> Case {
    let summary = report.summary;
    let ended = match summary.outcome {
        Outcome::Clean | Outcome::Findings => Ended::Passed,
        Outcome::Busy | Outcome::Failed | Outcome::Refused | Outcome::Incomplete => Ended::Error,
    };
    let (word, rest) = verdict(report);
    let message = format!("{}; {word}: {rest}", about(summary));
    let errors = summary.errors.iter().map(error);
    Case {
        class: command.to_owned(),
        name: "pass".to_owned(),
        ended,
        kind: summary.outcome.as_str(),
        message: [message].into_iter().chain(errors).collect::<Vec<_>>().join("; "),
        place: None,
    }
}

/// What kept something from its end, in one line.
pub(super) fn error(error: &PassError) -> String {
    let subject = error.subject.as_deref().map(|s| format!(" [{s}]")).unwrap_or_default();
    format!("{}{subject}: {}", error.code, error.message)
}

/// By what a finding is known among others.
pub(super) fn name(finding: &Finding) -> String {
    let by_rows = || format!("row {}", list(&finding.refs));
    finding.key.clone().unwrap_or_else(by_rows)
}

/// A finding with the names of its object.
pub(super) fn sentence(finding: &Finding) -> String {
    let names = if finding.names.is_empty() {
        String::new()
    } else {
        format!(" ({})", list(&finding.names))
    };
    format!("{}{names}", finding.detail)
}
