//! [`Slice`]: a half-open range of the digest space, the unit of scale-out and of rotation.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::Digest;

/// A half-open range of the digest space: the i-th of n equal ones, written `i/n` with i from 1, or
/// one between two positions, written `FROM..TO` in hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    from: u128,
    to: u128,
    part: Option<(u32, u32)>,
}

/// A text that is not `i/n` with 1 ≤ i ≤ n.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no slice: write i/n with 1 <= i <= n, e.g. 1/8")]
pub struct ParseSliceError(pub String);

impl Slice {
    /// Where the digest space ends: one behind the last position (see [`Digest::position`]).
    pub const END: u128 = 1 << 64;

    /// The whole digest space.
    pub const WHOLE: Self = Self { from: 0, to: Self::END, part: Some((1, 1)) };

    /// The `index`-th (from 1) of `of` slices; `None` where there is no such slice.
    pub fn new(index: u32, of: u32) -> Option<Self> {
        if !(1..=of).contains(&index) {
            return None;
        }
        let cut = |i: u32| (u128::from(i) << 64).div_ceil(u128::from(of));
        Some(Self { from: cut(index - 1), to: cut(index), part: Some((index, of)) })
    }

    /// The positions from `from` on and before `to`, at most [`Slice::END`].
    pub fn between(from: u128, to: u128) -> Self {
        let to = to.min(Self::END);
        Self { from: from.min(to), to, part: None }
    }

    /// Whether this is the whole digest space.
    pub const fn is_whole(&self) -> bool {
        self.from == 0 && self.to == Self::END
    }

    /// Whether this slice starts the digest space; it also owns what has no digest.
    pub const fn is_first(&self) -> bool {
        self.from == 0
    }

    /// Whether the digest lies in this slice.
    pub fn contains(&self, digest: &Digest) -> bool {
        self.range().contains(&u128::from(digest.position()))
    }

    /// The positions (see [`Digest::position`]) of this slice; the last one ends at 2⁶⁴.
    pub const fn range(&self) -> Range<u128> {
        self.from..self.to
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
        match self.part {
            Some((index, of)) => write!(f, "{index}/{of}"),
            None => write!(f, "{:016x}..{:016x}", self.from, self.to),
        }
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
    fn a_slice_between_positions_holds_its_start_and_not_its_end() {
        let at = |position: u64| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&position.to_be_bytes());
            Digest::new(bytes)
        };
        let slice = Slice::between(16, 32);
        assert!(slice.contains(&at(16)) && slice.contains(&at(31)));
        assert!(!slice.contains(&at(15)) && !slice.contains(&at(32)));
        assert_eq!(slice.to_string(), "0000000000000010..0000000000000020");
        assert!(Slice::between(0, u128::MAX).is_whole());
    }

    #[test]
    fn only_a_slice_that_exists_parses() {
        assert_eq!("3/8".parse::<Slice>().unwrap().to_string(), "3/8");
        for bad in ["0/8", "9/8", "1/0", "1", "/8", "a/b", "-1/2"] {
            assert!(bad.parse::<Slice>().is_err(), "{bad}");
        }
    }
}
