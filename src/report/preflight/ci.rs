//! A preflight for CI: annotations at files and lines, and test cases.

use std::io::{self, Write};

use super::table::numbers;
use super::{Line, PreflightReport, sentence};
use crate::gitops::Place;
use crate::model::Outcome;
use crate::preflight::Verdict;
use crate::report::annotation::{Annotation, Level, annotate};
use crate::report::junit::{self, Case, Ended};

const TITLE: &str = "restock preflight";

/// Writes an error for each place where GitOps would fail, a warning for what is unknown, notices
/// for what Fleet downloads, and one with the numbers.
pub(super) fn github(preflight: &PreflightReport<'_>, out: &mut impl Write) -> io::Result<()> {
    let summary = &preflight.report.summary;
    let mut annotations: Vec<_> = summary
        .errors
        .iter()
        .map(|error| Annotation {
            level: Level::Error,
            place: None,
            title: format!("{TITLE}: {}", error.code),
            message: junit::error(error),
            name: error.subject.clone().unwrap_or_else(|| error.code.clone()),
        })
        .collect();
    annotations
        .extend(preflight.lines().into_iter().filter_map(|line| annotation(preflight, line)));
    let numbers = format!("{}: {}", summary.outcome.as_str(), numbers(summary));
    annotate(&annotations, TITLE, (!preflight.quiet).then_some(&*numbers), out)
}

fn annotation(preflight: &PreflightReport<'_>, line: Line<'_>) -> Option<Annotation> {
    let (level, title, message) = match line {
        Line::Problem(problem) => (Level::Error, "GitOps would fail", problem.message.clone()),
        Line::Note(note) => (Level::Notice, "not looked up", note.message.clone()),
        Line::Answer(answer) if answer.corrupt => {
            (Level::Error, "the object is corrupt", sentence(answer))
        }
        Line::Answer(answer) => match answer.verdict {
            Verdict::WouldFail => (Level::Error, "GitOps would fail", sentence(answer)),
            Verdict::Unknown => (Level::Warning, "it could not be checked", sentence(answer)),
            Verdict::WillDownload => (Level::Notice, "Fleet downloads it", sentence(answer)),
            Verdict::Ok => return None,
        },
    };
    let Place { file, line, column } = line.at();
    let shown = preflight.prefix.join(file).to_string_lossy().into_owned();
    Some(Annotation {
        level,
        name: format!("{shown}:{line}"),
        place: Some((shown, *line, *column)),
        title: format!("{TITLE}: {title}"),
        message,
    })
}

/// Writes a case for each package and each problem, in a suite for each file, and one for the run.
pub(super) fn junit(preflight: &PreflightReport<'_>, out: &mut impl Write) -> io::Result<()> {
    let lines = preflight.lines();
    let suites = lines.chunk_by(|a, b| a.at().file == b.at().file).filter_map(|lines| {
        let file = lines.first()?.at().file.to_string_lossy().into_owned();
        Some((file, lines.iter().map(|line| case(*line)).collect()))
    });
    junit::write(TITLE, suites.chain([(TITLE.to_owned(), vec![whole(preflight)])]), out)
}

fn case(line: Line<'_>) -> Case {
    let Place { file, line: number, column } = line.at();
    let file = file.to_string_lossy().into_owned();
    let (ended, kind, message, what) = match line {
        Line::Problem(problem) => (
            Ended::Failed,
            Verdict::WouldFail.as_str(),
            problem.message.clone(),
            "problem".to_owned(),
        ),
        Line::Note(note) => (Ended::Passed, "note", note.message.clone(), "note".to_owned()),
        Line::Answer(answer) => {
            let ended = match answer.verdict {
                _ if answer.corrupt => Ended::Failed,
                Verdict::WouldFail => Ended::Failed,
                Verdict::Unknown => Ended::Error,
                Verdict::WillDownload | Verdict::Ok => Ended::Passed,
            };
            let kind = if answer.corrupt { "corrupt" } else { answer.verdict.as_str() };
            let what = answer.hash().unwrap_or_else(|| "no digest".to_owned());
            (ended, kind, sentence(answer), what)
        }
    };
    Case {
        name: format!("{file}:{number}:{column} {what}"),
        class: file.clone(),
        ended,
        kind,
        message,
        place: Some((file, *number)),
    }
}

/// The run itself: it fails where it did not come to its end.
fn whole(preflight: &PreflightReport<'_>) -> Case {
    let summary = &preflight.report.summary;
    let ended = match summary.outcome {
        Outcome::Clean | Outcome::Findings | Outcome::Incomplete => Ended::Passed,
        Outcome::Busy | Outcome::Failed | Outcome::Refused => Ended::Error,
    };
    let errors = summary.errors.iter().map(junit::error);
    Case {
        class: TITLE.to_owned(),
        name: "preflight".to_owned(),
        ended,
        kind: summary.outcome.as_str(),
        message: [numbers(summary)].into_iter().chain(errors).collect::<Vec<_>>().join("; "),
        place: None,
    }
}
