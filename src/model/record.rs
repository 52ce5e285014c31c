//! [`Record`]: one object of either side, in the 48 bytes that are sorted and merged.

use super::{Digest, Unhealable};

/// The size of an expected object whose rows disagree: a suspicion whatever the store holds.
pub const UNSURE_SIZE: u64 = (1 << MARK_SHIFT) - 1;

const MARK_SHIFT: u32 = 60;

/// Why an object is at risk: of two rows that could not bring it back the later reason counts. Its
/// place here, from 1, is its mark.
const RISKS: [Unhealable; 6] = Unhealable::BY_NEARNESS;

/// One expected or observed object: digest, size and time, plus a mark.
///
/// The mark says of an expected object why it could not be had again (it is at risk). It shares a
/// word with the size, since no object has 2⁶⁰ bytes, so that a record stays 48 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// The digest; records sort by it first.
    pub digest: Digest,
    mark_and_size: u64,
    /// Seconds since 1970: when the row was last written, or the object last modified.
    /// `i64::MIN` where that is not known, which counts as old.
    pub time: i64,
}

impl Record {
    /// Length in bytes of [`Record::to_bytes`].
    pub const BYTES: usize = 48;

    /// A record; `size` 0 in the catalog means that it is not known there.
    pub fn new(digest: Digest, size: u64, time: i64, marked: bool) -> Self {
        Self::with_mark(digest, size, time, u64::from(marked))
    }

    /// An expected object, and why this row alone could not bring it back.
    pub fn expected(digest: Digest, size: u64, time: i64, risk: Option<Unhealable>) -> Self {
        let place = risk.and_then(|risk| RISKS.iter().position(|known| *known == risk));
        let mark = place.and_then(|place| u64::try_from(place + 1).ok()).unwrap_or(0);
        Self::with_mark(digest, size, time, mark)
    }

    fn with_mark(digest: Digest, size: u64, time: i64, mark: u64) -> Self {
        Self { digest, mark_and_size: size.min(UNSURE_SIZE) | mark << MARK_SHIFT, time }
    }

    const fn mark(&self) -> u64 {
        self.mark_and_size >> MARK_SHIFT
    }

    /// Size in bytes; [`UNSURE_SIZE`] where rows of one digest disagree.
    pub const fn size(&self) -> u64 {
        self.mark_and_size & UNSURE_SIZE
    }

    /// Whether it is marked: at risk, if it is an expected object.
    pub const fn is_marked(&self) -> bool {
        self.mark() != 0
    }

    /// Why an expected object could not be had again; `None` where it could.
    pub fn risk(&self) -> Option<Unhealable> {
        let place = usize::try_from(self.mark().checked_sub(1)?).ok()?;
        RISKS.get(place).copied()
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
        let usable = !self.is_marked() || !other.is_marked();
        let mark = if usable { 0 } else { self.mark().max(other.mark()) };
        Self::with_mark(self.digest, size, self.time.min(other.time), mark)
    }

    /// Two listings of one key as one observed object: the newer one counts, and of two of the
    /// same time the larger one, so that the order in which they came does not matter.
    #[must_use]
    pub fn newer(self, other: Self) -> Self {
        let age = |record: &Self| (record.time, record.mark_and_size);
        if age(&other) > age(&self) { other } else { self }
    }

    /// The record in 48 bytes, for a temporary file: digest, flag and size, time, big-endian.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let (digest, rest) = bytes.split_at_mut(32);
        digest.copy_from_slice(self.digest.as_bytes());
        let (size, time) = rest.split_at_mut(8);
        size.copy_from_slice(&self.mark_and_size.to_be_bytes());
        time.copy_from_slice(&self.time.to_be_bytes());
        bytes
    }

    /// The record that [`Record::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let (digest, rest) = bytes.split_at(32);
        let (size, time) = rest.split_at(8);
        Self {
            digest: Digest::new(digest.first_chunk().copied().unwrap_or_default()),
            mark_and_size: u64::from_be_bytes(size.first_chunk().copied().unwrap_or_default()),
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
        assert_eq!((one.size(), one.time, one.is_marked()), (10, 3, false));
        assert_eq!(row(10, 1, true).melt(row(11, 1, true)), row(UNSURE_SIZE, 1, true));
    }

    #[test]
    fn every_reason_of_a_risk_is_kept_and_of_two_the_nearer_counts() {
        let digest = Digest::new([7; 32]);
        let row = |risk| Record::expected(digest, UNSURE_SIZE, 0, risk);
        for risk in RISKS.map(Some).into_iter().chain([None]) {
            assert_eq!((row(risk).risk(), row(risk).size()), (risk, UNSURE_SIZE));
            assert_eq!(row(risk).melt(row(None)).risk(), None, "one usable source is enough");
        }
        let (none, gone) = (row(Some(Unhealable::NoSource)), row(Some(Unhealable::SourceGone)));
        assert_eq!(none.melt(gone), gone);
        assert_eq!(gone.melt(none), gone);
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
