//! What preset `fleet` has to know of a database before it can read it.

use sqlx::mysql::MySqlRow;

use super::MySqlEngine;
use crate::catalog::CatalogError;
use crate::catalog::engine::{Engine, Session};
use crate::catalog::fleet::{NEWEST_MIGRATION, Schema, TABLES};
use crate::catalog::reading::collect;

impl MySqlEngine {
    /// The rows of a statement, each value as text.
    async fn texts<const N: usize>(
        &self,
        sql: &str,
    ) -> Result<Vec<[Option<String>; N]>, CatalogError> {
        let texts =
            |row: &MySqlRow| Some(std::array::from_fn(|index| Self::cell(row, index).shown()));
        collect(self, sql, texts, || {}, usize::MAX)
            .await
            .map_err(|failure| failure.of_catalog(self))
    }
}

/// The tables and columns of Fleet that this user sees.
pub(in crate::catalog) async fn schema(engine: &MySqlEngine) -> Result<Schema, CatalogError> {
    let mut schema = Schema {
        database: engine.0.server.address.database.clone(),
        user: engine.0.account.clone(),
        ..Schema::default()
    };
    let names = TABLES.map(MySqlEngine::text).join(", ");
    let columns = format!(
        "SELECT table_name, column_name FROM information_schema.columns \
         WHERE table_schema = DATABASE() AND table_name IN ({names}) \
         AND FIND_IN_SET('select', privileges) > 0"
    );
    for [table, column] in engine.texts(&columns).await? {
        schema.note(&table.unwrap_or_default(), &column.unwrap_or_default());
    }
    if schema.sees_migrations() {
        let newest = engine.texts(NEWEST_MIGRATION).await?;
        schema.newest_migration = newest.into_iter().next().and_then(|[newest]| newest);
    }
    let mut session = engine.open().await?;
    for table in TABLES.into_iter().filter(|table| !schema.tables.contains_key(*table)) {
        if session.lacks(table).await.map_err(|said| engine.cannot_open(said))? {
            schema.absent.insert(table.to_owned());
        }
    }
    session.finish().await.map_err(|said| engine.cannot_open(said))?;
    Ok(schema)
}
