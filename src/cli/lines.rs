//! [`Lines`]: every line of the log, and every panic, told to an observer.

use std::panic;
use std::sync::{Arc, OnceLock};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::observe::{self, LogLevel, Observer};

/// Tells an observer of lines that are logged. The log is set up before anybody counts its lines:
/// those that come earlier are told to nobody.
#[derive(Clone, Default)]
pub struct Lines(Arc<OnceLock<Arc<dyn Observer>>>);

impl Lines {
    /// Tells this observer from now on. The first one that is named stays.
    pub fn tell(&self, observer: Arc<dyn Observer>) {
        self.0.get_or_init(|| observer);
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = match *event.metadata().level() {
            Level::ERROR => LogLevel::Error,
            Level::WARN => LogLevel::Warn,
            Level::INFO => LogLevel::Info,
            Level::DEBUG | Level::TRACE => return,
        };
        if let Some(observer) = self.0.get() {
            observer.notice(&observe::Event::Logged(level));
        }
    }
}

/// Tells an observer of every panic of the process, whoever catches it, besides printing it.
pub fn tell_panics(observer: Arc<dyn Observer>) {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        observer.notice(&observe::Event::Panicked);
        before(info);
    }));
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::registry::Registry;

    use crate::observe::Metrics;

    use super::*;

    #[test]
    fn lines_are_counted_by_level_from_when_somebody_counts() {
        let metrics = Arc::new(Metrics::new("default", chrono::DateTime::UNIX_EPOCH).unwrap());
        let lines = Lines::default();
        let _log = tracing::subscriber::set_default(Registry::default().with(lines.clone()));
        let error = || tracing::error!("an error");
        let warn = || tracing::warn!("a warning");
        error();
        lines.tell(metrics.clone());
        error();
        warn();
        warn();
        tracing::debug!("none");
        let text = metrics.render().unwrap();
        for line in ["error\"} 1", "warn\"} 2", "info\"} 0"] {
            let line = format!("restock_log_messages_total{{level=\"{line}");
            assert!(text.lines().any(|shown| shown == line), "{line} is not in {text}");
        }
    }

    #[test]
    fn a_panic_that_is_caught_is_counted_all_the_same() {
        let metrics = Arc::new(Metrics::new("default", chrono::DateTime::UNIX_EPOCH).unwrap());
        tell_panics(metrics.clone());
        let caught = std::thread::spawn(|| panic!("on purpose")).join();
        assert!(caught.is_err());
        assert!(metrics.render().unwrap().contains("\nrestock_panics_total 1\n"));
    }
}
