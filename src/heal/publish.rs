//! Proven bytes to the store: the row is read again, the key is probed again, and only then does
//! the upload complete.

use crate::model::{Cause, FailureReason, RepairResult, error_chain};
use crate::store::{Condition, Probe, Staged, StoreError, StoreFault};

use super::restore::End;
use super::{Healer, Job};

/// Why a corrupt object is left alone that is not the one that was read.
pub(super) const CHANGED: &str = "it changed since it was read: the next pass will judge it";

impl Healer {
    /// Publishes `length` proven bytes of a source.
    pub(super) async fn publish(
        &self,
        job: &Job<'_>,
        url: &str,
        mut staged: Box<dyn Staged>,
        length: u64,
    ) -> End {
        if let Err(error) = staged.seal().await {
            self.discard(staged).await;
            return store_write(&error);
        }
        // Before the look that has to be the last, since a ledger may be slow.
        if let Err(error) = self.announce(job, url, length).await {
            self.discard(staged).await;
            let detail = error_chain(&error);
            return End { result: RepairResult::Failed, reason: None, detail };
        }
        let condition = match self.clear_the_way(job).await {
            Ok(condition) => condition,
            Err(end) => {
                self.discard(staged).await;
                return end;
            }
        };
        let replaced = match &condition {
            Condition::Absent => None,
            Condition::Replaces(version) => Some(version.clone()),
        };
        let published = staged.publish(condition).await;
        self.settle(job, length, replaced.as_ref(), published).await
    }

    /// Everything that has to hold right before the completion, the slowest first, so that the
    /// probe is the last of it.
    async fn clear_the_way(&self, job: &Job<'_>) -> Result<Condition, End> {
        if job.replaces_unreadable() {
            return self.clear_unreadable(job).await;
        }
        if let (Cause::Corrupt, Some(to)) = (job.action.cause, self.quarantine_key(job)) {
            // Only what will be replaced is set aside.
            match self.look_again(job).await? {
                Condition::Absent => return Ok(Condition::Absent),
                Condition::Replaces(_) => self.set_aside(job, &to).await?,
            }
        }
        self.look_again(job).await
    }

    /// Whether a row wants the object still, and whether its key is as this pass found it.
    async fn look_again(&self, job: &Job<'_>) -> Result<Condition, End> {
        let action = job.action;
        if !self.row_stands(job).await? {
            return Err(holding("no row wants it any more"));
        }
        match (self.store.probe(&action.target.key).await, action.cause, job.read) {
            (Probe::Unknown(error), _, _) => Err(store_write(&error)),
            (Probe::Absent, _, _) => Ok(Condition::Absent),
            (Probe::Present(now), Cause::Corrupt, Some(read)) if now == *read => {
                Ok(Condition::Replaces(now))
            }
            (Probe::Present(_), Cause::Corrupt, _) => Err(holding(CHANGED)),
            (Probe::Present(_), Cause::Missing, _) => Err(self.found_there(job).await),
        }
    }

    /// Copies corrupt bytes under the quarantine prefix.
    async fn set_aside(&self, job: &Job<'_>, to: &str) -> Result<(), End> {
        match self.store.set_aside(&job.action.target.key, to).await {
            Ok(()) => {
                job.aside.get_or_init(|| to.to_owned());
                Ok(())
            }
            // Vanished bytes need no copy; the probe that follows sees the hole.
            Err(error) if error.fault == StoreFault::NotFound => Ok(()),
            Err(error) => Err(holding(&format!(
                "its corrupt bytes cannot be copied to {to}: {}",
                error_chain(&error)
            ))),
        }
    }

    pub(super) async fn row_stands(&self, job: &Job<'_>) -> Result<bool, End> {
        let action = job.action;
        let Some(collection) = self.collection(&action.target.collection) else {
            return Ok(false);
        };
        match self.catalog.rows(collection, &[action.target.digest]).await {
            Ok(rows) => Ok(!rows.is_empty()),
            Err(error) => Err(End {
                result: RepairResult::Failed,
                reason: None,
                detail: format!("its row cannot be read again: {}", error_chain(&error)),
            }),
        }
    }
}

pub(super) fn holding(why: &str) -> End {
    End { result: RepairResult::Held, reason: None, detail: why.to_owned() }
}

pub(super) fn store_write(error: &StoreError) -> End {
    let reason = Some(FailureReason::StoreWrite);
    End { result: RepairResult::Failed, reason, detail: error_chain(error) }
}

pub(super) fn not_found_again(detail: &str) -> End {
    let reason = Some(FailureReason::VerifyAfterWrite);
    End { result: RepairResult::Failed, reason, detail: detail.to_owned() }
}
