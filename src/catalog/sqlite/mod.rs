//! Catalogs in a `SQLite` file. How it is read without a trace stands in `file.rs`.

mod error;
mod file;
mod session;

use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{Sqlite, SqliteQueryResult, SqliteRow, SqliteValueRef};
use sqlx::{Decode, Row, TypeInfo, ValueRef};

use super::CatalogError;
use super::cell::Cell;
use super::engine::Engine;
use super::query;
use super::reading::collect;
use super::said::Said;

use session::SqliteSession;

pub(super) use error::said;
pub(super) use session::CatalogFile;

/// The names of collections in the tables of preset `restock`.
pub(super) async fn preset_collections(file: &CatalogFile) -> Result<Vec<String>, CatalogError> {
    // All tables and columns that the queries of the preset read.
    let probe = "SELECT o.digest, o.name, o.size, o.updated_at, o.collection, s.digest, s.url \
                 FROM objects AS o, sources AS s LIMIT 0";
    let mut session = file.connect().await?;
    match session.prepare(probe.to_owned()).await {
        Ok(_) => {}
        Err(said) if said.is_of_statement => {
            return Err(file.refuse(said.advising(
                "it lacks the tables of preset \"restock\": check `url` in [catalog], or set \
                 preset \"custom\" there",
            )));
        }
        Err(said) => return Err(file.refuse(said)),
    }
    let names = "SELECT DISTINCT collection FROM objects";
    let name = |row: &SqliteRow| Some(CatalogFile::cell(row, 0).shown().unwrap_or_default());
    collect(file, names, name, || {}, usize::MAX).await.map_err(|failure| failure.of_catalog(file))
}

#[async_trait]
impl Engine for CatalogFile {
    type Database = Sqlite;
    type Session = SqliteSession;

    // Days since noon of 24 November 4714 BC, of which 2440587.5 lie before 1970.
    const NOW: &'static str = "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";

    fn identity(&self) -> &str {
        &self.identity
    }

    fn statement_timeout(&self) -> Duration {
        self.statement_timeout
    }

    async fn open(&self) -> Result<SqliteSession, CatalogError> {
        self.connect().await
    }

    fn cannot_open(&self, said: Said) -> CatalogError {
        self.refuse(said)
    }

    fn said(&self, error: &sqlx::Error) -> Said {
        said(error)
    }

    fn told(_: &SqliteQueryResult) -> Option<u64> {
        None
    }

    /// By the type that the value has itself: a column may hold another one in every row, whatever
    /// it was declared as.
    fn cell(row: &SqliteRow, index: usize) -> Cell<'_> {
        let Ok(value) = row.try_get_raw(index) else { return Cell::UNREAD };
        if value.is_null() {
            return Cell::Null;
        }
        match Kind::of(&value) {
            Kind::Integer => {
                <i64 as Decode<'_, Sqlite>>::decode(value).map_or(Cell::UNREAD, Cell::Integer)
            }
            Kind::Real => {
                <f64 as Decode<'_, Sqlite>>::decode(value).map_or(Cell::UNREAD, Cell::Real)
            }
            Kind::Text => match <&[u8] as Decode<'_, Sqlite>>::decode(value) {
                Ok(bytes) => str::from_utf8(bytes).map_or(Cell::Garbled(bytes), Cell::Text),
                Err(_) => Cell::UNREAD,
            },
            Kind::Bytes => <&[u8] as Decode<'_, Sqlite>>::decode(value)
                .map_or(Cell::UNREAD, |bytes| Cell::Bytes(bytes.into())),
        }
    }

    fn text(text: &str) -> String {
        query::literal(text)
    }

    fn bytes(hex: &str) -> String {
        format!("X'{hex}'")
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Integer,
    Real,
    Text,
    Bytes,
}

impl Kind {
    fn of(value: &SqliteValueRef<'_>) -> Self {
        match value.type_info().name() {
            "INTEGER" => Self::Integer,
            "REAL" => Self::Real,
            "TEXT" => Self::Text,
            _ => Self::Bytes,
        }
    }
}
