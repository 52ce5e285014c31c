//! [`Record`]: one object of either side, in the 48 bytes that are sorted and merged.

use super::Digest;

/// The size of an expected object whose rows disagree: a suspicion whatever the store holds.
pub const UNSURE_SIZE: u64 = u64::MAX >> 1;

const FLAG: u64 = 1 << 63;

/// One expected or observed object: digest, size and time, plus one bit.
///
/// The bit says of an expected object that no source of it may be used (it is at risk). It shares
/// a word with the size, since no object has 2⁶³ bytes, so that a record stays 48 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// The digest; records sort by it first.
    pub digest: Digest,
    flag_and_size: u64,
    /// Seconds since 1970: when the row was last written, or the object last modified.
    /// `i64::MIN` where that is not known, which counts as old.
    pub time: i64,
}

impl Record {
    /// Length in bytes of [`Record::to_bytes`].
    pub const BYTES: usize = 48;

    /// A record; `size` 0 in the catalog means that it is not known there.
    pub fn new(digest: Digest, size: u64, time: i64, at_risk: bool) -> Self {
        let size = size.min(UNSURE_SIZE);
        Self { digest, flag_and_size: if at_risk { size | FLAG } else { size }, time }
    }

    /// Size in bytes; [`UNSURE_SIZE`] where rows of one digest disagree.
    pub const fn size(&self) -> u64 {
        self.flag_and_size & !FLAG
    }

    /// Whether none of the object's sources may be used.
    pub const fn at_risk(&self) -> bool {
        self.flag_and_size & FLAG != 0
    }

    /// Two rows of one digest as one expected object: the oldest row decides its age, one usable
    /// source is enough, and two different sizes are a suspicion.
    #[must_use]
    pub fn melt(self, other: Self) -> Self {
        let size = match (self.size(), other.size()) {
            (a, b) if a == b => a,
            (0, known) | (known, 0) => known,
            _ => UNSURE_SIZE,
        };
        let at_risk = self.at_risk() && other.at_risk();
        Self::new(self.digest, size, self.time.min(other.time), at_risk)
    }

    /// Two listings of one key as one observed object: the newer one counts, and of two of the
    /// same time the larger one, so that the order in which they came does not matter.
    #[must_use]
    pub fn newer(self, other: Self) -> Self {
        let age = |record: &Self| (record.time, record.flag_and_size);
        if age(&other) > age(&self) { other } else { self }
    }

    /// The record in 48 bytes, for a temporary file: digest, flag and size, time, big-endian.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let (digest, rest) = bytes.split_at_mut(32);
        digest.copy_from_slice(self.digest.as_bytes());
        let (size, time) = rest.split_at_mut(8);
        size.copy_from_slice(&self.flag_and_size.to_be_bytes());
        time.copy_from_slice(&self.time.to_be_bytes());
        bytes
    }

    /// The record that [`Record::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let (digest, rest) = bytes.split_at(32);
        let (size, time) = rest.split_at(8);
        Self {
            digest: Digest::new(digest.first_chunk().copied().unwrap_or_default()),
            flag_and_size: u64::from_be_bytes(size.first_chunk().copied().unwrap_or_default()),
            time: i64::from_be_bytes(time.first_chunk().copied().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_digest_melt_whatever_their_order() {
        let digest = Digest::new([7; 32]);
        let row = |size, time, at_risk| Record::new(digest, size, time, at_risk);
        let one = row(10, 5, false).melt(row(0, 3, true));
        assert_eq!(one, row(0, 3, true).melt(row(10, 5, false)));
        assert_eq!((one.size(), one.time, one.at_risk()), (10, 3, false));
        assert_eq!(row(10, 1, true).melt(row(11, 1, true)), row(UNSURE_SIZE, 1, true));
    }

    #[test]
    fn of_two_listings_of_one_key_the_newer_counts_whatever_their_order() {
        let listed = |size, time| Record::new(Digest::new([7; 32]), size, time, false);
        assert_eq!(listed(1, 9).newer(listed(2, 3)), listed(1, 9));
        assert_eq!(listed(2, 3).newer(listed(1, 9)), listed(1, 9));
        assert_eq!(listed(1, 3).newer(listed(2, 3)), listed(2, 3).newer(listed(1, 3)));
    }

    #[test]
    fn a_record_is_48_bytes_in_memory_and_in_a_file() {
        assert_eq!(size_of::<Record>(), Record::BYTES);
        let digest = Digest::new(std::array::from_fn(|at| u8::try_from(at).unwrap()));
        for (size, time, at_risk) in [(0, i64::MIN, false), (UNSURE_SIZE, -1, true), (5, 7, true)] {
            let record = Record::new(digest, size, time, at_risk);
            assert_eq!(Record::from_bytes(&record.to_bytes()), record);
        }
    }
}
