//! A store that stops in the middle, and a catalog in which something happens between two looks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use restock::catalog::{Catalog, CatalogError, ScannedRow};
use restock::model::{
    CatalogRow, Collection, Digest, MalformedRow, ObjectMeta, StoreRequests, Upload,
};
use restock::store::{
    Condition, HealStore, ListRequest, ListedPage, Probe, Reading, RemovingStore, Staged, Store,
    StoreError, UploadJournal,
};
use tokio::sync::Notify;

/// A store that does so many operations, and never answers the next one: as if the process that
/// asked it had been killed, once its future is dropped.
pub(crate) struct Stopping {
    inner: Arc<dyn RemovingStore>,
    gate: Arc<Gate>,
}

struct Gate {
    left: AtomicUsize,
    stopped: Notify,
}

impl Gate {
    async fn pass(&self) {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if left.is_err() {
            self.stopped.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

impl Stopping {
    pub(crate) fn after(operations: usize, inner: &Arc<dyn RemovingStore>) -> Arc<Self> {
        let gate = Gate { left: AtomicUsize::new(operations), stopped: Notify::new() };
        Arc::new(Self { inner: Arc::clone(inner), gate: Arc::new(gate) })
    }

    /// Runs something until it ends, or until the store stops; `None` for the latter.
    pub(crate) async fn run<T>(&self, running: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            ended = running => Some(ended),
            () = self.gate.stopped.notified() => None,
        }
    }
}

#[async_trait]
impl Store for Stopping {
    fn identity(&self) -> &str {
        self.inner.identity()
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.gate.pass().await;
        self.inner.check().await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'_, Result<ListedPage, StoreError>> {
        self.inner.list(request)
    }

    async fn probe(&self, key: &str) -> Probe {
        self.gate.pass().await;
        self.inner.probe(key).await
    }

    async fn read(&self, key: &str) -> Result<Reading, StoreError> {
        self.gate.pass().await;
        self.inner.read(key).await
    }

    fn requests(&self) -> StoreRequests {
        self.inner.requests()
    }
}

#[async_trait]
impl HealStore for Stopping {
    async fn stage(
        &self,
        key: &str,
        size: Option<u64>,
        journal: Arc<dyn UploadJournal>,
    ) -> Result<Box<dyn Staged>, StoreError> {
        self.gate.pass().await;
        let staged = self.inner.stage(key, size, journal).await?;
        Ok(Box::new(StoppingUpload { staged, gate: Arc::clone(&self.gate) }))
    }

    async fn set_aside(&self, key: &str, to: &str) -> Result<(), StoreError> {
        self.gate.pass().await;
        self.inner.set_aside(key, to).await
    }

    async fn sweep(&self, upload: &Upload) -> Result<(), StoreError> {
        self.inner.sweep(upload).await
    }
}

#[async_trait]
impl RemovingStore for Stopping {
    async fn remove(&self, key: &str, version: &ObjectMeta) -> Result<(), StoreError> {
        self.gate.pass().await;
        self.inner.remove(key, version).await
    }
}

struct StoppingUpload {
    staged: Box<dyn Staged>,
    gate: Arc<Gate>,
}

#[async_trait]
impl Staged for StoppingUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.gate.pass().await;
        self.staged.write(bytes).await
    }

    async fn seal(&mut self) -> Result<(), StoreError> {
        self.gate.pass().await;
        self.staged.seal().await
    }

    async fn publish(self: Box<Self>, condition: Condition) -> Result<(), StoreError> {
        self.gate.pass().await;
        self.staged.publish(condition).await
    }

    async fn discard(self: Box<Self>) -> Result<(), StoreError> {
        self.gate.pass().await;
        self.staged.discard().await
    }
}

type Hook = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// A catalog in which something happens right before the n-th look-up, counted from 1.
pub(crate) struct CatalogBetween {
    inner: Arc<dyn Catalog>,
    at: usize,
    seen: AtomicUsize,
    hook: Mutex<Option<Hook>>,
}

impl CatalogBetween {
    pub(crate) fn before(
        at: usize,
        inner: Arc<dyn Catalog>,
        hook: impl FnOnce() -> BoxFuture<'static, ()> + Send + 'static,
    ) -> Arc<Self> {
        let hook: Hook = Box::new(hook);
        Arc::new(Self { inner, at, seen: AtomicUsize::new(0), hook: Mutex::new(Some(hook)) })
    }

    /// How often it was looked up.
    pub(crate) fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Catalog for CatalogBetween {
    fn identity(&self) -> &str {
        self.inner.identity()
    }

    fn collections(&self) -> &[Collection] {
        self.inner.collections()
    }

    async fn now(&self) -> Result<DateTime<Utc>, CatalogError> {
        self.inner.now().await
    }

    fn scan<'a>(
        &'a self,
        collection: &'a Collection,
    ) -> BoxStream<'a, Result<Vec<ScannedRow>, CatalogError>> {
        self.inner.scan(collection)
    }

    async fn rows(
        &self,
        collection: &Collection,
        digests: &[Digest],
    ) -> Result<Vec<CatalogRow>, CatalogError> {
        if self.seen.fetch_add(1, Ordering::SeqCst) + 1 == self.at {
            let hook = self.hook.lock().unwrap().take();
            if let Some(hook) = hook {
                hook().await;
            }
        }
        self.inner.rows(collection, digests).await
    }

    async fn malformed(
        &self,
        collection: &Collection,
        limit: usize,
    ) -> Result<Vec<MalformedRow>, CatalogError> {
        self.inner.malformed(collection, limit).await
    }
}
