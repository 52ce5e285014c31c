//! What a run leaves that is cut off between publishing an object and writing that down: before it
//! publishes, it says so in the ledger, and the next run looks what became of it.

use crate::ledger::LedgerError;
use crate::model::{ObjectMeta, Publishing, Repair, RepairResult, error_chain, redact_url};
use crate::observe::Event;
use crate::store::{Probe, StoreError};

use super::settle::Lies;
use super::{Healer, Job, held};

const FOUND: &str = "proven bytes were about to be published when that run was cut off, and they \
                     were found there and read";

impl Healer {
    /// Says in the ledger that `length` proven bytes of a source are about to be published.
    pub(super) async fn announce(
        &self,
        job: &Job<'_>,
        url: &str,
        length: u64,
    ) -> Result<(), LedgerError> {
        let repair = Repair {
            result: RepairResult::Restored,
            source: Some(redact_url(url)),
            bytes: length,
            corrupt: job.corrupt_bytes(self.quarantine_key(job)),
            ..held(job.action, FOUND)
        };
        let pass_id = job.pass_id.to_owned();
        let replaces: Option<ObjectMeta> = job.read.cloned();
        self.ledger.publish_begun(&Publishing { pass_id, repair, replaces }).await
    }

    /// Looks what became of what earlier runs were about to publish, and records what is there.
    /// Where the store does not say, the next heal asks it again.
    pub(super) async fn settle_interrupted(&self) -> Result<(), LedgerError> {
        let interrupted = self.ledger.publishings().await?;
        if interrupted.is_empty() {
            return Ok(());
        }
        // The pass may have been kept from a listing that would have shown it.
        let doubt = self.store.check().await.err();
        for publishing in interrupted {
            let repair = &publishing.repair;
            let found = match &doubt {
                Some(error) => Err(error_chain(error)),
                None => self.find(&publishing).await.map_err(|error| error_chain(&error)),
            };
            match found {
                Ok(true) => {
                    let repair = &self.with_copy_as_found(repair).await;
                    self.forget_troubles(&repair.key, &repair.digest).await;
                    let at = self.clock.now();
                    self.ledger.record_repair(&publishing.pass_id, at, repair).await?;
                    self.observer.notice(&Event::Repaired { repair, at });
                }
                Ok(false) => self.ledger.publish_failed(&repair.key).await?,
                Err(why) => {
                    let line = format!("whether {} was published is not known: {why}", repair.key);
                    self.observer.notice(&Event::Notice(&line));
                }
            }
        }
        Ok(())
    }

    /// A repair of a run that was cut off, with the copy of the corrupt bytes only if it is there.
    async fn with_copy_as_found(&self, repair: &Repair) -> Repair {
        let mut repair = repair.clone();
        if let Some(corrupt) = &mut repair.corrupt
            && let Some(copy) = &corrupt.quarantine_key
            && !matches!(self.store.probe(copy).await, Probe::Present(_))
        {
            corrupt.quarantine_key = None;
        }
        repair
    }

    /// Whether the very bytes that were about to be published lie there. They are read: what looks
    /// like them may be somebody else's.
    async fn find(&self, publishing: &Publishing) -> Result<bool, StoreError> {
        let repair = &publishing.repair;
        match self.store.probe(&repair.key).await {
            Probe::Present(found) if publishing.is_done(&found) => {}
            Probe::Present(_) | Probe::Absent => return Ok(false),
            Probe::Unknown(error) => return Err(error),
        }
        match self.read(&repair.key, &repair.digest).await {
            Lies::Right => Ok(true),
            Lies::Nothing(_) => Ok(false),
            Lies::Unread(error) => Err(error),
            Lies::Wrong(now) => {
                self.tell_wrong(&now, "a run that was cut off was about to restore it").await;
                Ok(false)
            }
        }
    }
}
