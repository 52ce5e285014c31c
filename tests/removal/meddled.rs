//! A store with which somebody meddles at one moment.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use restock::model::{ObjectMeta, StoreRequests, Upload};
use restock::store::{
    Condition, HealStore, ListRequest, ListedPage, Probe, Reading, RemovingStore, Staged, Store,
    StoreError, UploadJournal,
};

use crate::memory_store::MemoryStore;

type Hook = Box<dyn FnOnce(&MemoryStore) + Send>;

/// When somebody meddles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Right before the first upload is completed.
    Publishing,
    /// Right after the first object was set aside.
    SetAside,
    /// In place of the first removal, which is answered as if it had been done.
    Removing,
}

/// The store in memory with a closure that runs once.
pub(crate) struct Meddled {
    inner: MemoryStore,
    at: Moment,
    hook: Arc<Mutex<Option<Hook>>>,
}

impl Meddled {
    pub(crate) fn with(
        inner: &MemoryStore,
        at: Moment,
        hook: impl FnOnce(&MemoryStore) + Send + 'static,
    ) -> Arc<Self> {
        let hook: Hook = Box::new(hook);
        Arc::new(Self { inner: inner.clone(), at, hook: Arc::new(Mutex::new(Some(hook))) })
    }

    /// A server that ignores the condition of an upload: whatever lies there is replaced.
    pub(crate) fn heedless(inner: &MemoryStore, key: &str) -> Arc<Self> {
        let key = key.to_owned();
        Self::with(inner, Moment::Publishing, move |memory| memory.remove(&key))
    }
}

#[async_trait]
impl Store for Meddled {
    fn identity(&self) -> &str {
        self.inner.identity()
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.inner.check().await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'_, Result<ListedPage, StoreError>> {
        self.inner.list(request)
    }

    async fn probe(&self, key: &str) -> Probe {
        self.inner.probe(key).await
    }

    async fn read(&self, key: &str) -> Result<Reading, StoreError> {
        self.inner.read(key).await
    }

    fn requests(&self) -> StoreRequests {
        self.inner.requests()
    }
}

#[async_trait]
impl HealStore for Meddled {
    async fn stage(
        &self,
        key: &str,
        size: Option<u64>,
        journal: Arc<dyn UploadJournal>,
    ) -> Result<Box<dyn Staged>, StoreError> {
        let staged = self.inner.stage(key, size, journal).await?;
        if self.at != Moment::Publishing {
            return Ok(staged);
        }
        let (memory, hook) = (self.inner.clone(), Arc::clone(&self.hook));
        Ok(Box::new(StagedUpload { staged, memory, hook }))
    }

    async fn set_aside(&self, key: &str, to: &str) -> Result<(), StoreError> {
        self.inner.set_aside(key, to).await?;
        let hook = self.hook.lock().unwrap().take_if(|_| self.at == Moment::SetAside);
        if let Some(hook) = hook {
            hook(&self.inner);
        }
        Ok(())
    }

    async fn sweep(&self, upload: &Upload) -> Result<(), StoreError> {
        self.inner.sweep(upload).await
    }
}

#[async_trait]
impl RemovingStore for Meddled {
    async fn remove(&self, key: &str, version: &ObjectMeta) -> Result<(), StoreError> {
        let hook = self.hook.lock().unwrap().take_if(|_| self.at == Moment::Removing);
        if let Some(hook) = hook {
            hook(&self.inner);
            return Ok(());
        }
        RemovingStore::remove(&self.inner, key, version).await
    }
}

struct StagedUpload {
    staged: Box<dyn Staged>,
    memory: MemoryStore,
    hook: Arc<Mutex<Option<Hook>>>,
}

#[async_trait]
impl Staged for StagedUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.staged.write(bytes).await
    }

    async fn seal(&mut self) -> Result<(), StoreError> {
        self.staged.seal().await
    }

    async fn publish(self: Box<Self>, condition: Condition) -> Result<(), StoreError> {
        let hook = self.hook.lock().unwrap().take();
        if let Some(hook) = hook {
            hook(&self.memory);
        }
        self.staged.publish(condition).await
    }

    async fn discard(self: Box<Self>) -> Result<(), StoreError> {
        self.staged.discard().await
    }
}
