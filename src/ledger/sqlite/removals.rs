//! What plans took away, or put back.

use sqlx::{SqliteConnection, SqlitePool};

use super::{Stored, column};
use crate::model::Removal;

pub(super) async fn record(pool: &SqlitePool, store: i64, removal: &Removal) -> Stored<()> {
    let sql = "INSERT OR REPLACE INTO removals (store, plan_id, object_key, ended_at, body) \
               VALUES (?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(store)
        .bind(&removal.plan_id)
        .bind(&removal.key)
        .bind(column::time(removal.at))
        .bind(column::json(removal)?)
        .execute(pool)
        .await?;
    Ok(())
}

pub(super) async fn newest(pool: &SqlitePool, store: i64, limit: u32) -> Stored<Vec<Removal>> {
    let sql = "SELECT body FROM removals WHERE store = ? \
               ORDER BY ended_at DESC, plan_id, object_key LIMIT ?";
    let bodies: Vec<String> =
        sqlx::query_scalar(sql).bind(store).bind(limit).fetch_all(pool).await?;
    bodies.iter().map(|body| column::read_json(body)).collect()
}

/// Forgets those that ended before.
pub(super) async fn prune(
    connection: &mut SqliteConnection,
    store: i64,
    before: &str,
) -> Stored<u64> {
    let sql = "DELETE FROM removals WHERE store = ? AND ended_at < ?";
    let done = sqlx::query(sql).bind(store).bind(before).execute(connection).await?;
    Ok(done.rows_affected())
}
