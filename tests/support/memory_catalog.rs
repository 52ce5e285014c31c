//! A catalog in memory: rows as a test or a simulation writes them.

#![allow(dead_code, reason = "each test takes some of it")]

#[path = "memory_catalog_changing.rs"]
mod changing;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use restock::catalog::{Catalog, CatalogError, ScannedRow};
use restock::clock::Clock;
use restock::model::{CatalogRow, Collection, Digest, MalformedRow, MistimedRow, Slice, Sources};

use crate::hindrance::Hindrance;

/// Rows that a scan hands on at once.
const BATCH: usize = 4;

/// What a digest column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    Null,
    Unreadable(String),
    Digest(Digest),
}

/// What the column of the last change holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Written {
    Unknown,
    At(DateTime<Utc>),
    NoTime(String),
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) collection: String,
    pub(crate) digest: Cell,
    pub(crate) size: Option<u64>,
    pub(crate) written: Written,
    pub(crate) sources: Sources,
    pub(crate) name: Option<String>,
    pub(crate) reference: Option<String>,
    /// Whether it is more than kept for a rollback.
    pub(crate) active: bool,
}

impl Row {
    fn digest(&self) -> Option<Digest> {
        match self.digest {
            Cell::Digest(digest) => Some(digest),
            Cell::Null | Cell::Unreadable(_) => None,
        }
    }

    fn written_at(&self) -> Option<DateTime<Utc>> {
        match self.written {
            Written::At(at) => Some(at),
            Written::Unknown | Written::NoTime(_) => None,
        }
    }

    fn scanned(&self) -> ScannedRow {
        ScannedRow {
            digest: self.digest(),
            is_unreadable: matches!(self.digest, Cell::Unreadable(_)),
            size: self.size.filter(|size| *size > 0),
            updated_at: self.written_at().map(|at| at.timestamp()),
            is_mistimed: matches!(self.written, Written::NoTime(_)),
            sources: self.sources.clone(),
        }
    }

    fn whole(&self, digest: Digest) -> CatalogRow {
        CatalogRow {
            digest,
            name: self.name.clone(),
            sources: self.sources.clone(),
            size: self.size.filter(|size| *size > 0),
            updated_at: self.written_at(),
            reference: self.reference.clone(),
            active: self.active,
        }
    }

    fn mistimed(&self, slice: Slice, latest: i64) -> Option<MistimedRow> {
        let digest = self.digest().filter(|digest| slice.contains(digest))?;
        let (shown, is_future) = match &self.written {
            Written::NoTime(text) => (text.clone(), false),
            Written::At(at) if at.timestamp() > latest => (at.to_rfc3339(), true),
            Written::Unknown | Written::At(_) => return None,
        };
        let (name, reference) = (self.name.clone(), self.reference.clone());
        Some(MistimedRow { digest, shown, is_future, name, reference })
    }
}

/// The catalog; clones share its rows.
#[derive(Clone)]
pub(crate) struct MemoryCatalog {
    identity: String,
    rows: Arc<Mutex<Vec<Row>>>,
    scripts: Arc<Mutex<BTreeMap<String, String>>>,
    looked_up: Arc<Mutex<Vec<usize>>>,
    collections: Vec<Collection>,
    clock: Arc<dyn Clock>,
    hindrance: Option<Arc<dyn Hindrance>>,
}

impl MemoryCatalog {
    pub(crate) fn new(collections: Vec<Collection>, clock: Arc<dyn Clock>) -> Self {
        Self {
            identity: "memory://catalog".to_owned(),
            rows: Arc::default(),
            scripts: Arc::default(),
            looked_up: Arc::default(),
            collections,
            clock,
            hindrance: None,
        }
    }

    pub(crate) fn hindered(mut self, by: Arc<dyn Hindrance>) -> Self {
        self.hindrance = Some(by);
        self
    }

    /// The rows, to be changed behind everybody's back.
    pub(crate) fn rows(&self) -> MutexGuard<'_, Vec<Row>> {
        self.rows.lock().unwrap()
    }

    /// Keeps a text that sources name by this id.
    pub(crate) fn keep_script(&self, id: &str, text: &str) {
        self.scripts.lock().unwrap().insert(id.to_owned(), text.to_owned());
    }

    /// How many digests each look-up asked for.
    pub(crate) fn looked_up(&self) -> Vec<usize> {
        self.looked_up.lock().unwrap().clone()
    }

    fn of(&self, collection: &Collection) -> Vec<Row> {
        self.rows().iter().filter(|row| row.collection == collection.name).cloned().collect()
    }

    async fn meet(&self, action: &'static str, collection: &str) -> Result<(), CatalogError> {
        let Some(by) = &self.hindrance else { return Ok(()) };
        by.meet(action, collection).await.map_err(|why| CatalogError::Read {
            collection: collection.to_owned(),
            source: why.into(),
        })
    }
}

#[async_trait]
impl Catalog for MemoryCatalog {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn collections(&self) -> &[Collection] {
        &self.collections
    }

    async fn now(&self) -> Result<DateTime<Utc>, CatalogError> {
        self.meet("now", "").await?;
        Ok(self.clock.now())
    }

    fn scan<'a>(
        &'a self,
        collection: &'a Collection,
    ) -> BoxStream<'a, Result<Vec<ScannedRow>, CatalogError>> {
        let begin = async move {
            self.meet("scan", &collection.name).await?;
            // A database shows a scan the rows as they were when it began.
            let rows: Vec<_> = self.of(collection).iter().map(Row::scanned).collect();
            let batches: Vec<_> = rows.chunks(BATCH).map(<[_]>::to_vec).collect();
            Ok(stream::iter(batches).then(move |batch| async move {
                self.meet("scan batch", &collection.name).await.map(|()| batch)
            }))
        };
        stream::once(begin).try_flatten().boxed()
    }

    async fn rows(
        &self,
        collection: &Collection,
        digests: &[Digest],
    ) -> Result<Vec<CatalogRow>, CatalogError> {
        self.looked_up.lock().unwrap().push(digests.len());
        self.meet("rows", &collection.name).await?;
        let of_row = |row: Row| {
            let digest = row.digest().filter(|digest| digests.contains(digest))?;
            Some(row.whole(digest))
        };
        Ok(self.of(collection).into_iter().filter_map(of_row).collect())
    }

    async fn malformed(
        &self,
        collection: &Collection,
        limit: usize,
    ) -> Result<Vec<MalformedRow>, CatalogError> {
        self.meet("malformed", &collection.name).await?;
        let of_row = |row: Row| match row.digest {
            Cell::Unreadable(shown) => {
                Some(MalformedRow { shown, name: row.name, reference: row.reference })
            }
            Cell::Null | Cell::Digest(_) => None,
        };
        Ok(self.of(collection).into_iter().filter_map(of_row).take(limit).collect())
    }

    async fn mistimed(
        &self,
        collection: &Collection,
        slice: Slice,
        latest: i64,
        limit: usize,
    ) -> Result<Vec<MistimedRow>, CatalogError> {
        self.meet("mistimed", &collection.name).await?;
        let rows = self.of(collection);
        Ok(rows.iter().filter_map(|row| row.mistimed(slice, latest)).take(limit).collect())
    }

    async fn script(&self, id: &str) -> Result<Option<String>, CatalogError> {
        self.meet("script", id).await?;
        Ok(self.scripts.lock().unwrap().get(id).cloned())
    }
}
