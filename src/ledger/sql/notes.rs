//! Notes and accepted losses: what people and daemons leave for later, for each store.

use super::statement::Statement;
use super::{Column, SqlLedger, Stored, Table, column};
use crate::model::{Acceptance, Digest};

const NOTES: Table =
    Table { name: "notes", key: &["store", "name"], columns: &[Column::New("body")] };

const ACCEPTED: Table = Table {
    name: "accepted",
    key: &["store", "digest"],
    columns: &[Column::New("expires_at"), Column::New("reason"), Column::New("made_at")],
};

impl SqlLedger {
    pub(super) async fn read_note(&self, name: &str) -> Stored<Option<String>> {
        let sql = "SELECT body FROM notes WHERE store = ? AND name = ?";
        let rows = self.fetch(Statement::new(sql).int(self.store).text(name)).await?;
        rows.first().map(|row| row.text(0)).transpose()
    }

    pub(super) async fn write_note(&self, name: &str, text: Option<&str>) -> Stored<()> {
        let statement = match text {
            Some(text) => self.upsert(&NOTES).int(self.store).text(name).text(text),
            None => Statement::new("DELETE FROM notes WHERE store = ? AND name = ?")
                .int(self.store)
                .text(name),
        };
        self.write(&statement).await?;
        Ok(())
    }

    pub(super) async fn read_accepted(&self) -> Stored<Vec<Acceptance>> {
        let sql = "SELECT digest, expires_at, reason, made_at FROM accepted WHERE store = ? \
                   ORDER BY digest";
        let rows = self.fetch(Statement::new(sql).int(self.store)).await?;
        let read = rows.iter().map(|row| {
            Ok(Acceptance {
                digest: row.text(0)?.parse()?,
                until: column::read_time(&row.text(1)?)?,
                reason: row.text(2)?,
                made_at: column::read_time(&row.text(3)?)?,
            })
        });
        read.collect()
    }

    pub(super) async fn write_accepted(&self, accepted: &Acceptance) -> Stored<()> {
        let statement = self
            .upsert(&ACCEPTED)
            .int(self.store)
            .text(accepted.digest)
            .text(column::time(accepted.until))
            .text(&accepted.reason)
            .text(column::time(accepted.made_at));
        self.write(&statement).await?;
        Ok(())
    }

    pub(super) async fn forget_accepted(&self, digest: &Digest) -> Stored<()> {
        let sql = "DELETE FROM accepted WHERE store = ? AND digest = ?";
        self.write(&Statement::new(sql).int(self.store).text(*digest)).await?;
        Ok(())
    }
}
