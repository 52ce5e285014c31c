//! Objects in the store: standing corruptions, and orphans as they were seen so far.

use std::collections::HashSet;

use super::statement::Statement;
use super::{CHUNK, Column, Row, SqlLedger, Stored, Table, column};
use crate::model::{Corruption, ObjectMeta, Sighting};

/// Keys that are looked through at once.
const PAGE: i64 = 10_000;

const CORRUPTIONS: Table = Table {
    name: "corruptions",
    key: &["store", "object_key"],
    columns: &[
        Column::New("digest"),
        Column::New("observed_digest"),
        Column::New("size_bytes"),
        Column::New("etag"),
        Column::New("modified_at"),
        Column::New("found_at"),
    ],
};

const SIGHTINGS: Table = Table {
    name: "sightings",
    key: &["store", "object_key"],
    columns: &[Column::New("first_seen"), Column::New("counted_at"), Column::New("sightings")],
};

impl SqlLedger {
    pub(super) async fn read_corruptions(&self) -> Stored<Vec<Corruption>> {
        let sql = "SELECT object_key, digest, observed_digest, size_bytes, etag, modified_at, \
                   found_at FROM corruptions WHERE store = ? ORDER BY object_key";
        let rows = self.fetch(Statement::new(sql).int(self.store)).await?;
        rows.iter().map(corruption).collect()
    }

    pub(super) async fn write_corruption(&self, corruption: &Corruption) -> Stored<()> {
        let statement = self
            .upsert(&CORRUPTIONS)
            .int(self.store)
            .text(&corruption.key)
            .text(corruption.digest)
            .text(corruption.observed_digest)
            .int(column::count(corruption.meta.size)?)
            .optional(corruption.meta.etag.as_deref())
            .optional(corruption.meta.modified.map(column::time))
            .text(column::time(corruption.found_at));
        self.write(&statement).await?;
        Ok(())
    }

    pub(super) async fn forget_corruption(&self, key: &str) -> Stored<()> {
        let sql = "DELETE FROM corruptions WHERE store = ? AND object_key = ?";
        self.write(&Statement::new(sql).int(self.store).text(key)).await?;
        Ok(())
    }

    pub(super) async fn read_sightings(&self, keys: &[String]) -> Stored<Vec<Sighting>> {
        let sql = "SELECT object_key, first_seen, counted_at, sightings FROM sightings \
                   WHERE store = ? AND object_key IN";
        let mut found = Vec::new();
        for chunk in keys.chunks(CHUNK) {
            let wanted = Statement::new(sql).int(self.store).list(chunk.iter().cloned(), CHUNK);
            for row in self.fetch(wanted).await? {
                found.push(Sighting {
                    key: row.text(0)?,
                    first_seen: column::read_time(&row.text(1)?)?,
                    counted_at: column::read_time(&row.text(2)?)?,
                    sightings: u32::try_from(row.int(3)?)?,
                });
            }
        }
        Ok(found)
    }

    pub(super) async fn write_sightings(&self, sightings: &[Sighting]) -> Stored<()> {
        let upserts = sightings.chunks(CHUNK).map(|chunk| {
            let none = self.upserts(&SIGHTINGS, chunk.len());
            chunk.iter().fold(none, |statement, sighting| {
                statement
                    .int(self.store)
                    .text(&sighting.key)
                    .text(column::time(sighting.first_seen))
                    .text(column::time(sighting.counted_at))
                    .int(i64::from(sighting.sightings))
            })
        });
        self.write(&upserts.collect::<Vec<_>>()).await?;
        Ok(())
    }

    pub(super) async fn keep_sightings_of(&self, prefix: &str, seen: &[String]) -> Stored<()> {
        let seen: HashSet<&str> = seen.iter().map(String::as_str).collect();
        let mut gone = Vec::new();
        let mut after = None;
        while let Some(keys) = self.sighted_from(prefix, after.as_deref()).await? {
            after = keys.last().cloned();
            gone.extend(keys.into_iter().filter(|key| !seen.contains(key.as_str())));
        }
        let sql = "DELETE FROM sightings WHERE store = ? AND object_key IN";
        let deletes = gone
            .chunks(CHUNK)
            .map(|chunk| Statement::new(sql).int(self.store).list(chunk.iter().cloned(), CHUNK));
        let deletes: Vec<_> = deletes.collect();
        if !deletes.is_empty() {
            self.write(&deletes).await?;
        }
        Ok(())
    }

    /// The next keys with a prefix; `None` where there are no more. Keys sort as bytes, so those
    /// with the prefix stand together from the prefix on.
    async fn sighted_from(&self, prefix: &str, after: Option<&str>) -> Stored<Option<Vec<String>>> {
        let (sql, from) = match after {
            None => (
                "SELECT object_key FROM sightings WHERE store = ? AND object_key >= ? \
                 ORDER BY object_key LIMIT ?",
                prefix,
            ),
            Some(after) => (
                "SELECT object_key FROM sightings WHERE store = ? AND object_key > ? \
                 ORDER BY object_key LIMIT ?",
                after,
            ),
        };
        let rows = self.fetch(Statement::new(sql).int(self.store).text(from).int(PAGE)).await?;
        let keys = rows.iter().map(|row| row.text(0)).collect::<Stored<Vec<_>>>()?;
        let keys: Vec<_> = keys.into_iter().take_while(|key| key.starts_with(prefix)).collect();
        Ok((!keys.is_empty()).then_some(keys))
    }
}

fn corruption(row: &Row) -> Stored<Corruption> {
    let modified = row.optional_text(5)?.as_deref().map(column::read_time).transpose()?;
    Ok(Corruption {
        key: row.text(0)?,
        digest: row.text(1)?.parse()?,
        observed_digest: row.text(2)?.parse()?,
        meta: ObjectMeta {
            size: column::read_count(row.int(3)?)?,
            etag: row.optional_text(4)?,
            modified,
        },
        found_at: column::read_time(&row.text(6)?)?,
    })
}
