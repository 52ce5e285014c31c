//! Log lines on stderr: for people, for the journal, or as JSON.

use std::fmt;
use std::io::{self, IsTerminal as _};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::args::{Common, LogFormat};
use crate::config::Environment;

/// Sends log lines to stderr from here on. The first call in a process holds.
pub(super) fn begin(common: &Common, environment: &Environment) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(levels(common)))
        .with_writer(io::stderr)
        .with_ansi(colored(common, environment))
        .with_target(false);
    // A second call finds the first one's subscriber in place, which is as good.
    drop(match format(common, environment) {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Journald => builder.event_format(Priority).try_init(),
        LogFormat::Text | LogFormat::Auto => builder.compact().try_init(),
    });
}

/// Whether text for people may be colored on stderr.
fn colored(common: &Common, environment: &Environment) -> bool {
    let refused = environment.get("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = environment.get("TERM").is_some_and(|value| value == "dumb");
    !(common.no_color || refused || dumb) && io::stderr().is_terminal()
}

/// Libraries speak up only where restock itself is asked for every detail.
const fn levels(common: &Common) -> &'static str {
    match (common.quiet, common.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "warn,restock=info",
        (false, 2) => "info,restock=debug",
        (false, 3..) => "debug,restock=trace",
    }
}

/// systemd says by this variable that stderr is connected to the journal.
fn format(common: &Common, environment: &Environment) -> LogFormat {
    match common.log_format {
        LogFormat::Auto if environment.get("JOURNAL_STREAM").is_some() => LogFormat::Journald,
        LogFormat::Auto => LogFormat::Text,
        given @ (LogFormat::Text | LogFormat::Json | LogFormat::Journald) => given,
    }
}

/// `<4>message key=value`: the priority in front, as the journal takes it off a line.
struct Priority;

impl<S, N> FormatEvent<S, N> for Priority
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        write!(writer, "<{}>", priority(*event.metadata().level()))?;
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// The syslog severity of a level.
const fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_to_the_journal_in_its_own_form_unless_another_is_asked_for() {
        let journal = Environment::empty("/").with("JOURNAL_STREAM", "8:1234");
        let asked = |log_format| Common { log_format, ..Common::default() };
        assert_eq!(format(&asked(LogFormat::Auto), &journal), LogFormat::Journald);
        assert_eq!(format(&asked(LogFormat::Json), &journal), LogFormat::Json);
        let none = Environment::empty("/");
        assert_eq!(format(&asked(LogFormat::Auto), &none), LogFormat::Text);
    }

    #[test]
    fn each_v_tells_more() {
        let levels = |verbose| levels(&Common { verbose, ..Common::default() });
        assert_eq!(
            [0, 1, 2, 3, 9].map(levels),
            [
                "warn",
                "warn,restock=info",
                "info,restock=debug",
                "debug,restock=trace",
                "debug,restock=trace"
            ]
        );
    }
}
