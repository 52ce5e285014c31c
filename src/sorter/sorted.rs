//! [`Sorted`]: what comes out of a sorter.

use crate::model::Record;

use super::memory::Arranged;
use super::merge::Merge;
use super::{Melt, SorterError};

/// How many records a batch has at most; 48 KiB, so that two of them stay in a core's cache.
pub const BATCH_RECORDS: usize = 1024;

/// Records in digest order, one for each digest, handed out in batches.
#[derive(Debug)]
pub struct Sorted {
    source: Source,
    melt: Melt,
    /// The first record of the next batch, where it is known already.
    ahead: Option<Record>,
    pushed: u64,
    distinct: u64,
}

#[derive(Debug)]
enum Source {
    Memory(Arranged),
    Runs(Box<Merge>),
}

impl Sorted {
    pub(super) const fn of_memory(records: Arranged, melt: Melt, pushed: u64) -> Self {
        Self { source: Source::Memory(records), melt, ahead: None, pushed, distinct: 0 }
    }

    pub(super) fn of_runs(runs: Merge, melt: Melt, pushed: u64) -> Self {
        Self { source: Source::Runs(Box::new(runs)), melt, ahead: None, pushed, distinct: 0 }
    }

    /// Replaces what `batch` holds by the next records, at most [`BATCH_RECORDS`]; none at the
    /// end. After an error nothing that was handed out may lead to a verdict.
    ///
    /// Synchronous: where runs were spilled, a batch may read from the temporary file.
    pub fn next_batch(&mut self, batch: &mut Vec<Record>) -> Result<(), SorterError> {
        batch.clear();
        batch.reserve(BATCH_RECORDS);
        batch.extend(self.ahead.take());
        self.ahead = match &mut self.source {
            Source::Memory(records) => fill(batch, records, self.melt),
            Source::Runs(runs) => {
                let ahead = fill(batch, runs.as_mut(), self.melt);
                runs.check()?;
                ahead
            }
        };
        self.distinct += u64::try_from(batch.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// How many records were pushed into the sorter.
    pub const fn pushed(&self) -> u64 {
        self.pushed
    }

    /// How many digests were handed out so far; all of them once an empty batch was.
    pub const fn distinct(&self) -> u64 {
        self.distinct
    }
}

/// Fills a batch, and gives back the first record after it.
///
/// Melting is a pass of its own, so that the first one is a tight loop: the processor waits for
/// memory in it, and waits for more records at once the fewer instructions each of them takes.
fn fill(
    batch: &mut Vec<Record>,
    mut records: impl Iterator<Item = Record>,
    melt: Melt,
) -> Option<Record> {
    batch.extend(records.by_ref().take(BATCH_RECORDS.saturating_sub(batch.len())));
    batch.dedup_by(|next, kept| {
        let same = next.digest == kept.digest;
        if same {
            *kept = melt(*kept, *next);
        }
        same
    });
    let last = batch.last_mut()?;
    loop {
        match records.next() {
            Some(next) if next.digest == last.digest => *last = melt(*last, next),
            ahead => return ahead,
        }
    }
}
