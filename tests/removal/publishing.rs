//! A store to which something happens right before an upload is completed.

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

/// The store in memory with a closure that runs once, before the first upload is completed.
pub(crate) struct BeforePublishing {
    inner: MemoryStore,
    hook: Arc<Mutex<Option<Hook>>>,
}

impl BeforePublishing {
    pub(crate) fn of(
        inner: &MemoryStore,
        hook: impl FnOnce(&MemoryStore) + Send + 'static,
    ) -> Arc<Self> {
        let hook: Hook = Box::new(hook);
        Arc::new(Self { inner: inner.clone(), hook: Arc::new(Mutex::new(Some(hook))) })
    }

    /// A server that ignores the condition of an upload: whatever lies there is replaced.
    pub(crate) fn heedless(inner: &MemoryStore, key: &str) -> Arc<Self> {
        let key = key.to_owned();
        Self::of(inner, move |memory| memory.remove(&key))
    }
}

#[async_trait]
impl Store for BeforePublishing {
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
impl HealStore for BeforePublishing {
    async fn stage(
        &self,
        key: &str,
        size: Option<u64>,
        journal: Arc<dyn UploadJournal>,
    ) -> Result<Box<dyn Staged>, StoreError> {
        let staged = self.inner.stage(key, size, journal).await?;
        let (memory, hook) = (self.inner.clone(), Arc::clone(&self.hook));
        Ok(Box::new(StagedUpload { staged, memory, hook }))
    }

    async fn set_aside(&self, key: &str, to: &str) -> Result<(), StoreError> {
        self.inner.set_aside(key, to).await
    }

    async fn sweep(&self, upload: &Upload) -> Result<(), StoreError> {
        self.inner.sweep(upload).await
    }
}

#[async_trait]
impl RemovingStore for BeforePublishing {
    async fn remove(&self, key: &str, version: &ObjectMeta) -> Result<(), StoreError> {
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
