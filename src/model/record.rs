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
    fn a_record_is_48_bytes() {
        assert_eq!(size_of::<Record>(), 48);
    }
}
