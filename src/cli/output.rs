//! [`Output`]: stdout, remembering whether its reader went away.

use std::io::{self, ErrorKind, Write};

/// A writer that knows whether its pipe was closed. An error of that kind in the chain of another
/// error would not do: it may as well be a connection to a store.
pub(super) struct Output<'a> {
    inner: &'a mut dyn Write,
    closed: bool,
}

impl<'a> Output<'a> {
    pub(super) fn new(inner: &'a mut dyn Write) -> Self {
        Self { inner, closed: false }
    }

    /// Whether nobody reads any more.
    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    fn note<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        self.closed |= matches!(&result, Err(error) if error.kind() == ErrorKind::BrokenPipe);
        result
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes);
        self.note(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.inner.flush();
        self.note(flushed)
    }
}
