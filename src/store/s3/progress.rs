//! [`Progress`]: whether a listing gets on. A server that hands out pages for ever without anything
//! new on them would keep a pass open for ever; what is kept to notice it does not grow.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Pages without a key of those asked for that may follow each other. Servers step over what was
/// deleted, or lies elsewhere, with such pages.
const IDLE_PAGES_MAX: u64 = 1_000;

/// How often a listing may have handed out what it holds, by estimate, before it is given up.
const REPEATS_MAX: f64 = 4.0;

/// Keys from which on that is looked at; the estimate means little before.
const REPEATS_FROM: u64 = 10_000;

/// Cells of the estimate of how many keys are distinct: 1,024 give it to 3%.
const CELL_BITS: u32 = 10;

/// Why a listing does not get on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stuck {
    #[error("it goes round in a circle: a page says to go on where the listing was before")]
    SameToken,
    #[error("it hands out the same page again")]
    SamePage,
    #[error("it hands out the same keys again and again")]
    SameKeys,
    #[error("{IDLE_PAGES_MAX} pages one after the other bring no key that was asked for")]
    Idle,
}

/// What was seen of one sequence of pages.
pub(super) struct Progress {
    pages: u64,
    /// A page before, by what identifies it. It is taken anew after 1, 2, 4, 8 … pages, so that
    /// any circle is noticed within three rounds.
    mark: Mark,
    remarked_at: u64,
    idle: u64,
    keys: u64,
    /// The longest run of leading zeros of hashes that fall into a cell, plus one.
    cells: Vec<u8>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
struct Mark {
    token: Option<u64>,
    keys: Option<u64>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            pages: 0,
            mark: Mark::default(),
            remarked_at: 1,
            idle: 0,
            keys: 0,
            cells: vec![0; 1 << CELL_BITS],
        }
    }

    /// Takes note of a page: the keys that were asked for, and where it says to go on.
    pub(super) fn note<'a>(
        &mut self,
        keys: impl Iterator<Item = &'a str>,
        token: Option<&str>,
    ) -> Result<(), Stuck> {
        let mut page = DefaultHasher::new();
        let before = self.keys;
        for key in keys {
            let hash = hash(key);
            hash.hash(&mut page);
            self.count(hash);
        }
        let came = self.keys > before;
        let mark = Mark { token: token.map(hash), keys: came.then(|| page.finish()) };
        self.idle = if came { 0 } else { self.idle + 1 };
        self.pages += 1;
        if token.is_none() {
            return Ok(());
        }
        if mark.token == self.mark.token {
            return Err(Stuck::SameToken);
        }
        if came && mark.keys == self.mark.keys {
            return Err(Stuck::SamePage);
        }
        if self.idle >= IDLE_PAGES_MAX {
            return Err(Stuck::Idle);
        }
        if self.keys > REPEATS_FROM && self.times_handed_out() > REPEATS_MAX {
            return Err(Stuck::SameKeys);
        }
        if self.pages == self.remarked_at {
            self.mark = mark;
            self.remarked_at = self.remarked_at.saturating_mul(2);
        }
        Ok(())
    }

    fn count(&mut self, hash: u64) {
        self.keys += 1;
        let rest = (hash << CELL_BITS) | (1 << (CELL_BITS - 1));
        let zeros = u8::try_from(rest.leading_zeros() + 1).unwrap_or(u8::MAX);
        let cell = usize::try_from(hash >> (u64::BITS - CELL_BITS)).unwrap_or(0);
        if let Some(cell) = self.cells.get_mut(cell) {
            *cell = zeros.max(*cell);
        }
    }

    /// How often each key came, on the average: `HyperLogLog` estimates how many are distinct.
    fn times_handed_out(&self) -> f64 {
        let cells = f64::from(1_u32 << CELL_BITS);
        let sum: f64 = self.cells.iter().map(|zeros| (-f64::from(*zeros)).exp2()).sum();
        let distinct = 0.7213 / (1.0 + 1.079 / cells) * cells * cells / sum;
        let empty: u32 = self.cells.iter().map(|cell| u32::from(*cell == 0)).sum();
        let empty = f64::from(empty);
        let distinct = if empty > 0.0 && distinct < 2.5 * cells {
            cells * (cells / empty).ln()
        } else {
            distinct
        };
        keys_as_number(self.keys) / distinct.max(1.0)
    }
}

/// Near enough for an average.
fn keys_as_number(keys: u64) -> f64 {
    f64::from(u32::try_from(keys >> 10).unwrap_or(u32::MAX)) * 1_024.0
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes pages of keys, the token of each being its number, until one is too much.
    fn run<'a>(pages: impl Iterator<Item = Vec<String>> + 'a) -> Option<(usize, Stuck)> {
        let mut progress = Progress::new();
        pages.enumerate().find_map(|(n, page)| {
            let noted = progress.note(page.iter().map(String::as_str), Some(&n.to_string()));
            noted.err().map(|stuck| (n, stuck))
        })
    }

    fn page(from: u64, keys: u64) -> Vec<String> {
        (from..from + keys).map(|n| format!("p/{n:064x}")).collect()
    }

    #[test]
    fn what_gets_on_is_let_alone_however_large() {
        assert_eq!(run((0..2_000).map(|n| page(n * 100, 100))), None);
        assert_eq!(run((0..30_000).map(|n| page(n, 1))), None);
        // Empty pages between others, and many in a row.
        assert_eq!(run((0..9_000).map(|n| page(n, u64::from(n % 900 == 0)))), None);
        // The same bucket listed twice, as where a listing has to begin anew.
        assert_eq!(run((0..4_000).map(|n| page(n % 2_000 * 100 + n / 2_000, 99))), None);
    }

    #[test]
    fn a_circle_of_pages_is_noticed_whatever_its_length() {
        for length in [1, 2, 3, 7, 100] {
            let (at, stuck) = run((0..1_000).map(|n| page(n % length * 10, 10))).unwrap();
            assert_eq!(stuck, Stuck::SamePage);
            assert!(at <= usize::try_from(3 * length).unwrap(), "{length}: {at}");
        }
    }

    #[test]
    fn a_circle_of_tokens_is_noticed_though_the_pages_are_empty() {
        let mut progress = Progress::new();
        let stuck = (0..10)
            .find_map(|n| progress.note(std::iter::empty(), Some(&(n % 2).to_string())).err());
        assert_eq!(stuck, Some(Stuck::SameToken));
    }

    #[test]
    fn empty_pages_for_ever_are_given_up() {
        let (at, stuck) = run((0..5_000).map(|_| Vec::new())).unwrap();
        assert_eq!((at + 1, stuck), (1_000, Stuck::Idle));
    }

    #[test]
    fn the_same_keys_in_ever_other_pages_are_given_up() {
        let key = |n: u64| format!("p/{:064x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 5_003);
        let pages = (0..100_000_u64).map(|n| (n * 7..n * 7 + 7).map(key).collect());
        let (at, stuck) = run(pages).unwrap();
        assert_eq!(stuck, Stuck::SameKeys);
        assert!(at < 5_000, "{at}");
    }

    #[test]
    fn the_last_page_is_never_too_much() {
        let mut progress = Progress::new();
        for _ in 0..3 {
            progress.note(["a"].into_iter(), None).unwrap();
        }
    }
}
