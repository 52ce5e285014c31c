//! `orphans` and `quarantine`: what takes objects away, on a person's word.

use std::path::PathBuf;

use clap::{ArgAction, Args, Subcommand};

use super::ListFormat;
use crate::model::Span;

/// `restock orphans`.
#[derive(Debug, Clone, Args)]
pub struct OrphansArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: OrphansCommand,
}

/// What can be done with objects that no row wants.
#[derive(Debug, Clone, Subcommand)]
pub enum OrphansCommand {
    /// List the orphans that the last passes found.
    #[command(after_help = "\
Example:
  restock orphans list --flagged")]
    List {
        /// Those only that are old, and were seen often enough.
        #[arg(long, action = ArgAction::SetTrue)]
        flagged: bool,
        /// How the list is written.
        #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
        output: ListFormat,
    },
    /// Audit everything, and write a plan for the flagged orphans.
    #[command(after_help = "\
Nothing is taken away: read the plan, shorten it if you like, and apply it

Example:
  restock orphans plan -o orphans.json")]
    Plan(OrphansPlanArgs),
    /// Carry out a plan, after looking at each of its entries again.
    #[command(after_help = "\
What was done is written to FILE.applied.ndjson, by which `orphans restore` undoes it

Example:
  restock orphans apply orphans.json --max-delete 20")]
    Apply(OrphansApplyArgs),
    /// Put back from the quarantine what a plan moved there.
    #[command(after_help = "\
Example:
  restock orphans restore orphans.json.applied.ndjson")]
    Restore(OrphansRestoreArgs),
}

/// `restock orphans plan`.
#[derive(Debug, Clone, Args)]
pub struct OrphansPlanArgs {
    /// Where to write the plan.
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    pub out: PathBuf,
    /// Take orphans of this collection only; may be repeated.
    #[arg(long, value_name = "NAME", action = ArgAction::Append)]
    pub collection: Vec<String>,
    /// Plan to delete them for good, and not to move them to the quarantine.
    #[arg(long, action = ArgAction::SetTrue)]
    pub delete: bool,
}

/// `restock orphans apply`.
#[derive(Debug, Clone, Args)]
pub struct OrphansApplyArgs {
    /// The plan.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Refuse a plan with more entries than this.
    #[arg(long, value_name = "N")]
    pub max_delete: u64,
    /// Delete for good, whatever the plan says.
    #[arg(long, action = ArgAction::SetTrue)]
    pub delete: bool,
    /// Wait this long for another instance to finish [default: not at all].
    #[arg(long, value_name = "DURATION")]
    pub wait_lock: Option<Span>,
    /// How it is told what was done.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: ListFormat,
}

/// `restock orphans restore`.
#[derive(Debug, Clone, Args)]
pub struct OrphansRestoreArgs {
    /// The record of what was done, or the plan that it lies beside.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Wait this long for another instance to finish [default: not at all].
    #[arg(long, value_name = "DURATION")]
    pub wait_lock: Option<Span>,
    /// How it is told what was done.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: ListFormat,
}

/// `restock quarantine`.
#[derive(Debug, Clone, Args)]
pub struct QuarantineArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: QuarantineCommand,
}

/// What can be done with what was set aside.
#[derive(Debug, Clone, Subcommand)]
pub enum QuarantineCommand {
    /// List what was set aside: corrupt bytes that were replaced, orphans that were moved.
    #[command(after_help = "\
Example:
  restock quarantine list --older-than 90d")]
    List {
        /// What has lain there for longer than this only.
        #[arg(long, value_name = "D")]
        older_than: Option<Span>,
        /// How the list is written.
        #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
        output: ListFormat,
    },
    /// Delete for good what has lain there for long.
    #[command(after_help = "\
Example:
  restock quarantine prune --older-than 90d --max-delete 100")]
    Prune {
        /// What has lain there for longer than this, by the youngest of all witnesses.
        #[arg(long, value_name = "D")]
        older_than: Span,
        /// Refuse to delete more objects than this.
        #[arg(long, value_name = "N")]
        max_delete: u64,
        /// Wait this long for another instance to finish [default: not at all].
        #[arg(long, value_name = "DURATION")]
        wait_lock: Option<Span>,
        /// How it is told what was done.
        #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
        output: ListFormat,
    },
}
