//! [`Slice`]: a half-open range of the digest space, the unit of scale-out and of rotation.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::Digest;

/// The i-th of n equal ranges of the digest space, written `i/n` with i from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    index: u32,
    of: u32,
}

/// A text that is not `i/n` with 1 ≤ i ≤ n.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no slice: write i/n with 1 <= i <= n, e.g. 1/8")]
pub struct ParseSliceError(pub String);

impl Slice {
    /// The whole digest space.
    pub const WHOLE: Self = Self { index: 1, of: 1 };

    /// The `index`-th (from 1) of `of` slices; `None` where there is no such slice.
    pub fn new(index: u32, of: u32) -> Option<Self> {
        (1..=of).contains(&index).then_some(Self { index, of })
    }

    /// Whether this is the whole digest space.
    pub const fn is_whole(&self) -> bool {
        self.of == 1
    }

    /// Whether this slice starts the digest space; it also owns what has no digest.
    pub const fn is_first(&self) -> bool {
        self.index == 1
    }

    /// Whether the digest lies in this slice.
    pub fn contains(&self, digest: &Digest) -> bool {
        self.range().contains(&u128::from(digest.position()))
    }

    /// The positions (see [`Digest::position`]) of this slice; the last one ends at 2⁶⁴.
    pub fn range(&self) -> Range<u128> {
        let cut = |i: u32| (u128::from(i) << 64).div_ceil(u128::from(self.of));
        cut(self.index - 1)..cut(self.index)
    }
}

impl FromStr for Slice {
    type Err = ParseSliceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed =
            text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        parsed.and_then(|(i, n)| Self::new(i, n)).ok_or_else(|| ParseSliceError(text.to_owned()))
    }
}

impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digest_lies_in_exactly_one_slice() {
        for of in [1, 2, 3, 7, 256, 1000] {
            for position in [0, 1, u64::MAX / 3, u64::MAX / 2, u64::MAX / 2 + 1, u64::MAX] {
                let mut bytes = [0x5a; 32];
                bytes[..8].copy_from_slice(&position.to_be_bytes());
                let owners = (1..=of)
                    .filter(|i| Slice::new(*i, of).unwrap().contains(&Digest::new(bytes)))
                    .count();
                assert_eq!(owners, 1, "{position:x} of {of}");
            }
        }
    }

    #[test]
    fn only_a_slice_that_exists_parses() {
        assert_eq!("3/8".parse::<Slice>().unwrap().to_string(), "3/8");
        for bad in ["0/8", "9/8", "1/0", "1", "/8", "a/b", "-1/2"] {
            assert!(bad.parse::<Slice>().is_err(), "{bad}");
        }
    }
}
