//! The breaker: one latched state for each store.

use sqlx::SqlitePool;

use super::{Stored, column};
use crate::model::BreakerState;

pub(super) async fn get(pool: &SqlitePool, store: i64) -> Stored<Option<BreakerState>> {
    let sql = "SELECT body FROM breakers WHERE store = ?";
    let body: Option<String> = sqlx::query_scalar(sql).bind(store).fetch_optional(pool).await?;
    body.as_deref().map(column::read_json).transpose()
}

pub(super) async fn set(pool: &SqlitePool, store: i64, state: Option<&BreakerState>) -> Stored<()> {
    let Some(state) = state else {
        sqlx::query("DELETE FROM breakers WHERE store = ?").bind(store).execute(pool).await?;
        return Ok(());
    };
    let sql = "INSERT OR REPLACE INTO breakers (store, body) VALUES (?, ?)";
    sqlx::query(sql).bind(store).bind(column::json(state)?).execute(pool).await?;
    Ok(())
}
