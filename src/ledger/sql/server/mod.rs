//! A ledger on a server, `PostgreSQL`, MySQL or MariaDB: what its database must hold, and its
//! connections.

mod address;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::mysql::{MySql, MySqlConnection, MySqlPoolOptions};
use sqlx::postgres::{PgPoolOptions, PgSslMode, Postgres};
use sqlx::{ConnectOptions, Connection, Database, Executor, Pool, pool::PoolOptions};
use tokio::time::timeout;

use super::driver::Driver;
use super::engine::{Engine, Pools};
use super::schema::{self, NEWEST, SERVER_VERSIONS};
use super::statement::Statement;
use super::{Dialect, Opened};
use crate::database::{Product, lacks_tls};
use crate::ledger::place::OpenError;

pub(in crate::ledger) use address::Server;

/// How long connecting may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// How long the users of a connection wait for their turn: one that keeps a large pass takes some
/// seconds.
const QUEUE_PATIENCE: Duration = Duration::from_secs(30);

/// How long one statement may take; then the connection is given up.
const STATEMENT_PATIENCE: Duration = Duration::from_mins(1);

/// Connections that read beside the one that writes. On `PostgreSQL` the same one does both: a
/// pooler that keeps sessions together may have few of them, and the lease needs one for itself.
const MYSQL_READERS: u32 = 3;
const POSTGRES_READERS: u32 = 0;

/// Connections that nobody uses are closed after this time: before a server does it.
const IDLE: Duration = Duration::from_secs(30);

/// Each connection begins with these. A transaction whose process was stopped, or whose machine is
/// gone, must not hold its locks for long.
const MYSQL_SETTINGS: &str = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), \
                              autocommit = 1, wait_timeout = 60, innodb_lock_wait_timeout = 20";

/// The tables in the place where new ones would be made.
const POSTGRES_TABLES: &str = "SELECT CAST(relname AS TEXT) FROM pg_catalog.pg_class \
     JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace \
     WHERE nspname = current_schema() AND relkind IN ('r', 'p') ORDER BY 1 LIMIT 100";
const MYSQL_TABLES: &str = "SELECT table_name FROM information_schema.tables \
     WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY 1 LIMIT 100";

/// One process at a time makes the tables of a database. `PostgreSQL` lets go with the transaction
/// that all of it happens in.
const POSTGRES_LOCK: &str =
    "SELECT CAST(pg_advisory_xact_lock(hashtext('restock ledger')) AS TEXT)";
const MYSQL_LOCK: &str = "SELECT GET_LOCK(CONCAT('restock ', SHA1(DATABASE())), 30)";
const MYSQL_UNLOCK: &str = "SELECT RELEASE_LOCK(CONCAT('restock ', SHA1(DATABASE())))";

/// A row where the connection is encrypted. `PostgreSQL` would tell of a pooler's connection.
const MYSQL_ENCRYPTED: &str =
    "SHOW SESSION STATUS WHERE Variable_name = 'Ssl_cipher' AND Value <> ''";

/// Tables of somebody else that are told.
const TABLES_TOLD: usize = 5;

/// Opens the database, and brings its schema up to date; the database itself must be there. `name`
/// is how errors call it.
pub(in crate::ledger) async fn open(server: &Server, name: String) -> Result<Opened, OpenError> {
    let malformed = |problem| OpenError::MalformedServerUrl { problem };
    server.check_files().await.map_err(malformed)?;
    let (encrypted, readers) = match server.address.product {
        // Boxed, for they are large.
        Product::Postgres => (Box::pin(prepare_postgres(server)).await?, POSTGRES_READERS),
        Product::MySql => (Box::pin(prepare_mysql(server)).await?, MYSQL_READERS),
    };
    let engine = connections(server, readers, STATEMENT_PATIENCE);
    Ok(Opened { name, engine, remarks: remark(server, encrypted).into_iter().collect() })
}

/// What is doubtful about the connection to another machine.
fn remark(server: &Server, encrypted: bool) -> Option<String> {
    let place = &server.address.place;
    if place.is_local() || (encrypted && server.tls.mode.verifies()) {
        return None;
    }
    let (how, who) = if encrypted {
        ("not verified", "whoever stands on the way may take its place, reads")
    } else {
        ("not encrypted", "whoever listens on the way reads")
    };
    Some(format!(
        "the connection to the ledger at {place} is {how}: {who} the password and may change what \
         restock remembers; add sslmode=verify-full to `ledger.url`"
    ))
}

/// Connections to a database that was opened before; without readers of their own, one for all. A
/// statement that takes longer than `patience` fails, and its connection is given up.
pub(in crate::ledger) fn connections(
    server: &Server,
    readers: u32,
    patience: Duration,
) -> Arc<dyn Engine> {
    match server.address.product {
        Product::Postgres => {
            let pool = |size| {
                let options = server.postgres_options(server.postgres_mode());
                pool_options(PgPoolOptions::new(), size).connect_lazy_with(options)
            };
            pools(server, pool, readers, patience)
        }
        Product::MySql => {
            let pool = |size| {
                let setting = MySqlPoolOptions::new().after_connect(|connection, _| {
                    Box::pin(async { connection.execute(MYSQL_SETTINGS).await.map(drop) })
                });
                pool_options(setting, size).connect_lazy_with(server.mysql_options())
            };
            pools(server, pool, readers, patience)
        }
    }
}

fn pool_options<DB: Database>(options: PoolOptions<DB>, size: u32) -> PoolOptions<DB> {
    options
        .min_connections(0)
        .max_connections(size)
        .idle_timeout(IDLE)
        .acquire_timeout(QUEUE_PATIENCE)
        .test_before_acquire(true)
}

fn pools<DB: Driver>(
    server: &Server,
    pool: impl Fn(u32) -> Pool<DB>,
    readers: u32,
    patience: Duration,
) -> Arc<dyn Engine> {
    let write = pool(1);
    let read = if readers == 0 { write.clone() } else { pool(readers) };
    let server = server.clone();
    Arc::new(Pools {
        write,
        read,
        patience: Some(patience),
        explain: Arc::new(move |error| trouble::explained(&server, error)),
    })
}

/// Refuses what is no ledger before anything is made in it, then migrates. Tells whether the
/// connection is encrypted: where that is left to the server, it is tried first.
async fn prepare_postgres(server: &Server) -> Result<bool, OpenError> {
    let asked = server.postgres_mode();
    let is_left_open = matches!(asked, PgSslMode::Prefer);
    let mode = if is_left_open { PgSslMode::Require } else { asked };
    let connect = async |mode| connected(server, server.postgres_options(mode).connect()).await;
    let (mut connection, encrypted) = match connect(mode).await {
        Err(OpenError::Server { source, .. }) if is_left_open && lacks_tls(&source) => {
            (connect(PgSslMode::Disable).await?, false)
        }
        done => (done?, !matches!(mode, PgSslMode::Disable)),
    };
    let failed = |source| refused(server, source);
    let mut reading = connection.begin_with(Postgres::BEGIN).await.map_err(failed)?;
    let found = version::<Postgres>(&mut reading, server).await?;
    reading.rollback().await.map_err(failed)?;
    if is_outdated(found)? {
        let mut making = connection.begin_with(Postgres::BEGIN).await.map_err(failed)?;
        Postgres::fetch(&mut making, &Statement::new(POSTGRES_LOCK)).await.map_err(failed)?;
        let migrated = schema::migrate(&mut *making, Dialect::Postgres).await;
        explained(server, migrated)?;
        // The library has named them, and the connection may be somebody else's next.
        making.clear_cached_statements().await.map_err(failed)?;
        making.commit().await.map_err(failed)?;
    }
    connection.close().await.map_err(failed)?;
    Ok(encrypted)
}

/// The same for the other product.
async fn prepare_mysql(server: &Server) -> Result<bool, OpenError> {
    let mut connection = connected(server, server.mysql_options().connect()).await?;
    if is_outdated(version::<MySql>(&mut connection, server).await?)? {
        let locked = lock_migrations(&mut connection).await;
        locked.map_err(|source| refused(server, source))?;
        let migrated = schema::migrate(&mut connection, Dialect::MySql).await;
        // It ends with the connection too.
        drop(MySql::fetch(&mut connection, &Statement::new(MYSQL_UNLOCK)).await);
        explained(server, migrated)?;
    }
    let failed = |source| refused(server, source);
    let encrypted = Statement::new(MYSQL_ENCRYPTED);
    let row = MySql::fetch(&mut connection, &encrypted).await.map_err(failed)?;
    connection.close().await.map_err(failed)?;
    Ok(!row.is_empty())
}

async fn connected<C>(
    server: &Server,
    connecting: impl Future<Output = sqlx::Result<C>>,
) -> Result<C, OpenError> {
    let connected = timeout(CONNECT_PATIENCE, connecting).await;
    let timed_out = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    connected.map_err(timed_out).flatten().map_err(|source| refused(server, source))
}

/// Whether the tables have to be made or changed.
fn is_outdated(found: Option<i64>) -> Result<bool, OpenError> {
    match found {
        Some(found) if found > NEWEST => Err(schema::newer(found)),
        Some(NEWEST) => Ok(false),
        Some(_) | None => Ok(true),
    }
}

/// A database's own refusal, with what to do about it.
fn explained(server: &Server, migrated: Result<(), OpenError>) -> Result<(), OpenError> {
    match migrated {
        Err(OpenError::Migrate(
            MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _),
        )) => Err(refused(server, source)),
        migrated => migrated,
    }
}

/// Waits until no other process migrates, and throws away what one that crashed half way has
/// noted: its migration can be repeated. The library's own lock does not wait on MariaDB.
async fn lock_migrations(connection: &mut MySqlConnection) -> sqlx::Result<()> {
    let rows = MySql::fetch(connection, &Statement::new(MYSQL_LOCK)).await?;
    let locked = rows.first().map(|row| row.optional_int(0)).transpose();
    if locked.map_err(sqlx::Error::Decode)?.flatten() != Some(1) {
        return Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
    }
    let tables = tables::<MySql>(connection).await?;
    if tables.iter().any(|table| table == SERVER_VERSIONS) {
        let sql = format!("DELETE FROM {SERVER_VERSIONS} WHERE success = FALSE");
        MySql::execute(connection, &Statement::new(sql)).await?;
    }
    Ok(())
}

/// The version of the ledger's schema; `None` where there is none yet. Refuses a database that
/// holds other tables.
async fn version<DB: Driver>(
    connection: &mut DB::Connection,
    server: &Server,
) -> Result<Option<i64>, OpenError> {
    let failed = |source| refused(server, source);
    let tables = tables::<DB>(connection).await.map_err(failed)?;
    if tables.is_empty() {
        return Ok(None);
    }
    let is_ledger = |tables: &[String]| tables.iter().any(|table| table == SERVER_VERSIONS);
    // Asked twice: another process may make the ledger just now, and it makes this table first.
    if !is_ledger(&tables) && !is_ledger(&self::tables::<DB>(connection).await.map_err(failed)?) {
        let told: Vec<_> = tables.into_iter().take(TABLES_TOLD).collect();
        let (place, database) = (server.address.place.to_string(), server.address.database.clone());
        return Err(OpenError::NotADatabaseOfOurs { place, database, tables: told.join(", ") });
    }
    let sql = format!("SELECT MAX(version) FROM {SERVER_VERSIONS} WHERE success = TRUE");
    let rows = DB::fetch(connection, &Statement::new(sql)).await.map_err(failed)?;
    let found = rows.first().map(|row| row.optional_int(0)).transpose();
    let found = found.map_err(|source| failed(sqlx::Error::Decode(source)))?;
    Ok(found.flatten())
}

async fn tables<DB: Driver>(connection: &mut DB::Connection) -> sqlx::Result<Vec<String>> {
    let sql = match DB::DIALECT {
        Dialect::MySql => MYSQL_TABLES,
        Dialect::Postgres | Dialect::Sqlite => POSTGRES_TABLES,
    };
    let rows = DB::fetch(connection, &Statement::new(sql)).await?;
    rows.iter().map(|row| row.text(0).map_err(sqlx::Error::Decode)).collect()
}

fn refused(server: &Server, source: sqlx::Error) -> OpenError {
    let hint = trouble::hint(server, &source).map(|hint| format!(": {hint}"));
    let place = server.address.place.to_string();
    OpenError::Server { place, hint: hint.unwrap_or_default(), source }
}
