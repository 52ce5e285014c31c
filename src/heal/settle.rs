//! What lies under a key after a completion was asked for: it is read before it is called right.

use crate::model::{Corruption, Digest, ObjectMeta, RepairResult, error_chain};
use crate::observe::Event;
use crate::store::{Probe, StoreError, StoreFault, hash};

use super::publish::{holding, not_found_again, store_write};
use super::restore::End;
use super::{Healer, Job};

/// What reading an object told.
pub(super) enum Lies {
    /// The right bytes.
    Right,
    /// Others.
    Wrong(Corruption),
    /// The store answers that nothing lies there.
    Nothing(StoreError),
    /// Nobody can say.
    Unread(StoreError),
}

impl Healer {
    /// What the store holds after the completion was asked for, whatever it answered. `replaced` is
    /// the version that lay there before.
    pub(super) async fn settle(
        &self,
        job: &Job<'_>,
        length: u64,
        replaced: Option<&ObjectMeta>,
        published: Result<(), StoreError>,
    ) -> End {
        match published {
            Ok(()) => self.verify(job, length, replaced).await,
            Err(error) => self.after(&error, job, length, replaced).await,
        }
    }

    /// Whether what the store took is there. What is small is read back, since a store may change
    /// bytes on their way in; of what is large, a HEAD has to be enough.
    async fn verify(&self, job: &Job<'_>, length: u64, replaced: Option<&ObjectMeta>) -> End {
        if length > self.options.verify_up_to.0
            && !job.replaces_unreadable()
            && let Probe::Present(now) = self.store.probe(&job.action.target.key).await
            && now.size == length
            && replaced != Some(&now)
        {
            return self.restored(job, length).await;
        }
        match self.read_target(job).await {
            Lies::Right => self.restored(job, length).await,
            Lies::Wrong(now) if replaced == Some(&now.meta) => {
                not_found_again("the store took the bytes, and still shows the corrupt version")
            }
            Lies::Wrong(now) => {
                let detail = format!(
                    "{length} proven bytes were published, and {}: the store changed them, or \
                     somebody else did",
                    there(&now)
                );
                self.tell_wrong(&now, &detail).await;
                not_found_again(&detail)
            }
            Lies::Nothing(_) => {
                not_found_again("the store took the bytes, and now answers that they are absent")
            }
            Lies::Unread(error) => not_found_again(&error_chain(&error)),
        }
    }

    /// After a refusal, or an answer that got lost: the completion may have gone through, and
    /// somebody else may have been there first.
    async fn after(
        &self,
        error: &StoreError,
        job: &Job<'_>,
        length: u64,
        replaced: Option<&ObjectMeta>,
    ) -> End {
        match self.store.probe(&job.action.target.key).await {
            Probe::Present(now) if replaced != Some(&now) => {}
            Probe::Present(_) | Probe::Absent | Probe::Unknown(_) => return store_write(error),
        }
        if error.fault == StoreFault::Conflict {
            return self.found_there(job).await;
        }
        match self.read_target(job).await {
            Lies::Right => self.restored(job, length).await,
            Lies::Wrong(now) if replaced != Some(&now.meta) => {
                let detail = format!("{}; {}", error_chain(error), there(&now));
                self.tell_wrong(&now, &detail).await;
                End { detail, ..store_write(error) }
            }
            Lies::Wrong(_) | Lies::Nothing(_) => store_write(error),
            Lies::Unread(also) => {
                let detail = format!("{}; {}", error_chain(error), error_chain(&also));
                End { detail, ..store_write(error) }
            }
        }
    }

    /// Something lies under the key that this heal did not put there.
    pub(super) async fn found_there(&self, job: &Job<'_>) -> End {
        match self.read_target(job).await {
            Lies::Right => {
                let detail = "somebody else restored it: its bytes were read and are right";
                let result = RepairResult::AlreadyPresent;
                End { result, reason: None, detail: detail.to_owned() }
            }
            Lies::Wrong(now) => {
                let detail = format!(
                    "somebody else wrote under its key meanwhile, and {}: the next heal replaces \
                     them",
                    there(&now)
                );
                self.tell_wrong(&now, &detail).await;
                holding(&detail)
            }
            Lies::Nothing(error) | Lies::Unread(error) => holding(&format!(
                "somebody else wrote under its key meanwhile, and it cannot be read: {}",
                error_chain(&error)
            )),
        }
    }

    pub(super) async fn read_target(&self, job: &Job<'_>) -> Lies {
        let target = &job.action.target;
        self.read(&target.key, &target.digest).await
    }

    /// Reads what lies under a key to its end.
    pub(super) async fn read(&self, key: &str, wanted: &Digest) -> Lies {
        let read = match self.store.read(key).await {
            Ok(reading) => hash(reading, key, |_| ()).await,
            Err(error) => Err(error),
        };
        match read {
            Ok((digest, _)) if digest == *wanted => Lies::Right,
            Ok((digest, meta)) => Lies::Wrong(Corruption {
                key: key.to_owned(),
                digest: *wanted,
                observed_digest: digest,
                meta,
                found_at: self.clock.now(),
            }),
            Err(error) if error.fault == StoreFault::NotFound => Lies::Nothing(error),
            Err(error) => Lies::Unread(error),
        }
    }

    /// Wrong bytes lie there from now on, and stand in the ledger until they are replaced.
    pub(super) async fn tell_wrong(&self, now: &Corruption, why: &str) {
        self.tell_unless_written(self.ledger.put_corruption(now).await);
        self.observer.notice(&Event::Corrupted(now));
        self.observer.notice(&Event::Notice(&format!("{} is corrupt: {why}", now.key)));
    }

    async fn restored(&self, job: &Job<'_>, length: u64) -> End {
        let orphan = match self.row_stands(job).await {
            Ok(false) => "; its row was taken away meanwhile, so that it is an orphan now",
            Ok(true) | Err(_) => "",
        };
        let copy = job.aside.get().filter(|_| job.replaces_unreadable());
        let copy = copy.map(|to| format!("; what nobody could read was copied to {to}"));
        let detail =
            format!("{length} bytes proven and published{}{orphan}", copy.unwrap_or_default());
        End { result: RepairResult::Restored, reason: None, detail }
    }
}

pub(super) fn there(now: &Corruption) -> String {
    format!("{} bytes with digest {} lie there", now.meta.size, now.observed_digest)
}
