//! Heals: attempts and their back-off, verdicts on sources, repairs, and uploads under way.

use chrono::{DateTime, Utc};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, SqlitePool};

use super::{Stored, column};
use crate::model::{Attempts, Digest, Repair, SourceVerdict, Upload};

/// Digests of one statement.
const CHUNK: usize = 100;

pub(super) async fn attempts(
    pool: &SqlitePool,
    store: i64,
    digests: &[Digest],
) -> Stored<Vec<(Digest, Attempts)>> {
    let mut found = Vec::new();
    for chunk in digests.chunks(CHUNK) {
        let mut sql =
            QueryBuilder::<Sqlite>::new("SELECT digest, body FROM attempts WHERE store = ");
        sql.push_bind(store).push(" AND digest IN (");
        let mut list = sql.separated(", ");
        for digest in chunk {
            list.push_bind(digest.to_string());
        }
        sql.push(")");
        let rows: Vec<(String, String)> =
            sql.build_query_as().persistent(chunk.len() == CHUNK).fetch_all(pool).await?;
        for (digest, body) in rows {
            found.push((digest.parse()?, column::read_json(&body)?));
        }
    }
    Ok(found)
}

pub(super) async fn put_attempts(
    pool: &SqlitePool,
    store: i64,
    digest: &Digest,
    attempts: Option<&Attempts>,
) -> Stored<()> {
    let Some(attempts) = attempts else {
        let sql = "DELETE FROM attempts WHERE store = ? AND digest = ?";
        sqlx::query(sql).bind(store).bind(digest.to_string()).execute(pool).await?;
        return Ok(());
    };
    let sql = "INSERT OR REPLACE INTO attempts (store, digest, body) VALUES (?, ?, ?)";
    sqlx::query(sql)
        .bind(store)
        .bind(digest.to_string())
        .bind(column::json(attempts)?)
        .execute(pool)
        .await?;
    Ok(())
}

pub(super) async fn verdicts(pool: &SqlitePool, store: i64) -> Stored<Vec<SourceVerdict>> {
    let sql = "SELECT body FROM verdicts WHERE store = ? ORDER BY digest, source_id";
    let bodies: Vec<String> = sqlx::query_scalar(sql).bind(store).fetch_all(pool).await?;
    bodies.iter().map(|body| column::read_json(body)).collect()
}

pub(super) async fn put_verdict(
    pool: &SqlitePool,
    store: i64,
    verdict: &SourceVerdict,
) -> Stored<()> {
    let sql = "INSERT OR REPLACE INTO verdicts (store, digest, source_id, body) \
               VALUES (?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(store)
        .bind(verdict.digest.to_string())
        .bind(&verdict.source_id)
        .bind(column::json(verdict)?)
        .execute(pool)
        .await?;
    Ok(())
}

pub(super) async fn clear_verdicts(pool: &SqlitePool, store: i64, digest: &Digest) -> Stored<()> {
    let sql = "DELETE FROM verdicts WHERE store = ? AND digest = ?";
    sqlx::query(sql).bind(store).bind(digest.to_string()).execute(pool).await?;
    Ok(())
}

pub(super) async fn record_repair(
    pool: &SqlitePool,
    store: i64,
    pass_id: &str,
    at: DateTime<Utc>,
    repair: &Repair,
) -> Stored<()> {
    let sql = "INSERT INTO repairs (store, pass_id, digest, ended_at, body) \
               VALUES (?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(store)
        .bind(pass_id)
        .bind(repair.digest.to_string())
        .bind(column::time(at))
        .bind(column::json(repair)?)
        .execute(pool)
        .await?;
    Ok(())
}

pub(super) async fn repairs(
    pool: &SqlitePool,
    store: i64,
    digest: &Digest,
    limit: u32,
) -> Stored<Vec<(DateTime<Utc>, Repair)>> {
    let sql = "SELECT ended_at, body FROM repairs WHERE store = ? AND digest = ? \
               ORDER BY ended_at DESC, id DESC LIMIT ?";
    let rows: Vec<(String, String)> = sqlx::query_as(sql)
        .bind(store)
        .bind(digest.to_string())
        .bind(limit)
        .fetch_all(pool)
        .await?;
    rows.iter().map(|(at, body)| Ok((column::read_time(at)?, column::read_json(body)?))).collect()
}

/// Forgets the repairs that ended before.
pub(super) async fn prune(
    connection: &mut SqliteConnection,
    store: i64,
    before: &str,
) -> Stored<u64> {
    let sql = "DELETE FROM repairs WHERE store = ? AND ended_at < ?";
    let done = sqlx::query(sql).bind(store).bind(before).execute(connection).await?;
    Ok(done.rows_affected())
}

pub(super) async fn uploads(pool: &SqlitePool, store: i64) -> Stored<Vec<Upload>> {
    let sql = "SELECT object_key, upload_id FROM uploads WHERE store = ? ORDER BY begun_at, \
               object_key, upload_id";
    let rows: Vec<(String, String)> = sqlx::query_as(sql).bind(store).fetch_all(pool).await?;
    Ok(rows.into_iter().map(|(key, id)| Upload { key, id }).collect())
}

pub(super) async fn upload_begun(
    pool: &SqlitePool,
    store: i64,
    upload: &Upload,
    at: DateTime<Utc>,
) -> Stored<()> {
    let sql = "INSERT OR REPLACE INTO uploads (store, object_key, upload_id, begun_at) \
               VALUES (?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(store)
        .bind(&upload.key)
        .bind(&upload.id)
        .bind(column::time(at))
        .execute(pool)
        .await?;
    Ok(())
}

pub(super) async fn upload_ended(pool: &SqlitePool, store: i64, upload: &Upload) -> Stored<()> {
    let sql = "DELETE FROM uploads WHERE store = ? AND object_key = ? AND upload_id = ?";
    sqlx::query(sql).bind(store).bind(&upload.key).bind(&upload.id).execute(pool).await?;
    Ok(())
}
