//! Into how many ranges a listing is cut, and what of them was handed on already.

use std::collections::BTreeMap;
use std::ops::Bound::{Included, Unbounded};
use std::sync::{Mutex, PoisonError};

use super::listing::{Listing, RawPage};
use crate::model::{Digest, KeyTemplate};
use crate::store::keys::KeyRange;

/// A range is worth a request of its own from this many pages on.
const PAGES_PER_RANGE: u128 = 4;

/// Cuts what the first page leaves into ranges; empty where one listing is as good.
///
/// The first range begins with the first page and goes on by its token; the last one ends where
/// the asked keys end, so that foreign keys before, between and after the digests are listed too.
pub(super) fn cuts(listing: &Listing, first: &RawPage) -> Vec<KeyRange> {
    let Some(reached) = first.token.as_ref().and_then(|_| reached(listing, first)) else {
        return Vec::new();
    };
    let (start, reached) = (u128::from(listing.start), u128::from(reached));
    let (seen, left) = (reached.saturating_sub(start).max(1), listing.end.saturating_sub(reached));
    let worth = left / seen / PAGES_PER_RANGE;
    let ranges = worth.min(u128::try_from(listing.concurrency).unwrap_or(1));
    if ranges < 2 {
        return Vec::new();
    }
    let boundary = |index: u128| {
        u64::try_from(reached + left / ranges * index).ok().map(|cut| listing.layout.boundary(cut))
    };
    let mut from = listing.whole.from.clone();
    let mut cuts = Vec::new();
    for to in (1..ranges).filter_map(boundary) {
        cuts.push(KeyRange { from: std::mem::replace(&mut from, to.clone()), to: Some(to) });
    }
    cuts.push(KeyRange { from, to: listing.whole.to.clone() });
    cuts
}

/// How far into the digest space a page reaches.
fn reached(listing: &Listing, page: &RawPage) -> Option<u64> {
    let digest = page.objects.iter().rev().find_map(|object| listing.layout.parse(&object.key));
    digest.as_ref().map(Digest::position)
}

/// How far each range was handed on, by its first key: where the listing has to begin anew, foreign
/// keys among them must not be counted twice.
#[derive(Debug, Default)]
pub(super) struct Handed(Mutex<BTreeMap<String, String>>);

impl Handed {
    /// All of the range up to and with `last` was handed on.
    pub(super) fn up_to(&self, range: &KeyRange, last: &str) {
        let mut handed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = match &range.to {
            Some(to) if last >= to.as_str() => to.as_str(),
            _ => last,
        };
        handed.insert(range.from.clone(), last.to_owned());
    }

    /// Takes out the foreign keys that were handed on. Digests stay: they melt when sorted.
    pub(super) fn leave_out_foreign(&self, layout: &KeyTemplate, page: &mut RawPage) {
        let handed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if handed.is_empty() {
            return;
        }
        let was_handed = |key: &str| {
            let range = handed.range::<str, _>((Unbounded, Included(key))).next_back();
            range.is_some_and(|(_, last)| key <= last.as_str())
        };
        page.objects
            .retain(|object| !was_handed(&object.key) || layout.parse(&object.key).is_some());
        page.refused.retain(|key| !was_handed(key));
    }
}
