//! One pass: the whole pipeline, from two enumerations to findings, a plan and a summary.
//!
//! An audit holds a [`Store`], which cannot write; only [`Auditor::heal`] is handed a
//! [`Healer`].

mod accepted;
mod conclude;
mod confirm;
mod describe;
mod enumerate;
mod examine;
mod flag;
mod heal;
mod join;
mod named;
mod options;
mod outcome;
mod pace;
mod read;
mod tell;
mod unkept;
mod verdicts;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::ledger::{Ledger, LedgerError};
use crate::model::{
    Acceptance, Collection, Command, Corruption, Depth, Digest, Finding, PassError, Repair, Size,
    Slice, Summary, Unhealable, error_chain,
};
use crate::observe::{Census, Observer};
use crate::plan::{BreakerOptions, HealOptions, OrphanOptions, Plan, PlanIdentity};
use crate::sorter::SorterOptions;
use crate::source::Source;
use crate::store::{Archived, Store, StoreError, StoreFault};

use pace::Pace;
use tell::Fault;
use unkept::Unkept;

pub use options::{AuditOptions, DeepOptions};
pub use outcome::{FailOn, FailOnKind, ParseFailOnError};
pub use tell::remembered;

#[expect(unused_imports, reason = "named in the module's documentation")]
use crate::heal::Healer;

/// What a pass is asked to do.
#[derive(Debug, Clone)]
pub struct Request {
    /// What it was started as.
    pub command: Command,
    /// Only these collections; all of them where empty.
    pub collections: Vec<String>,
    /// Nothing outside this slice is judged or counted.
    pub slice: Slice,
    /// Objects of this slice are read and hashed.
    pub deep: Option<Slice>,
    /// Only these objects, without a listing; they are read and hashed.
    pub digests: Option<Vec<Digest>>,
    /// Whether those of them that are seen and cannot be read are replaced, which only a person may
    /// ask for.
    pub replace_unreadable: bool,
    /// Which findings decide the exit code.
    pub fail_on: FailOn,
    /// What keeps a daemon from healing.
    pub restraint: Restraint,
}

/// What keeps a heal from acting, besides what its plan says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restraint {
    /// Whether an object whose last heal failed waits for its time.
    pub backs_off: bool,
    /// Whether a person paused healing.
    pub paused: bool,
}

/// How passes are run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Absent objects whose rows are younger than this are not judged.
    pub grace: std::time::Duration,
    /// Slices listed at once, confirmations in flight.
    pub concurrency: usize,
    /// Objects read at once.
    pub deep_concurrency: usize,
    /// Bytes read from objects in a second, at most; `None` for no limit.
    pub bandwidth: Option<Size>,
    /// What may be done.
    pub heal: HealOptions,
    /// What no sane world looks like.
    pub breaker: BreakerOptions,
    /// When an orphan is flagged.
    pub orphans: OrphanOptions,
    /// As what an object counts that lies in an archive.
    pub archived: Archived,
    /// Losses that the configuration accepts.
    pub accepted: Vec<Acceptance>,
    /// How long passes and closed findings are kept.
    pub retain: std::time::Duration,
    /// Memory and spill folder of the two sorters.
    pub sorter: SorterOptions,
}

/// Everything that auditing needs. Nothing in it can write to catalog or store.
pub struct Auditor {
    /// What should exist.
    pub catalog: Arc<dyn Catalog>,
    /// Where it should lie.
    pub store: Arc<dyn Store>,
    /// Whether it could be had again.
    pub source: Arc<dyn Source>,
    /// What earlier passes left.
    pub ledger: Arc<dyn Ledger>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Who is told.
    pub observer: Arc<dyn Observer>,
    /// How passes are run.
    pub settings: Settings,
    /// Set to end early.
    pub cancel: CancellationToken,
}

/// A finished pass.
#[derive(Debug)]
pub struct PassReport {
    /// What is wrong, in report order; after healing, where the pass healed.
    pub findings: Vec<Finding>,
    /// What was done.
    pub repairs: Vec<Repair>,
    /// The pass in numbers.
    pub summary: Summary,
    /// What would be done, or was.
    pub plan: Plan,
    /// Each corrupt object that was read in this pass, by key.
    read: HashMap<String, Corruption>,
    /// The sources of what is damaged, by collection and digest.
    sources: HashMap<(String, Digest), Vec<KnownSource>>,
    /// Whether it saw everything there is, so that it may close findings.
    full: bool,
    /// Named digests that no row wants.
    unwanted: Vec<Digest>,
    /// What kept it from finishing.
    fault: Option<Fault>,
    /// Rows of the catalog; `None` where not all of them were read.
    rows: Option<u64>,
    /// Present objects that could not be had again, by reason.
    at_risk: BTreeMap<Unhealable, u64>,
    /// The state of the store, once the pass is written down; `None` where it did not see all of it.
    census: Option<Census>,
}

/// A source of a damaged object, without the secrets that its URL may hold.
#[derive(Debug, Clone)]
struct KnownSource {
    /// [`crate::model::SourceVerdict::id_of`] its URL.
    id: String,
    /// Whether the policy allows it as written.
    permitted: bool,
}

/// What keeps a pass from being run at all.
#[derive(Debug, thiserror::Error)]
pub enum PassFailure {
    /// The ledger could not be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The request names a collection that is not there; a usage error.
    #[error("there is no collection `{name}`: the catalog has {known}")]
    UnknownCollection {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The pass was told to end.
    #[error("the pass was told to end before it was done")]
    Cancelled,
}

/// What stays the same throughout a pass.
struct Context<'a> {
    auditor: &'a Auditor,
    request: &'a Request,
    pass_id: String,
    started_at: DateTime<Utc>,
    known: Known,
    pace: Option<Arc<Pace>>,
    requests_before: crate::model::StoreRequests,
    /// What the ledger did not take.
    unkept: Unkept,
}

/// What the ledger knew as the pass began.
struct Known {
    corruptions: HashMap<String, Corruption>,
    verdicts: HashMap<Digest, Vec<crate::model::SourceVerdict>>,
    last_full: Option<crate::model::LastFull>,
    /// Whose loss a person accepted.
    accepted: HashSet<Digest>,
}

impl Auditor {
    /// Runs a pass that changes nothing in catalog or store, and keeps it in the ledger.
    pub async fn audit(&self, request: &Request) -> Result<PassReport, PassFailure> {
        let pass_id = new_id();
        let pass = async {
            let mut report = self.look(&pass_id, request).await?;
            report.name_unwanted();
            report.decide(request, false);
            self.record(&mut report, request).await;
            Ok(report)
        };
        self.told(&pass_id, request.depth(), pass).await
    }

    /// Runs a pass up to its plan, without keeping it.
    async fn look(&self, pass_id: &str, request: &Request) -> Result<PassReport, PassFailure> {
        let context = self.begin(pass_id, request).await?;
        let collections = self.selected(request)?;
        if let Err(error) = self.reach().await? {
            let error = Trouble::from(error);
            let fault = Some(error.fault());
            let error = error.into_pass_error("");
            let of = |c: &&Collection| PassError { subject: Some(c.name.clone()), ..error.clone() };
            let errors = collections.iter().map(of).collect();
            let mut report = context.conclude(Vec::new(), errors).await?;
            report.fault = fault;
            return Ok(report);
        }
        let (mut verdicts, mut errors, mut fault) = (Vec::new(), Vec::new(), None);
        for collection in collections {
            let judged = tokio::select! {
                () = self.cancel.cancelled() => return Err(PassFailure::Cancelled),
                judged = context.examine(collection) => judged,
            };
            match judged {
                Ok(judged) => verdicts.push(judged),
                Err(error) => {
                    fault = fault.or(Some(error.fault()));
                    errors.push(error.into_pass_error(&collection.name));
                }
            }
        }
        let mut report = context.conclude(verdicts, errors).await?;
        report.fault = fault.or(report.fault);
        Ok(report)
    }

    /// Whether anybody answers at all. Said once and soon, where the listings would say it after
    /// their whole patience, one collection after the other. Any answer will do: what it means for
    /// a collection, its own listing says.
    async fn reach(&self) -> Result<Result<(), StoreError>, PassFailure> {
        let checked = tokio::select! {
            () = self.cancel.cancelled() => return Err(PassFailure::Cancelled),
            checked = self.store.check() => checked,
        };
        let nobody = |error: &StoreError| {
            matches!(error.fault, StoreFault::Timeout | StoreFault::Unreachable)
        };
        Ok(checked.or_else(|error| if nobody(&error) { Err(error) } else { Ok(()) }))
    }

    async fn begin<'a>(
        &'a self,
        pass_id: &str,
        request: &'a Request,
    ) -> Result<Context<'a>, PassFailure> {
        let mut verdicts: HashMap<_, Vec<_>> = HashMap::new();
        for verdict in self.ledger.verdicts().await? {
            verdicts.entry(verdict.digest).or_default().push(verdict);
        }
        let corruptions = self.ledger.corruptions().await?;
        let last_full = self.ledger.last_full().await?;
        Ok(Context {
            auditor: self,
            request,
            pass_id: pass_id.to_owned(),
            started_at: self.clock.now(),
            pace: self.settings.bandwidth.map(|limit| Arc::new(Pace::new(limit))),
            requests_before: self.store.requests(),
            unkept: Unkept::default(),
            known: Known {
                corruptions: corruptions.into_iter().map(|c| (c.key.clone(), c)).collect(),
                verdicts,
                accepted: self.accepted_now(last_full.as_ref()).await?,
                last_full,
            },
        })
    }

    fn selected(&self, request: &Request) -> Result<Vec<&Collection>, PassFailure> {
        let all = self.catalog.collections();
        let unknown = |name: &&String| !all.iter().any(|c| c.name == **name);
        if let Some(name) = request.collections.iter().find(unknown) {
            let known: Vec<_> = all.iter().map(|c| format!("`{}`", c.name)).collect();
            return Err(PassFailure::UnknownCollection {
                name: name.clone(),
                known: known.join(", "),
            });
        }
        let wanted = |c: &&Collection| {
            request.collections.is_empty() || request.collections.contains(&c.name)
        };
        Ok(all.iter().filter(wanted).collect())
    }

    fn identity(&self) -> PlanIdentity {
        PlanIdentity {
            catalog: self.catalog.identity().to_owned(),
            store: self.store.identity().to_owned(),
        }
    }
}

/// The id of a new pass: those of later passes sort behind it.
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

impl Request {
    /// Whether bytes are read.
    pub fn depth(&self) -> Depth {
        if self.deep.is_some() || self.digests.is_some() { Depth::Deep } else { Depth::Shallow }
    }

    /// Whether the pass sees everything there is.
    fn is_full(&self) -> bool {
        self.collections.is_empty() && self.slice.is_whole() && self.digests.is_none()
    }
}

/// What keeps one collection from a verdict.
enum Trouble {
    Catalog(crate::catalog::CatalogError),
    Listing(StoreError),
    Sorter(crate::sorter::SorterError),
    Join(String),
    Ledger(LedgerError),
}

impl Trouble {
    fn into_pass_error(self, collection: &str) -> PassError {
        let (code, message) = match self {
            Self::Catalog(error) => ("catalog", error_chain(&error)),
            Self::Listing(error) => ("listing", error_chain(&error)),
            Self::Sorter(error) => ("spill", error_chain(&error)),
            Self::Join(message) => ("internal", message),
            Self::Ledger(error) => ("ledger", error_chain(&error)),
        };
        PassError { code: code.to_owned(), message, subject: Some(collection.to_owned()) }
    }
}

macro_rules! trouble_from {
    ($($error:ty => $variant:ident),*) => {$(
        impl From<$error> for Trouble {
            fn from(error: $error) -> Self {
                Self::$variant(error)
            }
        }
    )*};
}

trouble_from!(
    crate::catalog::CatalogError => Catalog,
    StoreError => Listing,
    crate::sorter::SorterError => Sorter,
    LedgerError => Ledger
);
