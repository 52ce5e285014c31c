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
            Source::Memory(records) => fill(batch, records.map(Ok), self.melt)?,
            Source::Runs(runs) => fill(batch, runs, self.melt)?,
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

/// Fills a batch, and gives back the record that had no room in it.
#[inline]
fn fill(
    batch: &mut Vec<Record>,
    records: impl Iterator<Item = Result<Record, SorterError>>,
    melt: Melt,
) -> Result<Option<Record>, SorterError> {
    for record in records {
        let record = record?;
        let full = batch.len() >= BATCH_RECORDS;
        match batch.last_mut() {
            Some(last) if last.digest == record.digest => *last = melt(*last, record),
            _ if full => return Ok(Some(record)),
            _ => batch.push(record),
        }
    }
    Ok(None)
}
