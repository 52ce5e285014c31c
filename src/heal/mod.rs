//! Carries out a plan: bytes stream from a source through SHA-256 into a staged upload, which is
//! published only when it is proven. Nothing in this folder can take an object away.

mod interrupted;
mod journal;
mod lanes;
mod publish;
mod restore;
mod settle;
mod steps;
mod texts;
mod transfer;
mod unreadable;
mod work;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::catalog::{Catalog, CatalogError};
use crate::clock::Clock;
use crate::ledger::{Ledger, LedgerError};
use crate::model::{
    CatalogRow, Collection, CorruptBytes, Corruption, Digest, ObjectMeta, Repair, RepairResult,
    SourceVerdict, error_chain,
};
use crate::observe::{Event, Observer};
use crate::plan::{Action, HealOptions, Hold, Plan, Step};
use crate::source::Source;
use crate::store::HealStore;

pub use journal::Journal;
pub use texts::CatalogTexts;

/// Why an action is not begun once the ledger did not take an earlier one's record.
const UNRECORDED: &str =
    "the ledger does not take the records of repairs: nothing is healed unrecorded";

/// What stops a heal as a whole; the trouble of one object never does.
#[derive(Debug, thiserror::Error)]
pub enum HealError {
    /// The rows of the plan could not be read.
    #[error("cannot read the rows of the plan again")]
    Catalog(#[from] CatalogError),
    /// What was done could not be written down.
    #[error("cannot write down what was done")]
    Ledger(#[from] LedgerError),
}

/// What became of a plan.
#[derive(Debug, Default)]
pub struct Executed {
    /// What became of its actions, in its order.
    pub repairs: Vec<Repair>,
    /// Why not all of them were written down; what came behind the first of these was held.
    pub unrecorded: Option<LedgerError>,
}

/// One action with all that is known of its object.
struct Job<'a> {
    action: &'a Action,
    pass_id: &'a str,
    rows: &'a [CatalogRow],
    /// What was read and found wrong in this pass.
    corrupt: Option<&'a Corruption>,
    /// The version of it.
    read: Option<&'a ObjectMeta>,
    /// Where its copy is, once it was made.
    aside: OnceLock<String>,
    /// What sources said earlier, where that is to be honored.
    verdicts: &'a [SourceVerdict],
    /// Whether the ledger still takes records of repairs.
    unrecorded: &'a Unrecorded,
}

/// The first error of the ledger over the record of a repair: nothing is healed behind it.
#[derive(Default)]
struct Unrecorded(Mutex<Option<LedgerError>>);

impl Unrecorded {
    fn is_any(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn keep(&self, error: LedgerError) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    fn into_error(self) -> Option<LedgerError> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything that healing needs.
pub struct Healer {
    /// What should exist.
    pub catalog: Arc<dyn Catalog>,
    /// Where it should lie.
    pub store: Arc<dyn HealStore>,
    /// Where it can be had again.
    pub source: Arc<dyn Source>,
    /// What was done.
    pub ledger: Arc<dyn Ledger>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Who is told.
    pub observer: Arc<dyn Observer>,
    /// What may be done.
    pub options: HealOptions,
    /// How often one source is asked.
    pub tries: u32,
    /// Gives a number from 0 to 1, by which waits before further tries differ.
    pub chance: fn() -> f64,
    /// Set to end early: what is about to complete completes, the rest is thrown away.
    pub cancel: CancellationToken,
}

impl Healer {
    /// Carries out a plan and returns what became of its actions; those that a cancellation cut off
    /// are left out.
    ///
    /// `read` holds each corrupt object that was read in this pass, by key: only the version that was
    /// read is ever replaced. `ask_anew` disregards remembered drift.
    pub async fn execute(
        &self,
        plan: &Plan,
        read: &HashMap<String, Corruption>,
        ask_anew: bool,
    ) -> Result<Executed, HealError> {
        let all_held: Option<Vec<_>> = plan.actions.iter().map(hold_of).collect();
        if let Some(repairs) = all_held.filter(|repairs| !repairs.is_empty()) {
            // Nothing is to be done, and so there is nothing to write down.
            return Ok(Executed { repairs, unrecorded: None });
        }
        let rows = self.rows_of(plan).await?;
        let verdicts = if ask_anew { Vec::new() } else { self.ledger.verdicts().await? };
        self.observer.notice(&Event::Phase {
            name: "healing",
            total_objects: u64::try_from(plan.actions.len()).ok(),
            total_bytes: None,
        });
        let unrecorded = Unrecorded::default();
        let jobs = plan.actions.iter().map(|action| {
            let place = (action.target.collection.clone(), action.target.digest);
            Job {
                action,
                pass_id: &plan.pass_id,
                rows: rows.get(&place).map_or(&[][..], Vec::as_slice),
                corrupt: read.get(&action.target.key),
                read: read.get(&action.target.key).map(|corruption| &corruption.meta),
                aside: OnceLock::new(),
                verdicts: &verdicts,
                unrecorded: &unrecorded,
            }
        });
        let mut repairs = self.work_off(jobs.collect()).await;
        repairs.sort_by_key(|(at, _)| *at);
        let repairs = repairs.into_iter().map(|(_, repair)| repair).collect();
        Ok(Executed { repairs, unrecorded: unrecorded.into_error() })
    }

    /// Settles what earlier runs left: uploads, and objects that were about to be published. Belongs
    /// before a pass looks, so that what is found wrong there is among its findings.
    pub async fn settle_earlier(&self) -> Result<(), LedgerError> {
        self.sweep().await?;
        self.settle_interrupted().await
    }

    /// Throws away uploads that a crash left behind. One that resists stays in the ledger, and is
    /// tried again next time.
    async fn sweep(&self) -> Result<(), LedgerError> {
        for upload in self.ledger.uploads().await? {
            match self.store.sweep(&upload).await {
                Ok(()) => self.ledger.upload_ended(&upload).await?,
                Err(error) => {
                    let told = error_chain(&error);
                    let line = format!("left an unfinished upload of {}: {told}", upload.key);
                    self.observer.notice(&Event::Notice(&line));
                }
            }
        }
        Ok(())
    }

    async fn rows_of(
        &self,
        plan: &Plan,
    ) -> Result<HashMap<(String, Digest), Vec<CatalogRow>>, HealError> {
        let mut found: HashMap<_, Vec<_>> = HashMap::new();
        for collection in self.catalog.collections() {
            let digests: Vec<_> = plan
                .actions
                .iter()
                .filter(|a| a.target.collection == collection.name && a.step.acts())
                .map(|a| a.target.digest)
                .collect();
            if digests.is_empty() {
                continue;
            }
            // All at once: a catalog without an index is then read once for all of them.
            for row in self.catalog.rows(collection, &digests).await? {
                found.entry((collection.name.clone(), row.digest)).or_default().push(row);
            }
        }
        Ok(found)
    }

    fn collection(&self, name: &str) -> Option<&Collection> {
        self.catalog.collections().iter().find(|collection| collection.name == name)
    }

    /// Where corrupt bytes of a key go; `None` where the configuration wants no copies.
    fn quarantine_key(&self, job: &Job<'_>) -> Option<String> {
        let folder = &self.options.quarantine;
        let key = &job.action.target.key;
        (!folder.is_empty()).then(|| format!("{folder}/{}/{key}", job.pass_id))
    }

    fn journal(&self) -> Arc<Journal> {
        Arc::new(Journal { ledger: Arc::clone(&self.ledger), clock: Arc::clone(&self.clock) })
    }
}

impl Job<'_> {
    /// The corrupt bytes under its key, and where their copy is.
    fn corrupt_bytes(&self, quarantine_key: Option<String>) -> Option<CorruptBytes> {
        self.corrupt.map(|corrupt| CorruptBytes {
            observed_digest: corrupt.observed_digest,
            observed_size: corrupt.meta.size,
            quarantine_key,
        })
    }
}

/// The record of an action that the plan holds; `None` where it is to be carried out.
fn hold_of(action: &Action) -> Option<Repair> {
    match action.step {
        Step::Hold(why) => Some(held(action, hold_sentence(why))),
        Step::Restore | Step::ReplaceUnreadable => None,
    }
}

const fn hold_sentence(why: Hold) -> &'static str {
    match why {
        Hold::Breaker => "the breaker is open: see `restock breaker show`",
        Hold::Incomplete => {
            "a part of the pass failed, and the rest saw more damage than the breaker lets pass"
        }
        Hold::HealingOff => "healing is off for it",
        Hold::Paused => "healing is paused",
        Hold::BackOff => "its last heal failed, and the next is not due yet: see `restock show`",
    }
}

/// The record of an action that is deliberately not taken.
pub fn held(action: &Action, why: &str) -> Repair {
    Repair {
        collection: action.target.collection.clone(),
        key: action.target.key.clone(),
        digest: action.target.digest,
        cause: action.cause,
        result: RepairResult::Held,
        reason: None,
        source: None,
        bytes: 0,
        seconds: 0.0,
        corrupt: None,
        detail: why.to_owned(),
    }
}
