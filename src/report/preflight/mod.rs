//! A preflight in every form of a report.

mod ci;
mod json;
mod table;

use std::io;
use std::path::Path;

use super::{Format, Render, TextOptions};
use crate::gitops::{Place, Problem};
use crate::preflight::{Answer, Report};

pub use json::preflight_schema;

/// A preflight for a reader.
#[derive(Debug, Clone, Copy)]
pub struct PreflightReport<'a> {
    /// What is said of all files.
    pub report: &'a Report,
    /// Whether only what is bad is written.
    pub quiet: bool,
    /// Where GitHub's checkout has the working directory: files of annotations begin with it.
    pub prefix: &'a Path,
}

impl Render for PreflightReport<'_> {
    fn render(
        &self,
        format: Format,
        options: &TextOptions<'_>,
        out: &mut impl io::Write,
    ) -> io::Result<()> {
        match format {
            Format::Table => table::table(self, options, out),
            Format::Json => json::json(self, out),
            Format::Ndjson => json::ndjson(self, out),
            Format::Junit => ci::junit(self, out),
            Format::Github => ci::github(self, out),
        }
    }
}

/// One line of a report: a package, what is wrong with a file, or a word about it.
#[derive(Clone, Copy)]
enum Line<'a> {
    Answer(&'a Answer),
    Problem(&'a Problem),
    /// It decides nothing.
    Note(&'a Problem),
}

impl<'a> Line<'a> {
    fn at(self) -> &'a Place {
        match self {
            Self::Answer(answer) => &answer.at,
            Self::Problem(problem) | Self::Note(problem) => &problem.at,
        }
    }
}

impl<'a> PreflightReport<'a> {
    fn answers(&self) -> impl Iterator<Item = &'a Answer> {
        let quiet = self.quiet;
        self.report.answers.iter().filter(move |answer| !quiet || answer.is_bad())
    }

    fn notes(&self) -> impl Iterator<Item = &'a Problem> {
        let quiet = self.quiet;
        self.report.notes.iter().filter(move |_| !quiet)
    }

    /// Everything by its place.
    fn lines(&self) -> Vec<Line<'a>> {
        let problems = self.report.problems.iter().map(Line::Problem);
        let mut lines: Vec<_> = self.answers().map(Line::Answer).chain(problems).collect();
        lines.extend(self.notes().map(Line::Note));
        lines.sort_by_key(|line| line.at());
        lines
    }
}

/// What is said of a package, with the reason.
fn sentence(answer: &Answer) -> String {
    match &answer.detail {
        Some(detail) => format!("{} ({detail})", answer.message),
        None => answer.message.clone(),
    }
}
