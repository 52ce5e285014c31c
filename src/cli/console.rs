//! [`Console`]: stderr, shared by log lines and the progress bar so that neither tears the other.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::ProgressBar;
use tracing_subscriber::fmt::MakeWriter;

/// Where everything goes that is no data: stderr, except in tests.
#[derive(Clone)]
pub struct Console {
    out: Arc<Mutex<dyn Write + Send>>,
    bar: Arc<Mutex<Option<ProgressBar>>>,
    is_terminal: bool,
}

impl Console {
    /// The program's stderr.
    pub fn stderr() -> Self {
        let stderr = io::stderr();
        let is_terminal = stderr.is_terminal();
        Self::to(Arc::new(Mutex::new(stderr)), is_terminal)
    }

    /// Something that takes the place of stderr.
    pub fn to(out: Arc<Mutex<dyn Write + Send>>, is_terminal: bool) -> Self {
        Self { out, bar: Arc::default(), is_terminal }
    }

    /// Whether a person looks at it.
    pub const fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Sets the bar that makes room for log lines, or takes it away.
    pub(super) fn set_bar(&self, bar: Option<ProgressBar>) {
        *lock(&self.bar) = bar;
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Write for Console {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bar = lock(&self.bar).clone();
        let write = || lock(&self.out).write_all(bytes).map(|()| bytes.len());
        bar.map_or_else(write, |bar| bar.suspend(write))
    }

    fn flush(&mut self) -> io::Result<()> {
        lock(&self.out).flush()
    }
}

impl MakeWriter<'_> for Console {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
