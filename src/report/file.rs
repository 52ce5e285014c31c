//! [`ReportTarget`]: `--report FORMAT=PATH`, a report beside the one on stdout.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{Format, ParseFormatError, Render, TextOptions};
use crate::files;

/// A report that goes to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportTarget {
    /// Its form.
    pub format: Format,
    /// Where it goes.
    pub path: PathBuf,
}

/// A text that is not `FORMAT=PATH`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseTargetError {
    /// There is no `=`, or nothing behind it.
    #[error("`{0}` names no file: write FORMAT=PATH, e.g. json=report.json")]
    NoPath(String),
    /// The format is none.
    #[error(transparent)]
    Format(#[from] ParseFormatError),
}

/// A report that could not be written. What stood at the path before is still there.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the report {}", path.display())]
pub struct WriteReportError {
    /// Where it was to go.
    pub path: PathBuf,
    /// The cause.
    #[source]
    pub source: io::Error,
}

impl FromStr for ReportTarget {
    type Err = ParseTargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((format, path)) if !path.is_empty() => {
                Ok(Self { format: format.parse()?, path: path.into() })
            }
            _ => Err(ParseTargetError::NoPath(text.to_owned())),
        }
    }
}

impl ReportTarget {
    /// Writes the report as every file is written: whole, or as it stands to a pipe or device.
    pub fn write(
        &self,
        report: &impl Render,
        options: &TextOptions<'_>,
    ) -> Result<(), WriteReportError> {
        let written = files::write(&self.path, |out| report.render(self.format, options, out));
        written.map_err(|source| WriteReportError { path: self.path.clone(), source })
    }
}

/// Writes a text as [`ReportTarget::write`] does a report.
pub fn write_text(path: &Path, text: &str) -> Result<(), WriteReportError> {
    let written = files::write(path, |out| out.write_all(text.as_bytes()));
    written.map_err(|source| WriteReportError { path: path.to_owned(), source })
}

/// Whether a report could be written to a path: its folder exists, and it is no folder itself.
pub fn check_place(path: &Path) -> Result<(), WriteReportError> {
    files::check(path).map_err(|source| WriteReportError { path: path.to_owned(), source })
}
