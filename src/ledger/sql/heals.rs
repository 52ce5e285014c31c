//! Heals: attempts and their back-off, verdicts on sources, repairs, and uploads under way.

use chrono::{DateTime, Utc};

use super::statement::Statement;
use super::{CHUNK, Column, Row, SqlLedger, Stored, Table, column};
use crate::model::{Attempts, Digest, Repair, SourceVerdict, Unhealable, Upload};

const ATTEMPTS: Table =
    Table { name: "attempts", key: &["store", "digest"], columns: &[Column::New("body")] };

const VERDICTS: Table = Table {
    name: "verdicts",
    key: &["store", "digest", "source_id"],
    columns: &[Column::New("body")],
};

const UPLOADS: Table = Table {
    name: "uploads",
    key: &["store", "object_key", "upload_id"],
    columns: &[Column::New("begun_at")],
};

impl SqlLedger {
    pub(super) async fn read_attempts(
        &self,
        digests: &[Digest],
    ) -> Stored<Vec<(Digest, Attempts)>> {
        let sql = "SELECT digest, body FROM attempts WHERE store = ? AND digest IN";
        let mut found = Vec::new();
        for chunk in digests.chunks(CHUNK) {
            let wanted = chunk.iter().map(Digest::to_string);
            let wanted = Statement::new(sql).int(self.store).list(wanted, CHUNK);
            found.extend(self.attempted(wanted).await?);
        }
        Ok(found)
    }

    /// Those of objects about which a finding stands, and that are tried again. A source that is gone
    /// is asked again; whatever else makes an object unhealable waits for a person.
    pub(super) async fn read_pending(
        &self,
        after: Option<&Digest>,
        limit: u32,
    ) -> Stored<Vec<(Digest, Attempts)>> {
        let sql = "SELECT digest, body FROM attempts WHERE store = ? AND digest > ? \
                   AND EXISTS (SELECT 1 FROM findings WHERE findings.store = attempts.store \
                   AND findings.digest = attempts.digest AND findings.closed_at IS NULL \
                   AND (findings.unhealable IS NULL OR findings.unhealable = ?)) \
                   ORDER BY digest LIMIT ?";
        let after = after.map(Digest::to_string).unwrap_or_default();
        let wanted = Statement::new(sql)
            .int(self.store)
            .text(after)
            .text(Unhealable::SourceGone.as_str())
            .int(i64::from(limit));
        self.attempted(wanted).await
    }

    async fn attempted(&self, wanted: Statement) -> Stored<Vec<(Digest, Attempts)>> {
        let read = |row: &Row| Ok((row.text(0)?.parse()?, column::read_json(&row.text(1)?)?));
        self.fetch(wanted).await?.iter().map(read).collect()
    }

    pub(super) async fn write_attempts(
        &self,
        digest: &Digest,
        attempts: Option<&Attempts>,
    ) -> Stored<()> {
        let statement = match attempts {
            Some(attempts) => {
                let body = column::json(attempts)?;
                self.upsert(&ATTEMPTS).int(self.store).text(*digest).text(body)
            }
            None => Statement::new("DELETE FROM attempts WHERE store = ? AND digest = ?")
                .int(self.store)
                .text(*digest),
        };
        self.write(&statement).await?;
        Ok(())
    }

    pub(super) async fn read_verdicts(&self) -> Stored<Vec<SourceVerdict>> {
        let sql = "SELECT body FROM verdicts WHERE store = ? ORDER BY digest, source_id";
        let rows = self.fetch(Statement::new(sql).int(self.store)).await?;
        rows.iter().map(|row| column::read_json(&row.text(0)?)).collect()
    }

    pub(super) async fn write_verdict(&self, verdict: &SourceVerdict) -> Stored<()> {
        let statement = self
            .upsert(&VERDICTS)
            .int(self.store)
            .text(verdict.digest)
            .text(&verdict.source_id)
            .text(column::json(verdict)?);
        self.write(&statement).await?;
        Ok(())
    }

    pub(super) async fn forget_verdicts(&self, digest: &Digest) -> Stored<()> {
        let sql = "DELETE FROM verdicts WHERE store = ? AND digest = ?";
        self.write(&Statement::new(sql).int(self.store).text(*digest)).await?;
        Ok(())
    }

    pub(super) async fn write_repair(
        &self,
        pass_id: &str,
        at: DateTime<Utc>,
        repair: &Repair,
    ) -> Stored<()> {
        let sql = "INSERT INTO repairs (store, pass_id, digest, ended_at, body) \
                   VALUES (?, ?, ?, ?, ?)";
        let statement = Statement::new(sql)
            .int(self.store)
            .text(pass_id)
            .text(repair.digest)
            .text(column::time(at))
            .text(column::json(repair)?);
        let mut all = vec![statement, self.drop_publishing(&repair.key)];
        all.extend(repair.result.is_success().then(|| self.close_repaired(&repair.key, at)));
        self.write(&all).await?;
        Ok(())
    }

    pub(super) async fn read_repairs(
        &self,
        digest: &Digest,
        limit: u32,
    ) -> Stored<Vec<(DateTime<Utc>, Repair)>> {
        let sql = "SELECT ended_at, body FROM repairs WHERE store = ? AND digest = ? \
                   ORDER BY ended_at DESC, id DESC LIMIT ?";
        let wanted = Statement::new(sql).int(self.store).text(*digest).int(i64::from(limit));
        let read =
            |row: &Row| Ok((column::read_time(&row.text(0)?)?, column::read_json(&row.text(1)?)?));
        self.fetch(wanted).await?.iter().map(read).collect()
    }

    pub(super) async fn read_uploads(&self) -> Stored<Vec<Upload>> {
        let sql = "SELECT object_key, upload_id FROM uploads WHERE store = ? \
                   ORDER BY begun_at, object_key, upload_id";
        let rows = self.fetch(Statement::new(sql).int(self.store)).await?;
        rows.iter().map(|row| Ok(Upload { key: row.text(0)?, id: row.text(1)? })).collect()
    }

    pub(super) async fn write_upload(&self, upload: &Upload, at: DateTime<Utc>) -> Stored<()> {
        let statement = self
            .upsert(&UPLOADS)
            .int(self.store)
            .text(&upload.key)
            .text(&upload.id)
            .text(column::time(at));
        self.write(&statement).await?;
        Ok(())
    }

    pub(super) async fn forget_upload(&self, upload: &Upload) -> Stored<()> {
        let sql = "DELETE FROM uploads WHERE store = ? AND object_key = ? AND upload_id = ?";
        let statement = Statement::new(sql).int(self.store).text(&upload.key).text(&upload.id);
        self.write(&statement).await?;
        Ok(())
    }
}
