//! [`CountingStore`]: a real store, and how often each of its objects was read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::stream::BoxStream;
use restock::model::{StoreRequests, Upload};
use restock::store::{
    HealStore, ListRequest, ListedPage, Probe, Reading, Staged, Store, StoreError, UploadJournal,
};

/// Counts reads.
pub(crate) struct CountingStore {
    inner: Arc<dyn HealStore>,
    reads: Mutex<HashMap<String, usize>>,
}

impl CountingStore {
    /// In front of this store.
    pub(crate) fn before(inner: Arc<dyn HealStore>) -> Arc<Self> {
        Arc::new(Self { inner, reads: Mutex::default() })
    }

    /// How often each key was read.
    pub(crate) fn reads(&self) -> HashMap<String, usize> {
        self.reads.lock().unwrap().clone()
    }
}

#[async_trait]
impl Store for CountingStore {
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
        *self.reads.lock().unwrap().entry(key.to_owned()).or_default() += 1;
        self.inner.read(key).await
    }

    fn requests(&self) -> StoreRequests {
        self.inner.requests()
    }
}

#[async_trait]
impl HealStore for CountingStore {
    async fn stage(
        &self,
        key: &str,
        size: Option<u64>,
        journal: Arc<dyn UploadJournal>,
    ) -> Result<Box<dyn Staged>, StoreError> {
        self.inner.stage(key, size, journal).await
    }

    async fn set_aside(&self, key: &str, to: &str) -> Result<(), StoreError> {
        self.inner.set_aside(key, to).await
    }

    async fn sweep(&self, upload: &Upload) -> Result<(), StoreError> {
        self.inner.sweep(upload).await
    }
}
