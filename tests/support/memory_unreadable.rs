//! What the store in memory shows and does not hand out, or does not keep as it came.

#![allow(dead_code, reason = "each test takes some of it")]

use std::collections::BTreeSet;

use bytes::BytesMut;
use restock::store::StoreFault;

use super::MemoryStore;

/// What is odd about a store.
#[derive(Default)]
pub(super) struct Odd {
    pub(super) archived: BTreeSet<String>,
    /// Those in an archive that cannot be read from there.
    pub(super) frozen: BTreeSet<String>,
    pub(super) unreadable: BTreeSet<String>,
    pub(super) keeps_next_removed: bool,
    mangles: bool,
}

impl MemoryStore {
    /// A key that a listing finds and nobody can ask for.
    pub(crate) fn put_unaddressable(&self, key: &str) {
        self.state().unaddressable.push(key.to_owned());
    }

    /// Listings and probes show it, and reading it answers that it is not there.
    pub(crate) fn make_unreadable(&self, key: &str) {
        self.state().odd.unreadable.insert(key.to_owned());
    }

    /// What lies there now can be read.
    pub(crate) fn make_readable(&self, key: &str) {
        let mut state = self.state();
        state.odd.unreadable.remove(key);
        state.odd.archived.remove(key);
        state.odd.frozen.remove(key);
    }

    /// The keys that cannot be read, and those that lie in an archive.
    pub(crate) fn odd(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let odd = &self.state().odd;
        (odd.unreadable.clone(), odd.archived.clone())
    }

    /// From now on whatever is published arrives with other bytes.
    pub(crate) fn mangle(&self, mangles: bool) {
        self.state().odd.mangles = mangles;
    }

    /// A listing shows it in an archive, and it cannot be read from there.
    pub(crate) fn archive(&self, key: &str) {
        let odd = &mut self.state().odd;
        odd.archived.insert(key.to_owned());
        odd.frozen.insert(key.to_owned());
    }

    /// How a GET of an object that is there is refused.
    pub(super) fn refusal(&self, key: &str) -> Option<StoreFault> {
        let odd = &self.state().odd;
        if odd.frozen.contains(key) {
            return Some(StoreFault::Archived);
        }
        odd.unreadable.contains(key).then_some(StoreFault::NotFound)
    }

    /// What becomes of published bytes.
    pub(super) fn arrives(&self, key: &str, mut bytes: BytesMut) {
        if let (true, Some(first)) = (self.state().odd.mangles, bytes.first_mut()) {
            *first ^= 1;
        }
        self.put(key, bytes.freeze());
        self.make_readable(key);
    }
}
