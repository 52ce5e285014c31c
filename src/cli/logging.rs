//! Setting up the log: which events, in which shape, all of them on stderr.

use clap::ValueEnum;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use super::console::Console;
use super::lines::Lines;
use super::log_line::{KeepSpanValues, LogLine, Shape};

/// `--log-format`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text on a terminal, the journal's own lines where stderr leads to it, otherwise JSON.
    #[default]
    Auto,
    /// A line for a person.
    Text,
    /// A JSON object a line.
    Json,
    /// A line with the priority in front, as systemd's journal reads it from stderr.
    Journald,
}

/// How much is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// `-q`: warnings and errors.
    Quiet,
    /// What was done.
    #[default]
    Normal,
    /// `-v`: how it was done.
    Verbose,
    /// `-vv`: everything.
    Trace,
}

impl Verbosity {
    /// What `-q` and the number of `-v` ask for; `-q` wins.
    pub const fn of(quiet: bool, verbose: u8) -> Self {
        match (quiet, verbose) {
            (true, _) => Self::Quiet,
            (false, 0) => Self::Normal,
            (false, 1) => Self::Verbose,
            (false, _) => Self::Trace,
        }
    }

    /// Libraries tell what goes wrong, and no more unless a filter asks for it.
    const fn directives(self) -> &'static str {
        match self {
            Self::Quiet => "warn",
            Self::Normal => "warn,restock=info",
            Self::Verbose => "warn,restock=debug",
            Self::Trace => "warn,restock=trace",
        }
    }
}

/// What the command line and the environment say of the log.
#[derive(Debug, Clone, Copy, Default)]
pub struct Logging<'a> {
    /// `--log-format`.
    pub format: LogFormat,
    /// `-q` and `-v`.
    pub verbosity: Verbosity,
    /// `RESTOCK_LOG`, in place of the verbosity: `debug`, or `warn,restock=trace`.
    pub filter: Option<&'a str>,
    /// Whether systemd's journal reads stderr.
    pub journal: bool,
    /// `--no-color`, or `NO_COLOR` that is not empty.
    pub no_color: bool,
}

/// The log cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// `RESTOCK_LOG` is no filter.
    #[error("RESTOCK_LOG `{filter}` is no filter such as `debug` or `warn,restock=trace`")]
    Filter {
        /// What was given.
        filter: String,
        /// The cause.
        #[source]
        source: ParseError,
    },
    /// It was set up before.
    #[error("the log is set up twice")]
    Twice(#[source] TryInitError),
}

/// Sets up the log of the whole process.
pub fn set_up(logging: &Logging<'_>, console: &Console, lines: &Lines) -> Result<(), LoggingError> {
    let telling = subscriber(logging, console)?.with(lines.clone());
    telling.try_init().map_err(LoggingError::Twice)
}

/// What [`set_up`] sets up, without telling anybody of its lines.
pub fn subscriber(
    logging: &Logging<'_>,
    console: &Console,
) -> Result<impl Subscriber + for<'a> LookupSpan<'a> + Send + Sync + use<>, LoggingError> {
    let filter = match logging.filter.filter(|filter| !filter.trim().is_empty()) {
        Some(filter) => parse(filter)?,
        None => parse(logging.verbosity.directives())?,
    };
    let terminal = console.is_terminal();
    let shape = match logging.format {
        LogFormat::Text => Shape::Text { timed: !terminal },
        LogFormat::Auto if terminal => Shape::Text { timed: false },
        LogFormat::Auto if logging.journal => Shape::Journald,
        LogFormat::Auto | LogFormat::Json => Shape::Json,
        LogFormat::Journald => Shape::Journald,
    };
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(terminal && !logging.no_color)
        .event_format(LogLine(shape))
        // What it would print, and panic over, is that stderr is closed.
        .log_internal_errors(false)
        .with_writer(console.clone());
    Ok(Registry::default().with(filter).with(KeepSpanValues).with(layer))
}

fn parse(filter: &str) -> Result<EnvFilter, LoggingError> {
    EnvFilter::builder()
        .parse(filter)
        .map_err(|source| LoggingError::Filter { filter: filter.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::Value;

    use super::*;

    /// What a log with these settings tells of these events.
    fn told(logging: &Logging<'_>, terminal: bool, events: impl FnOnce()) -> String {
        let out = Arc::new(Mutex::new(Vec::new()));
        let console = Console::to(out.clone(), terminal);
        tracing::subscriber::with_default(subscriber(logging, &console).unwrap(), events);
        let bytes = out.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn one_of_each() {
        let events: [fn(); 6] = [
            || tracing::error!("e"),
            || tracing::warn!("w"),
            || tracing::info!("i"),
            || tracing::debug!("d"),
            || tracing::trace!("t"),
            || tracing::info!(target: "hyper", "chatter of a library"),
        ];
        for event in events {
            event();
        }
    }

    #[test]
    fn q_and_v_choose_the_level_and_libraries_stay_quiet() {
        for (quiet, verbose, expected) in
            [(true, 2, 2), (false, 0, 3), (false, 1, 4), (false, 2, 5), (false, 9, 5)]
        {
            let verbosity = Verbosity::of(quiet, verbose);
            let logging = Logging { verbosity, ..Logging::default() };
            let text = told(&logging, true, one_of_each);
            assert_eq!(text.lines().count(), expected, "{verbosity:?}: {text}");
        }
    }

    #[test]
    fn a_filter_takes_the_place_of_the_level() {
        let logging = Logging { filter: Some("error,hyper=info"), ..Logging::default() };
        let text = told(&logging, true, one_of_each);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("chatter"), "{text}");
        let empty = Logging { filter: Some(" "), ..Logging::default() };
        assert_eq!(told(&empty, true, one_of_each).lines().count(), 3);
    }

    #[test]
    fn what_is_no_filter_is_refused_with_an_example() {
        let logging = Logging { filter: Some("restock=loud"), ..Logging::default() };
        let Err(error) = subscriber(&logging, &Console::stderr()) else { panic!("was taken") };
        assert!(error.to_string().contains("RESTOCK_LOG `restock=loud` is no filter such as"));
    }

    #[test]
    fn auto_is_text_on_a_terminal_and_json_elsewhere() {
        let auto = Logging::default();
        let event = || tracing::info!(objects = 7, name = "x y", "listing");
        let text = told(&Logging { no_color: true, ..auto }, true, event);
        assert_eq!(text, " INFO listing name=\"x y\" objects=7\n");
        let line: Value = serde_json::from_str(&told(&auto, false, event)).unwrap();
        assert_eq!(line["level"], "info");
        assert_eq!(line["message"], "listing");
        assert_eq!(line["objects"], 7);
        assert_eq!(line["name"], "x y");
        assert_eq!(line["target"], "restock::cli::logging::tests");
        let time = line["timestamp"].as_str().unwrap();
        assert!(chrono::DateTime::parse_from_rfc3339(time).unwrap().timestamp() > 1_700_000_000);
    }

    #[test]
    fn text_in_a_file_tells_the_time() {
        let text = Logging { format: LogFormat::Text, ..Logging::default() };
        let line = told(&text, false, || tracing::warn!("w"));
        let (time, rest) = line.split_once(' ').unwrap();
        chrono::DateTime::parse_from_rfc3339(time).unwrap();
        assert_eq!(rest, " WARN w\n");
    }

    #[test]
    fn colors_are_for_terminals_that_want_them() {
        let text = Logging { format: LogFormat::Text, ..Logging::default() };
        let event = || tracing::error!("e");
        assert!(told(&text, true, event).contains("\u{1b}["));
        assert!(!told(&text, false, event).contains('\u{1b}'));
        assert!(!told(&Logging { no_color: true, ..text }, true, event).contains('\u{1b}'));
    }

    #[test]
    fn the_journal_gets_priorities() {
        let filter = Some("trace");
        let logging = Logging { format: LogFormat::Journald, filter, ..Logging::default() };
        let text = told(&logging, false, one_of_each);
        let expected = "<3>e\n<4>w\n<6>i\n<7>d\n<7>t\n<6>chatter of a library\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn no_event_breaks_out_of_its_line_and_no_secret_out_of_its_url() {
        let url = "https://u:SECRET@h.example/p?t=SECRET";
        let event = || tracing::warn!(url, "a\nb \u{1b}[31m \"{url}\"");
        for format in [LogFormat::Text, LogFormat::Json, LogFormat::Journald] {
            let line = told(&Logging { format, ..Logging::default() }, false, event);
            assert_eq!(line.lines().count(), 1, "{line}");
            assert!(!line.contains('\u{1b}'), "{line}");
            assert!(!line.contains("SECRET"), "{line}");
            assert!(line.contains("https://h.example/p"), "{line}");
            if format == LogFormat::Json {
                let value: Value = serde_json::from_str(&line).unwrap();
                assert_eq!(value["message"], "a\nb \u{1b}[31m \"https://h.example/p\"");
            }
        }
    }
}
