//! [`Columns`]: which columns a query has, and how a row of it reads.

use sqlx::sqlite::{SqliteRow, SqliteValueRef};
use sqlx::{Decode, Row, Sqlite, TypeInfo, ValueRef};

use crate::model::{CatalogRow, MalformedRow, Sources};

use crate::catalog::ScannedRow;
use crate::catalog::cell::Cell;
use crate::catalog::query::identifier;

/// The columns of a query, as SQL; `NULL` for those that it does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) digest: String,
    size: String,
    updated_at: String,
    source_url: String,
    name: String,
    reference: String,
}

impl Columns {
    /// Finds the columns by name, in any case. Refused, completing "the query of collection `x` …",
    /// where there is no digest.
    pub(super) fn find(columns: &[String]) -> Result<Self, String> {
        let find = |name: &str| {
            columns.iter().find(|column| column.eq_ignore_ascii_case(name)).map(|c| identifier(c))
        };
        let digest = find("digest").ok_or_else(|| {
            format!(
                "has no column `digest`: it has {}; write e.g. SELECT sha256 AS digest",
                columns.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ")
            )
        })?;
        let or_null = |name| find(name).unwrap_or_else(|| "NULL".to_owned());
        Ok(Self {
            digest,
            size: or_null("size"),
            updated_at: or_null("updated_at"),
            source_url: or_null("source_url"),
            name: or_null("name"),
            reference: or_null("ref"),
        })
    }

    /// What [`scanned`] reads.
    pub(super) fn for_scan(&self) -> String {
        let Self { digest, size, updated_at, source_url, name: _, reference: _ } = self;
        format!("{digest}, {size}, {updated_at}, {source_url}")
    }

    /// What [`whole`] and [`malformed`] read.
    pub(super) fn for_rows(&self) -> String {
        let Self { digest: _, size: _, updated_at: _, source_url: _, name, reference } = self;
        format!("{}, {name}, {reference}", self.for_scan())
    }
}

/// A row of a scan, and how many bytes of text it holds.
pub(super) fn scanned(row: &SqliteRow) -> (ScannedRow, usize) {
    let sources = sources(row);
    let bytes = sources.text_bytes();
    let scanned = ScannedRow {
        digest: cell(row, 0).digest().ok(),
        size: cell(row, 1).size(),
        updated_at: cell(row, 2).time().map(|time| time.timestamp()),
        sources,
    };
    (scanned, bytes)
}

/// A row whole; `None` where its digest is none.
pub(super) fn whole(row: &SqliteRow) -> Option<CatalogRow> {
    Some(CatalogRow {
        digest: cell(row, 0).digest().ok()?,
        size: cell(row, 1).size(),
        updated_at: cell(row, 2).time(),
        sources: sources(row),
        name: cell(row, 4).shown(),
        reference: cell(row, 5).shown(),
        active: true,
    })
}

fn sources(row: &SqliteRow) -> Sources {
    Sources { url: cell(row, 3).url().map(str::to_owned), ..Sources::default() }
}

/// A row whose digest is none; `None` where it is one.
pub(super) fn malformed(row: &SqliteRow) -> Option<MalformedRow> {
    let shown = cell(row, 0).digest().err()?;
    Some(MalformedRow { shown, name: cell(row, 4).shown(), reference: cell(row, 5).shown() })
}

/// Whether the digest of a row is found by a list of values.
pub(super) fn is_plainly_spelled(row: &SqliteRow) -> bool {
    let digest = cell(row, 0);
    digest.digest().is_err() || digest.is_plainly_spelled()
}

/// A value by the type that it has itself: a `SQLite` column may hold another one in every row,
/// whatever it was declared as.
pub(super) fn cell(row: &SqliteRow, index: usize) -> Cell<'_> {
    let Ok(value) = row.try_get_raw(index) else { return Cell::Null };
    if value.is_null() {
        return Cell::Null;
    }
    let kind = Kind::of(&value);
    match kind {
        Kind::Integer => {
            <i64 as Decode<'_, Sqlite>>::decode(value).map_or(Cell::Null, Cell::Integer)
        }
        Kind::Real => <f64 as Decode<'_, Sqlite>>::decode(value).map_or(Cell::Null, Cell::Real),
        Kind::Text => match <&[u8] as Decode<'_, Sqlite>>::decode(value) {
            Ok(bytes) => str::from_utf8(bytes).map_or(Cell::Garbled(bytes), Cell::Text),
            Err(_) => Cell::Null,
        },
        Kind::Bytes => <&[u8] as Decode<'_, Sqlite>>::decode(value).map_or(Cell::Null, Cell::Bytes),
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
