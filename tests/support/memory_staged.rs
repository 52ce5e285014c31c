//! What a store in memory takes in: uploads, and copies set aside.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use restock::model::Upload;
use restock::store::{
    BoxError, Condition, HealStore, Staged, StoreError, StoreFault, UploadJournal,
};

use super::{Change, MemoryStore, Moment, Operation, absent, error};

#[async_trait]
impl HealStore for MemoryStore {
    async fn stage(
        &self,
        key: &str,
        _size: Option<u64>,
        journal: Arc<dyn UploadJournal>,
    ) -> Result<Box<dyn Staged>, StoreError> {
        self.meet(Operation::Stage, key).await?;
        let id = {
            let mut state = self.state();
            state.requests.put += 1;
            state.versions += 1;
            format!("upload-{}", state.versions)
        };
        let upload = Upload { key: key.to_owned(), id };
        journal.begun(&upload).await.map_err(|source| unwritten(key, source))?;
        let mut state = self.state();
        state.uploads.insert(upload.id.clone(), upload.key.clone());
        state.changes.push(Change::Staged(key.to_owned()));
        drop(state);
        let store = self.clone();
        Ok(Box::new(StagedBytes { store, upload, journal, bytes: BytesMut::new() }))
    }

    async fn set_aside(&self, key: &str, to: &str) -> Result<(), StoreError> {
        self.meet(Operation::SetAside, key).await?;
        let bytes = self.get(key).ok_or_else(|| absent(Operation::SetAside, key))?;
        self.put(to, bytes);
        self.meddle(Moment::After, Operation::SetAside, key).await?;
        let mut state = self.state();
        state.requests.put += 1;
        state.changes.push(Change::SetAside { key: key.to_owned(), to: to.to_owned() });
        Ok(())
    }

    async fn sweep(&self, upload: &Upload) -> Result<(), StoreError> {
        self.meet(Operation::Sweep, &upload.key).await?;
        let mut state = self.state();
        state.requests.put += 1;
        if state.uploads.remove(&upload.id).is_some() {
            state.changes.push(Change::Swept(upload.clone()));
        }
        Ok(())
    }
}

fn unwritten(key: &str, source: BoxError) -> StoreError {
    StoreError { source: Some(source), ..error(StoreFault::Other, Operation::Stage, key) }
}

struct StagedBytes {
    store: MemoryStore,
    upload: Upload,
    journal: Arc<dyn UploadJournal>,
    bytes: BytesMut,
}

impl StagedBytes {
    async fn end(&self, change: Change) -> Result<(), StoreError> {
        self.ends(change);
        self.journal_end().await
    }

    fn ends(&self, change: Change) {
        let mut state = self.store.state();
        state.uploads.remove(&self.upload.id);
        state.changes.push(change);
    }

    async fn journal_end(&self) -> Result<(), StoreError> {
        self.journal.ended(&self.upload).await.map_err(|e| unwritten(&self.upload.key, e))
    }
}

#[async_trait]
impl Staged for StagedBytes {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.store.meet(Operation::Write, &self.upload.key).await?;
        self.bytes.extend_from_slice(&bytes);
        self.store.run_hook(Moment::After, Operation::Write);
        Ok(())
    }

    async fn seal(&mut self) -> Result<(), StoreError> {
        self.store.meet(Operation::Seal, &self.upload.key).await
    }

    async fn publish(mut self: Box<Self>, condition: Condition) -> Result<(), StoreError> {
        let key = self.upload.key.clone();
        self.store.meet(Operation::Publish, &key).await?;
        if self.store.meddler.as_ref().is_some_and(|meddler| meddler.swallows(&key)) {
            return self.end(Change::Discarded(key)).await;
        }
        let now = self.store.state().objects.get(&key).map(|(_, meta)| meta.clone());
        let holds = match (&condition, &now) {
            (Condition::Absent, now) => now.is_none(),
            (Condition::Replaces(read), Some(now)) => read.etag.is_none() || read.etag == now.etag,
            (Condition::Replaces(_), None) => false,
        };
        if !holds {
            self.end(Change::Discarded(key.clone())).await?;
            return Err(error(StoreFault::Conflict, Operation::Publish, &key));
        }
        self.store.arrives(&key, self.bytes.split());
        self.store.state().requests.put += 1;
        self.ends(Change::Published(key.clone()));
        self.store.meddle(Moment::After, Operation::Publish, &key).await?;
        self.journal_end().await?;
        self.store.meet(Operation::PublishAnswer, &key).await
    }

    async fn discard(self: Box<Self>) -> Result<(), StoreError> {
        self.end(Change::Discarded(self.upload.key.clone())).await
    }
}
