//! [`Verdicts`]: what a pass knows of one collection before it is told in findings.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};

use crate::model::{
    Collection, Corruption, Digest, MalformedRow, MistimedRow, ObjectMeta, Record, Unhealable,
    error_chain, reason,
};
use crate::store::StoreError;

/// An object whose bytes were read and are wrong.
#[derive(Debug, Clone)]
pub(super) struct Corrupt {
    pub(super) digest: Digest,
    pub(super) observed_digest: Digest,
    pub(super) meta: ObjectMeta,
    /// Whether it was read in this pass; otherwise the corruption stands from an earlier one.
    pub(super) read_now: bool,
    pub(super) found_at: DateTime<Utc>,
}

impl Corrupt {
    /// What an earlier pass read, and nothing has contradicted since.
    pub(super) fn standing(corruption: &Corruption) -> Self {
        Self {
            digest: corruption.digest,
            observed_digest: corruption.observed_digest,
            meta: corruption.meta.clone(),
            read_now: false,
            found_at: corruption.found_at,
        }
    }

    /// As it is kept, and handed to a heal.
    pub(super) fn under(&self, key: String) -> Corruption {
        Corruption {
            key,
            digest: self.digest,
            observed_digest: self.observed_digest,
            meta: self.meta.clone(),
            found_at: self.found_at,
        }
    }
}

/// An object that nobody can say anything about.
#[derive(Debug, Clone)]
pub(super) struct Unknown {
    pub(super) digest: Digest,
    pub(super) reason: String,
    pub(super) detail: String,
}

impl Unknown {
    /// What the store answered in place of the object.
    pub(super) fn because(digest: Digest, error: &StoreError) -> Self {
        let reason = error.fault.as_str().to_owned();
        Self { digest, reason, detail: error_chain(error) }
    }

    /// Seen, and not readable: so nobody knows.
    pub(super) fn unreadable(digest: Digest) -> Self {
        Self {
            digest,
            reason: reason::UNREADABLE.to_owned(),
            detail: "LIST or HEAD shows it, but GET answers that it does not exist".to_owned(),
        }
    }
}

/// A key that the layout renders for no digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Foreign {
    pub(super) key: String,
    pub(super) size: Option<u64>,
    pub(super) addressable: bool,
}

/// What a pass knows of one collection. Every expected object is in exactly one of `present`,
/// `missing`, `corrupt` and `unknown`.
#[derive(Debug)]
pub(super) struct Verdicts {
    pub(super) collection: Collection,
    /// Objects listed, foreign ones included.
    pub(super) observed: u64,
    pub(super) present: u64,
    pub(super) verified: u64,
    pub(super) bytes_verified: u64,
    /// The part of `present` that could not be healed, by reason.
    pub(super) at_risk: BTreeMap<Unhealable, u64>,
    pub(super) young: u64,
    pub(super) missing: Vec<Digest>,
    pub(super) corrupt: Vec<Corrupt>,
    pub(super) unknown: Vec<Unknown>,
    /// Objects whose GET answered in this pass that they are not there, whatever shows them.
    pub(super) denied: HashSet<Digest>,
    /// Healthy bytes whose rows give another size; the size as observed.
    pub(super) size_mismatches: Vec<(Digest, u64)>,
    /// Objects that no row wants; their records tell size and time.
    pub(super) orphans: Vec<Record>,
    pub(super) foreign: Vec<Foreign>,
    pub(super) malformed: Vec<MalformedRow>,
    pub(super) malformed_rows: u64,
    /// Rows whose time of writing says nothing of their age.
    pub(super) mistimed: Vec<MistimedRow>,
    pub(super) mistimed_rows: u64,
    /// Rows whose digest cannot be read, in whatever slice: any object may be wanted by them.
    pub(super) unreadable_rows: u64,
    /// All rows, whatever their digests; `None` where only some were read.
    pub(super) rows: Option<u64>,
    /// The store's clock less restock's, where the store told it.
    pub(super) skew: Option<chrono::TimeDelta>,
    /// No row with a digest, and a prefix that is not empty: no orphans, and a word about it.
    pub(super) empty_over_objects: bool,
}

impl Verdicts {
    pub(super) fn new(collection: &Collection) -> Self {
        Self {
            collection: collection.clone(),
            observed: 0,
            present: 0,
            verified: 0,
            bytes_verified: 0,
            at_risk: BTreeMap::new(),
            rows: None,
            young: 0,
            missing: Vec::new(),
            corrupt: Vec::new(),
            unknown: Vec::new(),
            denied: HashSet::new(),
            size_mismatches: Vec::new(),
            orphans: Vec::new(),
            foreign: Vec::new(),
            malformed: Vec::new(),
            malformed_rows: 0,
            mistimed: Vec::new(),
            mistimed_rows: 0,
            unreadable_rows: 0,
            skew: None,
            empty_over_objects: false,
        }
    }

    /// Counts an object that is there with whatever bytes.
    pub(super) fn add_present(&mut self, expected: &Record) {
        self.present += 1;
        if let Some(risk) = expected.risk() {
            *self.at_risk.entry(risk).or_default() += 1;
        }
    }
}
