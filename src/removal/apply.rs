//! A plan, carried out: batches of entries, each of which is looked at again.

use std::collections::{HashMap, HashSet};

use futures::TryStreamExt;

use crate::catalog::CatalogError;
use crate::model::{Collection, Digest, Removal, RemovalResult};
use crate::observe::Event;
use crate::plan::{Disposal, OrphanEntry, OrphansPlan};
use crate::store::Probe;

use super::entry::{Look, UNREADABLE};
use super::{Record, RemovalError, Remover};

/// Entries whose rows are looked up at once, before each is looked up by itself right before it
/// goes.
const BATCH: usize = 100;

/// A collection without any digest.
const EMPTY: &str =
    "its collection has no row at all that names a digest: is this the right catalog?";

impl Remover {
    /// Carries out a plan that fits this world, and tells what became of its entries, in their
    /// order; those that a cancellation cut off are left out. What an earlier run did, as its
    /// record says, is not done again.
    pub async fn apply(
        &self,
        plan: &OrphansPlan,
        action: Disposal,
        record: &mut Record,
    ) -> Result<Vec<Removal>, RemovalError> {
        self.observer.notice(&Event::Phase {
            name: "removing",
            total_objects: u64::try_from(plan.entries.len()).ok(),
            total_bytes: None,
        });
        let mut removals = Vec::with_capacity(plan.entries.len());
        for batch in plan.entries.chunks(BATCH) {
            if self.cancel.is_cancelled() {
                break;
            }
            let batch = self.apply_batch(batch, action, record).await?;
            removals.extend(self.put_back_what_is_wanted(batch, record).await?);
        }
        Ok(removals)
    }

    async fn apply_batch(
        &self,
        batch: &[OrphanEntry],
        action: Disposal,
        record: &mut Record,
    ) -> Result<Vec<Removal>, RemovalError> {
        // Only a store that was shown to exist is believed when it says that nothing is there.
        self.store.check().await?;
        let of_entry = |entry: &OrphanEntry| (entry.collection.clone(), entry.digest);
        let wanted = self.wanted_of(batch.iter().map(of_entry)).await?;
        let doubts = self.doubtful_collections(batch).await?;
        let mut removals = Vec::with_capacity(batch.len());
        for entry in batch {
            if self.cancel.is_cancelled() {
                break;
            }
            let earlier = record
                .end_of(&entry.key)
                .filter(|end| matches!(end.result, RemovalResult::Moved | RemovalResult::Deleted));
            if let Some(done) = earlier.cloned() {
                // The ledger may have missed it when the earlier run was cut off.
                self.ledger.record_removal(&done).await?;
                removals.push(done);
                continue;
            }
            let look = Look {
                entry,
                action,
                wanted: wanted.contains(&of_entry(entry)),
                doubt: doubts.get(&entry.collection).copied(),
            };
            let end = self.take_away(&look, record).await?;
            let removal = Removal {
                plan_id: record.plan_id().to_owned(),
                collection: entry.collection.clone(),
                key: entry.key.clone(),
                digest: entry.digest,
                size: entry.size,
                result: end.result,
                to: end.to,
                observed_digest: end.observed_digest,
                at: self.clock.now(),
                detail: end.detail,
            };
            removals.push(self.conclude(removal, record).await?);
        }
        Ok(removals)
    }

    /// A row that came in the very moment in which its object was moved gets it back at once.
    async fn put_back_what_is_wanted(
        &self,
        mut batch: Vec<Removal>,
        record: &mut Record,
    ) -> Result<Vec<Removal>, RemovalError> {
        let gone = |removal: &Removal| {
            matches!(removal.result, RemovalResult::Moved | RemovalResult::Deleted)
        };
        let of_removal = |removal: &Removal| (removal.collection.clone(), removal.digest);
        let wanted =
            self.wanted_of(batch.iter().filter(|removal| gone(removal)).map(of_removal)).await?;
        for removal in &mut batch {
            if !gone(removal) || !wanted.contains(&of_removal(removal)) {
                continue;
            }
            // Who wanted it again may have brought it too.
            if let Probe::Present(_) = self.store.probe(&removal.key).await {
                removal.detail.push_str("; a row came for it, and an object lies under its key");
                continue;
            }
            if removal.result == RemovalResult::Moved {
                *removal = self.put_back(removal, record).await?;
            }
            if removal.result == RemovalResult::Restored {
                removal.detail.push_str("; a row came for it while it was moved");
            } else {
                removal.result = RemovalResult::Failed;
                removal.detail.push_str("; a row came for it meanwhile, and it is missing now");
            }
        }
        Ok(batch)
    }

    /// Which of these objects a row wants.
    async fn wanted_of(
        &self,
        objects: impl Iterator<Item = (String, Digest)>,
    ) -> Result<HashSet<(String, Digest)>, CatalogError> {
        let mut digests: HashMap<String, Vec<Digest>> = HashMap::new();
        for (collection, digest) in objects {
            digests.entry(collection).or_default().push(digest);
        }
        let mut found = HashSet::new();
        for (name, digests) in digests {
            let Some(collection) = self.collection(&name) else { continue };
            let wanted = self.wanted(collection, &digests).await?;
            found.extend(wanted.into_iter().map(|digest| (name.clone(), digest)));
        }
        Ok(found)
    }

    /// The collections whose rows do not tell what is an orphan, each with the reason: an empty
    /// catalog makes no orphans, and a row that cannot be read may want any object.
    async fn doubtful_collections(
        &self,
        batch: &[OrphanEntry],
    ) -> Result<HashMap<String, &'static str>, CatalogError> {
        let names: HashSet<_> = batch.iter().map(|entry| &entry.collection).collect();
        let mut doubts = HashMap::new();
        for name in names {
            let Some(collection) = self.collection(name) else { continue };
            if self.has_unreadable_row(collection).await? {
                doubts.insert(name.clone(), UNREADABLE);
            } else if self.is_empty(collection).await? {
                doubts.insert(name.clone(), EMPTY);
            }
        }
        Ok(doubts)
    }

    async fn is_empty(&self, collection: &Collection) -> Result<bool, CatalogError> {
        let mut batches = self.catalog.scan(collection);
        while let Some(rows) = batches.try_next().await? {
            if rows.iter().any(|row| row.digest.is_some()) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
