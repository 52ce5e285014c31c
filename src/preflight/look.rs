//! What catalog, store and ledger know of the digests: rows in batches, and one probe an object.

use std::collections::{BTreeSet, HashMap};

use futures::StreamExt;

use super::{Preflight, PreflightError};
use crate::model::{CatalogRow, Collection, Corruption, Digest, error_chain};
use crate::store::{Certainty, Prober};

/// Digests whose rows are asked for at once.
const ROWS_AT_ONCE: usize = 500;

/// What is known of one digest.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The collections that have rows of it.
    pub(super) spots: Vec<Spot>,
    /// Why the rows of some collection are not known.
    pub(super) rows_unknown: Option<String>,
}

/// The digest in one collection.
#[derive(Debug)]
pub(super) struct Spot {
    pub(super) collection: String,
    pub(super) key: String,
    /// The URL of each row that Fleet takes account of.
    pub(super) urls: Vec<Option<String>>,
    /// What lies under the key; asked only where Fleet would.
    pub(super) object: Object,
}

/// An object that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Object {
    NotAsked,
    Present,
    /// There, with the bytes of this digest, as an earlier pass read them.
    Corrupt(Digest),
    Absent,
    Unknown(String),
}

impl Known {
    /// Whether a heal could change anything.
    pub(super) fn could_be_healed(&self) -> bool {
        let is_lost = |spot: &Spot| match spot.object {
            Object::Absent | Object::Corrupt(_) => true,
            Object::NotAsked | Object::Present | Object::Unknown(_) => false,
        };
        self.spots.iter().any(is_lost)
    }
}

impl Preflight<'_> {
    pub(super) async fn look_up(
        &self,
        digests: impl Iterator<Item = Digest>,
    ) -> Result<HashMap<Digest, Known>, PreflightError> {
        let digests: Vec<_> = digests.collect::<BTreeSet<_>>().into_iter().collect();
        let mut known: HashMap<_, _> = digests.iter().map(|d| (*d, Known::default())).collect();
        if digests.is_empty() {
            return Ok(known);
        }
        for collection in &self.collections {
            for batch in digests.chunks(ROWS_AT_ONCE) {
                self.rows(collection, batch, &mut known).await;
            }
        }
        self.probe(&mut known).await?;
        Ok(known)
    }

    async fn rows(
        &self,
        collection: &Collection,
        digests: &[Digest],
        known: &mut HashMap<Digest, Known>,
    ) {
        let rows = match self.catalog.rows(collection, digests).await {
            Ok(rows) => rows,
            Err(error) => {
                let cause = error_chain(&error);
                for digest in digests {
                    known.entry(*digest).or_default().rows_unknown = Some(cause.clone());
                }
                return;
            }
        };
        let mut by_digest: HashMap<Digest, Vec<CatalogRow>> = HashMap::new();
        for row in rows {
            by_digest.entry(row.digest).or_default().push(row);
        }
        for (digest, rows) in by_digest {
            let active = rows.into_iter().filter(|row| row.active);
            known.entry(digest).or_default().spots.push(Spot {
                collection: collection.name.clone(),
                key: collection.key.render(&digest),
                urls: active.map(|row| row.sources.url).collect(),
                object: Object::NotAsked,
            });
        }
    }

    async fn probe(&self, known: &mut HashMap<Digest, Known>) -> Result<(), PreflightError> {
        let spots = known.values_mut().flat_map(|known| &mut known.spots);
        let asked: Vec<_> = spots.filter(|spot| !spot.urls.is_empty()).collect();
        let store = Prober::new(self.store).await?;
        let corruptions = self.ledger.corruptions().await?;
        let corruptions: HashMap<_, _> =
            corruptions.iter().map(|corruption| (corruption.key.as_str(), corruption)).collect();
        let store = &store;
        let probes = asked.into_iter().map(|spot| async move {
            let certainty = store.ask(&spot.key).await;
            (spot, certainty)
        });
        let mut probes = futures::stream::iter(probes).buffer_unordered(self.concurrency.max(1));
        while let Some((spot, certainty)) = probes.next().await {
            spot.object = object(certainty, corruptions.get(spot.key.as_str()).copied());
        }
        Ok(())
    }
}

fn object(certainty: Certainty, corruption: Option<&Corruption>) -> Object {
    match certainty {
        // Another version than the one that was read says nothing about its bytes.
        Certainty::Present(meta) => match corruption.filter(|read| read.meta == meta) {
            Some(read) => Object::Corrupt(read.observed_digest),
            None => Object::Present,
        },
        Certainty::Absent => Object::Absent,
        Certainty::Unknown(cause) => Object::Unknown(cause),
    }
}
