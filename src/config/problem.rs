//! [`ConfigError`] and the [`Problem`]s of a configuration, each with the place it stands at.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Where a value comes from, weakest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Written nowhere.
    Default,
    /// A line of the configuration file.
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// Variables of Fleet's own, by their names.
    Fleet(String),
    /// A file in `$CREDENTIALS_DIRECTORY`, by its name.
    Credential(String),
    /// A variable, by its name.
    Variable(String),
    /// A file that a variable `…_FILE` names, by the variable's name.
    VariableFile(String),
}

impl Origin {
    /// Whether the value was handed over in a file of its own, as secrets are.
    pub const fn is_secret(&self) -> bool {
        matches!(self, Self::Credential(_) | Self::VariableFile(_))
    }

    /// Which of two origins holds: the one that ranks higher.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File { .. } => 1,
            Self::Fleet(_) => 2,
            Self::Credential(_) => 3,
            Self::Variable(_) | Self::VariableFile(_) => 4,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Credential(name) => write!(f, "credential {name}"),
            Self::Fleet(name) | Self::Variable(name) | Self::VariableFile(name) => {
                f.write_str(name)
            }
        }
    }
}

/// One thing wrong with a configuration. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key in question, e.g. `collection[0].key`; empty for the file as a whole.
    pub key: String,
    /// Where it is written.
    pub origin: Origin,
    /// What is wrong, where a word or two say it, e.g. `unknown key`.
    pub what: &'static str,
    /// What to do; where `what` is empty, a phrase with a verb that completes the sentence.
    pub advice: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)?;
        if !self.key.is_empty() {
            let gap = if self.what.is_empty() { "" } else { " " };
            write!(f, "{gap}`{}`", self.key)?;
        }
        match &self.origin {
            Origin::Default => {}
            Origin::File { .. } => write!(f, " at {}", self.origin)?,
            Origin::Fleet(_)
            | Origin::Credential(_)
            | Origin::Variable(_)
            | Origin::VariableFile(_) => {
                write!(f, " in {}", self.origin)?;
            }
        }
        let colon = if self.what.is_empty() { "" } else { ":" };
        write!(f, "{colon} {}", self.advice)
    }
}

/// A configuration that cannot be used. The exit code is 78.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is none.
    #[error("no configuration found: neither {} exists", list(.looked))]
    NotFound {
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// The file cannot be read.
    #[error("cannot read configuration {}", .path.display())]
    Read {
        /// The file, as it was named.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// It can be read and not be used.
    #[error("{}", lines(.problems))]
    Invalid {
        /// Everything that is wrong with it.
        problems: Vec<Problem>,
        /// The file, as it was named; `None` where only the environment says something.
        file: Option<PathBuf>,
    },
}

impl ConfigError {
    /// What to do about it, where the message does not say it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotFound { .. } => Some(
                "`restock import PATH` or `restock demo` makes one; `-c FILE` names one elsewhere; \
                 beside Fleet, `--from-fleet-env` needs none",
            ),
            Self::Read { .. } => Some("`-c FILE` must name a readable TOML file"),
            Self::Invalid { file: None, problems } if !of_fleet(problems) => {
                Some("there is no configuration file here: `-c FILE` names one")
            }
            Self::Invalid { .. } => None,
        }
    }
}

/// Whether Fleet's own variables were asked for: then no file is missed.
fn of_fleet(problems: &[Problem]) -> bool {
    problems.iter().any(|problem| matches!(problem.origin, Origin::Fleet(_)))
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" nor ")
}

fn lines(problems: &[Problem]) -> String {
    match problems {
        [only] => only.to_string(),
        several => several
            .iter()
            .fold(format!("the configuration has {} problems", several.len()), |text, problem| {
                format!("{text}\n  {problem}")
            }),
    }
}
