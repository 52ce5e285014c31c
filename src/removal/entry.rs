//! One orphan: looked at again, copied where that is asked for, and removed.

use crate::model::{Digest, RemovalResult, error_chain};
use crate::plan::{Disposal, OrphanEntry, is_own_key, orphan_copy};
use crate::store::{Probe, StoreFault};

use super::record::{Step, StepKind};
use super::{End, Record, RemovalError, Removed, Remover};

/// An entry with what its batch showed.
pub(super) struct Look<'a> {
    pub(super) entry: &'a OrphanEntry,
    pub(super) action: Disposal,
    /// Whether a row wants it again.
    pub(super) wanted: bool,
    /// Why the rows of its collection do not tell what is an orphan.
    pub(super) doubt: Option<&'static str>,
}

/// A row that may want any object of its collection.
pub(super) const UNREADABLE: &str =
    "a row of its collection has a digest that cannot be read, and may want it";

impl Look<'_> {
    /// Why the object is left alone, as far as the catalog says.
    const fn objection(&self) -> Option<&'static str> {
        if self.wanted {
            return Some("a row wants it again");
        }
        self.doubt
    }
}

impl Remover {
    pub(super) async fn take_away(
        &self,
        look: &Look<'_>,
        record: &mut Record,
    ) -> Result<End, RemovalError> {
        let entry = look.entry;
        let Some(collection) = self.collection(&entry.collection) else {
            return Ok(End::held("the catalog has no such collection"));
        };
        if !is_own_key(collection, &entry.key, &entry.digest) {
            return Ok(End::held("its key is not that of its digest: somebody changed the plan"));
        }
        let to = orphan_copy(&self.quarantine, record.plan_id(), &entry.key);
        let step = record.step_of(&entry.key).cloned();
        if let Some(elsewhere) = step.as_ref().and_then(|step| step.to.as_deref())
            && elsewhere != to
        {
            let why = "an earlier run copied it there, outside of today's heal.quarantine";
            return Ok(End::held(format!("{why}: {elsewhere}")).at(elsewhere));
        }
        let now = match self.store.probe(&entry.key).await {
            Probe::Present(now) => now,
            Probe::Unknown(error) => {
                let copy = step.and_then(|step| step.to);
                return Ok(End { to: copy, ..End::unknown(&error) });
            }
            Probe::Absent => return Ok(self.settle_gone(entry, step, &to).await),
        };
        let changed = (now != entry.version())
            .then_some("it is not the version of the plan: somebody wrote it again");
        let why = look.objection().or(changed);
        if let Some(why) = why
            && changed.is_some()
            && step.as_ref().is_some_and(|step| step.kind.has_proven_copy())
        {
            // The object may have gone before somebody wrote this: then the copy is all there is.
            return Ok(End::held(format!("{why}; an earlier run's copy stays at {to}")).at(&to));
        }
        // A copy that an earlier run made before it was cut off is of no use where the object stays,
        // or is to be deleted.
        let useless = step.is_some() && (why.is_some() || look.action == Disposal::Delete);
        let left = if useless { self.drop_copy(&to).await } else { String::new() };
        if let Some(why) = why {
            return Ok(End::held(format!("{why}{left}")));
        }
        match look.action {
            Disposal::Quarantine => self.move_aside(entry, &to, record).await,
            Disposal::Delete => {
                let end = self.delete(entry, record).await?;
                Ok(End { detail: format!("{}{left}", end.detail), ..end })
            }
        }
    }

    /// An object that is not there any more: gone by itself, or by an earlier run that was cut off
    /// before it could say so.
    async fn settle_gone(&self, entry: &OrphanEntry, step: Option<Step>, to: &str) -> End {
        match step.as_ref().map(|step| step.kind) {
            None => End::held("it is gone already"),
            Some(StepKind::Copying) => {
                End::held(format!("somebody else took it away; a copy may be at {to}")).at(to)
            }
            Some(StepKind::Deleting) => {
                End::new(RemovalResult::Deleted, "deleted by an earlier run that was cut off")
            }
            Some(StepKind::Copied | StepKind::Restoring) => match self.store.probe(to).await {
                Probe::Present(copy) if copy.size == entry.size => {
                    let detail = "moved by an earlier run that was cut off";
                    let observed_digest = step.and_then(|step| step.observed_digest);
                    End { observed_digest, ..End::new(RemovalResult::Moved, detail).at(to) }
                }
                Probe::Present(_) => End::failed("it is gone, and its copy was replaced").at(to),
                Probe::Absent => End::failed("it is gone, and its copy too"),
                Probe::Unknown(error) => End::unknown(&error).at(to),
            },
        }
    }

    /// Copies, reads the copy, and only then removes.
    async fn move_aside(
        &self,
        entry: &OrphanEntry,
        to: &str,
        record: &mut Record,
    ) -> Result<End, RemovalError> {
        if self.quarantine.is_empty() {
            return Ok(End::held("heal.quarantine is empty: there is nowhere to move it to"));
        }
        self.write_down(entry, StepKind::Copying, Some(to), None, record)?;
        if let Err(error) = self.store.set_aside(&entry.key, to).await {
            if error.fault == StoreFault::NotFound {
                return Ok(End::held("it is gone already"));
            }
            let left = self.drop_copy(to).await;
            return Ok(End::failed(format!("{}{left}", error_chain(&error))));
        }
        let observed = match self.prove_copy(entry, to).await {
            Ok(observed) => observed,
            Err(why) => {
                let left = self.drop_copy(to).await;
                return Ok(End::failed(format!("{why}{left}")));
            }
        };
        let detail = if observed == entry.digest {
            "its copy was read, and is whole".to_owned()
        } else {
            format!("its copy is whole; its bytes never had the digest of its key, but {observed}")
        };
        self.write_down(entry, StepKind::Copied, Some(to), Some(observed), record)?;
        let moved =
            End { observed_digest: Some(observed), ..End::new(RemovalResult::Moved, detail) };
        let end = self.let_go(entry, moved.at(to)).await?;
        if matches!(end.result, RemovalResult::Moved | RemovalResult::Unknown) {
            return Ok(End { to: Some(to.to_owned()), ..end });
        }
        let left = self.drop_copy(to).await;
        Ok(End { to: None, detail: format!("{}{left}", end.detail), ..end })
    }

    async fn delete(&self, entry: &OrphanEntry, record: &mut Record) -> Result<End, RemovalError> {
        self.write_down(entry, StepKind::Deleting, None, None, record)?;
        self.let_go(entry, End::new(RemovalResult::Deleted, "deleted")).await
    }

    /// Reads the copy. Its digest is the one that the key names, or else that of the object itself,
    /// which is corrupt then.
    async fn prove_copy(&self, entry: &OrphanEntry, to: &str) -> Result<Digest, String> {
        let unread = |error| format!("it cannot be read again: {}", error_chain(&error));
        let (observed, size) = self.digest_of(to).await.map_err(unread)?;
        if size != entry.size {
            return Err(format!("its copy has {size} bytes instead of {}", entry.size));
        }
        if observed == entry.digest {
            return Ok(observed);
        }
        let (original, _) = self.digest_of(&entry.key).await.map_err(unread)?;
        if original == observed { Ok(observed) } else { Err("its copy has other bytes".to_owned()) }
    }

    /// Removes the object, if even now no row wants it, and none may want it.
    async fn let_go(&self, entry: &OrphanEntry, done: End) -> Result<End, RemovalError> {
        if let Some(collection) = self.collection(&entry.collection) {
            if !self.wanted(collection, &[entry.digest]).await?.is_empty() {
                return Ok(End::held("a row wants it again"));
            }
            if self.has_unreadable_row(collection).await? {
                return Ok(End::held(UNREADABLE));
            }
        }
        Ok(match self.remove(&entry.key, &entry.version()).await {
            Removed::Gone => done,
            Removed::Stays(why) => End::failed(why),
            Removed::Unknown(error) => End::unknown(&error),
        })
    }

    fn write_down(
        &self,
        entry: &OrphanEntry,
        kind: StepKind,
        to: Option<&str>,
        observed_digest: Option<Digest>,
        record: &mut Record,
    ) -> Result<(), RemovalError> {
        Ok(record.step(Step {
            kind,
            collection: entry.collection.clone(),
            key: entry.key.clone(),
            digest: entry.digest,
            size: entry.size,
            to: to.map(str::to_owned),
            observed_digest,
            at: self.clock.now(),
        })?)
    }
}
