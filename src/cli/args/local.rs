//! `demo`, `import`, `config`, `completions` and `man`.

use std::path::PathBuf;

use clap::{ArgAction, Args, Subcommand};
use clap_complete::Shell;
use url::Url;

/// `restock demo`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  restock demo
  restock demo --keep, and from another terminal: restock -c restock-demo/restock.toml audit")]
pub struct DemoArgs {
    /// The folder to work in; one that an earlier demo made is made anew.
    #[arg(long, value_name = "DIR", default_value = "restock-demo")]
    pub dir: PathBuf,
    /// Go on serving the sources until Ctrl-C.
    #[arg(long, action = ArgAction::SetTrue)]
    pub keep: bool,
}

/// `restock import`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  restock import ./installers --source-url-base https://files.example.com/installers
  restock import manifest.txt, with lines of `sha256  url`")]
pub struct ImportArgs {
    /// Files, folders, or manifests with lines of `sha256  url`.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Where the files can be had again: this, a slash, and the path.
    #[arg(long, value_name = "URL")]
    pub source_url_base: Option<Url>,
}

/// `restock config`.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// What can be done with the configuration.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigCommand {
    /// Tell whether it can be used: `ok`, or everything that is wrong with it.
    Check {
        /// Open catalog, store and ledger too.
        #[arg(long, action = ArgAction::SetTrue)]
        online: bool,
    },
    /// Print what holds, defaults included and secrets redacted.
    #[command(after_help = "\
Example:
  restock config show --origin")]
    Show {
        /// Tell behind each value where it comes from.
        #[arg(long, action = ArgAction::SetTrue)]
        origin: bool,
    },
    /// Print the JSON Schema of configuration files.
    Schema,
}

/// `restock completions`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Example:
  restock completions bash > ~/.local/share/bash-completion/completions/restock")]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

/// `restock man`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Example:
  restock man ~/.local/share/man/man1")]
pub struct ManArgs {
    /// The folder to write them to; made if it is absent.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}
