//! Things that happen between two looks: a store and a catalog that call a test in the middle.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use restock::catalog::{Catalog, CatalogError, ScannedRow};
use restock::model::{CatalogRow, Collection, Digest, MalformedRow, StoreRequests, Upload};
use restock::store::{
    HealStore, ListRequest, ListedPage, Probe, Reading, Staged, Store, StoreError, UploadJournal,
};

type Hook = Mutex<Option<Box<dyn FnOnce() + Send>>>;
type AsyncHook = Mutex<Option<Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>>>;

/// A store in whose passes something happens, once each.
pub(crate) struct StoreBetween {
    inner: Arc<dyn HealStore>,
    after_first_page: Hook,
    before_probe: Hook,
    before_set_aside: Hook,
}

impl StoreBetween {
    pub(crate) fn new(inner: Arc<dyn HealStore>) -> Self {
        Self {
            inner,
            after_first_page: Hook::default(),
            before_probe: Hook::default(),
            before_set_aside: Hook::default(),
        }
    }

    /// Right before the first copy is made.
    pub(crate) fn before_set_aside(self, hook: impl FnOnce() + Send + 'static) -> Arc<Self> {
        *self.before_set_aside.lock().unwrap() = Some(Box::new(hook));
        Arc::new(self)
    }

    /// Right after the first page of a listing came, before the next is taken.
    pub(crate) fn after_first_page(self, hook: impl FnOnce() + Send + 'static) -> Arc<Self> {
        *self.after_first_page.lock().unwrap() = Some(Box::new(hook));
        Arc::new(self)
    }

    /// Right before the first probe is answered.
    pub(crate) fn before_probe(self, hook: impl FnOnce() + Send + 'static) -> Arc<Self> {
        *self.before_probe.lock().unwrap() = Some(Box::new(hook));
        Arc::new(self)
    }
}

fn run(hook: &Hook) {
    let hook = hook.lock().unwrap().take();
    if let Some(hook) = hook {
        hook();
    }
}

#[async_trait]
impl Store for StoreBetween {
    fn identity(&self) -> &str {
        self.inner.identity()
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.inner.check().await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'_, Result<ListedPage, StoreError>> {
        self.inner.list(request).inspect(|_| run(&self.after_first_page)).boxed()
    }

    async fn probe(&self, key: &str) -> Probe {
        run(&self.before_probe);
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
impl HealStore for StoreBetween {
    async fn stage(
        &self,
        key: &str,
        size: Option<u64>,
        journal: Arc<dyn UploadJournal>,
    ) -> Result<Box<dyn Staged>, StoreError> {
        self.inner.stage(key, size, journal).await
    }

    async fn set_aside(&self, key: &str, to: &str) -> Result<(), StoreError> {
        run(&self.before_set_aside);
        self.inner.set_aside(key, to).await
    }

    async fn sweep(&self, upload: &Upload) -> Result<(), StoreError> {
        self.inner.sweep(upload).await
    }
}

/// A catalog before whose second look something happens, or whose scan breaks off.
pub(crate) struct CatalogBetween {
    inner: Arc<dyn Catalog>,
    before_rows: AsyncHook,
    breaks: bool,
}

impl CatalogBetween {
    pub(crate) fn before_rows(
        inner: Arc<dyn Catalog>,
        hook: impl FnOnce() -> BoxFuture<'static, ()> + Send + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { inner, before_rows: Mutex::new(Some(Box::new(hook))), breaks: false })
    }

    /// Every scan gives its rows, and then an error in place of its end.
    pub(crate) fn breaking_off(inner: Arc<dyn Catalog>) -> Arc<Self> {
        Arc::new(Self { inner, before_rows: AsyncHook::default(), breaks: true })
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
        let rows = self.inner.scan(collection);
        let name = collection.name.clone();
        let end = self.breaks.then(|| {
            let source = "the connection was lost".into();
            Err(CatalogError::Read { collection: name, source })
        });
        rows.chain(stream::iter(end)).boxed()
    }

    async fn rows(
        &self,
        collection: &Collection,
        digests: &[Digest],
    ) -> Result<Vec<CatalogRow>, CatalogError> {
        let hook = self.before_rows.lock().unwrap().take();
        if let Some(hook) = hook {
            hook().await;
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
