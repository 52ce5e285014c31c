//! [`Case`]: one pass with all that was true while it ran, as the model judges it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use restock::model::{Attempts, BreakerState, Corruption, Digest, LastFull, ObjectMeta, Slice};
use restock::pass::PassReport;

use crate::fate::Seen;
use crate::memory_catalog::Row;
use crate::step::{Depth, Kind, Pass, Setting};
use crate::things::{INSTALLERS, Thing, things};

/// An object as the store had it at some time.
pub(crate) type Lies = Option<(Bytes, ObjectMeta)>;

/// What the ledger said as a pass began.
#[derive(Debug, Clone, Default)]
pub(crate) struct Remembered {
    pub(crate) corruptions: BTreeMap<String, Corruption>,
    pub(crate) breaker: Option<BreakerState>,
    pub(crate) last_full: Option<LastFull>,
    pub(crate) accepted: BTreeSet<Digest>,
    pub(crate) attempts: BTreeMap<Digest, Attempts>,
    pub(crate) drifted: BTreeSet<Digest>,
    /// Whose rows are others than those that the attempts were made for.
    pub(crate) touched: BTreeSet<Digest>,
    /// Keys under which a run was about to publish when it was cut off.
    pub(crate) interrupted: BTreeSet<String>,
}

/// A pass, and the world it was in.
pub(crate) struct Case<'a> {
    pub(crate) setting: Setting,
    pub(crate) pass: &'a Pass,
    pub(crate) paused: bool,
    pub(crate) planned: Vec<Digest>,
    /// The database's clock as it began.
    pub(crate) catalog_now: DateTime<Utc>,
    /// restock's own clock as it began.
    pub(crate) now: DateTime<Utc>,
    /// The store's clock less restock's, in seconds.
    pub(crate) skew: i64,
    /// All rows, as they were one after the other; those that it began with first.
    pub(crate) rows: Vec<Vec<Row>>,
    /// What lay under each key, one after the other.
    pub(crate) objects: BTreeMap<String, Vec<Lies>>,
    pub(crate) unreadable: BTreeSet<String>,
    pub(crate) archived: BTreeSet<String>,
    pub(crate) remembered: Remembered,
    pub(crate) seen: &'a Seen,
    /// Whether another instance ran beside it.
    pub(crate) beside: bool,
    pub(crate) report: &'a PassReport,
}

impl Case<'_> {
    pub(crate) fn heals(&self) -> bool {
        self.pass.kind != Kind::Audit
    }

    /// Whether a listing was made.
    pub(crate) fn lists(&self) -> bool {
        !matches!(self.pass.kind, Kind::Named(..) | Kind::FromPlan)
    }

    /// Whether it looked at everything there is.
    pub(crate) fn is_full(&self) -> bool {
        self.lists() && self.pass.slice == (1, 1) && !self.pass.installers_only
    }

    /// Whether the pass speaks of a thing at all.
    pub(crate) fn is_about(&self, thing: &Thing) -> bool {
        match self.pass.kind {
            Kind::Named(n, _) => things()[n].digest == thing.digest,
            Kind::FromPlan => self.planned.contains(&thing.digest),
            Kind::Audit | Kind::Heal | Kind::Daemon => {
                let (at, of) = self.pass.slice;
                Slice::new(at, of).unwrap().contains(&thing.digest)
                    && (!self.pass.installers_only || thing.collection == INSTALLERS)
            }
        }
    }

    /// Whether it reads a thing before it calls it present.
    pub(crate) fn reads(&self, thing: &Thing) -> bool {
        if !self.lists() {
            return true;
        }
        match self.pass.deep {
            Depth::Shallow => false,
            Depth::Whole => true,
            Depth::Part(at, of) => Slice::new(at, of).unwrap().contains(&thing.digest),
        }
    }

    /// Whether everything about a thing was answered truly, and stayed as it was.
    pub(crate) fn is_calm(&self, thing: &Thing) -> bool {
        let seen = self.seen;
        !self.beside
            && !seen.mangled
            && !seen.all
            && !seen.ledger
            && !seen.rows_changed
            && !seen.keys.contains(&thing.key)
            && !seen.changed.contains(&thing.key)
            && !seen.listings.contains(thing.collection)
            && !seen.catalog.contains(thing.collection)
    }

    /// Whether nothing at all went wrong or changed.
    pub(crate) fn is_calm_all_over(&self) -> bool {
        let seen = self.seen;
        !self.beside
            && !seen.mangled
            && !seen.all
            && !seen.ledger
            && !seen.rows_changed
            && seen.keys.is_empty()
            && seen.changed.is_empty()
            && seen.listings.is_empty()
            && seen.catalog.is_empty()
    }

    /// What lay under a thing's key at any time.
    pub(crate) fn lay(&self, thing: &Thing) -> Vec<Lies> {
        self.objects.get(&thing.key).cloned().unwrap_or_else(|| vec![None])
    }
}
