//! Losses that a person accepted, in the configuration or with a command.

use std::collections::HashSet;

use crate::ledger::LedgerError;
use crate::model::Digest;
use crate::plan::accepted_now;

use super::Auditor;

impl Auditor {
    /// The digests whose loss is accepted now.
    pub(super) async fn accepted_now(&self) -> Result<HashSet<Digest>, LedgerError> {
        let kept = self.ledger.accepted().await?;
        Ok(accepted_now(&self.settings.accepted, &kept, self.clock.now()))
    }
}
