//! [`Counters`]: what a store was asked, counted, and told to whoever wants to know.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use super::{StoreError, StoreFault};
use crate::model::{OperationFailure, OperationKind, StoreOperation, StoreRequests};

/// Is told of each thing that a store was asked, once that has ended. Must not block.
#[derive(Clone, Default)]
pub struct OperationHook(Option<Arc<Told>>);

type Told = dyn Fn(&StoreOperation) + Send + Sync;

impl OperationHook {
    /// Tells nobody.
    pub const fn none() -> Self {
        Self(None)
    }

    /// Calls this.
    pub fn new(told: impl Fn(&StoreOperation) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(told)))
    }
}

impl fmt::Debug for OperationHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationHook").finish_non_exhaustive()
    }
}

/// Requests sent, one by one, what is tried again included.
#[derive(Debug, Default)]
pub(super) struct Counters {
    list: AtomicU64,
    head: AtomicU64,
    get: AtomicU64,
    put: AtomicU64,
    hook: OperationHook,
}

/// A request that is under way. One that is dropped was cut off, and is told to nobody.
#[must_use = "its end is told too"]
pub(super) struct Asked<'a> {
    kind: OperationKind,
    began: Instant,
    hook: &'a OperationHook,
}

impl Counters {
    pub(super) fn new(hook: OperationHook) -> Self {
        Self { hook, ..Self::default() }
    }

    /// The numbers so far.
    pub(super) fn read(&self) -> StoreRequests {
        let now = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StoreRequests {
            list: now(&self.list),
            head: now(&self.head),
            get: now(&self.get),
            put: now(&self.put),
        }
    }

    /// Counts a request that is about to be sent.
    pub(super) fn ask(&self, kind: OperationKind) -> Asked<'_> {
        let counter = match kind {
            OperationKind::List => &self.list,
            OperationKind::Head => &self.head,
            OperationKind::Get => &self.get,
            OperationKind::Put => &self.put,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        Asked { kind, began: Instant::now(), hook: &self.hook }
    }
}

impl Asked<'_> {
    /// It ended.
    pub(super) fn end(self, failure: Option<OperationFailure>) {
        if let Some(told) = &self.hook.0 {
            told(&StoreOperation { kind: self.kind, took: self.began.elapsed(), failure });
        }
    }

    /// It ended like this; hands on the result.
    pub(super) fn ended<T>(self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        self.end(result.as_ref().err().and_then(|error| failure(error.fault)));
        result
    }
}

/// As what a fault counts; `None` for what is an answer.
pub(super) const fn failure(fault: StoreFault) -> Option<OperationFailure> {
    Some(match fault {
        StoreFault::NotFound => return None,
        StoreFault::AccessDenied | StoreFault::Credentials | StoreFault::Clock => {
            OperationFailure::AccessDenied
        }
        StoreFault::Throttled => OperationFailure::Throttled,
        StoreFault::Timeout => OperationFailure::Timeout,
        StoreFault::Unreachable | StoreFault::Server => OperationFailure::Server,
        StoreFault::Conflict => OperationFailure::Conflict,
        StoreFault::NoSuchStore
        | StoreFault::Archived
        | StoreFault::Malformed
        | StoreFault::NotAFile
        | StoreFault::Other => OperationFailure::Other,
    })
}
