//! `probe`, `show`, `status` and `breaker`.

use std::path::PathBuf;

use clap::{ArgAction, ArgGroup, Args, Subcommand, ValueEnum};

use crate::model::Digest;
use crate::report::Format;

/// `restock probe`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Exit codes: 0 all present, 2 some absent, 3 some unknown

Example:
  restock probe 3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea")]
pub struct ProbeArgs {
    /// The digests to ask for.
    #[arg(value_name = "DIGEST", required = true)]
    pub digests: Vec<Digest>,
    /// Ask in this collection only; may be repeated.
    #[arg(long, value_name = "NAME", action = ArgAction::Append)]
    pub collection: Vec<String>,
}

/// The form of an answer that is no report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum AnswerFormat {
    /// For people at a terminal.
    #[default]
    Table,
    /// One document.
    Json,
}

/// `restock show`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Example:
  restock show 3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea")]
pub struct ShowArgs {
    /// The object.
    #[arg(value_name = "DIGEST")]
    pub digest: Digest,
    /// How the answer is written.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: AnswerFormat,
}

/// `restock sources`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Exit codes: 0 each could be had, 2 some could not, 3 of some nobody could say

Examples:
  restock sources
  restock sources --collection software-installers --output ndjson")]
pub struct SourcesArgs {
    /// Ask about this collection only; may be repeated.
    #[arg(long, value_name = "NAME", action = ArgAction::Append)]
    pub collection: Vec<String>,
    /// How the answer is written.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: ListFormat,
}

/// The form of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ListFormat {
    /// For people at a terminal.
    #[default]
    Table,
    /// One document.
    Json,
    /// One record a line, the summary last.
    Ndjson,
}

impl From<ListFormat> for Format {
    fn from(form: ListFormat) -> Self {
        match form {
            ListFormat::Table => Self::Table,
            ListFormat::Json => Self::Json,
            ListFormat::Ndjson => Self::Ndjson,
        }
    }
}

/// `restock status`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  restock status --output json
  restock status --server http://127.0.0.1:9847
  restock status --server unix:/run/restock/admin.sock")]
pub struct StatusArgs {
    /// Ask the daemon that answers here, in place of the ledger: a URL, or `unix:` and the path
    /// of its admin socket. No configuration is needed.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// The token that the daemon asks for, where its `http.api` is "token".
    #[arg(long, value_name = "FILE", requires = "server")]
    pub token_file: Option<PathBuf>,
    /// How the answer is written.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: AnswerFormat,
}

/// `restock breaker`.
#[derive(Debug, Clone, Args)]
pub struct BreakerArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: BreakerCommand,
}

/// What can be done with the breaker.
#[derive(Debug, Clone, Subcommand)]
pub enum BreakerCommand {
    /// Show whether the breaker is open, and why; exits with 4 while it is open and not acknowledged.
    Show,
    /// Answer that the numbers are real, so that heals may run.
    #[command(
        group = ArgGroup::new("expectation").required(true),
        after_help = "\
Example, with the number that `restock breaker show` prints:
  restock breaker ack --expect-missing 412"
    )]
    Ack {
        /// So many missing and corrupt objects are expected.
        #[arg(long, value_name = "N", group = "expectation")]
        expect_missing: Option<u64>,
        /// So many objects in the catalog are expected.
        #[arg(long, value_name = "N", group = "expectation")]
        expect_records: Option<u64>,
    },
}
