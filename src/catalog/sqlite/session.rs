//! [`SqliteSession`]: one read-only connection to a catalog file, for one statement.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqliteConnection};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions, Connection, Executor, SqlSafeStr, Statement,
};
use tokio::time::timeout;

use super::error;
use super::file::{FileProblem, Stamp, Stance};
use crate::catalog::CatalogError;
use crate::catalog::engine::{Column, Holds, Rows, Session};
use crate::catalog::query::{identifier, wrap};
use crate::catalog::said::Said;

/// Steps of the engine between two looks at whether anybody still wants the answer.
const STEPS_PER_LOOK: i32 = 10_000;

/// The longest wait for a lock; the engine counts milliseconds in 31 bits.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// Rows that the engine's thread may be ahead. With 50, the library's own number, a quarter of the
/// time of a scan goes into waking each other up; more than this gains nothing.
const ROWS_AHEAD: usize = 256;

/// A catalog file and how patiently it is read.
#[derive(Debug, Clone)]
pub(in crate::catalog) struct CatalogFile {
    /// Absolute, without symlinks.
    pub(in crate::catalog) path: PathBuf,
    /// The path as a URL.
    pub(in crate::catalog) identity: String,
    /// The path as messages show it.
    pub(in crate::catalog) shown: String,
    pub(in crate::catalog) connect_timeout: Duration,
    pub(in crate::catalog) statement_timeout: Duration,
}

/// A connection that reads.
pub(in crate::catalog) struct SqliteSession {
    connection: SqliteConnection,
    /// Interrupts what is still computed when the session is dropped.
    interrupt: Interrupt,
    stamp: Option<Stamp>,
    file: CatalogFile,
}

struct Interrupt(Arc<AtomicBool>);

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl CatalogFile {
    /// Opens the file as [`Stance`] says.
    pub(super) async fn connect(&self) -> Result<SqliteSession, CatalogError> {
        let stance = Stance::of(&self.path).await.map_err(|problem| self.unusable(problem))?;
        let options = SqliteConnectOptions::new()
            .filename(&self.path)
            .read_only(true)
            .immutable(matches!(stance, Stance::Still(_)))
            .busy_timeout(self.connect_timeout.min(LONGEST_WAIT))
            .row_buffer_size(ROWS_AHEAD)
            .pragma("query_only", "1")
            .disable_statement_logging();
        let limit = self.connect_timeout;
        let Ok(connected) = timeout(limit, options.connect()).await else {
            return Err(self.refuse(Said::timed_out("opening", "connect_timeout", limit)));
        };
        let mut connection = connected.map_err(|error| self.refuse(error::said(&error)))?;
        let interrupted = Arc::new(AtomicBool::new(false));
        let interrupt = Interrupt(Arc::clone(&interrupted));
        connection
            .lock_handle()
            .await
            .map_err(|error| self.refuse(error::said(&error)))?
            .set_progress_handler(STEPS_PER_LOOK, move || !interrupted.load(Ordering::Relaxed));
        let stamp = match stance {
            Stance::Locked => None,
            Stance::Still(stamp) => Some(stamp),
        };
        Ok(SqliteSession { connection, interrupt, stamp, file: self.clone() })
    }

    fn unusable(&self, problem: FileProblem) -> CatalogError {
        let catalog = self.shown.clone();
        let hint = match &problem {
            FileProblem::Absent => {
                let hint = "check `url` in [catalog]; `restock import` makes a new one".to_owned();
                return CatalogError::Absent { catalog, hint };
            }
            FileProblem::NotSqlite => "check `url` in [catalog]",
            FileProblem::DetachedLog => {
                "open it once with the program that writes it, or with `sqlite3`"
            }
            FileProblem::Io(_) => "check that this user may read the file and enter its folder",
        };
        CatalogError::Connect { catalog, hint: hint.to_owned(), source: Box::new(problem) }
    }

    /// What was said as the failure to open this file.
    pub(super) fn refuse(&self, said: Said) -> CatalogError {
        let hint = said.hint.clone().unwrap_or("check `url` in [catalog]".into()).into_owned();
        CatalogError::Connect { catalog: self.shown.clone(), hint, source: Box::new(said) }
    }
}

impl SqliteSession {
    /// The columns of a statement, without running it.
    pub(super) async fn prepare(&mut self, sql: String) -> Result<Vec<String>, Said> {
        let limit = self.file.statement_timeout;
        let prepare = self.connection.prepare(AssertSqlSafe(sql).into_sql_str());
        let statement = match timeout(limit, prepare).await {
            Ok(prepared) => prepared.map_err(|error| error::said(&error))?,
            Err(_) => return Err(Said::timed_out("the statement", "statement_timeout", limit)),
        };
        Ok(statement.columns().iter().map(|column| column.name().to_owned()).collect())
    }
}

#[async_trait]
impl Session for SqliteSession {
    type Database = Sqlite;

    async fn columns(&mut self, query: &str) -> Result<Vec<Column>, Said> {
        let names = self.prepare(wrap("*", query, " LIMIT 0")).await?;
        let column = |name: String| {
            let sql = identifier(&name);
            Column { name, select: sql.clone(), sql, holds: Holds::Either }
        };
        Ok(names.into_iter().map(column).collect())
    }

    fn rows(&mut self, sql: String) -> Rows<'_, Sqlite> {
        self.connection.fetch_many(sqlx::query(AssertSqlSafe(sql)).persistent(false))
    }

    async fn finish(self) -> Result<(), Said> {
        let Self { connection, interrupt, stamp, file } = self;
        drop(interrupt);
        connection.close().await.map_err(|error| error::said(&error))?;
        let Some(stamp) = stamp else { return Ok(()) };
        match Stamp::of(&file.path).await {
            Ok(now) if now == stamp => Ok(()),
            Ok(_) | Err(_) => Err(error::changed()),
        }
    }
}
