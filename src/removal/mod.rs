//! Takes objects away on a person's word: orphans of a plan into the quarantine or for good, back
//! from there, and what has lain in the quarantine for long.
//!
//! Every step is written down before the next one is taken, so that a run that was cut off can be
//! run again, and nothing goes before its copy was read and found whole.

mod apply;
mod entry;
mod prune;
mod record;
mod restore;

use std::collections::HashSet;
use std::sync::Arc;

use futures::TryStreamExt;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::catalog::{Catalog, CatalogError};
use crate::clock::Clock;
use crate::ledger::{Ledger, LedgerError};
use crate::model::{Collection, Digest, ObjectMeta, Removal, RemovalResult, error_chain};
use crate::observe::{Event, Observer};
use crate::store::{Probe, RemovingStore, StoreError, StoreFault};

pub use prune::{Pruned, Quarantine};
pub use record::{Record, RecordError, record_line_schema};

/// Everything that taking away needs. The only one that holds a store which can delete.
pub struct Remover {
    /// What should exist.
    pub catalog: Arc<dyn Catalog>,
    /// Where it lies.
    pub store: Arc<dyn RemovingStore>,
    /// What was done.
    pub ledger: Arc<dyn Ledger>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Who is told.
    pub observer: Arc<dyn Observer>,
    /// The folder of what is set aside, under the store's prefix.
    pub quarantine: String,
    /// Set to end early: what was begun is finished, nothing else is begun.
    pub cancel: CancellationToken,
}

/// What stops a run as a whole; the trouble of one object never does.
#[derive(Debug, thiserror::Error)]
pub enum RemovalError {
    /// Whether a row wants an object cannot be told.
    #[error("cannot look up in the catalog whether the objects are still orphans")]
    Catalog(#[from] CatalogError),
    /// What was done could not be written down.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The record could not be read or written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The store could not be shown to exist, or not be listed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How it ended for one object.
struct End {
    result: RemovalResult,
    to: Option<String>,
    observed_digest: Option<Digest>,
    detail: String,
}

impl End {
    fn new(result: RemovalResult, detail: impl Into<String>) -> Self {
        Self { result, to: None, observed_digest: None, detail: detail.into() }
    }

    fn held(detail: impl Into<String>) -> Self {
        Self::new(RemovalResult::Held, detail)
    }

    fn failed(detail: impl Into<String>) -> Self {
        Self::new(RemovalResult::Failed, detail)
    }

    fn unknown(error: &StoreError) -> Self {
        Self::new(RemovalResult::Unknown, error_chain(error))
    }

    /// With a copy that lies there.
    fn at(self, to: &str) -> Self {
        Self { to: Some(to.to_owned()), ..self }
    }
}

/// What became of a version that was to be removed.
enum Removed {
    Gone,
    Stays(String),
    Unknown(StoreError),
}

impl Remover {
    fn collection(&self, name: &str) -> Option<&Collection> {
        self.catalog.collections().iter().find(|collection| collection.name == name)
    }

    /// Which of these digests a row of the collection wants.
    async fn wanted(
        &self,
        collection: &Collection,
        digests: &[Digest],
    ) -> Result<HashSet<Digest>, CatalogError> {
        if digests.is_empty() {
            return Ok(HashSet::new());
        }
        let rows = self.catalog.rows(collection, digests).await?;
        Ok(rows.into_iter().map(|row| row.digest).collect())
    }

    /// Whether a row of the collection has a digest that cannot be read, and so may want anything.
    async fn has_unreadable_row(&self, collection: &Collection) -> Result<bool, CatalogError> {
        Ok(!self.catalog.malformed(collection, 1).await?.is_empty())
    }

    /// Reads an object to its end.
    async fn digest_of(&self, key: &str) -> Result<(Digest, u64), StoreError> {
        let mut reading = self.store.read(key).await?;
        let (mut hasher, mut length) = (Sha256::new(), 0_u64);
        while let Some(chunk) = reading.body.try_next().await? {
            hasher.update(&chunk);
            let bytes = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            length = length.saturating_add(bytes);
            self.observer.notice(&Event::Verified { bytes, done: false });
        }
        Ok((Digest::new(hasher.finalize().into()), length))
    }

    /// Removes a version, and asks the store what is there then, whatever it answered.
    async fn remove(&self, key: &str, version: &ObjectMeta) -> Removed {
        match (self.store.remove(key, version).await, self.store.probe(key).await) {
            (Ok(()), Probe::Present(now)) if now == *version => Removed::Stays(
                "the store said that it removed it, and it is still there".to_owned(),
            ),
            // What is there after a removal was written since.
            (_, Probe::Absent) | (Ok(()), Probe::Present(_) | Probe::Unknown(_)) => Removed::Gone,
            (Err(error), Probe::Present(_)) if error.fault == StoreFault::Conflict => {
                Removed::Stays("it was written again meanwhile".to_owned())
            }
            (Err(error), Probe::Present(_)) => Removed::Stays(error_chain(&error)),
            (Err(error), Probe::Unknown(_)) => Removed::Unknown(error),
        }
    }

    /// Takes a copy away that nobody needs; the end of a sentence where it stays.
    async fn drop_copy(&self, to: &str) -> String {
        let stays = |why: &str| format!("; a copy of it stays at {to}: {why}");
        match self.store.probe(to).await {
            Probe::Absent => String::new(),
            Probe::Unknown(error) => stays(&error_chain(&error)),
            Probe::Present(copy) => match self.remove(to, &copy).await {
                Removed::Gone => String::new(),
                Removed::Stays(why) => stays(&why),
                Removed::Unknown(error) => stays(&error_chain(&error)),
            },
        }
    }

    /// Writes down how it ended for an object: first in the file, then, where something was done,
    /// in the ledger.
    async fn conclude(
        &self,
        removal: Removal,
        record: &mut Record,
    ) -> Result<Removal, RemovalError> {
        record.end(&removal)?;
        if removal.result.is_done() {
            self.ledger.record_removal(&removal).await?;
            let Removal { plan_id, key, result, detail, .. } = &removal;
            let line = format!("{}, by plan {plan_id}: {key}: {detail}", result.as_str());
            self.observer.notice(&Event::Notice(&line));
        }
        self.observer.notice(&Event::Confirmed(1));
        Ok(removal)
    }
}
