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
}

/// A word that names no form of a report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no report format: write table, json or ndjson")]
pub struct ParseFormatError(pub String);

impl Format {
    /// All forms.
    pub const ALL: [Self; 3] = [Self::Table, Self::Json, Self::Ndjson];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
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
