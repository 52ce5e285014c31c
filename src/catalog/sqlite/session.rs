//! [`Session`]: one read-only connection to a catalog file, for one statement.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Executor, SqlSafeStr, Statement};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::error::Said;
use super::file::{FileProblem, Stamp, Stance};
use crate::catalog::CatalogError;

/// Steps of the engine between two looks at whether anybody still wants the answer.
const STEPS_PER_LOOK: i32 = 10_000;

/// The longest wait for a lock; the engine counts milliseconds in 31 bits.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// Rows that the engine's thread may be ahead. With 50, the library's own number, a quarter of the
/// time of a scan goes into waking each other up; more than this gains nothing.
const ROWS_AHEAD: usize = 256;

/// Rows taken from the engine at once, where it has them.
const ROWS_AT_ONCE: usize = 100;

/// Rows in a batch, at most.
const BATCH_ROWS: usize = 1000;

/// Bytes of text at which a batch ends: rows with very long URLs come in smaller batches.
const BATCH_BYTES: usize = 1 << 20;

/// A catalog file and how patiently it is read.
#[derive(Debug, Clone)]
pub(in crate::catalog) struct CatalogFile {
    /// Absolute, without symlinks.
    pub(in crate::catalog) path: PathBuf,
    /// As messages show it.
    pub(in crate::catalog) shown: String,
    pub(in crate::catalog) connect_timeout: Duration,
    pub(in crate::catalog) statement_timeout: Duration,
}

/// A statement with its arguments.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) sql: String,
    pub(super) arguments: Vec<Argument>,
}

/// An argument of a statement.
#[derive(Debug, Clone)]
pub(super) enum Argument {
    Text(String),
    Bytes(Vec<u8>),
}

/// A connection that reads.
pub(super) struct Session {
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

impl Question {
    /// A statement without arguments.
    pub(super) fn plain(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), arguments: Vec::new() }
    }
}

impl CatalogFile {
    /// Opens the file as [`Stance`] says.
    pub(super) async fn open(&self) -> Result<Session, CatalogError> {
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
            return Err(self.cannot_open(Said::timed_out("opening", "connect_timeout", limit)));
        };
        let mut connection = connected.map_err(|error| self.cannot_open(Said::of(&error)))?;
        let interrupted = Arc::new(AtomicBool::new(false));
        let interrupt = Interrupt(Arc::clone(&interrupted));
        connection
            .lock_handle()
            .await
            .map_err(|error| self.cannot_open(Said::of(&error)))?
            .set_progress_handler(STEPS_PER_LOOK, move || !interrupted.load(Ordering::Relaxed));
        let stamp = match stance {
            Stance::Locked => None,
            Stance::Still(stamp) => Some(stamp),
        };
        Ok(Session { connection, interrupt, stamp, file: self.clone() })
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
    pub(super) fn cannot_open(&self, said: Said) -> CatalogError {
        CatalogError::Connect {
            catalog: self.shown.clone(),
            hint: said.hint.unwrap_or("check `url` in [catalog]").to_owned(),
            source: Box::new(said),
        }
    }
}

impl Session {
    /// The columns of a statement, without running it.
    pub(super) async fn columns(&mut self, sql: String) -> Result<Vec<String>, Said> {
        let prepare = self.connection.prepare(AssertSqlSafe(sql).into_sql_str());
        let statement = match timeout(self.file.statement_timeout, prepare).await {
            Ok(prepared) => prepared.map_err(|error| Said::of(&error))?,
            Err(_) => return Err(self.file.too_slow()),
        };
        Ok(statement.columns().iter().map(|column| column.name().to_owned()).collect())
    }

    /// Runs a statement and sends what `decode` makes of its rows, in batches; a batch ends at
    /// [`BATCH_ROWS`] or where the weights, in bytes, reach [`BATCH_BYTES`]. Stops early where
    /// nobody listens. The time for which the listener is slow does not count.
    pub(super) async fn read<T: Send>(
        &mut self,
        question: Question,
        mut decode: impl FnMut(&SqliteRow) -> Option<(T, usize)> + Send,
        listener: &mpsc::Sender<Vec<T>>,
    ) -> Result<(), Said> {
        let mut query = sqlx::query(AssertSqlSafe(question.sql));
        for argument in question.arguments {
            query = match argument {
                Argument::Text(text) => query.bind(text),
                Argument::Bytes(bytes) => query.bind(bytes),
            };
        }
        let mut rows = query.fetch(&mut self.connection).ready_chunks(ROWS_AT_ONCE);
        let mut left = self.file.statement_timeout;
        let (mut batch, mut bytes) = (Vec::new(), 0);
        loop {
            let asked_at = Instant::now();
            let Ok(answer) = timeout(left, rows.next()).await else {
                return Err(self.file.too_slow());
            };
            left = left.saturating_sub(asked_at.elapsed());
            let Some(some_rows) = answer else { break };
            for row in some_rows {
                let row = row.map_err(|error| Said::of(&error))?;
                let Some((item, weight)) = decode(&row) else { continue };
                batch.push(item);
                bytes += weight;
                if batch.len() < BATCH_ROWS && bytes < BATCH_BYTES {
                    continue;
                }
                bytes = 0;
                if listener.send(std::mem::take(&mut batch)).await.is_err() {
                    return Ok(());
                }
            }
        }
        if !batch.is_empty() && listener.send(batch).await.is_err() {
            return Ok(());
        }
        Ok(())
    }

    /// Closes the connection and shows that what was read was one state of the file.
    pub(super) async fn finish(self) -> Result<(), Said> {
        let Self { connection, interrupt, stamp, file } = self;
        drop(interrupt);
        connection.close().await.map_err(|error| Said::of(&error))?;
        let Some(stamp) = stamp else { return Ok(()) };
        match Stamp::of(&file.path).await {
            Ok(now) if now == stamp => Ok(()),
            Ok(_) | Err(_) => Err(Said::changed()),
        }
    }
}

impl CatalogFile {
    fn too_slow(&self) -> Said {
        Said::timed_out("the statement", "statement_timeout", self.statement_timeout)
    }
}
