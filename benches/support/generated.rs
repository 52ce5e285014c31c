//! A catalog and a store that make up their contents page by page, from a [`World`], so that
//! whatever memory an audit takes is its own.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream, StreamExt};

use restock::catalog::{Catalog, CatalogError, ScannedRow};
use restock::model::{
    CatalogRow, Collection, Digest, KeyTemplate, MalformedRow, ObjectMeta, Sources, StoreRequests,
};
use restock::store::{
    ListRequest, ListedPage, Observed, Probe, Reading, Store, StoreError, StoreFault,
};

use super::world::{LONG_AGO, World, digest, size};

/// Rows in a batch, and keys on a page: as many as S3 hands out.
const PAGE: u64 = 1000;

fn long_ago() -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(LONG_AGO, 0)
}

/// The number of the object that has this digest.
fn number(digest: &Digest) -> Option<u64> {
    let number = u64::from_be_bytes(*digest.as_bytes().last_chunk()?);
    (super::world::digest(number) == *digest).then_some(number)
}

/// The numbers from 0 to `end`, page by page.
fn pages(end: u64) -> impl Iterator<Item = std::ops::Range<u64>> {
    (0..end.div_ceil(PAGE)).map(move |page| page * PAGE..((page + 1) * PAGE).min(end))
}

/// Lets the other side come forward after each page, as waiting for a database or a store does.
fn in_turns<'a, T: Send + 'a>(pages: impl Iterator<Item = T> + Send + 'a) -> BoxStream<'a, T> {
    let wait = async |page| {
        tokio::task::yield_now().await;
        page
    };
    stream::iter(pages).then(wait).boxed()
}

fn url(number: u64) -> String {
    format!("https://artifacts.example.com/installers/{number}/installer-{number}.pkg")
}

/// The catalog's side of a [`World`].
pub(crate) struct GeneratedCatalog {
    world: World,
    collections: Vec<Collection>,
}

impl GeneratedCatalog {
    pub(crate) fn new(world: World, key: KeyTemplate) -> Self {
        let name = "software-installers".to_owned();
        Self { world, collections: vec![Collection { name, key, heal: true }] }
    }
}

#[async_trait]
impl Catalog for GeneratedCatalog {
    fn identity(&self) -> &'static str {
        "generated:catalog"
    }

    fn collections(&self) -> &[Collection] {
        &self.collections
    }

    async fn now(&self) -> Result<DateTime<Utc>, CatalogError> {
        Ok(long_ago().unwrap_or_default() + chrono::TimeDelta::days(365))
    }

    fn scan<'a>(
        &'a self,
        _: &'a Collection,
    ) -> BoxStream<'a, Result<Vec<ScannedRow>, CatalogError>> {
        let row = |number| ScannedRow {
            digest: Some(digest(number)),
            is_unreadable: false,
            size: Some(size(number)),
            updated_at: Some(LONG_AGO),
            is_mistimed: false,
            sources: Sources::of_url(url(number)),
        };
        in_turns(pages(self.world.objects()).map(move |page| Ok(page.map(row).collect())))
    }

    async fn rows(
        &self,
        _: &Collection,
        digests: &[Digest],
    ) -> Result<Vec<CatalogRow>, CatalogError> {
        let wanted = digests.iter().filter_map(number).filter(|n| self.world.is_expected(*n));
        let row = |number| CatalogRow {
            digest: digest(number),
            name: Some(format!("installer-{number}.pkg")),
            sources: Sources::of_url(url(number)),
            size: Some(size(number)),
            updated_at: long_ago(),
            reference: Some(number.to_string()),
            active: true,
        };
        Ok(wanted.map(row).collect())
    }

    async fn malformed(&self, _: &Collection, _: usize) -> Result<Vec<MalformedRow>, CatalogError> {
        Ok(Vec::new())
    }
}

/// The store's side of a [`World`].
pub(crate) struct GeneratedStore {
    world: World,
    key: KeyTemplate,
    listed: AtomicU64,
    probed: AtomicU64,
}

impl GeneratedStore {
    pub(crate) const fn new(world: World, key: KeyTemplate) -> Self {
        Self { world, key, listed: AtomicU64::new(0), probed: AtomicU64::new(0) }
    }
}

#[async_trait]
impl Store for GeneratedStore {
    fn identity(&self) -> &'static str {
        "generated:store"
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn list(&self, request: ListRequest) -> BoxStream<'_, Result<ListedPage, StoreError>> {
        let object = move |number| Observed {
            key: request.layout.render(&digest(number)),
            size: size(number),
            modified: long_ago(),
            archived: false,
        };
        let page = move |numbers: std::ops::Range<u64>| {
            self.listed.fetch_add(1, Ordering::Relaxed);
            let stored = numbers.filter(|number| self.world.is_stored(*number));
            Ok(ListedPage { objects: stored.map(&object).collect(), ..ListedPage::default() })
        };
        in_turns(pages(self.world.objects() + self.world.orphans()).map(page))
    }

    async fn probe(&self, key: &str) -> Probe {
        self.probed.fetch_add(1, Ordering::Relaxed);
        let stored = self.key.parse(key).as_ref().and_then(number);
        match stored.filter(|number| self.world.is_stored(*number)) {
            Some(number) => {
                Probe::Present(ObjectMeta { size: size(number), etag: None, modified: long_ago() })
            }
            None => Probe::Absent,
        }
    }

    async fn read(&self, key: &str) -> Result<Reading, StoreError> {
        Err(StoreError {
            fault: StoreFault::Other,
            action: format!("read {key}"),
            hint: Some("generated objects have no bytes".to_owned()),
            source: None,
        })
    }

    fn requests(&self) -> StoreRequests {
        StoreRequests {
            list: self.listed.load(Ordering::Relaxed),
            head: self.probed.load(Ordering::Relaxed),
            get: 0,
            put: 0,
        }
    }
}
