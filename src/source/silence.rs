//! [`Silence`]: how often in a row a host gave no answer.

use std::sync::atomic::{AtomicU32, Ordering};

/// Failures in a row for want of an answer, after which a host is left alone for the rest of a
/// run: with time-outs and several tries each, a thousand more would take days.
const SILENT_AT_MOST: u32 = 5;

/// How often in a row a host gave no answer.
#[derive(Debug, Default)]
pub struct Silence(AtomicU32);

impl Silence {
    /// Notes whether an answer came, whatever it was.
    pub fn note(&self, answered: bool) {
        if answered {
            self.0.store(0, Ordering::Relaxed);
        } else {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether the host is asked no more.
    pub fn is_left_alone(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= SILENT_AT_MOST
    }

    /// How many more requests may stay unanswered before the host is left alone; `None` where the
    /// last one was answered.
    pub fn left(&self) -> Option<usize> {
        let silent = self.0.load(Ordering::Relaxed);
        let left = usize::try_from(SILENT_AT_MOST.saturating_sub(silent)).unwrap_or(usize::MAX);
        (silent > 0).then_some(left)
    }
}
