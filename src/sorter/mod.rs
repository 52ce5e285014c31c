//! The sorter: records in any order in, records in digest order out, within a fixed memory.
//!
//! Runs that do not fit are spilled to one unnamed temporary file, which vanishes with the sorter
//! however the process ends.

mod memory;
mod merge;
mod sorted;
mod spill;
mod tournament;

use std::io;
use std::path::PathBuf;

use crate::model::Record;

use memory::Arranged;
use merge::Merge;
use spill::{Run, Spill};

pub use sorted::{BATCH_RECORDS, Sorted};

/// The memory of one sorter where nothing else is said: 4 MiB, about 75,000 records a run.
pub const DEFAULT_MEMORY_BYTES: usize = 4 << 20;

/// What a sorter may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SorterOptions {
    /// Memory in bytes, for the records that come in and again for the merge on the way out.
    pub memory_bytes: usize,
    /// Where runs are spilled; `None` for the system's folder for temporary files.
    pub spill_dir: Option<PathBuf>,
}

impl Default for SorterOptions {
    fn default() -> Self {
        Self { memory_bytes: DEFAULT_MEMORY_BYTES, spill_dir: None }
    }
}

/// Records that could not be sorted, since the temporary file failed.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot {action} a temporary file in {} \
     (it takes 48 bytes for each row and object; free space there, or set TMPDIR to another folder)",
    folder.display()
)]
pub struct SorterError {
    /// What was tried: make, write, read.
    pub action: &'static str,
    /// The folder of the temporary file.
    pub folder: PathBuf,
    /// The cause.
    #[source]
    pub source: io::Error,
}

/// Melts two records of one digest into one. Order must not matter, nor how they are grouped.
pub type Melt = fn(Record, Record) -> Record;

/// Takes records in any order.
///
/// All of it is synchronous: most calls of [`Sorter::push`] only store a record, and one in about
/// 75,000 sorts and writes a run of 4 MiB, which takes a few milliseconds.
#[derive(Debug)]
pub struct Sorter {
    melt: Melt,
    memory_bytes: usize,
    run_records: usize,
    pending: Vec<Record>,
    spill: Spill,
    runs: Vec<Run>,
    pushed: u64,
}

impl Sorter {
    /// A sorter that melts equal digests with `melt`: [`Record::melt`] for rows,
    /// [`Record::newer`] for listed objects.
    pub fn new(options: SorterOptions, melt: Melt) -> Self {
        let SorterOptions { memory_bytes, spill_dir } = options;
        let run_records = (memory_bytes / Arranged::BYTES_PER_RECORD).max(2);
        Self {
            melt,
            memory_bytes,
            run_records,
            pending: Vec::new(),
            spill: Spill::new(spill_dir),
            runs: Vec::new(),
            pushed: 0,
        }
    }

    /// Takes one record.
    pub fn push(&mut self, record: Record) -> Result<(), SorterError> {
        if self.pending.len() >= self.run_records {
            self.spill_pending()?;
        }
        if self.pending.len() == self.pending.capacity() {
            self.reserve();
        }
        self.pending.push(record);
        self.pushed += 1;
        Ok(())
    }

    /// How many records were pushed.
    pub const fn len(&self) -> u64 {
        self.pushed
    }

    /// Whether none was.
    pub const fn is_empty(&self) -> bool {
        self.pushed == 0
    }

    /// Ends the input and hands the records out in digest order.
    pub fn finish(mut self) -> Result<Sorted, SorterError> {
        if self.runs.is_empty() {
            return Ok(Sorted::of_memory(Arranged::new(self.pending), self.melt, self.pushed));
        }
        self.spill_pending()?;
        self.pending = Vec::new();
        let merge = Merge::within(self.memory_bytes, self.runs, self.spill, self.melt)?;
        Ok(Sorted::of_runs(merge, self.melt, self.pushed))
    }

    /// Doubles the room, but never past a run: a `Vec` left alone would end at up to twice that.
    #[cold]
    fn reserve(&mut self) {
        let have = self.pending.len();
        self.pending.reserve_exact(have.max(1024).min(self.run_records - have));
    }

    #[cold]
    fn spill_pending(&mut self) -> Result<(), SorterError> {
        let arranged = Arranged::new(std::mem::take(&mut self.pending));
        let mut writer = self.spill.begin(self.melt)?;
        for record in arranged.iter() {
            writer.push(record, &mut self.spill)?;
        }
        self.runs.push(writer.finish(&mut self.spill)?);
        self.pending = arranged.into_empty();
        Ok(())
    }
}
