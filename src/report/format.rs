//! [`Format`]: the forms of a report.

use std::fmt;
use std::str::FromStr;

/// A form of a report, as `--output` and `--report` name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people at a terminal.
    #[default]
    Table,
    /// One document.
    Json,
    /// One record a line, the summary last.
    Ndjson,
    /// Test cases in XML, as CI systems show them.
    Junit,
    /// Commands of GitHub's workflows: annotations at files and lines.
    Github,
}

/// A word that names no form of a report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no report format: write table, json, ndjson, junit or github")]
pub struct ParseFormatError(pub String);

impl Format {
    /// All forms.
    pub const ALL: [Self; 5] = [Self::Table, Self::Json, Self::Ndjson, Self::Junit, Self::Github];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Junit => "junit",
            Self::Github => "github",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = ParseFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|format| format.as_str() == text);
        named.ok_or_else(|| ParseFormatError(text.to_owned()))
    }
}
