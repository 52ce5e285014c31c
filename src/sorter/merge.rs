//! [`Merge`]: many sorted runs read as one, with read buffers that share one memory budget.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::collections::binary_heap::{BinaryHeap, PeekMut};

use crate::model::Record;

use super::spill::{Run, Spill};
use super::{Melt, SorterError};

/// Under this a read of a spilled run costs more than it brings, so that many runs are merged to
/// fewer first.
const LEAST_READ_BYTES: usize = 16 << 10;

/// The records of all runs in digest order; equal ones follow each other.
#[derive(Debug)]
pub(super) struct Merge {
    spill: Spill,
    readers: Vec<Reader>,
    heads: BinaryHeap<Head>,
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
            while let Some(record) = merge.next().transpose()? {
                writer.push(record, &mut merge.spill)?;
            }
            runs.push_back(writer.finish(&mut merge.spill)?);
            spill = merge.spill;
        }
        Self::open(memory_bytes, runs.into(), spill)
    }

    fn open(memory_bytes: usize, runs: Vec<Run>, spill: Spill) -> Result<Self, SorterError> {
        let records = memory_bytes / runs.len().max(1) / Record::BYTES;
        let buffer_bytes = records.max(1) * Record::BYTES;
        let mut readers: Vec<_> = runs
            .into_iter()
            .map(|run| Reader { run, buffer_bytes, buffer: Vec::new(), at: 0 })
            .collect();
        let mut heads = BinaryHeap::with_capacity(readers.len());
        for (reader, source) in readers.iter_mut().enumerate() {
            if let Some(record) = source.next(&spill)? {
                heads.push(Head { record, reader });
            }
        }
        Ok(Self { spill, readers, heads })
    }
}

impl Iterator for Merge {
    type Item = Result<Record, SorterError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut head = self.heads.peek_mut()?;
        let record = head.record;
        match self.readers.get_mut(head.reader)?.next(&self.spill) {
            Ok(Some(next)) => head.record = next,
            Ok(None) => {
                PeekMut::pop(head);
            }
            Err(error) => return Some(Err(error)),
        }
        Some(Ok(record))
    }
}

/// The next record of a run. The heap's greatest is the one with the smallest digest.
#[derive(Debug)]
struct Head {
    record: Record,
    reader: usize,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        other.record.digest.cmp(&self.record.digest)
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

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
