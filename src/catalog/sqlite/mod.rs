//! [`SqliteCatalog`]: a catalog in a `SQLite` file. How it is read without a trace stands in
//! `file.rs`.

mod columns;
mod error;
mod file;
mod read;
mod session;
mod spelling;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream, StreamExt};
use sqlx::sqlite::SqliteRow;

use crate::catalog::collections::Queried;
use crate::catalog::query::wrap;
use crate::catalog::{Catalog, CatalogError, ScannedRow};
use crate::model::{CatalogRow, Collection, Digest, MalformedRow};

use columns::{Columns, cell, is_plainly_spelled, malformed, scanned, whole};
use read::{batches, collect};
use session::{Argument, Question};
use spelling::Spelling;

pub(super) use error::Said;
pub(super) use session::CatalogFile;

/// More digests than this are found by reading all rows rather than by a list of values.
const LISTED_DIGESTS: usize = 500;

/// A catalog in a `SQLite` file, opened anew for every statement.
pub(super) struct SqliteCatalog {
    identity: String,
    file: CatalogFile,
    collections: Vec<Collection>,
    readings: HashMap<String, Reading>,
}

/// How to read one collection.
struct Reading {
    query: String,
    columns: Columns,
    spelling: Arc<Spelling>,
}

impl SqliteCatalog {
    /// The names of collections in the tables of preset `restock`.
    pub(super) async fn preset_collections(
        file: &CatalogFile,
    ) -> Result<Vec<String>, CatalogError> {
        // All tables and columns that the queries of the preset read.
        let probe = "SELECT o.digest, o.name, o.size, o.updated_at, o.collection, s.digest, s.url \
                     FROM objects AS o, sources AS s LIMIT 0";
        let mut session = file.open().await?;
        match session.columns(probe.to_owned()).await {
            Ok(_) => {}
            Err(said) if said.is_of_statement => {
                return Err(file.cannot_open(Said {
                    hint: Some(
                        "it lacks the tables of preset \"restock\": check `url` in [catalog], or \
                         set preset \"custom\" there",
                    ),
                    ..said
                }));
            }
            Err(said) => return Err(file.cannot_open(said)),
        }
        let names = Question::plain("SELECT DISTINCT collection FROM objects");
        let name = |row: &SqliteRow| Some(cell(row, 0).shown().unwrap_or_default());
        collect(file, &names, name, || {}, usize::MAX).await.map_err(|f| f.of_file(file))
    }

    /// Prepares every query and finds out which columns it has.
    pub(super) async fn open(
        file: CatalogFile,
        queried: Vec<Queried>,
    ) -> Result<Self, CatalogError> {
        let identity = format!("sqlite://{}", file.path.display());
        let (mut collections, mut readings) = (Vec::new(), HashMap::new());
        for Queried { collection, query } in queried {
            let columns = describe(&file, &collection.name, &query).await?;
            let spelling = Arc::default();
            readings.insert(collection.name.clone(), Reading { query, columns, spelling });
            collections.push(collection);
        }
        Ok(Self { identity, file, collections, readings })
    }

    fn reading(&self, collection: &Collection) -> Result<&Reading, CatalogError> {
        self.readings.get(&collection.name).ok_or_else(|| {
            let name = &collection.name;
            CatalogError::Configuration(format!("collection `{name}` is none of this catalog"))
        })
    }

    /// The rows of these digests by a list of values, which an index serves.
    async fn listed(
        &self,
        collection: &Collection,
        digests: &HashSet<Digest>,
    ) -> Result<Vec<CatalogRow>, CatalogError> {
        let Reading { query, columns, spelling: _ } = self.reading(collection)?;
        let arguments: Vec<_> = digests
            .iter()
            .flat_map(|digest| {
                let hex = digest.to_string();
                let upper = hex.to_uppercase();
                let raw = Argument::Bytes(digest.as_bytes().to_vec());
                [Argument::Text(hex), Argument::Text(upper), raw]
            })
            .collect();
        let places = vec!["?"; arguments.len()].join(",");
        let rest = format!(" WHERE {} IN ({places})", columns.digest);
        let question = Question { sql: wrap(&columns.for_rows(), query, &rest), arguments };
        let wanted = digests.clone();
        let decode = move |row: &SqliteRow| whole(row).filter(|row| wanted.contains(&row.digest));
        collect(&self.file, &question, decode, || {}, usize::MAX)
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
        let question = Question::plain(wrap(&columns.for_rows(), query, ""));
        let (seen, read) = (Arc::clone(spelling), Arc::clone(spelling));
        let decode = move |row: &SqliteRow| {
            seen.note(is_plainly_spelled(row));
            whole(row).filter(|row| wanted.contains(&row.digest))
        };
        collect(&self.file, &question, decode, move || read.all_seen(), usize::MAX)
            .await
            .map_err(|failure| failure.of_collection(&collection.name))
    }
}

async fn describe(
    file: &CatalogFile,
    collection: &str,
    query: &str,
) -> Result<Columns, CatalogError> {
    let refuse = |problem: String, said: Option<Said>| CatalogError::Query {
        collection: collection.to_owned(),
        problem,
        source: said.map(Into::into),
    };
    let mut session = file.open().await?;
    let columns = match session.columns(wrap("*", query, " LIMIT 0")).await {
        Ok(columns) => columns,
        Err(said) if said.is_of_statement => {
            return Err(refuse("is refused by the database".to_owned(), Some(said)));
        }
        Err(said) => return Err(file.cannot_open(said)),
    };
    Columns::find(&columns).map_err(|problem| refuse(problem, None))
}

#[async_trait]
impl Catalog for SqliteCatalog {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn collections(&self) -> &[Collection] {
        &self.collections
    }

    async fn now(&self) -> Result<DateTime<Utc>, CatalogError> {
        // Days since noon of 24 November 4714 BC, of which 2440587.5 lie before 1970.
        let sql = "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";
        let milliseconds = |row: &SqliteRow| cell(row, 0).integer();
        let answer = collect(&self.file, &Question::plain(sql), milliseconds, || {}, 1)
            .await
            .map_err(|failure| failure.of_file(&self.file))?;
        let now = answer.first().and_then(|ms| DateTime::from_timestamp_millis(*ms));
        now.ok_or_else(|| self.file.cannot_open(Said::plain("it tells no time".to_owned())))
    }

    fn scan<'a>(
        &'a self,
        collection: &'a Collection,
    ) -> BoxStream<'a, Result<Vec<ScannedRow>, CatalogError>> {
        let Reading { query, columns, spelling } = match self.reading(collection) {
            Ok(reading) => reading,
            Err(error) => return stream::iter([Err(error)]).boxed(),
        };
        let question = Question::plain(wrap(&columns.for_scan(), query, ""));
        let (seen, read) = (Arc::clone(spelling), Arc::clone(spelling));
        let decode = move |row: &SqliteRow| {
            seen.note(is_plainly_spelled(row));
            Some(scanned(row))
        };
        batches(self.file.clone(), question, decode, move || read.all_seen())
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
        let is_plain = self.reading(collection)?.spelling.is_plain();
        if !is_plain || wanted.len() > LISTED_DIGESTS {
            return self.filtered(collection, wanted).await;
        }
        let mut rows = self.listed(collection, &wanted).await?;
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
        let question = Question::plain(wrap(&columns.for_rows(), query, ""));
        collect(&self.file, &question, malformed, || {}, limit)
            .await
            .map_err(|failure| failure.of_collection(&collection.name))
    }
}
