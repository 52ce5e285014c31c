//! [`EmbeddedCatalog`]: the writing side of restock's own catalog, for `import` and `demo` alone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, SqlSafeStr};

use crate::model::Digest;

use super::CatalogError;
use super::said::Said;
use super::sqlite;

/// `application_id` of the file's header, "rstk"; the first migration writes it.
const APPLICATION_ID: i64 = 0x7273_746b;

/// How long another writer is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// An object to register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The SHA-256 of its bytes.
    pub digest: Digest,
    /// The name that people know it by.
    pub name: Option<String>,
    /// Size in bytes, where it is known.
    pub size: Option<u64>,
    /// The collection of a new row; a row that is there keeps its own.
    pub collection: String,
    /// Where the bytes can be had again.
    pub source_url: Option<String>,
}

/// What a registration changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Registered {
    /// There is a row that was not there before.
    pub new_object: bool,
    /// There is a source that was not there before.
    pub new_source: bool,
}

/// restock's own catalog, open for writing.
pub struct EmbeddedCatalog {
    connection: SqliteConnection,
    path: PathBuf,
}

impl EmbeddedCatalog {
    /// Opens the catalog, or makes it if the file is absent or empty. A `SQLite` file that restock
    /// did not make is refused and left as it is.
    pub async fn create_or_open(path: &Path) -> Result<Self, CatalogError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        let connection =
            options.connect().await.map_err(|error| refuse(path, sqlite::said(&error)))?;
        let mut catalog = Self { connection, path: path.to_owned() };
        catalog.claim().await?;
        Ok(catalog)
    }

    /// Makes sure that the file is restock's or nobody's, and brings its tables up to date.
    async fn claim(&mut self) -> Result<(), CatalogError> {
        let sql = "SELECT application_id, (SELECT count(*) FROM sqlite_schema) \
                   FROM pragma_application_id";
        let (application, tables): (i64, i64) = sqlx::query_as(sql)
            .fetch_one(&mut self.connection)
            .await
            .map_err(|error| refuse(&self.path, sqlite::said(&error)))?;
        // restock's own migration table may stand alone after a crash.
        if application != APPLICATION_ID && tables > 0 && !self.only_migrations().await? {
            let said = Said::plain("the file is a SQLite database that restock did not make")
                .advising("give another path: restock writes to its own catalogs alone");
            return Err(refuse(&self.path, said));
        }
        migrator().run(&mut self.connection).await.map_err(|error| CatalogError::Connect {
            catalog: self.path.display().to_string(),
            hint: "its tables cannot be brought up to date".to_owned(),
            source: Box::new(error),
        })
    }

    async fn only_migrations(&mut self) -> Result<bool, CatalogError> {
        let sql = "SELECT count(*) FROM sqlite_schema WHERE tbl_name <> '_sqlx_migrations'";
        let others: i64 = sqlx::query_scalar(sql)
            .fetch_one(&mut self.connection)
            .await
            .map_err(|error| self.cannot_write(&error))?;
        Ok(others == 0)
    }

    /// Registers objects, all of them or none. What is there stays as it is: only an unknown name
    /// or size is filled in, and new sources are added. Tells what changed, in the same order.
    pub async fn register(
        &mut self,
        registrations: &[Registration],
    ) -> Result<Vec<Registered>, CatalogError> {
        let path = &self.path;
        let cannot_write = |error: sqlx::Error| write_error(path, &error);
        let mut changes = Vec::with_capacity(registrations.len());
        let mut transaction =
            self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(cannot_write)?;
        for registration in registrations {
            let change = register(&mut transaction, registration).await.map_err(cannot_write)?;
            changes.push(change);
        }
        transaction.commit().await.map_err(cannot_write)?;
        Ok(changes)
    }

    /// The collection of a digest's row, where there is one.
    pub async fn collection_of(&mut self, digest: &Digest) -> Result<Option<String>, CatalogError> {
        sqlx::query_scalar("SELECT collection FROM objects WHERE digest = ?")
            .bind(digest.to_string())
            .fetch_optional(&mut self.connection)
            .await
            .map_err(|error| self.cannot_write(&error))
    }

    /// Closes the file.
    pub async fn close(self) -> Result<(), CatalogError> {
        let Self { connection, path } = self;
        connection.close().await.map_err(|error| write_error(&path, &error))
    }

    fn cannot_write(&self, error: &sqlx::Error) -> CatalogError {
        write_error(&self.path, error)
    }
}

async fn register(
    connection: &mut SqliteConnection,
    registration: &Registration,
) -> Result<Registered, sqlx::Error> {
    let Registration { digest, name, size, collection, source_url } = registration;
    let digest = digest.to_string();
    let size = size.and_then(|size| i64::try_from(size).ok());
    let new_object = sqlx::query(
        "INSERT INTO objects (digest, name, size, collection) VALUES (?, ?, ?, ?) \
         ON CONFLICT (digest) DO NOTHING",
    )
    .bind(&digest)
    .bind(name)
    .bind(size)
    .bind(collection)
    .execute(&mut *connection)
    .await?
    .rows_affected()
        > 0;
    sqlx::query(
        "UPDATE objects SET name = coalesce(name, ?2), size = coalesce(size, ?3), \
         updated_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') \
         WHERE digest = ?1 AND (name IS NULL AND ?2 IS NOT NULL OR size IS NULL AND ?3 IS NOT NULL)",
    )
    .bind(&digest)
    .bind(name)
    .bind(size)
    .execute(&mut *connection)
    .await?;
    let Some(url) = source_url else { return Ok(Registered { new_object, new_source: false }) };
    let new_source = sqlx::query("INSERT OR IGNORE INTO sources (digest, url) VALUES (?, ?)")
        .bind(&digest)
        .bind(url)
        .execute(&mut *connection)
        .await?
        .rows_affected()
        > 0;
    Ok(Registered { new_object, new_source })
}

fn migrator() -> Migrator {
    let objects_and_sources =
        include_str!("../../migrations/catalog/0001_objects_and_sources.sql").into_sql_str();
    Migrator::with_migrations(vec![Migration::new(
        1,
        "objects and sources".into(),
        MigrationType::Simple,
        objects_and_sources,
        false,
    )])
}

fn refuse(path: &Path, said: Said) -> CatalogError {
    let hint = said.hint.clone().unwrap_or("check the path, and that its folder exists".into());
    CatalogError::Connect {
        catalog: path.display().to_string(),
        hint: hint.into_owned(),
        source: Box::new(said),
    }
}

fn write_error(path: &Path, error: &sqlx::Error) -> CatalogError {
    CatalogError::Write {
        catalog: path.display().to_string(),
        source: Box::new(sqlite::said(error).with_hint()),
    }
}
