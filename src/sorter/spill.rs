//! [`Spill`]: sorted runs in one unnamed temporary file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use crate::model::Record;

use super::{Melt, SorterError};

/// Runs are written in pieces of this many records, 48 KiB.
const WRITE_RECORDS: usize = 1024;

/// Where one sorted run lies in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// Where it starts, in bytes.
    pub(super) offset: u64,
    /// Its length in bytes.
    pub(super) length: u64,
}

/// The temporary file of a sorter, made when it is first needed.
#[derive(Debug)]
pub(super) struct Spill {
    folder: PathBuf,
    file: Option<File>,
    end: u64,
}

impl Spill {
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder: folder.unwrap_or_else(tempfile::env::temp_dir), file: None, end: 0 }
    }

    /// Begins a run at the end of the file; only one is written at a time.
    pub(super) fn begin(&mut self, melt: Melt) -> Result<RunWriter, SorterError> {
        if self.file.is_none() {
            let made = tempfile::tempfile_in(&self.folder);
            self.file = Some(made.map_err(|source| self.error("make", source))?);
        }
        let bytes = Vec::with_capacity(WRITE_RECORDS * Record::BYTES);
        Ok(RunWriter { offset: self.end, last: None, bytes, melt })
    }

    /// Fills `bytes` with the start of a run, and gives back the rest of the run.
    pub(super) fn read(&self, run: Run, bytes: &mut [u8]) -> Result<Run, SorterError> {
        let file = self.file.as_ref().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound));
        file.and_then(|file| file.read_exact_at(bytes, run.offset))
            .map_err(|source| self.error("read", source))?;
        let read = length_of(bytes);
        Ok(Run { offset: run.offset + read, length: run.length.saturating_sub(read) })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), SorterError> {
        let file = self.file.as_ref().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound));
        file.and_then(|file| file.write_all_at(bytes, self.end))
            .map_err(|source| self.error("write", source))?;
        self.end += length_of(bytes);
        Ok(())
    }

    fn error(&self, action: &'static str, source: io::Error) -> SorterError {
        SorterError { action, folder: self.folder.clone(), source }
    }
}

/// Writes one run. Its records come in digest order; equal ones melt.
pub(super) struct RunWriter {
    melt: Melt,
    offset: u64,
    last: Option<Record>,
    bytes: Vec<u8>,
}

impl RunWriter {
    /// Adds the next record.
    pub(super) fn push(&mut self, record: Record, spill: &mut Spill) -> Result<(), SorterError> {
        match &mut self.last {
            Some(last) if last.digest == record.digest => *last = (self.melt)(*last, record),
            last => {
                if let Some(done) = last.replace(record) {
                    self.bytes.extend_from_slice(&done.to_bytes());
                }
            }
        }
        if self.bytes.len() < WRITE_RECORDS * Record::BYTES {
            return Ok(());
        }
        self.flush(spill)
    }

    /// Ends the run.
    pub(super) fn finish(mut self, spill: &mut Spill) -> Result<Run, SorterError> {
        if let Some(last) = self.last.take() {
            self.bytes.extend_from_slice(&last.to_bytes());
        }
        self.flush(spill)?;
        Ok(Run { offset: self.offset, length: spill.end - self.offset })
    }

    fn flush(&mut self, spill: &mut Spill) -> Result<(), SorterError> {
        spill.append(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }
}

/// A length as the file counts it.
fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
