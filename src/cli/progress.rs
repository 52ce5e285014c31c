//! [`Progress`]: what a pass is at, drawn for a person or told every half minute.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;

use super::console::Console;
use super::events::Logged;
use super::numbers::Numbers;
use crate::observe::{Event, Observer};

/// What is done by then needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two drawings.
const REDRAW: Duration = Duration::from_millis(100);

/// Between two lines where nobody watches.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// An observer that shows how far the pass is until it is dropped, and logs what is worth it.
pub struct Progress {
    log: Logged,
    numbers: Arc<Mutex<Numbers>>,
    _shown: Option<Shown>,
}

/// Must be made and dropped inside a tokio runtime.
impl Progress {
    /// A bar where stderr is a terminal, otherwise a line in the log every 30 s.
    pub fn on_stderr(console: &Console) -> Self {
        if console.is_terminal() {
            return Self::drawn(console, ProgressDrawTarget::stderr());
        }
        Self::logged()
    }

    /// Shows nothing (`-q`); notices and repairs still reach the log.
    pub fn hidden() -> Self {
        Self { log: Logged::default(), numbers: Arc::default(), _shown: None }
    }

    /// A line in the log every 30 s.
    pub fn logged() -> Self {
        let numbers = Arc::default();
        let task = tokio::spawn(log(Arc::clone(&numbers)));
        Self { log: Logged::default(), numbers, _shown: Some(Shown { task, bar: None }) }
    }

    /// A bar on `target`, from the second second on. Log lines of the console make room for it.
    pub fn drawn(console: &Console, target: ProgressDrawTarget) -> Self {
        let numbers = Arc::default();
        let bar = ProgressBar::hidden();
        console.set_bar(Some(bar.clone()));
        let task = tokio::spawn(draw(Arc::clone(&numbers), bar.clone(), target));
        let shown = Shown { task, bar: Some((bar, console.clone())) };
        Self { log: Logged::default(), numbers, _shown: Some(shown) }
    }
}

impl Observer for Progress {
    fn notice(&self, event: &Event<'_>) {
        self.log.notice(event);
        lock(&self.numbers).add(event);
    }
}

/// What shows the numbers, until it is dropped.
struct Shown {
    task: JoinHandle<()>,
    bar: Option<(ProgressBar, Console)>,
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.task.abort();
        if let Some((bar, console)) = &self.bar {
            bar.finish_and_clear();
            console.set_bar(None);
        }
    }
}

fn lock(numbers: &Mutex<Numbers>) -> MutexGuard<'_, Numbers> {
    numbers.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn log(numbers: Arc<Mutex<Numbers>>) {
    loop {
        tokio::time::sleep(LINE_EVERY).await;
        let now = lock(&numbers).clone();
        let line = now.line(now.since.elapsed());
        let Numbers { phase, rows, objects, bytes, .. } = now;
        tracing::info!(phase, rows, objects, bytes, "{line}");
    }
}

async fn draw(numbers: Arc<Mutex<Numbers>>, bar: ProgressBar, target: ProgressDrawTarget) {
    tokio::time::sleep(PATIENCE).await;
    fill(&bar, &lock(&numbers).clone());
    bar.set_draw_target(target);
    loop {
        fill(&bar, &lock(&numbers).clone());
        bar.tick();
        tokio::time::sleep(REDRAW).await;
    }
}

fn fill(bar: &ProgressBar, now: &Numbers) {
    let (done, total) = now.steps();
    bar.set_style(style(total));
    bar.set_length(total.unwrap_or(0));
    bar.set_position(done);
    bar.set_message(now.line(now.since.elapsed()));
}

/// A bar where the end is known.
fn style(total: Option<u64>) -> ProgressStyle {
    match total {
        Some(_) => template(BAR).progress_chars("=> "),
        None => template(SPINNER),
    }
}

const BAR: &str = "{bar:24} {msg}";
const SPINNER: &str = "{spinner} {msg}";

/// The fallback is for the compiler: a test parses both templates.
fn template(text: &str) -> ProgressStyle {
    ProgressStyle::with_template(text).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

#[cfg(test)]
mod tests {
    use std::io;

    use indicatif::TermLike;

    use super::*;
    use crate::cli::logging::{Logging, subscriber};
    use crate::model::{Repair, RepairResult};

    /// What was written to a terminal, or to what is none.
    #[derive(Debug, Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Screen {
        fn take(&self) -> String {
            String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
        }

        fn put(&self, text: &str) {
            self.0.lock().unwrap().extend_from_slice(text.as_bytes());
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            120
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.put(&format!("{text}\n"));
            Ok(())
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.put(text);
            Ok(())
        }

        fn clear_line(&self) -> io::Result<()> {
            self.put("<clear>");
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn phase(name: &'static str, total_objects: Option<u64>) -> Event<'static> {
        Event::Phase { name, total_objects, total_bytes: None }
    }

    fn console(screen: &Screen, terminal: bool) -> Console {
        Console::to(screen.0.clone(), terminal)
    }

    /// Lets the task that draws run up to this time.
    async fn pass(time: Duration) {
        tokio::time::sleep(time + Duration::from_millis(1)).await;
    }

    #[test]
    fn the_templates_parse() {
        for text in [BAR, SPINNER] {
            ProgressStyle::with_template(text).unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bar_is_drawn_after_a_second_and_leaves_nothing_behind() {
        let screen = Screen::default();
        let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
        let progress = Progress::drawn(&console(&screen, true), target);
        progress.notice(&phase("healing", Some(4)));
        progress.notice(&Event::Listed(1));
        pass(Duration::from_millis(998)).await;
        assert_eq!(screen.take(), "");
        pass(Duration::from_millis(10)).await;
        let drawn = screen.take();
        assert!(drawn.contains("======>  "), "{drawn}");
        assert!(drawn.contains("healing: 1 of 4 objects, 1/s, 3 seconds left"), "{drawn}");
        progress.notice(&Event::Listed(1));
        pass(REDRAW).await;
        let drawn = screen.take();
        assert!(drawn.contains("healing: 2 of 4 objects"), "{drawn}");
        drop(progress);
        let cleared = screen.take();
        assert!(cleared.ends_with("<clear>"), "{cleared}");
        pass(Duration::from_secs(5)).await;
        assert_eq!(screen.take(), "");
    }

    #[tokio::test(start_paused = true)]
    async fn log_lines_do_not_tear_the_bar() {
        let screen = Screen::default();
        let console = console(&screen, true);
        let logging = Logging { no_color: true, ..Logging::default() };
        let _log = tracing::subscriber::set_default(subscriber(&logging, &console).unwrap());
        let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
        let progress = Progress::drawn(&console, target);
        pass(PATIENCE).await;
        screen.take();
        progress.notice(&Event::Notice("left an unfinished upload"));
        let text = screen.take();
        let (before, after) = text.split_once(" INFO left an unfinished upload\n").unwrap();
        assert!(before.ends_with("<clear>"), "{text}");
        assert!(after.contains("starting: 0 objects"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_watches_a_line_is_logged_every_half_minute() {
        let screen = Screen::default();
        let console = console(&screen, false);
        let _log =
            tracing::subscriber::set_default(subscriber(&Logging::default(), &console).unwrap());
        let progress = Progress::on_stderr(&console);
        progress.notice(&phase("listing", None));
        progress.notice(&Event::Listed(90));
        pass(Duration::from_secs(29)).await;
        assert_eq!(screen.take(), "");
        pass(Duration::from_secs(1)).await;
        let line: serde_json::Value = serde_json::from_str(&screen.take()).unwrap();
        assert_eq!(line["message"], "listing: 90 objects, 3/s");
        assert_eq!((&line["phase"], &line["objects"]), (&"listing".into(), &90.into()));
        pass(Duration::from_mins(1)).await;
        assert_eq!(screen.take().lines().count(), 2);
        drop(progress);
        pass(Duration::from_mins(1)).await;
        assert_eq!(screen.take(), "");
    }

    #[tokio::test(start_paused = true)]
    async fn hidden_progress_still_logs_what_failed() {
        let screen = Screen::default();
        let console = console(&screen, false);
        let _log =
            tracing::subscriber::set_default(subscriber(&Logging::default(), &console).unwrap());
        let progress = Progress::hidden();
        let repair = Repair {
            collection: "c".to_owned(),
            key: "c/d".to_owned(),
            digest: crate::model::Digest::new([1; 32]),
            cause: crate::model::Cause::Missing,
            result: RepairResult::SourceGone,
            reason: None,
            source: None,
            bytes: 3,
            seconds: 0.5,
            corrupt: None,
            detail: "the source answered 404".to_owned(),
        };
        progress.notice(&Event::Repaired { repair: &repair, at: chrono::DateTime::UNIX_EPOCH });
        pass(Duration::from_mins(1)).await;
        let line: serde_json::Value = serde_json::from_str(&screen.take()).unwrap();
        assert_eq!((&line["level"], &line["result"]), (&"warn".into(), &"source_gone".into()));
        assert_eq!(line["message"], "the source answered 404");
    }
}
