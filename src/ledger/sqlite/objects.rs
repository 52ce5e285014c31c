//! Objects in the store: standing corruptions, and orphans as they were seen so far.

use std::collections::HashSet;

use futures::TryStreamExt;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, SqlitePool};

use super::{Stored, column};
use crate::model::{Corruption, FindingKind, ObjectMeta, Sighting};

/// Rows or keys of one statement.
const CHUNK: usize = 100;

type CorruptionRow = (String, String, String, i64, Option<String>, Option<String>, String);

pub(super) async fn corruptions(pool: &SqlitePool, store: i64) -> Stored<Vec<Corruption>> {
    let sql = "SELECT object_key, digest, observed_digest, size_bytes, etag, modified_at, found_at \
               FROM corruptions WHERE store = ? ORDER BY object_key";
    let rows: Vec<CorruptionRow> = sqlx::query_as(sql).bind(store).fetch_all(pool).await?;
    rows.into_iter().map(read_corruption).collect()
}

fn read_corruption(row: CorruptionRow) -> Stored<Corruption> {
    let (key, digest, observed_digest, size, etag, modified, found_at) = row;
    let modified = modified.as_deref().map(column::read_time).transpose()?;
    Ok(Corruption {
        key,
        digest: digest.parse()?,
        observed_digest: observed_digest.parse()?,
        meta: ObjectMeta { size: column::read_count(size)?, etag, modified },
        found_at: column::read_time(&found_at)?,
    })
}

pub(super) async fn put_corruption(
    pool: &SqlitePool,
    store: i64,
    corruption: &Corruption,
) -> Stored<()> {
    let sql = "INSERT OR REPLACE INTO corruptions (store, object_key, digest, observed_digest, \
               size_bytes, etag, modified_at, found_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(store)
        .bind(&corruption.key)
        .bind(corruption.digest.to_string())
        .bind(corruption.observed_digest.to_string())
        .bind(column::count(corruption.meta.size)?)
        .bind(&corruption.meta.etag)
        .bind(corruption.meta.modified.map(column::time))
        .bind(column::time(corruption.found_at))
        .execute(pool)
        .await?;
    Ok(())
}

pub(super) async fn clear_corruption(pool: &SqlitePool, store: i64, key: &str) -> Stored<()> {
    let sql = "DELETE FROM corruptions WHERE store = ? AND object_key = ?";
    sqlx::query(sql).bind(store).bind(key).execute(pool).await?;
    Ok(())
}

pub(super) async fn sightings(
    pool: &SqlitePool,
    store: i64,
    keys: &[String],
) -> Stored<Vec<Sighting>> {
    let mut found = Vec::new();
    for chunk in keys.chunks(CHUNK) {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "SELECT object_key, first_seen, counted_at, sightings FROM sightings WHERE store = ",
        );
        sql.push_bind(store).push(" AND object_key IN (");
        let mut list = sql.separated(", ");
        for key in chunk {
            list.push_bind(key);
        }
        sql.push(")");
        let rows: Vec<(String, String, String, u32)> =
            sql.build_query_as().persistent(chunk.len() == CHUNK).fetch_all(pool).await?;
        for (key, first_seen, counted_at, sightings) in rows {
            let first_seen = column::read_time(&first_seen)?;
            let counted_at = column::read_time(&counted_at)?;
            found.push(Sighting { key, first_seen, counted_at, sightings });
        }
    }
    Ok(found)
}

pub(super) async fn put_sightings(
    connection: &mut SqliteConnection,
    store: i64,
    sightings: &[Sighting],
) -> Stored<()> {
    for chunk in sightings.chunks(CHUNK) {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "INSERT OR REPLACE INTO sightings (store, object_key, first_seen, counted_at, \
             sightings) ",
        );
        sql.push_values(chunk, |mut row, sighting| {
            row.push_bind(store)
                .push_bind(&sighting.key)
                .push_bind(column::time(sighting.first_seen))
                .push_bind(column::time(sighting.counted_at))
                .push_bind(sighting.sightings);
        });
        sql.build().persistent(chunk.len() == CHUNK).execute(&mut *connection).await?;
    }
    Ok(())
}

pub(super) async fn retain_sightings(
    connection: &mut SqliteConnection,
    store: i64,
    prefix: &str,
    seen: &[String],
) -> Stored<()> {
    let seen: HashSet<&str> = seen.iter().map(String::as_str).collect();
    let mut gone = Vec::new();
    {
        // Keys sort as bytes, so those with the prefix stand together from the prefix on.
        let sql = "SELECT object_key FROM sightings WHERE store = ? AND object_key >= ? \
                   ORDER BY object_key";
        let mut keys = sqlx::query_scalar(sql).bind(store).bind(prefix).fetch(&mut *connection);
        while let Some(key) = keys.try_next().await? {
            let key: String = key;
            if !key.starts_with(prefix) {
                break;
            }
            if !seen.contains(key.as_str()) {
                gone.push(key);
            }
        }
    }
    for key in gone {
        let sql = "DELETE FROM sightings WHERE store = ? AND object_key = ?";
        sqlx::query(sql).bind(store).bind(key).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Forgets the sightings of before that stand for nothing: while an object is an orphan, each full
/// pass finds it, whenever its last sighting counted.
pub(super) async fn prune_sightings(
    connection: &mut SqliteConnection,
    store: i64,
    before: &str,
) -> Stored<()> {
    let sql = "DELETE FROM sightings WHERE store = ?1 AND counted_at < ?2 AND NOT EXISTS \
               (SELECT 1 FROM findings WHERE findings.store = ?1 AND findings.kind = ?3 \
                AND findings.subject = sightings.object_key AND findings.closed_at IS NULL)";
    let orphan = FindingKind::Orphan.as_str();
    sqlx::query(sql).bind(store).bind(before).bind(orphan).execute(connection).await?;
    Ok(())
}
