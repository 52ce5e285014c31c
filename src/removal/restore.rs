//! Back from the quarantine: only where nothing lies under the key, and only bytes that are proven.

use std::sync::Arc;

use futures::TryStreamExt;
use sha2::{Digest as _, Sha256};

use crate::heal::Journal;
use crate::model::{Digest, Removal, RemovalResult, error_chain};
use crate::observe::Event;
use crate::plan::{is_own_key, orphan_copy};
use crate::store::{Condition, Probe, Staged, StoreError, StoreFault};

use super::record::{Step, StepKind};
use super::{End, Record, RemovalError, Removed, Remover};

impl Remover {
    /// Puts back what a record says was moved, and tells what became of it. What lies under a key
    /// by now is left alone, and so is its copy.
    pub async fn restore(&self, record: &mut Record) -> Result<Vec<Removal>, RemovalError> {
        self.store.check().await?;
        let ends = record.ends();
        self.observer.notice(&Event::Phase {
            name: "restoring",
            total_objects: u64::try_from(ends.len()).ok(),
            total_bytes: None,
        });
        let mut removals = Vec::new();
        for end in ends {
            if self.cancel.is_cancelled() {
                break;
            }
            match end.result {
                RemovalResult::Moved => removals.push(self.put_back(&end, record).await?),
                RemovalResult::Restored => {
                    self.ledger.record_removal(&end).await?;
                    removals.push(end);
                }
                RemovalResult::Deleted => removals.push(Removal {
                    result: RemovalResult::Failed,
                    detail: "it was deleted, and has no copy".to_owned(),
                    ..end
                }),
                RemovalResult::Held | RemovalResult::Unknown | RemovalResult::Failed => {}
            }
        }
        Ok(removals)
    }

    /// Puts one object back.
    pub(super) async fn put_back(
        &self,
        moved: &Removal,
        record: &mut Record,
    ) -> Result<Removal, RemovalError> {
        let to = orphan_copy(&self.quarantine, record.plan_id(), &moved.key);
        let end = self.write_back(moved, &to, record).await?;
        let done = end.result == RemovalResult::Restored;
        let removal = Removal {
            result: end.result,
            to: if done { None } else { moved.to.clone() },
            at: self.clock.now(),
            detail: end.detail,
            ..moved.clone()
        };
        self.conclude(removal, record).await
    }

    async fn write_back(
        &self,
        moved: &Removal,
        to: &str,
        record: &mut Record,
    ) -> Result<End, RemovalError> {
        let key = &moved.key;
        let own = self.collection(&moved.collection);
        if !own.is_some_and(|collection| is_own_key(collection, key, &moved.digest)) {
            return Ok(End::held("its key is not that of its digest in this catalog"));
        }
        if moved.to.as_deref() != Some(to) {
            return Ok(End::held("its copy lies outside of today's heal.quarantine"));
        }
        let cut_off = record.step_of(key).is_some_and(|step| step.kind == StepKind::Restoring);
        match self.store.probe(key).await {
            Probe::Unknown(error) => return Ok(End::unknown(&error)),
            Probe::Present(_) if cut_off => return Ok(self.finish(moved, to).await),
            Probe::Present(_) => return Ok(End::held("something lies under its key by now")),
            Probe::Absent => {}
        }
        match self.store.probe(to).await {
            Probe::Unknown(error) => return Ok(End::unknown(&error)),
            Probe::Absent => return Ok(End::failed(format!("there is no copy at {to} any more"))),
            Probe::Present(_) if moved.observed_digest == Some(moved.digest) => {}
            Probe::Present(_) => {
                return Ok(End::failed(format!(
                    "its bytes never had the digest of its key, and restock writes no such \
                     object: they stay at {to}"
                )));
            }
        }
        record.step(Step {
            kind: StepKind::Restoring,
            collection: moved.collection.clone(),
            key: key.clone(),
            digest: moved.digest,
            size: moved.size,
            to: Some(to.to_owned()),
            observed_digest: moved.observed_digest,
            at: self.clock.now(),
        })?;
        if let Err(end) = self.copy_back(moved, to).await {
            return Ok(end);
        }
        Ok(self.finish(moved, to).await)
    }

    /// Streams the copy through SHA-256 into an upload that is completed only when it is proven.
    async fn copy_back(&self, moved: &Removal, to: &str) -> Result<(), End> {
        let key = &moved.key;
        let journal = Journal { ledger: Arc::clone(&self.ledger), clock: Arc::clone(&self.clock) };
        let staged = self.store.stage(key, Some(moved.size), Arc::new(journal)).await;
        let mut staged = staged.map_err(|error| failed(&error))?;
        let why = match self.fill(&mut *staged, to).await {
            Ok(digest) if digest == moved.digest => match staged.seal().await {
                Ok(()) => None,
                Err(error) => Some(failed(&error)),
            },
            Ok(other) => Some(End::failed(format!("its copy has the digest {other} by now"))),
            Err(error) if error.fault == StoreFault::NotFound => {
                Some(End::failed("its copy is gone"))
            }
            Err(error) => Some(failed(&error)),
        };
        // Right before the completion, so that nothing of somebody else's is replaced.
        let why = match why {
            Some(end) => Some(end),
            None => match self.store.probe(key).await {
                Probe::Absent => None,
                Probe::Present(_) => Some(End::held("something lies under its key by now")),
                Probe::Unknown(error) => Some(End::unknown(&error)),
            },
        };
        if let Some(end) = why {
            let discarded = staged.discard().await;
            return Err(match discarded {
                Ok(()) => end,
                Err(also) => {
                    End { detail: format!("{}; {}", end.detail, error_chain(&also)), ..end }
                }
            });
        }
        match staged.publish(Condition::Absent).await {
            Ok(()) => Ok(()),
            Err(error) if error.fault == StoreFault::Conflict => {
                Err(End::held("something lies under its key by now"))
            }
            // A lost answer, or none at all: reading it tells.
            Err(error) => match self.store.probe(key).await {
                Probe::Present(_) => Ok(()),
                Probe::Absent | Probe::Unknown(_) => Err(failed(&error)),
            },
        }
    }

    async fn fill(&self, staged: &mut dyn Staged, from: &str) -> Result<Digest, StoreError> {
        let mut reading = self.store.read(from).await?;
        let mut hasher = Sha256::new();
        while let Some(chunk) = reading.body.try_next().await? {
            hasher.update(&chunk);
            staged.write(chunk).await?;
        }
        Ok(Digest::new(hasher.finalize().into()))
    }

    /// Reads what lies under the key, and takes the copy away only when that is right.
    async fn finish(&self, moved: &Removal, to: &str) -> End {
        match self.digest_of(&moved.key).await {
            Ok((digest, _)) if digest == moved.digest => {}
            Ok(_) => return End::held("something else lies under its key by now"),
            Err(error) => return End::unknown(&error),
        }
        let restored = |more: &str| End::new(RemovalResult::Restored, format!("put back{more}"));
        let copy = match self.store.probe(to).await {
            Probe::Present(copy) => copy,
            Probe::Absent => return restored(""),
            Probe::Unknown(error) => {
                return restored(&format!("; its copy stays at {to}: {}", error_chain(&error)));
            }
        };
        match self.remove(to, &copy).await {
            Removed::Gone => restored(""),
            Removed::Stays(why) => restored(&format!("; its copy stays at {to}: {why}")),
            Removed::Unknown(error) => {
                restored(&format!("; its copy may stay at {to}: {}", error_chain(&error)))
            }
        }
    }
}

fn failed(error: &StoreError) -> End {
    End::failed(error_chain(error))
}
