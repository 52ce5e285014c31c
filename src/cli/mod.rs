//! The command line: reads it, runs one command, and turns what comes of it into an exit code.

mod accept;
mod answers;
pub mod args;
mod completions;
mod config_cmd;
pub mod console;
mod demo;
mod events;
mod failure;
mod import_cmd;
pub mod lines;
mod log_line;
pub mod logging;
mod loose;
mod numbers;
mod orphans;
mod output;
mod outputs;
mod passes;
mod plan_file;
mod preflight;
mod probe;
pub mod progress;
mod quarantine;
mod removing;
mod run;
mod server;
mod signals;
mod sources;
mod textfile;
mod unable;
mod world;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

use crate::config::{Config, ConfigError, Environment};
use crate::model::redact_urls_in;
use crate::observe::{Observer, Silent};
use crate::report::{Color, TextOptions, escape_lines};
use args::{Cli, Command, Common};
use console::Console;
use lines::Lines;
use logging::{Logging, Verbosity};
use output::Output;
use progress::Progress;
use signals::{CurrentPhase, Signals};
use world::World;

pub use failure::{USAGE, UsageError, describe, exit_code};
pub use signals::Exit;

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
    /// The configuration, once it was read.
    known: OnceLock<Config>,
    /// Told when there is something that a signal must not leave half done, and when it is done.
    phase: CurrentPhase,
    /// Where progress is drawn.
    console: Console,
    /// Lines of the log, for whoever counts them.
    lines: Lines,
    /// How text for people is written on stdout.
    text: TextOptions<'a>,
}

impl Context<'_> {
    /// The configuration that the command line names, or that is found. It is read once: a pipe has
    /// nothing more to give.
    pub fn config(&self) -> Result<Config, ConfigError> {
        if let Some(known) = self.known.get() {
            return Ok(known.clone());
        }
        let config = self.common.load(self.environment)?;
        Ok(self.known.get_or_init(|| config).clone())
    }

    /// Paths of the command line, from the working directory on.
    fn absolute(&self, paths: &[PathBuf]) -> Vec<PathBuf> {
        paths.iter().map(|path| self.environment.working_directory().join(path)).collect()
    }

    /// Everything that the configuration names, open, with progress on stderr.
    async fn open(&self) -> anyhow::Result<World> {
        self.open_observed(self.observer()).await
    }

    /// Shows progress on stderr.
    fn observer(&self) -> Arc<dyn Observer> {
        let quiet = self.common.quiet;
        Arc::new(if quiet { Progress::hidden() } else { Progress::on_stderr(&self.console) })
    }

    /// The same for a command that is done in a moment.
    async fn open_silent(&self) -> anyhow::Result<World> {
        self.open_observed(Arc::new(Silent)).await
    }

    async fn open_observed(&self, observer: Arc<dyn Observer>) -> anyhow::Result<World> {
        let world = World::open(self.config()?, observer, self.cancel.clone()).await?;
        self.phase.working();
        Ok(world)
    }
}

/// Runs one command line, whose first word is the program's name, and gives its exit code. Errors
/// are told on `stderr`. Where a signal ends it and its thread is stuck, `exit` is told the code.
pub async fn run(
    args: impl IntoIterator<Item = OsString>,
    environment: &Environment,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
    exit: Exit,
) -> u8 {
    let mut stdout = Output::new(stdout);
    let ran = match Cli::read(args) {
        Ok(cli) => Box::pin(run_command(&cli, environment, &mut stdout, stderr, exit)).await,
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
    exit: Exit,
) -> anyhow::Result<u8> {
    let phase = CurrentPhase::default();
    let mut signals = Signals::listen(phase.clone(), exit)?;
    let cancel = CancellationToken::new();
    let console = Console::stderr();
    let lines = Lines::default();
    set_up_log(&cli.common, environment, &console, &lines)?;
    let invocation = invocation(&cli.common);
    let plain = no_color(&cli.common, environment) || !io::stdout().is_terminal();
    let color = if plain { Color::Never } else { Color::Always };
    let ended = {
        let mut context = Context {
            common: &cli.common,
            environment,
            stdout,
            stderr,
            cancel: cancel.clone(),
            known: OnceLock::new(),
            phase,
            console,
            lines,
            text: TextOptions { color, invocation: &invocation },
        };
        Box::pin(signals.race(dispatch(&cli.command, &mut context), &cancel)).await
    };
    if let Some(signal) = ended.signal {
        if matches!((&cli.command, &ended.result), (Command::Run(_), Some(Ok(_)))) {
            // A daemon is meant to be ended so, and has drained.
            return Ok(0);
        }
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
        Command::Demo(args) => Box::pin(demo::run(args, context)).await,
        Command::Import(args) => import_cmd::run(args, context).await,
        Command::Audit(args) => passes::audit(args, context).await,
        Command::Heal(args) => passes::heal(args, context).await,
        Command::Run(_) => Box::pin(run::run(context)).await,
        Command::Probe(args) => answers::probe(args, context).await,
        Command::Preflight(args) => preflight::run(args, context).await,
        Command::Show(args) => answers::show(args, context).await,
        Command::Sources(args) => sources::run(args, context).await,
        Command::Status(args) => answers::status(args, context).await,
        Command::Breaker(args) => answers::breaker(args, context).await,
        Command::Accept(args) => accept::run(args, context).await,
        Command::Orphans(args) => orphans::run(args, context).await,
        Command::Quarantine(args) => quarantine::run(args, context).await,
        Command::Config(args) => config_cmd::run(args, context).await,
        Command::Completions(args) => completions::completions(args, context),
        Command::Man(args) => completions::man(args, context),
    }
}

/// How restock was called, as far as it matters to the next command.
fn invocation(common: &Common) -> String {
    let file = common.config.as_ref().map(|file| format!(" -c {}", file.display()));
    let fleet = if common.from_fleet_env { " --from-fleet-env" } else { "" };
    format!("restock{}{fleet}", file.unwrap_or_default())
}

fn no_color(common: &Common, environment: &Environment) -> bool {
    common.no_color || environment.get("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Whether the journal reads stderr: systemd gives the device and inode of the stream.
fn is_journal(environment: &Environment) -> bool {
    let Some(stream) = environment.get("JOURNAL_STREAM") else { return false };
    let Ok(stderr) = io::stderr().as_fd().try_clone_to_owned() else { return false };
    let meta = std::fs::File::from(stderr).metadata();
    meta.is_ok_and(|meta| stream.to_str() == Some(&format!("{}:{}", meta.dev(), meta.ino())))
}

fn set_up_log(
    common: &Common,
    environment: &Environment,
    console: &Console,
    lines: &Lines,
) -> anyhow::Result<()> {
    let filter = environment.get("RESTOCK_LOG").map(|value| value.to_string_lossy());
    let logging = Logging {
        format: common.log_format,
        verbosity: Verbosity::of(common.quiet, common.verbose),
        filter: filter.as_deref(),
        journal: is_journal(environment),
        no_color: no_color(common, environment),
    };
    Ok(logging::set_up(&logging, console, lines)?)
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
    let text = escape_lines(text);
    drop(stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush()));
}
