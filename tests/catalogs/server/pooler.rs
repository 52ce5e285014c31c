//! PostgreSQL by way of pgbouncer, which gives each transaction another connection to the server.

use std::sync::Arc;

use restock::catalog::{Catalog, CatalogError, CollectionOptions};

use super::fixture::{Kind, Postgres, ServerFixture, open, options};
use crate::databases::Engine;
use crate::databases::pooler::{Pooler, Pooling};
use crate::suite::{CatalogFixture, digest, only, packages, scan};

/// A catalog behind a pooler.
pub(crate) struct Pooled {
    pooler: Pooler,
    server: ServerFixture<Postgres>,
}

impl CatalogFixture for Pooled {
    const BYTES: &'static str = Postgres::BYTES;
    const LONG_TEXT: &'static str = Postgres::LONG_TEXT;

    async fn fresh() -> Option<Self> {
        let server = ServerFixture::fresh().await?;
        Some(Self { pooler: Pooler::start(&server.database, Pooling::Transaction, 2)?, server })
    }

    async fn execute(&self, sql: &str) {
        self.server.execute(sql).await;
    }

    async fn open(
        &self,
        collections: &[CollectionOptions],
    ) -> Result<Arc<dyn Catalog>, CatalogError> {
        open(&options(self.pooler.url()), collections).await
    }

    fn quoted(name: &str) -> String {
        Postgres::quoted(name)
    }

    fn bytes(raw: &[u8]) -> String {
        ServerFixture::<Postgres>::bytes(raw)
    }
}

suite!(Pooled);

/// As many rows are looked up at once as a heal does by default.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sessions_are_enough_for_a_heal() {
    let Some(database) = Engine::Postgres.fresh().await else { return };
    let Some(pooler) = Pooler::start(&database, Pooling::Session, 2) else { return };
    let table = format!("CREATE TABLE t (digest text); INSERT INTO t VALUES ('{}')", digest(1));
    database.execute(&table).await;
    let catalog = open(&options(pooler.url()), &[packages("SELECT digest FROM t")]).await.unwrap();
    scan(&*catalog).await.unwrap();
    let (collection, wanted) = (only(&*catalog), [digest(1)]);
    let rows = (0..4).map(|_| catalog.rows(&collection, &wanted));
    for rows in futures::future::join_all(rows).await {
        assert_eq!(rows.unwrap().len(), 1);
    }
}
