//! [`Driver`]: how the library for one kind of database takes statements and gives rows.

use futures::future::BoxFuture;
use sqlx::mysql::{MySql, MySqlDatabaseError, MySqlRow};
use sqlx::postgres::{PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, Database, Row as _};

use super::statement::{Statement, Value};
use super::{Dialect, Stored};

/// One kind of database.
pub(in crate::ledger) trait Driver: Database + Sized {
    const DIALECT: Dialect;

    /// Begins a transaction that will write.
    const BEGIN: &'static str;

    /// Begins a transaction that reads, where even one statement needs one.
    const READ: Option<&'static str>;

    fn fetch<'a>(
        connection: &'a mut Self::Connection,
        statement: &'a Statement,
    ) -> BoxFuture<'a, sqlx::Result<Vec<Row>>>;

    /// Gives how many rows it changed or found as they are to be.
    fn execute<'a>(
        connection: &'a mut Self::Connection,
        statement: &'a Statement,
    ) -> BoxFuture<'a, sqlx::Result<u64>>;
}

/// A row, of which the reader knows the types.
pub(in crate::ledger) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
    MySql(MySqlRow),
}

macro_rules! read {
    ($row:expr, $column:expr) => {
        match $row {
            Row::Sqlite(row) => row.try_get_unchecked($column)?,
            Row::Postgres(row) => row.try_get_unchecked($column)?,
            Row::MySql(row) => row.try_get_unchecked($column)?,
        }
    };
}

impl Row {
    pub(in crate::ledger) fn int(&self, column: usize) -> Stored<i64> {
        Ok(read!(self, column))
    }

    pub(in crate::ledger) fn optional_int(&self, column: usize) -> Stored<Option<i64>> {
        Ok(read!(self, column))
    }

    pub(in crate::ledger) fn text(&self, column: usize) -> Stored<String> {
        Ok(read!(self, column))
    }

    pub(in crate::ledger) fn optional_text(&self, column: usize) -> Stored<Option<String>> {
        Ok(read!(self, column))
    }
}

macro_rules! driver {
    ($database:ident, $row:ident, $begin:expr, $read:expr, $names:literal) => {
        impl Driver for $database {
            const DIALECT: Dialect = Dialect::$database;
            const BEGIN: &'static str = $begin;
            const READ: Option<&'static str> = $read;

            fn fetch<'a>(
                connection: &'a mut Self::Connection,
                statement: &'a Statement,
            ) -> BoxFuture<'a, sqlx::Result<Vec<Row>>> {
                Box::pin(async move {
                    let text = AssertSqlSafe(Dialect::$database.spell(&statement.text));
                    let query = sqlx::query_with(text, bound::<$database>(&statement.values)?)
                        .persistent($names && statement.recurs);
                    let rows = query.fetch_all(connection).await?;
                    Ok(rows.into_iter().map(Row::$database).collect())
                })
            }

            fn execute<'a>(
                connection: &'a mut Self::Connection,
                statement: &'a Statement,
            ) -> BoxFuture<'a, sqlx::Result<u64>> {
                Box::pin(async move {
                    let text = AssertSqlSafe(Dialect::$database.spell(&statement.text));
                    let query = sqlx::query_with(text, bound::<$database>(&statement.values)?)
                        .persistent($names && statement.recurs);
                    Ok(query.execute(connection).await?.rows_affected())
                })
            }
        }
    };
}

/// A pooler may give each transaction another connection to the server, and each connection to
/// others in between. So nothing is prepared under a name, no statement stands outside of a
/// transaction (it is sent in two halves), and every setting ends with it. One whose process was
/// stopped, or whose machine is gone, must not hold its locks for long.
const POSTGRES_BEGIN: &str = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '20s'; \
                              SET LOCAL lock_timeout = '20s'";
const POSTGRES_READ: &str =
    "BEGIN READ ONLY; SET LOCAL idle_in_transaction_session_timeout = '20s'";

driver!(Sqlite, SqliteRow, "BEGIN IMMEDIATE", None, true);
driver!(Postgres, PgRow, POSTGRES_BEGIN, Some(POSTGRES_READ), false);
driver!(MySql, MySqlRow, "BEGIN", None, true);

fn bound<DB: Database>(values: &[Value]) -> sqlx::Result<DB::Arguments>
where
    for<'t> Option<i64>: sqlx::Encode<'t, DB> + sqlx::Type<DB>,
    for<'t> Option<&'t str>: sqlx::Encode<'t, DB> + sqlx::Type<DB>,
{
    let mut arguments = DB::Arguments::default();
    for value in values {
        match value {
            Value::Int(value) => arguments.add(*value),
            Value::Text(value) => arguments.add(value.as_deref()),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The connection is gone: another one may do.
    Broken,
    /// Somebody else was in the way: again may do.
    Conflict,
    Other,
}

impl Trouble {
    pub(super) fn of(error: &sqlx::Error) -> Self {
        use sqlx::Error::{Io, Protocol, WorkerCrashed};
        if matches!(error, Io(_) | Protocol(_) | WorkerCrashed) {
            return Self::Broken;
        }
        let Some(database) = error.as_database_error() else { return Self::Other };
        if let Some(mysql) = database.try_downcast_ref::<MySqlDatabaseError>() {
            return match mysql.number() {
                // The server shuts down, or somebody ended the connection.
                1053 | 1927 | 4031 => Self::Broken,
                // A row changed since it was read, a lock that did not come, a deadlock.
                1020 | 1205 | 1213 => Self::Conflict,
                _ => Self::Other,
            };
        }
        match database.code().as_deref() {
            // The server shuts down, or ended an idle connection or transaction.
            Some("57P01" | "57P02" | "57P03" | "57P05" | "25P03") => Self::Broken,
            // No serial order, a deadlock, a lock that did not come.
            Some("40001" | "40P01" | "55P03") => Self::Conflict,
            _ => Self::Other,
        }
    }
}
