//! The command line, as contract and help describe it.

mod inspect;
mod local;
mod pass;
mod preflight;
mod slice;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand};

use super::logging::LogFormat;

pub use inspect::{
    AnswerFormat, BreakerArgs, BreakerCommand, ProbeArgs, ShowArgs, SourcesArgs, StatusArgs,
};
pub use local::{CompletionsArgs, ConfigArgs, ConfigCommand, DemoArgs, ImportArgs, ManArgs};
pub use pass::{AuditArgs, HealArgs, PassArgs, RunArgs};
pub use preflight::PreflightArgs;
pub use slice::{NoSliceError, SliceArg};

const EXIT_CODES: &str = "\
Exit codes:
  0    clean: everything in scope was confirmed, and after `heal` what was wrong is right again
  1    failed: the run could not finish
  2    findings remain (`--fail-on` says which count)
  3    incomplete: no such findings, but some objects could not be checked
  4    refused: the breaker is open, or a plan does not fit the world
  5    busy: another instance holds the lock
  64   usage error
  78   configuration error
  130  interrupted (SIGINT)
  143  terminated (SIGTERM)
  101  a bug

Examples:
  restock demo                 see it work, in ./restock-demo
  restock import PATH          begin with files of your own
  restock audit                what is missing, corrupt or too many
  restock heal --dry-run       what would be done about it
  restock config check         whether restock.toml can be used";

/// Keeps a catalog of SHA-256 digests and the object store behind it in agreement.
#[derive(Debug, Parser)]
#[command(
    name = "restock",
    version,
    propagate_version = true,
    args_override_self = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = EXIT_CODES
)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that stand before or behind any command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Take this configuration [default: ./restock.toml, then /etc/restock/restock.toml].
    #[arg(short, long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Tell warnings and errors only, and draw no progress.
    #[arg(short, long, global = true, action = ArgAction::SetTrue)]
    pub quiet: bool,
    /// Tell more; twice for every detail.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// How log lines on stderr are written.
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// Use no colors, as with the variable `NO_COLOR`.
    #[arg(long, global = true, action = ArgAction::SetTrue)]
    pub no_color: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// See the whole job done on files made for it, in a folder of its own.
    Demo(DemoArgs),
    /// Register files, or a list of digests and URLs, in the embedded catalog.
    Import(ImportArgs),
    /// Compare catalog and store, and change nothing.
    Audit(AuditArgs),
    /// Put back what is missing or corrupt.
    Heal(HealArgs),
    /// Stay, and do both on a schedule.
    Run(RunArgs),
    /// Ask the store for single objects.
    Probe(ProbeArgs),
    /// Tell what Fleet would do with the packages of GitOps files.
    Preflight(PreflightArgs),
    /// Tell all that is known of one object.
    Show(ShowArgs),
    /// Ask whether each object could be had again today, without downloading any.
    Sources(SourcesArgs),
    /// Tell what the ledger knows now.
    Status(StatusArgs),
    /// Show the breaker, or answer it.
    Breaker(BreakerArgs),
    /// Check or print the configuration.
    Config(ConfigArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
    /// Write the manual pages.
    Man(ManArgs),
}

impl Cli {
    /// Reads a command line whose first word is the program's name.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let cli = Self::try_parse_from(args)?;
        // clap sees no conflict between options on two sides of a command.
        if cli.common.quiet && cli.common.verbose > 0 {
            let message = "`-q` and `-v` contradict each other";
            return Err(Self::command().error(ErrorKind::ArgumentConflict, message));
        }
        Ok(cli)
    }

    /// The definition, for completions and manual pages.
    pub fn definition() -> clap::Command {
        Self::command()
    }
}

#[cfg(test)]
mod tests;
