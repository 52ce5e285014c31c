//! A catalog whose rows name more sources than its query does.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::stream::{BoxStream, StreamExt};
use restock::catalog::{Catalog, CatalogError, ScannedRow};
use restock::model::{
    CatalogRow, Collection, Digest, MAINTAINED_APP, MalformedRow, SCRIPT, Sources,
};
use restock::source::Texts;

use crate::support::world::World;

/// Another catalog's rows, with manifests and texts for some digests.
#[derive(Clone)]
pub(crate) struct Rich {
    inner: Arc<dyn Catalog>,
    more: Arc<Mutex<More>>,
}

#[derive(Default)]
struct More {
    slugs: BTreeMap<Digest, String>,
    scripts: BTreeMap<Digest, String>,
    texts: Kept,
}

/// Texts by their id; none can be read where it is told to fail.
#[derive(Default, Clone)]
pub(crate) struct Kept {
    pub(crate) texts: BTreeMap<String, String>,
    pub(crate) fails: bool,
}

impl Rich {
    /// Stands in front of a world's own catalog from now on.
    pub(crate) async fn of(world: &mut World) -> Self {
        let rich = Self { inner: world.open_catalog().await, more: Arc::default() };
        world.catalog = Some(Arc::new(rich.clone()));
        rich
    }

    pub(crate) fn app(&self, digest: Digest, slug: &str) -> &Self {
        self.more.lock().unwrap().slugs.insert(digest, format!("{MAINTAINED_APP}{slug}"));
        self
    }

    pub(crate) fn script(&self, digest: Digest, id: &str, text: Option<&str>) -> &Self {
        let mut more = self.more.lock().unwrap();
        more.scripts.insert(digest, format!("{SCRIPT}{id}"));
        if let Some(text) = text {
            more.texts.texts.insert(id.to_owned(), text.to_owned());
        }
        drop(more);
        self
    }

    pub(crate) fn fail(&self, fails: bool) {
        self.more.lock().unwrap().texts.fails = fails;
    }

    fn enrich(&self, digest: Option<&Digest>, sources: &mut Sources) {
        let more = self.more.lock().unwrap();
        let Some(digest) = digest else { return };
        sources.maintained_app = more.slugs.get(digest).cloned();
        sources.script = more.scripts.get(digest).cloned();
    }
}

#[async_trait]
impl Catalog for Rich {
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
        let enrich = |mut batch: Vec<ScannedRow>| {
            for row in &mut batch {
                self.enrich(row.digest.as_ref(), &mut row.sources);
            }
            batch
        };
        self.inner.scan(collection).map(move |batch| batch.map(enrich)).boxed()
    }

    async fn rows(
        &self,
        collection: &Collection,
        digests: &[Digest],
    ) -> Result<Vec<CatalogRow>, CatalogError> {
        let mut rows = self.inner.rows(collection, digests).await?;
        for row in &mut rows {
            self.enrich(Some(&row.digest), &mut row.sources);
        }
        Ok(rows)
    }

    async fn malformed(
        &self,
        collection: &Collection,
        limit: usize,
    ) -> Result<Vec<MalformedRow>, CatalogError> {
        self.inner.malformed(collection, limit).await
    }

    async fn script(&self, id: &str) -> Result<Option<String>, CatalogError> {
        let kept = self.more.lock().unwrap().texts.clone();
        kept.text(id).await.map_err(|source| CatalogError::Read {
            collection: "software-installers".to_owned(),
            source,
        })
    }
}

#[async_trait]
impl Texts for Kept {
    async fn text(&self, id: &str) -> Result<Option<String>, Box<dyn Error + Send + Sync>> {
        if self.fails {
            return Err("mysql://u:CANARY-7f3a@db/fleet went away".into());
        }
        Ok(self.texts.get(id).cloned())
    }
}
