//! Findings: since when each stands, and which no longer do.

use chrono::{DateTime, Utc};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, SqlitePool};

use super::{Stored, column};
use crate::ledger::FindingKey;
use crate::model::{Finding, FindingKind, Summary};

/// Rows of one statement: few enough for the parameters of any database, and past the point from
/// which more rows are no faster.
const CHUNK: usize = 100;

/// Keeps what a pass found. A finding that stands keeps its first sighting, one that was closed
/// begins anew.
pub(super) async fn upsert(
    connection: &mut SqliteConnection,
    store: i64,
    summary: &Summary,
    findings: &[(FindingKey, Finding)],
) -> Stored<()> {
    let seen = column::time(summary.finished_at);
    for chunk in findings.chunks(CHUNK) {
        let bodies: Vec<String> =
            chunk.iter().map(|(_, finding)| column::json(finding)).collect::<Stored<_>>()?;
        let mut sql = QueryBuilder::<Sqlite>::new(
            "INSERT INTO findings (store, kind, subject, collection, object_key, first_seen, \
             last_seen, last_pass, body) ",
        );
        sql.push_values(chunk.iter().zip(bodies), |mut row, ((key, finding), body)| {
            row.push_bind(store)
                .push_bind(key.kind.as_str())
                .push_bind(&key.subject)
                .push_bind(&finding.collection)
                .push_bind(&finding.key)
                .push_bind(column::time(finding.first_seen))
                .push_bind(&seen)
                .push_bind(&summary.pass_id)
                .push_bind(body);
        });
        sql.push(
            " ON CONFLICT (store, kind, subject) DO UPDATE SET \
             collection = excluded.collection, object_key = excluded.object_key, \
             first_seen = iif(closed_at IS NULL, first_seen, excluded.first_seen), \
             last_seen = excluded.last_seen, last_pass = excluded.last_pass, \
             closed_at = NULL, body = excluded.body",
        );
        // Statements of every other length than the usual one would only fill the cache.
        sql.build().persistent(chunk.len() == CHUNK).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Closes what stands and was not seen by this pass.
pub(super) async fn close_unseen(
    connection: &mut SqliteConnection,
    store: i64,
    summary: &Summary,
) -> Stored<()> {
    let sql = "UPDATE findings SET closed_at = ? \
               WHERE store = ? AND closed_at IS NULL AND last_pass <> ?";
    sqlx::query(sql)
        .bind(column::time(summary.finished_at))
        .bind(store)
        .bind(&summary.pass_id)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn first_seen(
    pool: &SqlitePool,
    store: i64,
    keys: &[FindingKey],
) -> Stored<Vec<Option<DateTime<Utc>>>> {
    let mut found = Vec::with_capacity(keys.len());
    for chunk in keys.chunks(CHUNK) {
        let mut sql = QueryBuilder::<Sqlite>::new("WITH wanted (place, kind, subject) AS (");
        sql.push_values((0_i64..).zip(chunk), |mut row, (place, key)| {
            row.push_bind(place).push_bind(key.kind.as_str()).push_bind(&key.subject);
        });
        sql.push(
            ") SELECT found.first_seen FROM wanted LEFT JOIN findings AS found \
             ON found.kind = wanted.kind AND found.subject = wanted.subject \
             AND found.closed_at IS NULL AND found.store = ",
        );
        sql.push_bind(store).push(" ORDER BY wanted.place");
        let times: Vec<Option<String>> =
            sql.build_query_scalar().persistent(chunk.len() == CHUNK).fetch_all(pool).await?;
        for time in times {
            found.push(time.as_deref().map(column::read_time).transpose()?);
        }
    }
    Ok(found)
}

/// Those that stand, in report order.
pub(super) async fn standing(pool: &SqlitePool, store: i64, limit: u32) -> Stored<Vec<Finding>> {
    let sql = "SELECT first_seen, body FROM findings \
               WHERE store = ? AND kind = ? AND closed_at IS NULL \
               ORDER BY collection, object_key, subject LIMIT ?";
    let mut found = Vec::new();
    let mut left = limit;
    for kind in FindingKind::ALL {
        let rows: Vec<(String, String)> =
            sqlx::query_as(sql).bind(store).bind(kind.as_str()).bind(left).fetch_all(pool).await?;
        left = left.saturating_sub(u32::try_from(rows.len())?);
        for (first_seen, body) in rows {
            let first_seen = column::read_time(&first_seen)?;
            found.push(Finding { first_seen, ..column::read_json(&body)? });
        }
    }
    Ok(found)
}

/// Forgets those that were closed before.
pub(super) async fn prune(
    connection: &mut SqliteConnection,
    store: i64,
    before: &str,
) -> Stored<u64> {
    let sql = "DELETE FROM findings WHERE store = ? AND closed_at < ?";
    let done = sqlx::query(sql).bind(store).bind(before).execute(connection).await?;
    Ok(done.rows_affected())
}
