//! [`Engine`]: what one kind of database does in its own way. All else is shared by
//! [`super::sql::SqlCatalog`].

use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use sqlx::{Database, Either};

use super::CatalogError;
use super::cell::Cell;
use super::said::Said;

/// Rows, and behind the last one what the database said of them all.
pub(super) type Rows<'a, D> =
    BoxStream<'a, Result<Either<<D as Database>::QueryResult, <D as Database>::Row>, sqlx::Error>>;

/// A database that can be read, and how patiently it is.
#[async_trait]
pub(super) trait Engine: Clone + Send + Sync + 'static {
    /// The library's word for this kind of database.
    type Database: Database;

    /// A connection for one statement.
    type Session: Session<Database = Self::Database>;

    /// What has to stand before all other columns of a statement.
    const LEADING: Option<&'static str> = None;

    /// A SELECT of the database's own clock, in milliseconds since 1970.
    const NOW: &'static str;

    /// Which database this is, redacted.
    fn identity(&self) -> &str;

    /// How long one statement may run.
    fn statement_timeout(&self) -> Duration;

    /// Connects, able to read and to do nothing else.
    async fn open(&self) -> Result<Self::Session, CatalogError>;

    /// What was said as the failure to open this database.
    fn cannot_open(&self, said: Said) -> CatalogError;

    /// What an error of the library says.
    fn said(&self, error: &sqlx::Error) -> Said;

    /// How many rows the database says that there were, where it says so.
    fn told(all: &<Self::Database as Database>::QueryResult) -> Option<u64>;

    /// The value of a column, whatever its type.
    fn cell(row: &<Self::Database as Database>::Row, index: usize) -> Cell<'_>;

    /// A text as a literal.
    fn text(text: &str) -> String;

    /// Bytes as a literal, out of their hex.
    fn bytes(hex: &str) -> String;
}

/// A connection that reads.
#[async_trait]
pub(super) trait Session: Send + Sized {
    /// As the engine's.
    type Database: Database;

    /// The columns of a collection's query, without running it.
    async fn columns(&mut self, query: &str) -> Result<Vec<Column>, Said>;

    /// Runs a statement.
    fn rows(&mut self, sql: String) -> Rows<'_, Self::Database>;

    /// Closes the connection, and shows that what was read was one state of the database.
    async fn finish(self) -> Result<(), Said>;
}

/// A column of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    /// The column itself as SQL.
    pub(super) sql: String,
    /// What is selected of it, as SQL.
    pub(super) select: String,
    pub(super) holds: Holds,
}

/// What a column holds, as far as looking digests up in it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Text,
    Bytes,
    /// Text in one row and bytes in another.
    Either,
    /// What neither text nor bytes can be compared with.
    Other,
}
