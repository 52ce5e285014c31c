//! [`World`]: as many objects as wanted, made up on the fly from their numbers.

use restock::model::Digest;

/// One object in this many is missing from the store.
const MISSING_EVERY: u64 = 1000;
/// There is one orphan for this many objects.
const ORPHAN_EVERY: u64 = 1000;
/// When all rows were written and all objects stored, in seconds since 1970: long ago.
pub(crate) const LONG_AGO: i64 = 1_700_000_000;

/// Objects 0 to n are expected, one in a thousand of them is missing, and a thousandth of n more
/// are orphans. The digest of an object holds its number, so that nothing needs to be remembered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World {
    objects: u64,
}

impl World {
    pub(crate) const fn new(objects: u64) -> Self {
        Self { objects }
    }

    /// How many objects are expected.
    pub(crate) const fn objects(self) -> u64 {
        self.objects
    }

    /// How many expected objects are missing from the store.
    pub(crate) const fn missing(self) -> u64 {
        self.objects.div_ceil(MISSING_EVERY)
    }

    /// How many objects of the store nobody expects.
    pub(crate) const fn orphans(self) -> u64 {
        self.objects / ORPHAN_EVERY
    }

    /// Whether the catalog wants the object with this number.
    pub(crate) const fn is_expected(self, number: u64) -> bool {
        number < self.objects
    }

    /// Whether the store has the object with this number.
    pub(crate) const fn is_stored(self, number: u64) -> bool {
        let missing = self.is_expected(number) && number.is_multiple_of(MISSING_EVERY);
        number < self.objects + self.orphans() && !missing
    }
}

/// The digest of an object: 24 bytes at random, and its number.
pub(crate) fn digest(number: u64) -> Digest {
    let mut bytes = [0; 32];
    let words = [scramble(number), scramble(!number), scramble(number ^ 0xabcd), number];
    for (chunk, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *chunk = word.to_be_bytes();
    }
    Digest::new(bytes)
}

/// Size in bytes of an object.
pub(crate) const fn size(number: u64) -> u64 {
    1 + number % 100_000_000
}

/// The finalizer of the `SplitMix64` generator: every bit of the number moves half the bits.
pub(crate) const fn scramble(number: u64) -> u64 {
    let mut word = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
