//! Proven bytes to the store: the row is read again, the key is probed again, and only then does
//! the upload complete. After any doubtful answer a probe says what happened.

use crate::model::{Cause, FailureReason, ObjectMeta, RepairResult, error_chain};
use crate::store::{Condition, Probe, Staged, StoreError, StoreFault};

use super::restore::End;
use super::{Healer, Job};

/// Why a corrupt object is left alone that is not the one that was read.
const CHANGED: &str = "it changed since it was read: the next pass will judge it";

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
        let condition = match self.clear_the_way(job, length).await {
            Ok(condition) => condition,
            Err(end) => {
                self.discard(staged).await;
                return end;
            }
        };
        let published = staged.publish(condition).await;
        self.settle(job, length, published).await
    }

    /// Everything that has to hold right before the completion, the slowest first, so that the
    /// probe is the last of it.
    async fn clear_the_way(&self, job: &Job<'_>, length: u64) -> Result<Condition, End> {
        if let (Cause::Corrupt, Some(to)) = (job.action.cause, self.quarantine_key(job)) {
            // Only what will be replaced is set aside.
            match self.look_again(job, length).await? {
                Condition::Absent => return Ok(Condition::Absent),
                Condition::Replaces(_) => self.set_aside(job, &to).await?,
            }
        }
        self.look_again(job, length).await
    }

    /// Whether a row wants the object still, and whether its key is as this pass found it.
    async fn look_again(&self, job: &Job<'_>, length: u64) -> Result<Condition, End> {
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
            (Probe::Present(now), Cause::Missing, _) => Err(found_there(&now, length)),
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

    async fn row_stands(&self, job: &Job<'_>) -> Result<bool, End> {
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

    /// What the store holds after the completion was asked for, whatever it answered.
    async fn settle(&self, job: &Job<'_>, length: u64, published: Result<(), StoreError>) -> End {
        let probe = self.store.probe(&job.action.target.key).await;
        let there =
            |now: &ObjectMeta| now.size == length && job.read.is_none_or(|read| now != read);
        match (published, probe) {
            (Ok(()), Probe::Present(now)) if there(&now) => End {
                result: RepairResult::Restored,
                reason: None,
                detail: self.restored(job, length).await,
            },
            (Ok(()), Probe::Present(now)) if now.size == length => {
                not_found_again("the store took the bytes, and still shows the corrupt version")
            }
            (Ok(()), Probe::Present(now)) => not_found_again(&format!(
                "{length} bytes were published and {} bytes are there",
                now.size
            )),
            (Ok(()), Probe::Absent) => {
                not_found_again("the store took the bytes, and now answers that they are absent")
            }
            (Ok(()), Probe::Unknown(error)) => not_found_again(&error_chain(&error)),
            // Another version of the right size may be as corrupt as the one that was read.
            (Err(error), Probe::Present(now)) if error.fault == StoreFault::Conflict => {
                match job.read {
                    None => found_there(&now, length),
                    Some(read) if now == *read => store_write(&error),
                    Some(_) => holding(CHANGED),
                }
            }
            // A lost answer: the completion went through all the same.
            (Err(_), Probe::Present(now)) if there(&now) => End {
                result: RepairResult::Restored,
                reason: None,
                detail: self.restored(job, length).await,
            },
            (Err(error), _) => store_write(&error),
        }
    }

    async fn restored(&self, job: &Job<'_>, length: u64) -> String {
        match self.row_stands(job).await {
            Ok(false) => format!(
                "{length} bytes proven and published; its row was taken away meanwhile, so that \
                 it is an orphan now"
            ),
            Ok(true) | Err(_) => format!("{length} bytes proven and published"),
        }
    }
}

fn found_there(now: &ObjectMeta, length: u64) -> End {
    if now.size == length {
        let detail = "a probe found it there: somebody else restored it".to_owned();
        return End { result: RepairResult::AlreadyPresent, reason: None, detail };
    }
    holding(&format!(
        "somebody else wrote {} bytes under its key meanwhile, {length} are right: the next pass \
         will judge it",
        now.size
    ))
}

fn holding(why: &str) -> End {
    End { result: RepairResult::Held, reason: None, detail: why.to_owned() }
}

fn store_write(error: &StoreError) -> End {
    let reason = Some(FailureReason::StoreWrite);
    End { result: RepairResult::Failed, reason, detail: error_chain(error) }
}

fn not_found_again(detail: &str) -> End {
    let reason = Some(FailureReason::VerifyAfterWrite);
    End { result: RepairResult::Failed, reason, detail: detail.to_owned() }
}
