//! [`Summary`]: a pass in numbers, and [`Outcome`]: a pass as an exit code.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a pass was started as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Reports and changes nothing.
    Audit,
    /// Carries out its plan.
    Heal,
}

/// Whether bytes were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Depth {
    /// Listing only.
    Shallow,
    /// Bytes read and hashed.
    Deep,
}

impl Depth {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Shallow, Self::Deep];

    /// The word that reports and metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shallow => "shallow",
            Self::Deep => "deep",
        }
    }
}

/// How a pass ended. The exit code is [`Outcome::exit_code`]; precedence is the order below,
/// worst first, and signals and usage errors come before all of them.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Another instance holds the lock.
    Busy,
    /// The run could not finish.
    Failed,
    /// The breaker is open, or a plan does not fit the world.
    Refused,
    /// Findings remain.
    Findings,
    /// No such findings, but some objects could not be checked.
    Incomplete,
    /// Everything in scope was positively confirmed.
    Clean,
}

impl Outcome {
    /// The exit code, from 0 to 5.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Failed => 1,
            Self::Findings => 2,
            Self::Incomplete => 3,
            Self::Refused => 4,
            Self::Busy => 5,
        }
    }

    /// The word that reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Findings => "findings",
            Self::Incomplete => "incomplete",
            Self::Clean => "clean",
        }
    }
}

/// Requests that a store answered, retries included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoreRequests {
    /// Listing pages, or directories read.
    pub list: u64,
    /// Probes.
    pub head: u64,
    /// Objects read.
    pub get: u64,
    /// Writes of any kind.
    pub put: u64,
}

impl StoreRequests {
    /// What was asked since an earlier reading.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        let Self { list, head, get, put } = self;
        Self {
            list: list.saturating_sub(earlier.list),
            head: head.saturating_sub(earlier.head),
            get: get.saturating_sub(earlier.get),
            put: put.saturating_sub(earlier.put),
        }
    }
}

/// The open breaker, in a summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BreakerSummary {
    /// `mass_missing` or `inventory_shrunk`.
    pub reason: String,
    /// Missing and corrupt objects when it opened, or now if they are more.
    pub missing: u64,
    /// Expected objects at that time; for `inventory_shrunk`, the distinct digests that rows name.
    pub expected: u64,
}

/// Something that kept a pass, or a part of it, from a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PassError {
    /// A stable word: `catalog`, `store`, `listing`, `ledger`, `empty_catalog`,
    /// `unreadable_rows`, `clock_skew`, …
    pub code: String,
    /// What happened and what to do, for a person.
    pub message: String,
    /// What it happened to: a collection, a key.
    pub subject: Option<String>,
}

impl PassError {
    /// No row of a collection names a digest, and objects lie where its own would.
    pub const EMPTY_CATALOG: &str = "empty_catalog";

    /// Rows of a collection have a digest that cannot be read.
    pub const UNREADABLE_ROWS: &str = "unreadable_rows";

    /// The clocks of the store and of this machine differ.
    pub const CLOCK_SKEW: &str = "clock_skew";

    /// Whether the pass came to its end, and flags no orphan of the subject.
    pub fn only_holds_orphans(&self) -> bool {
        self.code == Self::EMPTY_CATALOG || self.decides_nothing()
    }

    /// Whether the outcome is what it would be without it.
    pub fn decides_nothing(&self) -> bool {
        [Self::UNREADABLE_ROWS, Self::CLOCK_SKEW].contains(&self.code.as_str())
    }
}

/// A pass in numbers. Where the outcome is `failed`, counts that were not established are null.
///
/// `present` + `missing` + `corrupt` + `unknown` = `expected`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// The pass.
    pub pass_id: String,
    /// What it was started as.
    pub command: Command,
    /// Whether bytes were read.
    pub depth: Depth,
    /// `i/n`, or null for the whole digest space.
    pub slice: Option<String>,
    /// When it began.
    #[serde(serialize_with = "super::instant::millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub started_at: DateTime<Utc>,
    /// When it ended.
    #[serde(serialize_with = "super::instant::millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub finished_at: DateTime<Utc>,
    /// How it ended.
    pub outcome: Outcome,
    /// The exit code that goes with the outcome.
    pub exit_code: u8,
    /// Distinct objects that the catalog wants, young absent ones left out.
    pub expected: Option<u64>,
    /// Objects listed.
    pub observed: Option<u64>,
    /// Expected and there.
    pub present: Option<u64>,
    /// The part of `present` whose bytes were hashed in this pass.
    pub verified: Option<u64>,
    /// Expected and confirmed absent.
    pub missing: Option<u64>,
    /// Expected and there with other bytes.
    pub corrupt: Option<u64>,
    /// Expected, and nobody can say.
    pub unknown: Option<u64>,
    /// Absent objects whose rows are younger than the grace period.
    pub young: Option<u64>,
    /// Findings whose loss a person accepted.
    pub accepted: Option<u64>,
    /// Objects without a row.
    pub orphans: Option<u64>,
    /// Those of them that are flagged.
    pub orphans_flagged: Option<u64>,
    /// The bytes of all orphans.
    pub orphan_bytes: Option<u64>,
    /// Keys that the layout renders for no digest.
    pub foreign: Option<u64>,
    /// Rows that cannot be right.
    pub invalid_records: Option<u64>,
    /// The part of `present` that could not be healed.
    pub at_risk: Option<u64>,
    /// Objects restored in this pass.
    pub healed: u64,
    /// Actions that ended otherwise.
    pub heal_failed: u64,
    /// Actions deliberately not taken.
    pub held: u64,
    /// Bytes read from the store and hashed.
    pub bytes_verified: u64,
    /// Bytes downloaded from sources.
    pub bytes_downloaded: u64,
    /// Requests that the store answered.
    pub store_requests: StoreRequests,
    /// The breaker, if it is open.
    pub breaker: Option<BreakerSummary>,
    /// What kept the pass from a verdict.
    pub errors: Vec<PassError>,
}

impl Summary {
    /// Turns every count to null: the pass failed, and none of them was established.
    pub fn forget_counts(&mut self) {
        for count in [
            &mut self.expected,
            &mut self.observed,
            &mut self.present,
            &mut self.verified,
            &mut self.missing,
            &mut self.corrupt,
            &mut self.unknown,
            &mut self.young,
            &mut self.accepted,
            &mut self.orphans,
            &mut self.orphans_flagged,
            &mut self.orphan_bytes,
            &mut self.foreign,
            &mut self.invalid_records,
            &mut self.at_risk,
        ] {
            *count = None;
        }
    }
}
