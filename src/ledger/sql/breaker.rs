//! The breaker: one latched state for each store, changed by whoever knows what it was.

use super::statement::Statement;
use super::{SqlLedger, Stored, column};
use crate::model::BreakerState;

impl SqlLedger {
    pub(super) async fn read_breaker(&self) -> Stored<Option<BreakerState>> {
        self.latched().await?.map(|body| column::read_json(&body)).transpose()
    }

    /// The state as it is written.
    async fn latched(&self) -> Stored<Option<String>> {
        let sql = "SELECT body FROM breakers WHERE store = ?";
        let rows = self.fetch(Statement::new(sql).int(self.store)).await?;
        rows.first().map(|row| row.text(0)).transpose()
    }

    pub(super) async fn swap_breaker_state(
        &self,
        before: Option<&BreakerState>,
        after: Option<&BreakerState>,
    ) -> Stored<bool> {
        let written = self.latched().await?;
        let latched: Option<BreakerState> =
            written.as_deref().map(column::read_json).transpose()?;
        if latched.as_ref() != before {
            return Ok(false);
        }
        // The text that was read stands for the state: nobody has changed it where it is the same.
        let statement = match (written, after) {
            (None, None) => return Ok(true),
            (None, Some(after)) => {
                let sql = self.dialect().insert_absent("breakers", &["store", "body"]);
                Statement::new(sql).int(self.store).text(column::json(after)?)
            }
            (Some(written), Some(after)) => {
                Statement::new("UPDATE breakers SET body = ? WHERE store = ? AND body = ?")
                    .text(column::json(after)?)
                    .int(self.store)
                    .text(written)
            }
            (Some(written), None) => {
                Statement::new("DELETE FROM breakers WHERE store = ? AND body = ?")
                    .int(self.store)
                    .text(written)
            }
        };
        Ok(self.write(&statement).await? == 1)
    }
}
