//! [`Spelling`]: whether an index can be trusted to find a digest.

use std::sync::atomic::{AtomicU8, Ordering};

/// All rows were seen, and all are plain; 0 is not known.
const PLAIN: u8 = 1;

/// An odd one was seen.
const ODD: u8 = 2;

/// How the digests of a collection are spelled, as far as this process has seen all of them.
///
/// A list of values finds lower-case hex, upper-case hex and raw bytes, by an index where there is
/// one. Mixed case it does not find: as long as that may be there, all rows have to be looked at.
#[derive(Debug, Default)]
pub(super) struct Spelling(AtomicU8);

impl Spelling {
    /// Notes a row. One odd spelling is enough for the life of this process.
    pub(super) fn note(&self, is_plain: bool) {
        if !is_plain {
            self.0.fetch_max(ODD, Ordering::Relaxed);
        }
    }

    /// Notes that every row was noted.
    pub(super) fn all_seen(&self) {
        self.0.fetch_max(PLAIN, Ordering::Relaxed);
    }

    /// Whether all rows were seen and all of them are plain.
    pub(super) fn is_plain(&self) -> bool {
        self.0.load(Ordering::Relaxed) == PLAIN
    }
}
