//! [`Parts`]: the rows of a collection by digest, in memory or in temporary files, of which one
//! part in 256 is read back at once.
//!
//! Rows of one digest come in no order, and their sources are asked together; and the catalog must
//! not wait while anybody is asked. The files have no name and vanish with the process; they hold
//! sources whole, as the catalog does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, Write};

use serde::{Deserialize, Serialize};

use crate::model::{Digest, Sources};

/// Rows that could not be kept, since a temporary file failed.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot {action} a temporary file in {} (free space there, or set TMPDIR to another folder)",
    tempfile::env::temp_dir().display()
)]
pub struct PartsError {
    /// What was tried: make, write, read.
    pub action: &'static str,
    /// The cause.
    #[source]
    pub source: io::Error,
}

/// An object with all that its rows say of where it can be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) digest: Digest,
    /// The sizes that its rows give, in bytes.
    pub(super) sizes: BTreeSet<u64>,
    rows: Vec<Sources>,
}

impl Wanted {
    /// Its distinct sources in the order in which they are asked.
    pub(super) fn sources(&self) -> Vec<&str> {
        Sources::in_order(self.rows.iter())
    }
}

/// Takes rows in any order.
pub(super) struct Parts {
    memory_bytes: usize,
    pending: Vec<Row>,
    pending_bytes: usize,
    files: BTreeMap<u8, File>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Row {
    digest: Digest,
    size: Option<u64>,
    sources: Sources,
}

impl Row {
    /// About what it takes in memory.
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.sources.text_bytes()
    }

    fn part(&self) -> u8 {
        let [first, ..] = *self.digest.as_bytes();
        first
    }
}

impl Parts {
    pub(super) const fn within(memory_bytes: usize) -> Self {
        Self { memory_bytes, pending: Vec::new(), pending_bytes: 0, files: BTreeMap::new() }
    }

    pub(super) fn push(
        &mut self,
        digest: Digest,
        size: Option<u64>,
        sources: Sources,
    ) -> Result<(), PartsError> {
        let row = Row { digest, size, sources };
        self.pending_bytes += row.bytes();
        self.pending.push(row);
        if self.pending_bytes > self.memory_bytes { self.spill() } else { Ok(()) }
    }

    /// Ends the input and hands objects out in digest order, a part at a time.
    pub(super) fn finish(
        mut self,
    ) -> Result<impl Iterator<Item = Result<Vec<Wanted>, PartsError>> + Send, PartsError> {
        if !self.files.is_empty() {
            self.spill()?;
        }
        let in_memory = (!self.pending.is_empty()).then(|| Ok(grouped(self.pending)));
        let files = self.files.into_values().map(|file| read(file).map(grouped));
        Ok(in_memory.into_iter().chain(files))
    }

    /// Writes every pending row to the end of its part's file.
    fn spill(&mut self) -> Result<(), PartsError> {
        let mut pending = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        pending.sort_by_key(Row::part);
        for rows in pending.chunk_by(|a, b| a.part() == b.part()) {
            let Some(part) = rows.first().map(Row::part) else { continue };
            let file = match self.files.entry(part) {
                std::collections::btree_map::Entry::Occupied(there) => there.into_mut(),
                std::collections::btree_map::Entry::Vacant(new) => {
                    new.insert(tempfile::tempfile().map_err(trouble("make"))?)
                }
            };
            let mut lines = Vec::new();
            for row in rows {
                serde_json::to_writer(&mut lines, row)
                    .map_err(|error| trouble("write")(error.into()))?;
                lines.push(b'\n');
            }
            file.write_all(&lines).map_err(trouble("write"))?;
        }
        Ok(())
    }
}

fn trouble(action: &'static str) -> impl Fn(io::Error) -> PartsError {
    move |source| PartsError { action, source }
}

fn read(mut file: File) -> Result<Vec<Row>, PartsError> {
    file.rewind().map_err(trouble("read"))?;
    BufReader::new(file)
        .lines()
        .map(|line| serde_json::from_str(&line?).map_err(io::Error::from))
        .collect::<Result<_, _>>()
        .map_err(trouble("read"))
}

/// Rows as objects in digest order. Rows of one digest keep the order in which they came.
fn grouped(rows: Vec<Row>) -> Vec<Wanted> {
    let mut objects: BTreeMap<Digest, Wanted> = BTreeMap::new();
    for Row { digest, size, sources } in rows {
        let new = || Wanted { digest, sizes: BTreeSet::new(), rows: Vec::new() };
        let object = objects.entry(digest).or_insert_with(new);
        object.sizes.extend(size);
        if !object.rows.contains(&sources) {
            object.rows.push(sources);
        }
    }
    objects.into_values().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn taken(parts: Parts) -> Vec<Wanted> {
        parts.finish().unwrap().flat_map(Result::unwrap).collect()
    }

    proptest! {
        #[test]
        fn what_comes_back_is_the_same_from_memory_and_from_files(
            rows in prop::collection::vec((any::<[u8; 2]>(), prop::option::of(0_u64..3), 0_u8..4), 0..60),
            memory_bytes in 0_usize..4_000,
        ) {
            let (mut whole, mut spilled) = (Parts::within(usize::MAX), Parts::within(memory_bytes));
            for ([first, last], size, url) in rows {
                let mut digest = [0; 32];
                (digest[0], digest[31]) = (first % 8, last % 2);
                let url = (url > 0).then(|| format!("https://h/{url}\n\u{fc}\""));
                let sources = Sources { url, script: Some("script:1".to_owned()), ..Sources::default() };
                for parts in [&mut whole, &mut spilled] {
                    parts.push(Digest::new(digest), size, sources.clone()).unwrap();
                }
            }
            prop_assert!(whole.files.is_empty());
            let whole = taken(whole);
            prop_assert!(whole.is_sorted_by(|a, b| a.digest < b.digest), "each digest once");
            prop_assert_eq!(taken(spilled), whole);
        }
    }

    #[test]
    fn little_stays_in_memory() {
        let mut parts = Parts::within(10_000);
        for n in 0_u16..2_000 {
            let [high, low] = n.to_be_bytes();
            let digest = Digest::new(std::array::from_fn(|at| if at == 0 { low } else { high }));
            parts.push(digest, None, Sources::of_url(format!("https://h/{n}"))).unwrap();
            assert!(parts.pending_bytes <= 10_000);
        }
        assert_eq!(parts.files.len(), 256);
        let sizes: Vec<_> = parts.finish().unwrap().map(|part| part.unwrap().len()).collect();
        assert_eq!((sizes.len(), sizes.iter().sum::<usize>()), (256, 2_000));
    }
}
