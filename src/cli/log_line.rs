//! One event as one line, in each of the shapes of the log.
//!
//! Written here because every value passes through the redaction of URLs on its way, whichever
//! library it comes from, and because keys of a store may hold control characters.

use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

use crate::model::redact_urls_in;
use crate::report::escape;

/// The shape of a line.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// `[TIME] LEVEL MESSAGE name=value …`
    Text { timed: bool },
    /// `{"timestamp":…,"level":…,"target":…,"message":…,…}`
    Json,
    /// `<PRIORITY>MESSAGE name=value …`: the journal adds the rest.
    Journald,
}

/// Writes events in a shape.
pub(super) struct LogLine(pub(super) Shape);

impl<S, N> FormatEvent<S, N> for LogLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut values = Values::default();
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            if let Some(SpanValues(own)) = span.extensions().get() {
                values.others.extend(own.clone());
            }
        }
        event.record(&mut values);
        let level = *event.metadata().level();
        match self.0 {
            Shape::Text { timed } => {
                if timed {
                    write!(line, "{} ", now()?)?;
                }
                write_level(&mut line, level)?;
                write_values(&mut line, &values)?;
            }
            Shape::Json => write_json(&mut line, event, values)?,
            Shape::Journald => {
                write!(line, "<{}>", priority(level))?;
                write_values(&mut line, &values)?;
            }
        }
        writeln!(line)
    }
}

/// What the spans say around an event, such as the pass that it belongs to: kept with each span
/// when it begins, for all lines in it.
pub(super) struct KeepSpanValues;

struct SpanValues(Map<String, Value>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for KeepSpanValues {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut values = Values::default();
        attributes.record(&mut values);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(SpanValues(values.others));
        }
    }
}

/// The message of an event and its other values, redacted.
#[derive(Default)]
struct Values {
    message: String,
    others: Map<String, Value>,
}

impl Values {
    fn keep(&mut self, field: &Field, value: Value) {
        self.others.insert(field.name().to_owned(), value);
    }
}

impl Visit for Values {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = redact_urls_in(&format!("{value:?}"));
        if field.name() == "message" {
            self.message = text;
        } else {
            self.keep(field, text.into());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.keep(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.keep(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.keep(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.keep(field, value.into());
    }
}

fn now() -> Result<String, fmt::Error> {
    let mut text = String::new();
    SystemTime.format_time(&mut Writer::new(&mut text))?;
    Ok(text)
}

fn write_level(line: &mut Writer<'_>, level: Level) -> fmt::Result {
    if !line.has_ansi_escapes() {
        return write!(line, "{level:>5} ");
    }
    let color = match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    };
    write!(line, "\u{1b}[{color}m{level:>5}\u{1b}[0m ")
}

fn write_values(line: &mut Writer<'_>, values: &Values) -> fmt::Result {
    write!(line, "{}", escape(&values.message))?;
    for (name, value) in &values.others {
        write!(line, " {name}=")?;
        match value.as_str() {
            Some(text) if !text.contains([' ', '"', '=']) && !text.is_empty() => {
                write!(line, "{}", escape(text))?;
            }
            _ => write!(line, "{}", escape(&value.to_string()))?,
        }
    }
    Ok(())
}

fn write_json(line: &mut Writer<'_>, event: &Event<'_>, values: Values) -> fmt::Result {
    let metadata = event.metadata();
    let mut object = values.others;
    object.insert("timestamp".to_owned(), now()?.into());
    object.insert("level".to_owned(), metadata.level().as_str().to_ascii_lowercase().into());
    object.insert("target".to_owned(), metadata.target().into());
    object.insert("message".to_owned(), values.message.into());
    // The same text to whoever reads it as JSON, and no command to a runner that reads the log.
    write!(line, "{}", Value::Object(object).to_string().replace("##[", "##\\u005b"))
}

/// Priorities of syslog.
const fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}
