//! The catalog port: what should exist, read-only. Adapters stand beside this file.

mod cell;
mod clock_face;
mod collections;
mod columns;
mod embedded;
mod engine;
mod fleet;
mod mysql;
mod open;
mod options;
mod postgres;
mod query;
mod reading;
mod said;
mod server;
mod spelling;
mod sql;
mod sqlite;
mod times;
mod tokens;
mod url;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;

use crate::model::{CatalogRow, Collection, Digest, MalformedRow, MistimedRow, Slice, Sources};

pub use collections::{CollectionProblem, DEFAULT_COLLECTION, preset_layout};
pub use embedded::{EmbeddedCatalog, Registered, Registration};
pub use open::open;
pub use options::{CatalogOptions, CollectionOptions, Preset};
pub use url::{CatalogProblem, judge, judge_collections, sqlite_path};

/// One row of the first scan, in no order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedRow {
    /// `None` where the column is NULL, and the row wants nothing, and where it cannot be read.
    pub digest: Option<Digest>,
    /// Whether the column holds something that cannot be read as a digest, so that the row may want
    /// any object; [`Catalog::malformed`] tells which rows those are.
    pub is_unreadable: bool,
    /// Size in bytes; `None` where the row tells none, or 0.
    pub size: Option<u64>,
    /// When the row was last written, in seconds since 1970; `None` counts as old.
    pub updated_at: Option<i64>,
    /// Whether the column of that holds something that is no time; [`Catalog::mistimed`] tells
    /// which rows those are.
    pub is_mistimed: bool,
    /// Where the bytes can be had again.
    pub sources: Sources,
}

/// Something that opening a catalog showed. Holds no secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// What was found, for `restock config check --online`.
    Found(String),
    /// What is doubtful and works all the same; logged when a catalog is opened, and by a
    /// daemon when it is new.
    Warning(String),
}

/// What can go wrong with a catalog. The message names the catalog redacted, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The catalog is not there at all.
    #[error("catalog {catalog} does not exist: {hint}")]
    Absent {
        /// The catalog, redacted.
        catalog: String,
        /// What to do.
        hint: String,
    },
    /// It cannot be reached or opened.
    #[error("cannot open catalog {catalog}: {hint}")]
    Connect {
        /// The catalog, redacted.
        catalog: String,
        /// What to do.
        hint: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// `[catalog]` or the `[[collection]]`s do not fit together; a configuration error.
    #[error("{0}")]
    Configuration(String),
    /// The query of a collection cannot be used; a configuration error.
    #[error("the query of collection `{collection}` {problem}")]
    Query {
        /// The collection.
        collection: String,
        /// What is wrong, completing the sentence.
        problem: String,
        /// The cause, where the database named one.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The embedded catalog could not be written; only `import` and `demo` write it.
    #[error("cannot write catalog {catalog}")]
    Write {
        /// The catalog.
        catalog: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It stopped answering, or answered with an error, while it was read.
    #[error("cannot read collection `{collection}` from the catalog")]
    Read {
        /// The collection.
        collection: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What should exist. Never written through this port.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// Which catalog this is, redacted: plans made for one are refused for another.
    fn identity(&self) -> &str;

    /// The collections, as configured or as the preset found them.
    fn collections(&self) -> &[Collection];

    /// What opening it showed that people should know.
    fn remarks(&self) -> &[Remark] {
        &[]
    }

    /// The database's own clock, against which the ages of rows are taken.
    async fn now(&self) -> Result<DateTime<Utc>, CatalogError>;

    /// One scan over a collection, in batches of rows, in no order. An error ends the stream, and
    /// then nothing that was read may lead to a verdict.
    fn scan<'a>(
        &'a self,
        collection: &'a Collection,
    ) -> BoxStream<'a, Result<Vec<ScannedRow>, CatalogError>>;

    /// All rows of these digests, whole, in no order: the second look that a finding needs.
    async fn rows(
        &self,
        collection: &Collection,
        digests: &[Digest],
    ) -> Result<Vec<CatalogRow>, CatalogError>;

    /// The rows whose digest cannot be read, at most `limit`.
    async fn malformed(
        &self,
        collection: &Collection,
        limit: usize,
    ) -> Result<Vec<MalformedRow>, CatalogError>;

    /// The rows with a digest of the slice that were written after `latest`, in seconds since 1970,
    /// or at what is no time; at most `limit`.
    async fn mistimed(
        &self,
        _collection: &Collection,
        _slice: Slice,
        _latest: i64,
        _limit: usize,
    ) -> Result<Vec<MistimedRow>, CatalogError> {
        Ok(Vec::new())
    }

    /// The text that the source [`crate::model::SCRIPT`] with this id stands for; `None` where
    /// there is none.
    async fn script(&self, _id: &str) -> Result<Option<String>, CatalogError> {
        Ok(None)
    }
}
