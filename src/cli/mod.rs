//! The command line: reads it, runs one command, and turns what comes of it into an exit code.

pub mod args;
mod completions;
mod config_cmd;
mod failure;
mod logging;
mod output;
mod signals;

use std::ffi::OsString;
use std::io::{self, Write};

use tokio_util::sync::CancellationToken;

use crate::config::{Config, ConfigError, Environment};
use crate::model::redact_urls_in;
use args::{Cli, Command, Common};
use output::Output;
use signals::Signals;

pub use failure::{USAGE, UsageError, describe, exit_code};

/// What a command works with.
pub struct Context<'a> {
    /// The options that every command takes.
    pub common: &'a Common,
    /// The variables and the working directory.
    pub environment: &'a Environment,
    /// Data goes here. After an error of it, return the error: a closed pipe ends quietly.
    pub stdout: &'a mut dyn Write,
    /// Everything else goes here.
    pub stderr: &'a mut dyn Write,
    /// Set by the first signal: finish what was begun, begin nothing.
    pub cancel: CancellationToken,
}

impl Context<'_> {
    /// The configuration that the command line names, or that is found.
    pub fn config(&self) -> Result<Config, ConfigError> {
        Config::load(self.common.config.as_deref(), self.environment)
    }
}

/// Runs one command line, whose first word is the program's name, and gives its exit code. Errors
/// are told on `stderr`.
pub async fn run(
    args: impl IntoIterator<Item = OsString>,
    environment: &Environment,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> u8 {
    let mut stdout = Output::new(stdout);
    let ran = match Cli::read(args) {
        Ok(cli) => run_command(&cli, environment, &mut stdout, stderr).await,
        Err(error) => tell_usage(&error, &mut stdout, stderr).map_err(anyhow::Error::from),
    };
    let flushed = stdout.flush();
    match ran.and_then(|code| Ok(flushed.map(|()| code)?)) {
        Ok(code) => code,
        // Who reads no further wants to hear no more; but the run did not finish.
        Err(_) if stdout.is_closed() => crate::model::Outcome::Failed.exit_code(),
        Err(error) => {
            tell(stderr, &describe(&error));
            exit_code(&error)
        }
    }
}

async fn run_command(
    cli: &Cli,
    environment: &Environment,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> anyhow::Result<u8> {
    logging::begin(&cli.common, environment);
    let mut signals = Signals::listen()?;
    let cancel = CancellationToken::new();
    let ended = {
        let common = &cli.common;
        let mut context = Context { common, environment, stdout, stderr, cancel: cancel.clone() };
        signals.race(dispatch(&cli.command, &mut context), &cancel).await
    };
    if let Some(signal) = ended.signal {
        // What a drain could not do is told, and the signal still decides the exit code.
        if let Some(Err(error)) = ended.result {
            tell(stderr, &describe(&error));
        }
        return Ok(signal);
    }
    ended.result.unwrap_or(Ok(0))
}

async fn dispatch(command: &Command, context: &mut Context<'_>) -> anyhow::Result<u8> {
    match command {
        // ---- The arms of demo, import, audit, heal, probe, show, status, breaker: here. ----
        Command::Config(args) => config_cmd::run(args, context, None).await,
        Command::Completions(args) => completions::completions(args, context),
        Command::Man(args) => completions::man(args, context),
    }
}

/// Help and version are data; everything else that clap has to say is a usage error.
fn tell_usage(
    error: &clap::Error,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> io::Result<u8> {
    let text = error.render().to_string();
    if !error.use_stderr() {
        stdout.write_all(text.as_bytes())?;
        return Ok(0);
    }
    // Arguments are quoted in it, and somebody's URL may be one of them.
    tell_plain(stderr, &redact_urls_in(&text));
    Ok(USAGE)
}

fn tell(stderr: &mut dyn Write, message: &str) {
    tell_plain(stderr, &format!("restock: error: {message}\n"));
}

/// Where stderr is closed too, nobody can be told; the exit code still says it.
fn tell_plain(stderr: &mut dyn Write, text: &str) {
    drop(stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush()));
}

pub use config_cmd::OnlineCheck;
