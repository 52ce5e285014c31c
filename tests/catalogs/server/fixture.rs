//! A catalog in a fresh database of a real server.

use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use restock::catalog::{self, Catalog, CatalogError, CatalogOptions, CollectionOptions, Preset};

use crate::databases::{Database, Engine};
use crate::suite::CatalogFixture;

/// What the suite has to know of a product.
pub(crate) trait Kind {
    const ENGINE: Engine;
    const BYTES: &'static str;
    const LONG_TEXT: &'static str;
    fn quoted(name: &str) -> String;
    fn bytes(hex: &str) -> String;
}

pub(crate) struct MariaDb;

pub(crate) struct Postgres;

impl Kind for MariaDb {
    const ENGINE: Engine = Engine::MariaDb;
    const BYTES: &'static str = "VARBINARY(80)";
    const LONG_TEXT: &'static str = "LONGTEXT";

    fn quoted(name: &str) -> String {
        format!("`{name}`")
    }

    fn bytes(hex: &str) -> String {
        format!("X'{hex}'")
    }
}

impl Kind for Postgres {
    const ENGINE: Engine = Engine::Postgres;
    const BYTES: &'static str = "BYTEA";
    const LONG_TEXT: &'static str = "TEXT";

    fn quoted(name: &str) -> String {
        format!("\"{name}\"")
    }

    fn bytes(hex: &str) -> String {
        format!("'\\x{hex}'")
    }
}

/// A database on the server that all tests share.
pub(crate) struct ServerFixture<K> {
    pub(crate) database: Database,
    kind: PhantomData<K>,
}

/// A URL that asks for no encryption, which in a debug build takes longer than all else.
pub(crate) fn plain(url: &str) -> String {
    format!("{url}?sslmode=disable")
}

/// `[catalog]` with this URL.
pub(crate) fn options(url: impl Into<String>) -> CatalogOptions {
    CatalogOptions { url: Some(url.into()), preset: Preset::Custom, ..CatalogOptions::default() }
}

/// Opens a catalog on a server.
pub(crate) async fn open(
    options: &CatalogOptions,
    collections: &[CollectionOptions],
) -> Result<Arc<dyn Catalog>, CatalogError> {
    catalog::open(options, collections, Path::new("/nonexistent")).await
}

impl<K: Kind> CatalogFixture for ServerFixture<K> {
    const BYTES: &'static str = K::BYTES;
    const LONG_TEXT: &'static str = K::LONG_TEXT;

    async fn fresh() -> Option<Self> {
        Some(Self { database: K::ENGINE.fresh().await?, kind: PhantomData })
    }

    async fn execute(&self, sql: &str) {
        self.database.execute(sql).await;
    }

    async fn open(
        &self,
        collections: &[CollectionOptions],
    ) -> Result<Arc<dyn Catalog>, CatalogError> {
        open(&options(plain(self.database.url())), collections).await
    }

    fn quoted(name: &str) -> String {
        K::quoted(name)
    }

    fn bytes(raw: &[u8]) -> String {
        let hex: Vec<_> = raw.iter().map(|byte| format!("{byte:02x}")).collect();
        K::bytes(&hex.concat())
    }
}
