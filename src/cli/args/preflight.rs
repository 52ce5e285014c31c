//! `preflight`.

use std::path::PathBuf;

use clap::{ArgAction, Args};

use crate::model::Span;
use crate::report::{Format, ReportTarget};

/// `restock preflight`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
With `-q`, only what fails or could not be checked is printed

Exit codes: 0 all is there or will be downloaded, 2 GitOps would fail or hand out wrong bytes, 3 some could not be checked, 1 a path could not be read

Examples:
  restock preflight fleets
  restock preflight default.yml teams/*.yml --output github
  restock preflight default.yml fleets --heal --report junit=preflight.xml")]
pub struct PreflightArgs {
    /// Fleet GitOps files, folders of them, or patterns.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Heal what the files ask for and is absent, before anything is told.
    #[arg(long, action = ArgAction::SetTrue)]
    pub heal: bool,
    /// Wait this long for another instance to finish [default: not at all].
    #[arg(long, value_name = "DURATION", requires = "heal")]
    pub wait_lock: Option<Span>,
    /// Look in this collection only; may be repeated [default: those that hold packages].
    #[arg(long, value_name = "NAME", action = ArgAction::Append)]
    pub collection: Vec<String>,
    /// How the report on stdout is written: table, json, ndjson, junit or github.
    #[arg(long, value_name = "FORMAT", default_value_t)]
    pub output: Format,
    /// Write a report to a file too; may be repeated.
    #[arg(long, value_name = "FORMAT=PATH", action = ArgAction::Append)]
    pub report: Vec<ReportTarget>,
}
