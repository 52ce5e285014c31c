//! Notes: small texts under names, for each store.

use sqlx::SqlitePool;

use super::Stored;

pub(super) async fn get(pool: &SqlitePool, store: i64, name: &str) -> Stored<Option<String>> {
    let sql = "SELECT body FROM notes WHERE store = ? AND name = ?";
    Ok(sqlx::query_scalar(sql).bind(store).bind(name).fetch_optional(pool).await?)
}

pub(super) async fn set(
    pool: &SqlitePool,
    store: i64,
    name: &str,
    text: Option<&str>,
) -> Stored<()> {
    let Some(text) = text else {
        let sql = "DELETE FROM notes WHERE store = ? AND name = ?";
        sqlx::query(sql).bind(store).bind(name).execute(pool).await?;
        return Ok(());
    };
    let sql = "INSERT OR REPLACE INTO notes (store, name, body) VALUES (?, ?, ?)";
    sqlx::query(sql).bind(store).bind(name).bind(text).execute(pool).await?;
    Ok(())
}
