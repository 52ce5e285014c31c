//! [`Join`]: expected and observed objects side by side, batch by batch.

use std::cmp::Ordering;
use std::error::Error;

use crate::model::{Digest, Record};

/// One digest, on the side or sides that have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// The catalog wants it and the store lists it.
    Both(Record, Record),
    /// The catalog wants it.
    Expected(Record),
    /// The store lists it.
    Observed(Record),
}

/// A join that came to no end. Nothing it yielded may lead to a verdict.
#[derive(Debug, thiserror::Error)]
pub enum JoinError<E: Error + 'static> {
    /// A side could not be read.
    #[error("cannot read sorted records")]
    Side(#[source] E),
    /// A side did not rise from digest to digest: a bug, which would make every object after it
    /// look missing, or an orphan.
    #[error("sorted records are out of order at {0}")]
    OutOfOrder(Digest),
}

/// A merge of two sides that each rise strictly from digest to digest.
///
/// A side is a closure that replaces the content of a batch by its next records, and leaves it
/// empty at its end. The matched pairs are nearly all of what comes, so they are handed to a
/// visitor by value and stored nowhere.
#[derive(Debug, Default)]
pub struct Join {
    expected: Side,
    observed: Side,
}

impl Join {
    /// A join at its start.
    pub fn new() -> Self {
        Self::default()
    }

    /// Visits the next digests in order, at most as many as two batches hold, and says whether
    /// there may be more. Between two steps the caller can wait for something else.
    pub fn step<E: Error + 'static>(
        &mut self,
        expected: impl FnMut(&mut Vec<Record>) -> Result<(), E>,
        observed: impl FnMut(&mut Vec<Record>) -> Result<(), E>,
        mut visit: impl FnMut(Joined),
    ) -> Result<bool, JoinError<E>> {
        self.expected.refill(expected)?;
        self.observed.refill(observed)?;
        let (wanted, listed) = (self.expected.rest(), self.observed.rest());
        if wanted.is_empty() || listed.is_empty() {
            let more = !(wanted.is_empty() && listed.is_empty());
            for record in wanted {
                visit(Joined::Expected(*record));
            }
            for record in listed {
                visit(Joined::Observed(*record));
            }
            self.expected.skip_all();
            self.observed.skip_all();
            return Ok(more);
        }
        let (wanted_left, listed_left) = merge(wanted, listed, &mut visit);
        self.expected.keep(wanted_left);
        self.observed.keep(listed_left);
        Ok(true)
    }
}

/// Merges until one side has no more, and tells how many records are left of each.
#[inline]
fn merge(
    mut expected: &[Record],
    mut observed: &[Record],
    visit: &mut impl FnMut(Joined),
) -> (usize, usize) {
    while let (Some((wanted, wanted_rest)), Some((listed, listed_rest))) =
        (expected.split_first(), observed.split_first())
    {
        match order(&wanted.digest, &listed.digest) {
            Ordering::Equal => {
                visit(Joined::Both(*wanted, *listed));
                (expected, observed) = (wanted_rest, listed_rest);
            }
            Ordering::Less => {
                visit(Joined::Expected(*wanted));
                expected = wanted_rest;
            }
            Ordering::Greater => {
                visit(Joined::Observed(*listed));
                observed = listed_rest;
            }
        }
    }
    (expected.len(), observed.len())
}

/// The order of two digests. Asking for equality first is cheap, since it nearly always holds.
#[inline]
fn order(a: &Digest, b: &Digest) -> Ordering {
    if a == b { Ordering::Equal } else { a.cmp(b) }
}

/// What is in hand of one side.
#[derive(Debug, Default)]
struct Side {
    batch: Vec<Record>,
    next: usize,
    last: Option<Digest>,
    ended: bool,
}

impl Side {
    fn refill<E: Error + 'static>(
        &mut self,
        mut fill: impl FnMut(&mut Vec<Record>) -> Result<(), E>,
    ) -> Result<(), JoinError<E>> {
        if self.ended || self.next < self.batch.len() {
            return Ok(());
        }
        self.next = 0;
        fill(&mut self.batch).map_err(JoinError::Side)?;
        self.ended = self.batch.is_empty();
        let mut last = self.last;
        for record in &self.batch {
            if last.is_some_and(|last| !rises(&last, &record.digest)) {
                return Err(JoinError::OutOfOrder(record.digest));
            }
            last = Some(record.digest);
        }
        self.last = last;
        Ok(())
    }

    fn rest(&self) -> &[Record] {
        self.batch.get(self.next..).unwrap_or_default()
    }

    fn keep(&mut self, left: usize) {
        self.next = self.batch.len().saturating_sub(left);
    }

    fn skip_all(&mut self) {
        self.next = self.batch.len();
    }
}

/// Whether `b` comes after `a`. The first eight bytes decide nearly always.
#[inline]
fn rises(a: &Digest, b: &Digest) -> bool {
    a.position() < b.position() || (a.position() == b.position() && a < b)
}
