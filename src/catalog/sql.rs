//! [`SqlCatalog`]: a catalog in a database that is asked in SQL, whichever [`Engine`] it has. Every
//! statement has a connection of its own: none lies idle while the store is slow, for a server or a
//! pooler to cut off.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream, StreamExt};

use super::collections::Queried;
use super::columns::{Columns, Reader, Selection};
use super::engine::{Engine, Session};
use super::query::wrap;
use super::reading::{RowOf, batches, collect};
use super::said::Said;
use super::spelling::Spelling;
use super::{Catalog, CatalogError, Remark, ScannedRow};
use crate::model::{CatalogRow, Collection, Digest, MalformedRow, MistimedRow, Slice};

/// More digests than this are found by reading all rows rather than by a list of values.
const LISTED_DIGESTS: usize = 500;

/// What a catalog is made of, beside its database.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) queried: Vec<Queried>,
    /// What opening the database showed.
    pub(super) remarks: Vec<Remark>,
    /// The statement that gives a script's text, with a `?` for its id.
    pub(super) script: Option<&'static str>,
}

/// A catalog in a database.
pub(super) struct SqlCatalog<E> {
    engine: E,
    collections: Vec<Collection>,
    readings: HashMap<String, Reading>,
    remarks: Vec<Remark>,
    script: Option<&'static str>,
}

/// How to read one collection.
struct Reading {
    query: String,
    columns: Columns,
    spelling: Arc<Spelling>,
}

impl<E: Engine> SqlCatalog<E> {
    /// Prepares every query and finds out which columns it has.
    pub(super) async fn open(engine: E, content: Content) -> Result<Self, CatalogError> {
        let Content { queried, remarks, script } = content;
        let (mut collections, mut readings) = (Vec::new(), HashMap::new());
        let mut session = engine.open().await?;
        for Queried { collection, query } in queried {
            let columns = describe(&engine, &mut session, &collection.name, &query).await?;
            let spelling = Arc::default();
            readings.insert(collection.name.clone(), Reading { query, columns, spelling });
            collections.push(collection);
        }
        session.finish().await.map_err(|said| engine.cannot_open(said))?;
        Ok(Self { engine, collections, readings, remarks, script })
    }

    fn reading(&self, collection: &Collection) -> Result<&Reading, CatalogError> {
        self.readings.get(&collection.name).ok_or_else(|| {
            let name = &collection.name;
            CatalogError::Configuration(format!("collection `{name}` is none of this catalog"))
        })
    }

    /// The rows of these digests under a condition that finds them all and for which an index
    /// serves.
    async fn listed(
        &self,
        collection: &Collection,
        listing: &str,
        wanted: HashSet<Digest>,
    ) -> Result<Vec<CatalogRow>, CatalogError> {
        let Reading { query, columns, spelling: _ } = self.reading(collection)?;
        let Selection { sql, layout } = columns.for_rows::<E>();
        let sql = wrap(&sql, query, &format!(" WHERE {listing}"));
        let decode = move |row: &RowOf<E>| {
            let row = Reader::<E> { row, layout: &layout };
            let digest = row.digest().0.filter(|digest| wanted.contains(digest))?;
            Some(row.whole(digest))
        };
        collect(&self.engine, &sql, decode, || {}, usize::MAX)
            .await
            .map_err(|failure| failure.of_collection(&collection.name))
    }

    /// The rows of these digests by reading all rows: however they are spelled, they are found.
    async fn filtered(
        &self,
        collection: &Collection,
        wanted: HashSet<Digest>,
    ) -> Result<Vec<CatalogRow>, CatalogError> {
        let Reading { query, columns, spelling } = self.reading(collection)?;
        let Selection { sql, layout } = columns.for_rows::<E>();
        let (seen, read) = (Arc::clone(spelling), Arc::clone(spelling));
        let decode = move |row: &RowOf<E>| {
            let row = Reader::<E> { row, layout: &layout };
            let (digest, is_plain) = row.digest();
            seen.note(is_plain);
            let digest = digest.filter(|digest| wanted.contains(digest))?;
            Some(row.whole(digest))
        };
        let all_read = move || read.all_seen();
        collect(&self.engine, &wrap(&sql, query, ""), decode, all_read, usize::MAX)
            .await
            .map_err(|failure| failure.of_collection(&collection.name))
    }

    /// What `read` makes of the first row of a statement that belongs to no collection.
    async fn ask<T: Send + 'static>(
        &self,
        sql: &str,
        read: fn(&RowOf<E>) -> Option<T>,
    ) -> Result<Option<T>, CatalogError> {
        let answer = collect(&self.engine, sql, read, || {}, usize::MAX)
            .await
            .map_err(|failure| failure.of_catalog(&self.engine))?;
        Ok(answer.into_iter().next())
    }
}

async fn describe<E: Engine>(
    engine: &E,
    session: &mut E::Session,
    collection: &str,
    query: &str,
) -> Result<Columns, CatalogError> {
    let refuse = |problem: String, said: Option<Said>| CatalogError::Query {
        collection: collection.to_owned(),
        problem,
        source: said.map(|said| said.with_hint().into()),
    };
    let columns = match session.columns(query).await {
        Ok(columns) => columns,
        Err(said) if said.is_of_statement => {
            return Err(refuse("is refused by the database".to_owned(), Some(said)));
        }
        Err(said) => return Err(engine.cannot_open(said)),
    };
    Columns::find(&columns).map_err(|problem| refuse(problem, None))
}

#[async_trait]
impl<E: Engine> Catalog for SqlCatalog<E> {
    fn identity(&self) -> &str {
        self.engine.identity()
    }

    fn collections(&self) -> &[Collection] {
        &self.collections
    }

    fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    async fn now(&self) -> Result<DateTime<Utc>, CatalogError> {
        let now = self.ask(E::NOW, |row| E::cell(row, 0).integer()).await?;
        now.and_then(DateTime::from_timestamp_millis)
            .ok_or_else(|| self.engine.cannot_open(Said::plain("it tells no time")))
    }

    fn scan<'a>(
        &'a self,
        collection: &'a Collection,
    ) -> BoxStream<'a, Result<Vec<ScannedRow>, CatalogError>> {
        let Reading { query, columns, spelling } = match self.reading(collection) {
            Ok(reading) => reading,
            Err(error) => return stream::iter([Err(error)]).boxed(),
        };
        let Selection { sql, layout } = columns.for_scan::<E>();
        let (seen, read) = (Arc::clone(spelling), Arc::clone(spelling));
        let decode = move |row: &RowOf<E>| {
            let (row, bytes, is_plain) = Reader::<E> { row, layout: &layout }.scanned();
            seen.note(is_plain);
            Some((row, bytes))
        };
        batches(self.engine.clone(), wrap(&sql, query, ""), decode, move || read.all_seen())
            .map(|batch| batch.map_err(|failure| failure.of_collection(&collection.name)))
            .boxed()
    }

    async fn rows(
        &self,
        collection: &Collection,
        digests: &[Digest],
    ) -> Result<Vec<CatalogRow>, CatalogError> {
        let mut wanted: HashSet<Digest> = digests.iter().copied().collect();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let Reading { query: _, columns, spelling } = self.reading(collection)?;
        let is_listed = spelling.is_plain() && wanted.len() <= LISTED_DIGESTS;
        let listing = is_listed.then(|| columns.listing::<E>(&wanted)).flatten();
        let Some(listing) = listing else { return self.filtered(collection, wanted).await };
        let mut rows = self.listed(collection, &listing, wanted.clone()).await?;
        for row in &rows {
            wanted.remove(&row.digest);
        }
        // That a digest has no row is only said after looking at every row: one in mixed case may
        // have come since the scan.
        if !wanted.is_empty() {
            rows.extend(self.filtered(collection, wanted).await?);
        }
        Ok(rows)
    }

    async fn malformed(
        &self,
        collection: &Collection,
        limit: usize,
    ) -> Result<Vec<MalformedRow>, CatalogError> {
        let Reading { query, columns, spelling: _ } = self.reading(collection)?;
        let Selection { sql, layout } = columns.for_rows::<E>();
        let decode = move |row: &RowOf<E>| Reader::<E> { row, layout: &layout }.malformed();
        collect(&self.engine, &wrap(&sql, query, ""), decode, || {}, limit)
            .await
            .map_err(|failure| failure.of_collection(&collection.name))
    }

    async fn mistimed(
        &self,
        collection: &Collection,
        slice: Slice,
        latest: i64,
        limit: usize,
    ) -> Result<Vec<MistimedRow>, CatalogError> {
        let Reading { query, columns, spelling: _ } = self.reading(collection)?;
        let Selection { sql, layout } = columns.for_rows::<E>();
        let decode = move |row: &RowOf<E>| {
            let row = Reader::<E> { row, layout: &layout }.mistimed(latest)?;
            slice.contains(&row.digest).then_some(row)
        };
        collect(&self.engine, &wrap(&sql, query, ""), decode, || {}, limit)
            .await
            .map_err(|failure| failure.of_collection(&collection.name))
    }

    async fn script(&self, id: &str) -> Result<Option<String>, CatalogError> {
        let Some(statement) = self.script else { return Ok(None) };
        let sql = statement.replacen('?', &E::text(id), 1);
        self.ask(&sql, |row| E::cell(row, 0).content()).await
    }
}
