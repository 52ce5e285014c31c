//! [`Merge`]: many sorted runs read as one, with read buffers that share one memory budget.

use std::collections::VecDeque;

use crate::model::Record;

use super::spill::{Run, Spill};
use super::tournament::Tournament;
use super::{Melt, SorterError};

/// Under this a read of a spilled run costs more than it brings, so that many runs are merged to
/// fewer first.
const LEAST_READ_BYTES: usize = 16 << 10;

/// Over this a longer read brings nothing, so that a merge of few runs leaves memory unused.
const MOST_READ_BYTES: usize = 64 << 10;

/// The records of all runs in digest order; equal ones follow each other.
///
/// An iterator of bare records, since a `Result` of each would cost more than the merge. It also
/// ends at an error: whoever reaches the end asks [`Merge::check`].
#[derive(Debug)]
pub(super) struct Merge {
    spill: Spill,
    readers: Vec<Reader>,
    heads: Tournament,
    error: Option<SorterError>,
}

impl Merge {
    /// Opens the runs. Where they are more than the memory has read buffers for, the oldest are
    /// first merged to longer ones, in as many levels as it takes.
    pub(super) fn within(
        memory_bytes: usize,
        runs: Vec<Run>,
        mut spill: Spill,
        melt: Melt,
    ) -> Result<Self, SorterError> {
        let most = (memory_bytes / LEAST_READ_BYTES).max(2);
        let mut runs = VecDeque::from(runs);
        while runs.len() > most {
            // The first merge takes just so many that every later one can be full.
            let some = most.min(runs.len() - most + 1);
            let mut merge = Self::open(memory_bytes, runs.drain(..some).collect(), spill)?;
            let mut writer = merge.spill.begin(melt)?;
            while let Some(record) = merge.next() {
                writer.push(record, &mut merge.spill)?;
            }
            merge.check()?;
            runs.push_back(writer.finish(&mut merge.spill)?);
            spill = merge.spill;
        }
        Self::open(memory_bytes, runs.into(), spill)
    }

    fn open(memory_bytes: usize, runs: Vec<Run>, spill: Spill) -> Result<Self, SorterError> {
        let share = (memory_bytes / runs.len().max(1)).min(MOST_READ_BYTES);
        let buffer_bytes = (share / Record::BYTES).max(1) * Record::BYTES;
        let mut readers: Vec<_> =
            runs.into_iter().map(|run| Reader::new(run, buffer_bytes)).collect();
        let heads: Result<Vec<_>, _> = readers.iter_mut().map(|run| run.next(&spill)).collect();
        Ok(Self { spill, readers, heads: Tournament::new(heads?), error: None })
    }

    /// Whether the records really ended, or a run could not be read on.
    pub(super) fn check(&mut self) -> Result<(), SorterError> {
        self.error.take().map_or(Ok(()), Err)
    }
}

impl Iterator for Merge {
    type Item = Record;

    #[inline]
    fn next(&mut self) -> Option<Record> {
        let reader = self.readers.get_mut(self.heads.winner())?;
        match reader.next(&self.spill) {
            Ok(next) => self.heads.replace(next),
            Err(error) => {
                self.error = Some(error);
                self.readers.clear();
                None
            }
        }
    }
}

/// One run being read.
#[derive(Debug)]
struct Reader {
    /// What is still to be read.
    run: Run,
    buffer_bytes: usize,
    buffer: Vec<u8>,
    at: usize,
}

impl Reader {
    const fn new(run: Run, buffer_bytes: usize) -> Self {
        Self { run, buffer_bytes, buffer: Vec::new(), at: 0 }
    }

    #[inline]
    fn next(&mut self, spill: &Spill) -> Result<Option<Record>, SorterError> {
        if self.at >= self.buffer.len() {
            self.fill(spill)?;
        }
        let bytes = self.buffer.get(self.at..).and_then(<[u8]>::first_chunk);
        self.at += Record::BYTES;
        Ok(bytes.map(Record::from_bytes))
    }

    #[cold]
    fn fill(&mut self, spill: &Spill) -> Result<(), SorterError> {
        let left = usize::try_from(self.run.length).unwrap_or(usize::MAX);
        self.buffer.resize(self.buffer_bytes.min(left), 0);
        self.at = 0;
        self.run = spill.read(self.run, &mut self.buffer)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Digest;

    #[test]
    fn a_run_that_cannot_be_read_to_its_end_is_no_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut spill = Spill::new(Some(folder.path().to_owned()));
        let mut writer = spill.begin(Record::melt).unwrap();
        for number in 0..100 {
            writer.push(Record::new(Digest::new([number; 32]), 1, 0, false), &mut spill).unwrap();
        }
        let mut run = writer.finish(&mut spill).unwrap();
        run.length += 48_000;
        let mut merge = Merge::within(4_800, vec![run], spill, Record::melt).unwrap();
        assert!(merge.by_ref().count() < 100);
        assert_eq!(merge.next(), None);
        let message = merge.check().unwrap_err().to_string();
        let place = format!("cannot read a temporary file in {}", folder.path().display());
        assert!(message.starts_with(&place), "{message}");
    }
}
