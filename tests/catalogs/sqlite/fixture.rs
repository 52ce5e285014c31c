//! A catalog in a `SQLite` file, and a look at everything beside it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use restock::catalog::{self, Catalog, CatalogError, CatalogOptions, CollectionOptions, Preset};
use restock::model::Span;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;

use crate::suite::{CatalogFixture, digest};

/// A `SQLite` file in a folder of its own.
pub(crate) struct SqliteFixture {
    pub(crate) folder: TempDir,
}

impl SqliteFixture {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("catalog.db")
    }

    pub(crate) async fn writer(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.path()).create_if_missing(true);
        options.connect().await.unwrap()
    }

    /// Name and bytes of every file in the folder.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| {
                (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
            })
            .collect()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.files().into_keys().collect()
    }

    pub(crate) async fn open_with(
        &self,
        options: CatalogOptions,
        collections: &[CollectionOptions],
    ) -> Result<Arc<dyn Catalog>, CatalogError> {
        catalog::open(&options, collections, self.folder.path()).await
    }

    /// A table `t (digest)` with as many rows.
    pub(crate) async fn with_rows(rows: u64) -> Self {
        let fixture = Self::new();
        fixture.execute("CREATE TABLE t (digest TEXT)").await;
        for n in 0..rows {
            fixture.execute(&format!("INSERT INTO t VALUES ('{}')", digest(n))).await;
        }
        fixture
    }
}

pub(crate) fn options(preset: Preset) -> CatalogOptions {
    CatalogOptions {
        url: Some("sqlite://catalog.db".to_owned()),
        preset,
        connect_timeout: Span(Duration::from_millis(300)),
        ..CatalogOptions::default()
    }
}

impl CatalogFixture for SqliteFixture {
    const BYTES: &'static str = "BLOB";
    const LONG_TEXT: &'static str = "TEXT";

    async fn fresh() -> Option<Self> {
        Some(Self::new())
    }

    async fn execute(&self, sql: &str) {
        let mut writer = self.writer().await;
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut writer).await.unwrap();
        writer.close().await.unwrap();
    }

    async fn open(
        &self,
        collections: &[CollectionOptions],
    ) -> Result<Arc<dyn Catalog>, CatalogError> {
        self.open_with(options(Preset::Custom), collections).await
    }
}
