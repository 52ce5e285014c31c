//! [`Arranged`]: the records of one run, in digest order without being moved.

use crate::model::Record;

/// Records with an order laid over them.
///
/// What is sorted are words of eight bytes, each the first bits of a digest and the place of its
/// record: digests are uniform, so these bits tell nearly all of them apart, and sorting words is
/// several times as fast as moving 48-byte records about. Whatever the bits do not tell apart is
/// ordered by the whole digest.
#[derive(Debug)]
pub(super) struct Arranged {
    records: Vec<Record>,
    words: Vec<u64>,
    place: u64,
    next: usize,
}

impl Arranged {
    /// Memory in bytes that a record takes while it is sorted.
    pub(super) const BYTES_PER_RECORD: usize = size_of::<Record>() + size_of::<u64>();

    /// Sorts the records.
    pub(super) fn new(records: Vec<Record>) -> Self {
        let bits = usize::BITS - records.len().leading_zeros();
        let place = (1 << bits) - 1;
        let mut words: Vec<u64> = (0..)
            .zip(&records)
            .map(|(at, record): (u64, &Record)| record.digest.position() & !place | at)
            .collect();
        words.sort_unstable();
        for alike in words.chunk_by_mut(|a, b| a & !place == b & !place) {
            if alike.len() > 1 {
                alike.sort_unstable_by_key(|word| at(&records, word & place));
            }
        }
        Self { records, words, place, next: 0 }
    }

    /// The records in digest order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Record> {
        self.words.iter().filter_map(|word| at(&self.records, word & self.place))
    }

    /// The room that the records took.
    pub(super) fn into_empty(self) -> Vec<Record> {
        let mut records = self.records;
        records.clear();
        records
    }
}

impl Iterator for Arranged {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let word = self.words.get(self.next)?;
        self.next += 1;
        at(&self.records, word & self.place)
    }
}

fn at(records: &[Record], place: u64) -> Option<Record> {
    records.get(usize::try_from(place).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Digest;

    #[test]
    fn digests_that_share_their_first_bits_are_ordered_by_the_rest() {
        let record = |tail| {
            let mut bytes = [0xab; 32];
            bytes[31] = tail;
            Record::new(Digest::new(bytes), 1, 0, false)
        };
        let sorted: Vec<_> = Arranged::new((0..200).rev().map(record).collect()).collect();
        assert_eq!(sorted, (0..200).map(record).collect::<Vec<_>>());
    }

    #[test]
    fn nothing_sorts_to_nothing() {
        assert_eq!(Arranged::new(Vec::new()).next(), None);
    }
}
