//! `audit` and `heal`.

use std::path::PathBuf;

use clap::{ArgAction, Args};

use super::SliceArg;
use crate::model::{Digest, Slice, Span};
use crate::pass::FailOn;
use crate::report::{Format, ReportTarget};

/// What both kinds of pass take.
#[derive(Debug, Clone, Default, Args)]
pub struct PassArgs {
    /// Read and hash all objects, or those of the i-th of n slices.
    #[arg(
        long,
        value_name = "i/n",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1/1"
    )]
    pub deep: Option<Slice>,
    /// Judge and count this part of the digest space only; `/n` takes i-1 from `JOB_COMPLETION_INDEX`.
    #[arg(long, value_name = "i/n")]
    pub slice: Option<SliceArg>,
    /// Look at this collection only; may be repeated.
    #[arg(long, value_name = "NAME", action = ArgAction::Append)]
    pub collection: Vec<String>,
    /// How the report on stdout is written: table, json, ndjson, junit or github.
    #[arg(long, value_name = "FORMAT", default_value_t)]
    pub output: Format,
    /// Write a report to a file too; may be repeated.
    #[arg(long, value_name = "FORMAT=PATH", action = ArgAction::Append)]
    pub report: Vec<ReportTarget>,
    /// Write the numbers of this run for Prometheus, to be read by `node_exporter`'s textfile collector.
    #[arg(long, value_name = "PATH")]
    pub textfile: Option<PathBuf>,
    /// Findings that make the exit code 2, of missing, corrupt, invalid, orphan and unknown, or none [default: missing,corrupt,invalid].
    #[arg(long, value_name = "LIST")]
    pub fail_on: Option<FailOn>,
}

/// `restock audit`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  restock audit
  restock audit --deep --report json=audit.json
  restock audit --collection software-installers --fail-on missing,unknown")]
pub struct AuditArgs {
    /// How to look.
    #[command(flatten)]
    pub pass: PassArgs,
}

/// `restock run`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Signals: SIGHUP reads the configuration again, SIGTERM drains and ends, a second one ends at once

Example:
  restock run -c /etc/restock/restock.toml")]
pub struct RunArgs {}

/// `restock heal`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  restock heal --dry-run
  restock heal --plan plan.json, and after reading it: restock heal --from-plan plan.json
  restock heal 3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea")]
pub struct HealArgs {
    /// Heal these objects only, whatever their back-off says.
    #[arg(value_name = "DIGEST")]
    pub digests: Vec<Digest>,
    /// Print the plan, change nothing, and exit as `audit` would.
    #[arg(long, action = ArgAction::SetTrue)]
    pub dry_run: bool,
    /// Write the plan to a file and change nothing.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Carry out the plan in a file; what no longer fits is left alone.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["digests", "dry_run", "plan", "deep", "slice", "collection"]
    )]
    pub from_plan: Option<PathBuf>,
    /// Also replace named objects that exist and cannot be read, once their bytes are proven.
    #[arg(long, action = ArgAction::SetTrue, requires = "digests", conflicts_with = "from_plan")]
    pub replace_unreadable: bool,
    /// Wait this long for another instance to finish [default: not at all].
    #[arg(long, value_name = "DURATION", conflicts_with_all = ["dry_run", "plan"])]
    pub wait_lock: Option<Span>,
    /// How to look.
    #[command(flatten)]
    pub pass: PassArgs,
}
