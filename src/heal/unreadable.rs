//! An object that the store shows and nobody can read: replaced only where a person named it, once
//! its bytes are proven, and set aside where it can be copied.

use crate::model::{RepairResult, error_chain};
use crate::observe::Event;
use crate::plan::Step;
use crate::store::{Condition, Probe, StoreFault};

use super::publish::{CHANGED, holding, store_write};
use super::restore::End;
use super::settle::{Lies, there};
use super::{Healer, Job};

impl Job<'_> {
    /// Whether a person asked for what lies there to be replaced although nobody can read it.
    pub(super) fn replaces_unreadable(&self) -> bool {
        self.action.step == Step::ReplaceUnreadable
    }
}

impl Healer {
    /// Everything that has to hold right before an unreadable object is replaced: it is tried once
    /// more, as what can be read by now is not replaced unread.
    pub(super) async fn clear_unreadable(&self, job: &Job<'_>) -> Result<Condition, End> {
        let key = &job.action.target.key;
        if !self.row_stands(job).await? {
            return Err(holding("no row wants it any more"));
        }
        let seen = match self.store.probe(key).await {
            Probe::Absent => return Ok(Condition::Absent),
            Probe::Unknown(error) => return Err(store_write(&error)),
            Probe::Present(seen) => seen,
        };
        match self.read_target(job).await {
            Lies::Unread(error) if says_nothing_of_it(error.fault) => {
                return Err(holding(&format!(
                    "whether it can be read is not known, and so it is not replaced: {}",
                    error_chain(&error)
                )));
            }
            Lies::Nothing(_) | Lies::Unread(_) => {}
            Lies::Right => {
                let detail = "it can be read by now: its bytes are right".to_owned();
                return Err(End { result: RepairResult::AlreadyPresent, reason: None, detail });
            }
            Lies::Wrong(now) => {
                let detail = format!("it can be read by now, and {}", there(&now));
                self.tell_wrong(&now, &detail).await;
                return Err(holding(&format!("{detail}: the next heal replaces them")));
            }
        }
        self.copy_if_possible(job).await;
        match self.store.probe(key).await {
            Probe::Absent => Ok(Condition::Absent),
            Probe::Unknown(error) => Err(store_write(&error)),
            Probe::Present(now) if now == seen => Ok(Condition::Replaces(now)),
            Probe::Present(_) => Err(holding(CHANGED)),
        }
    }

    /// Sets the object aside where the store can still copy it.
    async fn copy_if_possible(&self, job: &Job<'_>) {
        let Some(to) = self.quarantine_key(job) else { return };
        let key = &job.action.target.key;
        match self.store.set_aside(key, &to).await {
            // A second try has made the same copy.
            Ok(()) => drop(job.aside.set(to)),
            Err(error) => {
                let why = error_chain(&error);
                let line =
                    format!("{key} is replaced without a copy, since it cannot be copied: {why}");
                self.observer.notice(&Event::Notice(&line));
            }
        }
    }
}

/// Whether an error speaks of the store or of this machine, and not of the object: being told to
/// slow down is no failure.
const fn says_nothing_of_it(fault: StoreFault) -> bool {
    matches!(
        fault,
        StoreFault::Throttled
            | StoreFault::Credentials
            | StoreFault::Clock
            | StoreFault::Unreachable
            | StoreFault::NoSuchStore
    )
}
