//! The ledger port: what was found and done, durably. All of it belongs to one store, whose
//! identity the adapter is opened with.

mod lock;
mod open;
mod options;
mod page;
mod place;
mod sql;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::model::{
    Acceptance, Attempts, BreakerState, Corruption, Digest, Finding, FindingCount, FindingKind,
    LastFull, PassTotals, Publishing, Removal, Repair, Sighting, SourceVerdict, Summary, Upload,
};

pub use lock::{Fence, Holder, LeaseTerms, Lock, LockError};
pub use open::{open, open_or_read};
pub use options::LedgerOptions;
pub use page::{FindingCursor, Page, ParseCursorError, PassCursor};
pub use place::{OpenError, check_server_url, file_of, names_server};

/// The ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("ledger {ledger}: cannot {action}")]
pub struct LedgerError {
    /// The ledger, redacted.
    pub ledger: String,
    /// What was tried.
    pub action: &'static str,
    /// The cause.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl LedgerError {
    /// Whether the write was refused because another instance holds the lock by now: the one that
    /// wrote is to stop.
    pub fn is_lease_lost(&self) -> bool {
        self.source.is::<LeaseLost>()
    }
}

/// Why a write of a former holder of the lock was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another instance has taken over the lock of this store in the meantime; this one stops")]
pub struct LeaseLost;

type Result<T> = std::result::Result<T, LedgerError>;

/// A finding as the ledger keeps it: the key of its first sighting.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FindingKey {
    /// What is wrong.
    pub kind: FindingKind,
    /// The object's key, or for a row without one its collection and what it shows.
    pub subject: String,
}

/// What was found and done, durably.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// What is doubtful about the database and works all the same, to be logged whenever a ledger
    /// is opened. Holds no secrets.
    fn remarks(&self) -> &[String];

    /// The same ledger for the holder of a lock: once another instance has taken over, each write
    /// is refused with [`LeaseLost`]. [`Lock::guard`] does this.
    fn fenced(&self, fence: &Fence) -> Arc<dyn Ledger>;

    /// Keeps a pass with its findings, in place of what it was recorded with earlier, and closes
    /// findings that a `full` pass no longer saw. `first_seen` of findings was filled from [`Ledger::first_seen`].
    async fn record_pass(
        &self,
        summary: &Summary,
        findings: &[(FindingKey, Finding)],
        full: bool,
    ) -> Result<()>;

    /// When each of these findings was first seen, in their order; `None` for new ones.
    async fn first_seen(&self, keys: &[FindingKey]) -> Result<Vec<Option<DateTime<Utc>>>>;

    /// The last pass over everything that established all counts.
    async fn last_full(&self) -> Result<Option<LastFull>>;

    /// The whole summary of that pass: what gauges show after a restart.
    async fn last_full_summary(&self) -> Result<Option<Summary>>;

    /// What became of all passes of each depth that were ever kept, forgotten ones too.
    async fn pass_totals(&self) -> Result<Vec<PassTotals>>;

    /// The newest passes, newest first, at most `limit`.
    async fn passes(&self, limit: u32) -> Result<Vec<Summary>> {
        Ok(self.passes_page(None, limit).await?.items)
    }

    /// Passes, newest first, from behind a cursor on.
    async fn passes_page(
        &self,
        after: Option<&PassCursor>,
        limit: u32,
    ) -> Result<Page<Summary, PassCursor>>;

    /// The findings that stand, in the order of [`Ledger::findings_page`], at most `limit`.
    async fn findings(&self, limit: u32) -> Result<Vec<Finding>> {
        Ok(self.findings_page(None, None, limit).await?.items)
    }

    /// The findings that stand, or those of one kind, by kind, collection and subject, from behind
    /// a cursor on.
    async fn findings_page(
        &self,
        kind: Option<FindingKind>,
        after: Option<&FindingCursor>,
        limit: u32,
    ) -> Result<Page<Finding, FindingCursor>>;

    /// The findings about one object that stand, in report order.
    async fn findings_of(&self, digest: &Digest) -> Result<Vec<Finding>>;

    /// How many findings stand of each sort, in report order.
    async fn finding_counts(&self) -> Result<Vec<FindingCount>>;

    /// Forgets the passes, repairs and removals that ended and the findings that were closed before
    /// this time, save the last full pass, and tells how many those were; also sightings of before
    /// that no finding goes with any more.
    async fn prune(&self, before: DateTime<Utc>) -> Result<u64>;

    /// Every standing corruption.
    async fn corruptions(&self) -> Result<Vec<Corruption>>;

    /// Keeps a corruption, in place of an older one of the same key.
    async fn put_corruption(&self, corruption: &Corruption) -> Result<()>;

    /// Forgets the corruption of a key: it was repaired, read and found right, or replaced.
    async fn clear_corruption(&self, key: &str) -> Result<()>;

    /// What is known of these orphans, for those that are known.
    async fn sightings(&self, keys: &[String]) -> Result<Vec<Sighting>>;

    /// Keeps sightings, in place of older ones of the same keys.
    async fn put_sightings(&self, sightings: &[Sighting]) -> Result<()>;

    /// Forgets the sightings of keys that start with `prefix` and are not among `seen`: those
    /// objects are orphans no more.
    async fn retain_sightings(&self, prefix: &str, seen: &[String]) -> Result<()>;

    /// What is remembered of these objects' heals, for those that are known.
    async fn attempts(&self, digests: &[Digest]) -> Result<Vec<(Digest, Attempts)>>;

    /// The same of all objects about which a finding stands and that a heal would try again, by
    /// digest, behind `after`, at most `limit`.
    async fn pending_attempts(
        &self,
        after: Option<&Digest>,
        limit: u32,
    ) -> Result<Vec<(Digest, Attempts)>>;

    /// Keeps what is remembered of an object's heals; a success clears it.
    async fn put_attempts(&self, digest: &Digest, attempts: Option<&Attempts>) -> Result<()>;

    /// Every standing verdict of sources.
    async fn verdicts(&self) -> Result<Vec<SourceVerdict>>;

    /// Keeps a verdict, in place of an older one of the same source and object.
    async fn put_verdict(&self, verdict: &SourceVerdict) -> Result<()>;

    /// Forgets the verdicts on an object: it was healed.
    async fn clear_verdicts(&self, digest: &Digest) -> Result<()>;

    /// Proven bytes that were about to be published when their run was cut off.
    async fn publishings(&self) -> Result<Vec<Publishing>>;

    /// Writes down what is about to be published, in place of what was to be under the same key.
    async fn publish_begun(&self, publishing: &Publishing) -> Result<()>;

    /// Forgets it: the object is not there.
    async fn publish_failed(&self, key: &str) -> Result<()>;

    /// Keeps the record of an action. What was about to be published under its key is settled by
    /// it, and where the object is right now, the findings about it are closed.
    async fn record_repair(&self, pass_id: &str, at: DateTime<Utc>, repair: &Repair) -> Result<()>;

    /// The newest repairs of an object, newest first.
    async fn repairs(&self, digest: &Digest, limit: u32) -> Result<Vec<(DateTime<Utc>, Repair)>>;

    /// Keeps what became of an object in a plan, in place of what became of it earlier.
    async fn record_removal(&self, removal: &Removal) -> Result<()>;

    /// What became of the objects of plans, newest first.
    async fn removals(&self, limit: u32) -> Result<Vec<Removal>>;

    /// What became of one object in plans, newest first.
    async fn removals_of(&self, digest: &Digest) -> Result<Vec<Removal>>;

    /// Uploads that were begun and not ended.
    async fn uploads(&self) -> Result<Vec<Upload>>;

    /// Writes down an upload before its first part.
    async fn upload_begun(&self, upload: &Upload, at: DateTime<Utc>) -> Result<()>;

    /// Forgets an upload that was completed or aborted for good.
    async fn upload_ended(&self, upload: &Upload) -> Result<()>;

    /// The breaker, where it is latched.
    async fn breaker(&self) -> Result<Option<BreakerState>>;

    /// Latches the breaker, changes what it holds, or closes it, if it still is as it was
    /// `before`; tells whether it was. Of several who saw the same, one prevails.
    async fn swap_breaker(
        &self,
        before: Option<&BreakerState>,
        after: Option<&BreakerState>,
    ) -> Result<bool>;

    /// What was noted under this name; `None` where nothing was.
    async fn note(&self, name: &str) -> Result<Option<String>>;

    /// Notes a text under this name in place of an earlier one, or forgets it.
    async fn set_note(&self, name: &str, text: Option<&str>) -> Result<()>;

    /// The losses that people accepted, by digest, those that expired too.
    async fn accepted(&self) -> Result<Vec<Acceptance>>;

    /// Keeps an accepted loss, in place of an older one of the same object.
    async fn put_accepted(&self, accepted: &Acceptance) -> Result<()>;

    /// Forgets that a loss was accepted.
    async fn clear_accepted(&self, digest: &Digest) -> Result<()>;
}
