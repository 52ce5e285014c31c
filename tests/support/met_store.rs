//! [`MetStore`]: a real store, with somebody who steps in before its operations and after them.

#![allow(dead_code, reason = "each test takes some of it")]

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use restock::model::{ObjectMeta, StoreRequests, Upload};
use restock::store::{
    BoxError, Condition, HealStore, ListRequest, ListedPage, Probe, Reading, RemovingStore, Staged,
    Store, StoreError, StoreFault, UploadJournal,
};

use crate::interference::{Interference, Moment};

/// A real store, and who steps in.
#[derive(Clone)]
pub(crate) struct MetStore {
    inner: Arc<dyn RemovingStore>,
    by: Arc<dyn Interference>,
}

impl MetStore {
    pub(crate) fn new(inner: &Arc<dyn RemovingStore>, by: impl Interference + 'static) -> Self {
        Self { inner: Arc::clone(inner), by: Arc::new(by) }
    }
}

async fn meet(by: &dyn Interference, action: &'static str) -> Result<(), StoreError> {
    by.meet(Moment::Before, action).await.map_err(|source| refused(action, source))
}

async fn met(by: &dyn Interference, action: &'static str) -> Result<(), StoreError> {
    by.meet(Moment::After, action).await.map_err(|source| refused(action, source))
}

fn refused(action: &'static str, source: BoxError) -> StoreError {
    let (fault, action) = (StoreFault::Other, action.to_owned());
    StoreError { fault, action, hint: None, source: Some(source) }
}

#[async_trait]
impl Store for MetStore {
    fn identity(&self) -> &str {
        self.inner.identity()
    }

    async fn check(&self) -> Result<(), StoreError> {
        meet(&*self.by, "check").await?;
        self.inner.check().await?;
        met(&*self.by, "check").await
    }

    /// Each page is met before it is handed on.
    fn list(&self, request: ListRequest) -> BoxStream<'_, Result<ListedPage, StoreError>> {
        let pages = self.inner.list(request);
        pages.then(|page| async { meet(&*self.by, "page").await.and(page) }).boxed()
    }

    async fn probe(&self, key: &str) -> Probe {
        if let Err(error) = meet(&*self.by, "probe").await {
            return Probe::Unknown(error);
        }
        let probe = self.inner.probe(key).await;
        met(&*self.by, "probe").await.map_or_else(Probe::Unknown, |()| probe)
    }

    async fn read(&self, key: &str) -> Result<Reading, StoreError> {
        meet(&*self.by, "read").await?;
        let reading = self.inner.read(key).await?;
        met(&*self.by, "read").await.map(|()| reading)
    }

    fn requests(&self) -> StoreRequests {
        self.inner.requests()
    }
}

#[async_trait]
impl HealStore for MetStore {
    async fn stage(
        &self,
        key: &str,
        size: Option<u64>,
        journal: Arc<dyn UploadJournal>,
    ) -> Result<Box<dyn Staged>, StoreError> {
        meet(&*self.by, "stage").await?;
        let staged = self.inner.stage(key, size, journal).await?;
        met(&*self.by, "stage").await?;
        Ok(Box::new(MetUpload { staged, by: Arc::clone(&self.by) }))
    }

    async fn set_aside(&self, key: &str, to: &str) -> Result<(), StoreError> {
        meet(&*self.by, "set_aside").await?;
        self.inner.set_aside(key, to).await?;
        met(&*self.by, "set_aside").await
    }

    async fn sweep(&self, upload: &Upload) -> Result<(), StoreError> {
        meet(&*self.by, "sweep").await?;
        self.inner.sweep(upload).await?;
        met(&*self.by, "sweep").await
    }
}

#[async_trait]
impl RemovingStore for MetStore {
    async fn remove(&self, key: &str, version: &ObjectMeta) -> Result<(), StoreError> {
        meet(&*self.by, "remove").await?;
        self.inner.remove(key, version).await?;
        met(&*self.by, "remove").await
    }
}

struct MetUpload {
    staged: Box<dyn Staged>,
    by: Arc<dyn Interference>,
}

#[async_trait]
impl Staged for MetUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        meet(&*self.by, "write").await?;
        self.staged.write(bytes).await?;
        met(&*self.by, "write").await
    }

    async fn seal(&mut self) -> Result<(), StoreError> {
        meet(&*self.by, "seal").await?;
        self.staged.seal().await?;
        met(&*self.by, "seal").await
    }

    async fn publish(self: Box<Self>, condition: Condition) -> Result<(), StoreError> {
        meet(&*self.by, "publish").await?;
        self.staged.publish(condition).await?;
        met(&*self.by, "publish").await
    }

    async fn discard(self: Box<Self>) -> Result<(), StoreError> {
        meet(&*self.by, "discard").await?;
        self.staged.discard().await?;
        met(&*self.by, "discard").await
    }
}
