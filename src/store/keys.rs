//! What adapters share about keys: which of them a slice owns, which are never handed on, and how
//! one that cannot be addressed is printed.

use crate::model::{KeyTemplate, Slice, cut_owned, is_temporary};

/// The part of the key order that a slice owns, so that each key, foreign ones included, belongs
/// to exactly one of the slices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyRange {
    /// The first key; empty for the first slice, which begins at the collection's prefix.
    pub(super) from: String,
    /// The first key beyond; `None` where the range ends with the prefix.
    pub(super) to: Option<String>,
}

impl KeyRange {
    /// The keys of a slice.
    pub(super) fn of(layout: &KeyTemplate, slice: Slice) -> Self {
        let positions = slice.range();
        let from = u64::try_from(positions.start).ok().filter(|start| *start > 0);
        Self {
            from: from.map_or_else(String::new, |start| layout.boundary(start)),
            to: u64::try_from(positions.end).ok().map(|end| layout.boundary(end)),
        }
    }

    /// Whether the key lies in this range.
    pub(super) fn contains(&self, key: &str) -> bool {
        key >= self.from.as_str() && !self.ends_before(key)
    }

    /// Whether the key lies beyond this range.
    pub(super) fn ends_before(&self, key: &str) -> bool {
        self.to.as_deref().is_some_and(|to| key >= to)
    }

    /// What to ask a listing for that hands on only keys greater than what it is asked for:
    /// something just before the first key, since that one may be an object's.
    pub(super) fn start_after(&self) -> Option<&str> {
        let (last, _) = self.from.char_indices().next_back()?;
        self.from.get(..last)
    }
}

/// Whether a listing hands the key on: folder markers and temporary names are no objects.
pub(super) fn is_listed(key: &str) -> bool {
    !key.ends_with('/') && !is_temporary(key)
}

/// A key with everything escaped that a terminal or a log line should not see, cut where it is
/// longer than keys can be.
pub(super) fn printable(key: &str) -> String {
    let shown = key.chars().fold(String::with_capacity(key.len()), |mut shown, c| {
        match c {
            '\'' | '"' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
        shown
    });
    cut_owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_belongs_to_exactly_one_slice() {
        let layout: KeyTemplate = "p/{digest}".parse().unwrap();
        let keys = ["p/", "p/ab", "p/!", "p/zz", "p/ÿ", "p/4", "p/8/x", "p/ABC"].map(str::to_owned);
        let digest = "80".to_owned() + &"0".repeat(62);
        for key in keys.into_iter().chain([layout.render(&digest.parse().unwrap())]) {
            for of in [1, 2, 3, 16] {
                let owners = (1..=of)
                    .filter(|i| KeyRange::of(&layout, Slice::new(*i, of).unwrap()).contains(&key))
                    .count();
                assert_eq!(owners, 1, "{key} of {of}");
            }
        }
    }

    #[test]
    fn a_listing_starts_before_the_first_key_of_its_range() {
        let layout: KeyTemplate = "p/{digest}".parse().unwrap();
        let range = KeyRange::of(&layout, Slice::new(2, 2).unwrap());
        let first = layout.render(&("8".to_owned() + &"0".repeat(63)).parse().unwrap());
        assert!(range.contains(&first));
        assert!(range.start_after().unwrap() < first.as_str());
        assert_eq!(KeyRange::of(&layout, Slice::WHOLE).start_after(), None);
    }

    #[test]
    fn nothing_printed_moves_the_cursor_or_is_endless() {
        assert_eq!(printable(&"k".repeat(100_000)).len(), 1024);
        assert_eq!(printable("a\x1b[2J\n\"é\\"), "a\\u{1b}[2J\\n\"é\\\\");
    }
}
