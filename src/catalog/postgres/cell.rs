//! Values as PostgreSQL sends them: a few types as they are, all others as the text that the
//! database itself makes of them.

use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgRow, PgValueRef};
use sqlx::{Row, ValueRef};

use chrono::DateTime;

use crate::catalog::cell::Cell;
use crate::catalog::engine::Holds;

// The numbers of types never change; those of a user's own types are larger.
const BOOL: u32 = 16;
const BYTEA: u32 = 17;
const NAME: u32 = 19;
const INT8: u32 = 20;
const INT2: u32 = 21;
const INT4: u32 = 23;
const TEXT: u32 = 25;
const FLOAT4: u32 = 700;
const FLOAT8: u32 = 701;
const CHAR: u32 = 1042;
const VARCHAR: u32 = 1043;
const TIMESTAMP: u32 = 1114;
const TIMESTAMPTZ: u32 = 1184;

/// From 1970 to 2000, in microseconds.
const EPOCH: i64 = 946_684_800_000_000;

/// What is selected of a column of this type.
pub(super) fn select(column: &str, oid: Option<Oid>) -> String {
    match oid.map(|Oid(number)| number) {
        Some(
            BOOL | BYTEA | NAME | INT8 | INT2 | INT4 | TEXT | FLOAT4 | FLOAT8 | VARCHAR | TIMESTAMP
            | TIMESTAMPTZ,
        ) => column.to_owned(),
        // CHAR(n) loses the blanks that fill it up.
        Some(_) | None => format!("{column}::text"),
    }
}

/// What a column of this type can be compared with.
pub(super) fn holds(oid: Option<Oid>) -> Holds {
    match oid.map(|Oid(number)| number) {
        Some(NAME | TEXT | CHAR | VARCHAR) => Holds::Text,
        Some(BYTEA) => Holds::Bytes,
        Some(_) | None => Holds::Other,
    }
}

/// A value, whatever its type.
pub(super) fn of(row: &PgRow, index: usize) -> Cell<'_> {
    match row.try_get_raw(index) {
        Ok(value) if value.is_null() => Cell::Null,
        Ok(value) => read(&value).unwrap_or(Cell::UNREAD),
        Err(_) => Cell::UNREAD,
    }
}

fn read<'a>(value: &PgValueRef<'a>) -> Option<Cell<'a>> {
    let oid = value.type_info().oid().map(|Oid(number)| number);
    let bytes = value.as_bytes().ok()?;
    Some(match oid {
        Some(BYTEA) => Cell::Bytes(bytes.into()),
        Some(BOOL) => Cell::Integer(i64::from(*bytes.first()?)),
        Some(INT8) => Cell::Integer(number(bytes)?),
        Some(INT4) => Cell::Integer(i32::from_be_bytes(bytes.try_into().ok()?).into()),
        Some(INT2) => Cell::Integer(i16::from_be_bytes(bytes.try_into().ok()?).into()),
        Some(FLOAT8) => Cell::Real(f64::from_be_bytes(bytes.try_into().ok()?)),
        Some(FLOAT4) => Cell::Real(f32::from_be_bytes(bytes.try_into().ok()?).into()),
        Some(TIMESTAMP | TIMESTAMPTZ) => time(number(bytes)?),
        _ => str::from_utf8(bytes).map_or(Cell::Garbled(bytes), Cell::Text),
    })
}

/// A time, from the microseconds since 2000. Without a zone it is UTC.
fn time(microseconds: i64) -> Cell<'static> {
    let time = microseconds.checked_add(EPOCH).and_then(DateTime::from_timestamp_micros);
    match (microseconds, time) {
        (i64::MAX, _) => Cell::Text("infinity"),
        (i64::MIN, _) => Cell::Text("-infinity"),
        (_, Some(time)) => Cell::Time(time),
        (_, None) => Cell::Text("a time beyond all calendars"),
    }
}

fn number(bytes: &[u8]) -> Option<i64> {
    Some(i64::from_be_bytes(bytes.try_into().ok()?))
}
