//! [`StoreOperation`]: one thing that a store was asked, and how that ended.

use std::time::Duration;

/// What a store is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationKind {
    /// A page of a listing, or one directory.
    List,
    /// A probe.
    Head,
    /// An object is read.
    Get,
    /// A write of any kind.
    Put,
}

impl OperationKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::List, Self::Head, Self::Get, Self::Put];

    /// The word that reports and metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Head => "head",
            Self::Get => "get",
            Self::Put => "put",
        }
    }
}

/// Why a store did not do what it was asked. That an object is absent is an answer, no failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationFailure {
    /// 401 or 403, or no permission.
    AccessDenied,
    /// 429, or a 503 that asks to slow down.
    Throttled,
    /// No answer in time.
    Timeout,
    /// Another 5xx, an I/O error, or nobody answers at all.
    Server,
    /// A condition did not hold: somebody else wrote.
    Conflict,
    /// All else.
    Other,
}

impl OperationFailure {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::AccessDenied,
        Self::Throttled,
        Self::Timeout,
        Self::Server,
        Self::Conflict,
        Self::Other,
    ];

    /// The word that metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::Throttled => "throttled",
            Self::Timeout => "timeout",
            Self::Server => "server",
            Self::Conflict => "conflict",
            Self::Other => "other",
        }
    }
}

/// One thing that a store was asked. What is tried again counts each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreOperation {
    /// What was asked.
    pub kind: OperationKind,
    /// How long it took: of an object that is read, until its first bytes came.
    pub took: Duration,
    /// Why it failed; `None` where it did not.
    pub failure: Option<OperationFailure>,
}
