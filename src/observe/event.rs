//! [`Event`]: one thing that happened.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::model::{BreakerReason, Corruption, Depth, Finding, Repair, StoreOperation, Summary};
use crate::plan::BreakerTurn;

use super::Census;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// A phase began; `total` is the number of steps, where it is known.
    Phase {
        /// The phase, e.g. "listing", "reading", "healing".
        name: &'static str,
        /// Objects it will go through.
        total_objects: Option<u64>,
        /// Bytes it will go through.
        total_bytes: Option<u64>,
    },
    /// Rows came from the catalog.
    Rows(u64),
    /// Objects were listed.
    Listed(u64),
    /// Suspicions were asked again.
    Confirmed(u64),
    /// Bytes of an object were read and hashed.
    Verified {
        /// Bytes since the last such event.
        bytes: u64,
        /// Whether the object is done.
        done: bool,
    },
    /// An object was read, and this version of it was not known to be corrupt.
    Corrupted(&'a Corruption),
    /// Bytes came from a source.
    Downloaded(u64),
    /// An action ended.
    Repaired {
        /// What became of it.
        repair: &'a Repair,
        /// When, as the ledger keeps it.
        at: DateTime<Utc>,
    },
    /// Something worth a line in the log that is no error of the pass.
    Notice(&'a str),
    /// The same, where somebody should see it.
    Warning(&'a str),
    /// A pass began.
    PassBegan {
        /// Its depth.
        depth: Depth,
        /// When.
        at: DateTime<Utc>,
    },
    /// A pass has recorded what it found, and goes on to heal that.
    Found(PassFound<'a>),
    /// A pass ended, well or not.
    PassEnded(PassEnd<'a>),
    /// A store was asked for something, and has answered or not.
    StoreOperation(StoreOperation),
    /// How often passes of this depth are to run.
    Scheduled {
        /// The depth.
        depth: Depth,
        /// From one to the next.
        every: Duration,
    },
    /// What reading has proven over a whole cycle.
    Verification {
        /// Present objects whose bytes were hashed within it.
        objects: u64,
        /// When the part was last read for which that is longest ago; of one that never was, since
        /// when parts are read.
        oldest: DateTime<Utc>,
    },
    /// The catalog or the store was asked, and answered or not.
    Reached {
        /// Which.
        side: Side,
        /// Whether it answered.
        answers: bool,
    },
    /// The breaker holds heals back for this reason; `None` where it does not.
    Breaker(Option<BreakerReason>),
    /// The breaker opened, was answered, or closed. Told by whoever sees it, and so perhaps twice.
    BreakerTurned(&'a BreakerTurn),
    /// Whether a person paused healing.
    Paused(bool),
    /// Whether the configuration switched healing off.
    ObserveOnly(bool),
    /// Whether this instance holds the store's lock.
    Locked(bool),
    /// The configuration was read.
    Reloaded {
        /// When.
        at: DateTime<Utc>,
        /// Whether it holds now.
        taken: bool,
    },
    /// Somebody set the clock.
    ClockSet {
        /// What it shows now.
        now: DateTime<Utc>,
    },
    /// An HTTP request was answered.
    Answered {
        /// The route, as it is declared.
        handler: &'a str,
        /// The status.
        code: u16,
    },
    /// A line went to the log.
    Logged(LogLevel),
    /// A task panicked.
    Panicked,
}

/// One of the two sides that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The database.
    Catalog,
    /// The object storage.
    Store,
}

/// How grave a line of the log is, as far as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Somebody has to act.
    Error,
    /// Somebody may have to.
    Warn,
    /// Nobody has to.
    Info,
}

/// Why a pass did not finish its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassFault {
    /// The catalog did not answer, or with an error.
    Catalog,
    /// The store did not answer, or with an error.
    Store,
    /// One of both took too long.
    Timeout,
    /// All else: the ledger, the machine, a bug.
    Internal,
}

/// What a pass found, before any of it is healed.
#[derive(Debug, Clone, PartialEq)]
pub struct PassFound<'a> {
    /// Its numbers.
    pub summary: &'a Summary,
    /// What is wrong, in report order.
    pub findings: &'a [Finding],
    /// What it counted, if it looked at everything there is.
    pub census: Option<&'a Census>,
}

/// How a pass ended.
#[derive(Debug, Clone, PartialEq)]
pub struct PassEnd<'a> {
    /// Its depth.
    pub depth: Depth,
    /// When it began.
    pub began: DateTime<Utc>,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// Its numbers; `None` where it came to none.
    pub summary: Option<&'a Summary>,
    /// What it counted, if it finished and looked at everything there is.
    pub census: Option<&'a Census>,
    /// Why it did not finish. `None` where it did, and where there is no summary either: then it
    /// was told to end.
    pub fault: Option<PassFault>,
    /// Which side kept it from finishing, where one did.
    pub silent: Option<Side>,
}

impl LogLevel {
    /// All levels.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warn, Self::Info];

    /// The word that metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
        }
    }
}

impl PassFault {
    /// All faults.
    pub const ALL: [Self; 4] = [Self::Catalog, Self::Store, Self::Timeout, Self::Internal];

    /// The word that metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Store => "store",
            Self::Timeout => "timeout",
            Self::Internal => "internal",
        }
    }
}
