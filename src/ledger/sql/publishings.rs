//! What is about to be published, among the notes: one for each key, under the hash of it.

use sha2::{Digest as _, Sha256};

use super::statement::Statement;
use super::{SqlLedger, Stored, column};
use crate::model::{Digest, Publishing};

impl SqlLedger {
    pub(super) async fn read_publishings(&self) -> Stored<Vec<Publishing>> {
        // `0` is what follows `/`.
        let sql = "SELECT body FROM notes WHERE store = ? AND name > 'publishing/' \
                   AND name < 'publishing0' ORDER BY name";
        let rows = self.fetch(Statement::new(sql).int(self.store)).await?;
        rows.iter().map(|row| column::read_json(&row.text(0)?)).collect()
    }

    pub(super) async fn write_publishing(&self, publishing: &Publishing) -> Stored<()> {
        let body = column::json(publishing)?;
        self.write_note(&name(&publishing.repair.key), Some(&body)).await
    }

    pub(super) async fn forget_publishing(&self, key: &str) -> Stored<()> {
        self.write(&self.drop_publishing(key)).await?;
        Ok(())
    }

    pub(super) fn drop_publishing(&self, key: &str) -> Statement {
        Statement::new("DELETE FROM notes WHERE store = ? AND name = ?")
            .int(self.store)
            .text(name(key))
    }
}

fn name(key: &str) -> String {
    format!("publishing/{}", Digest::new(Sha256::digest(key).into()))
}
