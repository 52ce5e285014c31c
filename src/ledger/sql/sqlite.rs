//! A ledger in a `SQLite` file: who may read it, what it must hold, and its connections.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::time::Instant;

use super::engine::Pools;
use super::{Dialect, Opened, schema};
use crate::ledger::place::OpenError;

/// "rstk" in ASCII, as the first migration sets it.
const APPLICATION_ID: i64 = 0x7273_746b;

/// How long a statement waits for another process to finish its own. A pass with 100,000 findings
/// is written in a few seconds even by slow machines.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How often the switch to WAL is tried again; `SQLite` does not wait by itself there.
const WAL_RETRY: Duration = Duration::from_millis(20);

/// Bytes of the write-ahead log that stay on disk after a checkpoint.
const JOURNAL_SIZE_LIMIT_BYTES: &str = "16777216";

/// Connections that read beside the one that writes.
const READERS: u32 = 4;

/// Files are opened one at a time in a process. When a process closes any descriptor of a file,
/// `SQLite`'s locks on it in that process are gone; so nobody may make a file while another
/// connection already uses it.
static OPENING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Opens the file, made with mode 0600 if it is absent, and brings its schema up to date. `name` is
/// how errors call it.
pub(in crate::ledger) async fn open(file: &Path, name: String) -> Result<Opened, OpenError> {
    let _opening = OPENING.lock().await;
    require_folder(file)?;
    create(file)?;
    let options = SqliteConnectOptions::new()
        .filename(file)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .pragma("journal_size_limit", JOURNAL_SIZE_LIMIT_BYTES)
        .disable_statement_logging();
    prepare(file, &options).await?;
    let pool = |connections| {
        // A file does not hang up, so there is nothing to test before each use.
        SqlitePoolOptions::new().max_connections(connections).test_before_acquire(false)
    };
    let engine = Pools::<Sqlite> {
        read: pool(READERS).connect_lazy_with(options.clone().pragma("query_only", "ON")),
        write: pool(1).connect_lazy_with(options),
        patience: None,
        explain: Arc::new(Into::into),
    };
    Ok(Opened { name, engine: Arc::new(engine), remarks: Vec::new() })
}

/// Opens the file as it stands, to be read: without a byte of its disk, and so without the log that
/// others may be writing. `None` where there is such a log, which would have to be read too.
pub(in crate::ledger) fn open_to_read(file: &Path, name: String) -> Option<Opened> {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    if std::fs::metadata(log).is_ok_and(|log| log.len() > 0) {
        return None;
    }
    let options = SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .immutable(true)
        .disable_statement_logging();
    let pool = |connections| {
        let options = options.clone();
        let pool = SqlitePoolOptions::new().max_connections(connections);
        pool.test_before_acquire(false).connect_lazy_with(options)
    };
    let engine = Pools::<Sqlite> {
        read: pool(READERS),
        write: pool(1),
        patience: None,
        explain: Arc::new(Into::into),
    };
    let remark = format!("the disk of {name} is full: the ledger is read, and nothing is kept");
    Some(Opened { name, engine: Arc::new(engine), remarks: vec![remark] })
}

fn require_folder(file: &Path) -> Result<(), OpenError> {
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if folder.is_dir() {
        return Ok(());
    }
    Err(OpenError::FolderAbsent { folder: folder.to_owned() })
}

/// Makes the file for its owner alone; `SQLite` gives its `-wal` and `-shm` files the same mode.
fn create(file: &Path) -> Result<(), OpenError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(OpenError::Create { path: file.to_owned(), source }),
    }
}

/// Refuses what is no ledger before anything is written to it, then migrates.
async fn prepare(file: &Path, options: &SqliteConnectOptions) -> Result<(), OpenError> {
    let failed = |error| refused_or_failed(file.to_owned(), error);
    let mut connection = options.connect().await.map_err(failed)?;
    let found = what_is_in(&mut connection).await.map_err(failed)?;
    if let Some(what) = found {
        return Err(OpenError::NotALedger { path: file.to_owned(), what });
    }
    switch_to_wal(&mut connection).await.map_err(failed)?;
    migrate(&mut connection).await?;
    connection.close().await.map_err(failed)
}

/// `None` for a ledger and for an empty file, which becomes one.
///
/// The tables are looked at first: another process may make the ledger in between, and tables
/// never come before the id.
async fn what_is_in(connection: &mut SqliteConnection) -> Result<Option<String>, sqlx::Error> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name LIMIT 5";
    let tables: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut *connection).await?;
    let id: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(connection).await?;
    match (id, tables.is_empty()) {
        (APPLICATION_ID, _) | (0, true) => Ok(None),
        (_, true) => Ok(Some(format!("its application id is {id:#x}"))),
        (_, false) => Ok(Some(format!("it holds the tables {}", tables.join(", ")))),
    }
}

async fn switch_to_wal(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        let switched: Result<String, _> =
            sqlx::query_scalar("PRAGMA journal_mode = WAL").fetch_one(&mut *connection).await;
        match switched {
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                tokio::time::sleep(WAL_RETRY).await;
            }
            // A file system without shared memory stays in its old mode, which works as well.
            other => return other.map(drop),
        }
    }
}

/// One transaction around all migrations, since sqlx takes no lock here: of two processes that
/// open a new ledger at once, the second waits and finds everything done.
async fn migrate(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let as_migrate = |error| OpenError::Migrate(MigrateError::Execute(error));
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(as_migrate)?;
    schema::migrate(&mut *transaction, Dialect::Sqlite).await?;
    transaction.commit().await.map_err(as_migrate)
}

fn refused_or_failed(path: PathBuf, source: sqlx::Error) -> OpenError {
    // SQLITE_NOTADB
    if primary_code(&source) == Some(26) {
        return OpenError::NotALedger { path, what: "it is no SQLite database".to_owned() };
    }
    OpenError::Database { path, source }
}

fn is_busy(error: &sqlx::Error) -> bool {
    // SQLITE_BUSY and SQLITE_LOCKED
    matches!(primary_code(error), Some(5 | 6))
}

/// The low byte of the extended code that sqlx gives.
fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}
