//! Passes: the numbers of each, and which was the last full one.

use sqlx::{SqliteConnection, SqlitePool};

use super::{Stored, column};
use crate::model::{LastFull, Summary};

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    store: i64,
    summary: &Summary,
    is_full: bool,
) -> Stored<()> {
    let sql = "INSERT OR REPLACE INTO passes (store, pass_id, command, depth, slice, outcome, \
               is_full, expected, started_at, finished_at, body) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(store)
        .bind(&summary.pass_id)
        .bind(column::word(&summary.command)?)
        .bind(column::word(&summary.depth)?)
        .bind(&summary.slice)
        .bind(summary.outcome.as_str())
        .bind(is_full)
        .bind(summary.expected.map(column::count).transpose()?)
        .bind(column::time(summary.started_at))
        .bind(column::time(summary.finished_at))
        .bind(column::json(summary)?)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn newest(pool: &SqlitePool, store: i64, limit: u32) -> Stored<Vec<Summary>> {
    let sql = "SELECT body FROM passes WHERE store = ? ORDER BY finished_at DESC, pass_id DESC \
               LIMIT ?";
    let bodies: Vec<String> =
        sqlx::query_scalar(sql).bind(store).bind(limit).fetch_all(pool).await?;
    bodies.iter().map(|body| column::read_json(body)).collect()
}

pub(super) async fn last_full(pool: &SqlitePool, store: i64) -> Stored<Option<LastFull>> {
    let sql = "SELECT pass_id, finished_at, expected FROM passes \
               WHERE store = ? AND is_full = 1 AND expected IS NOT NULL \
               ORDER BY finished_at DESC, pass_id DESC LIMIT 1";
    let row: Option<(String, String, i64)> =
        sqlx::query_as(sql).bind(store).fetch_optional(pool).await?;
    row.map(|(pass_id, finished_at, expected)| {
        Ok(LastFull {
            pass_id,
            finished_at: column::read_time(&finished_at)?,
            expected: column::read_count(expected)?,
        })
    })
    .transpose()
}

/// Forgets the passes that ended before, save the last full one: the next pass is judged by it.
pub(super) async fn prune(
    connection: &mut SqliteConnection,
    store: i64,
    before: &str,
) -> Stored<u64> {
    let sql = "DELETE FROM passes WHERE store = ?1 AND finished_at < ?2 AND pass_id IS NOT \
               (SELECT pass_id FROM passes \
                WHERE store = ?1 AND is_full = 1 AND expected IS NOT NULL \
                ORDER BY finished_at DESC, pass_id DESC LIMIT 1)";
    let done = sqlx::query(sql).bind(store).bind(before).execute(connection).await?;
    Ok(done.rows_affected())
}
