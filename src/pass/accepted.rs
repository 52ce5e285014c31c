//! Losses that a person accepted, in the configuration or with a command.

use std::collections::HashSet;

use crate::ledger::LedgerError;
use crate::model::{Digest, LastFull};
use crate::observe::Event;
use crate::plan::{accepted_now, ran_out};

use super::Auditor;

impl Auditor {
    /// The digests whose loss is accepted now. Those that ran out since the last full pass are
    /// warned of: they count again from now on.
    pub(super) async fn accepted_now(
        &self,
        last_full: Option<&LastFull>,
    ) -> Result<HashSet<Digest>, LedgerError> {
        let (configured, kept) = (&self.settings.accepted, self.ledger.accepted().await?);
        let now = self.clock.now();
        let before = last_full.map_or(now, |last| last.finished_at);
        for loss in ran_out(configured, &kept, before, now) {
            let line = format!(
                "the accepted loss of {} has expired (until {}: {}): it counts again",
                loss.digest, loss.until, loss.reason
            );
            self.observer.notice(&Event::Warning(&line));
        }
        Ok(accepted_now(configured, &kept, now))
    }
}
