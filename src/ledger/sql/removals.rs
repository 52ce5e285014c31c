//! What plans took away, or put back.

use super::statement::Statement;
use super::{Column, SqlLedger, Stored, Table, column};
use crate::model::{Digest, Removal};

const REMOVALS: Table = Table {
    name: "removals",
    key: &["store", "plan_id", "object_key"],
    columns: &[Column::New("digest"), Column::New("ended_at"), Column::New("body")],
};

impl SqlLedger {
    pub(super) async fn write_removal(&self, removal: &Removal) -> Stored<()> {
        let statement = self
            .upsert(&REMOVALS)
            .int(self.store)
            .text(&removal.plan_id)
            .text(self.dialect().key(&removal.key))
            .text(removal.digest)
            .text(column::time(removal.at))
            .text(column::json(removal)?);
        self.write(&statement).await?;
        Ok(())
    }

    pub(super) async fn read_removals(&self, limit: u32) -> Stored<Vec<Removal>> {
        let sql = "SELECT body FROM removals WHERE store = ? \
                   ORDER BY ended_at DESC, plan_id, object_key LIMIT ?";
        let rows = self.fetch(Statement::new(sql).int(self.store).int(i64::from(limit))).await?;
        rows.iter().map(|row| column::read_json(&row.text(0)?)).collect()
    }

    pub(super) async fn read_removals_of(&self, digest: &Digest) -> Stored<Vec<Removal>> {
        let sql = "SELECT body FROM removals WHERE store = ? AND digest = ? \
                   ORDER BY ended_at DESC, plan_id, object_key";
        let rows = self.fetch(Statement::new(sql).int(self.store).text(*digest)).await?;
        rows.iter().map(|row| column::read_json(&row.text(0)?)).collect()
    }

    /// Forgets those that ended before.
    pub(super) fn prune_removals(&self, before: &str) -> Statement {
        Statement::new("DELETE FROM removals WHERE store = ? AND ended_at < ?")
            .int(self.store)
            .text(before)
    }
}
