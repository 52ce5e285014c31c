//! What changes in a daemon's state, told as events.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use crate::ledger::{Ledger, LedgerError};
use crate::model::{BreakerState, Depth};
use crate::observe::{self, Event, Observer, PassEnd, PassFault};
use crate::plan::BreakerTurn;

use super::memory;
use super::opener::{OpenFailure, Plan, Side};
use super::state::DaemonState;

/// Tells of everything that changes in a daemon's state, until the daemon is gone.
pub async fn tell_state(mut state: watch::Receiver<DaemonState>, observer: Arc<dyn Observer>) {
    let mut before: Option<DaemonState> = None;
    loop {
        let now = state.borrow_and_update().clone();
        tell_changes(before.as_ref(), &now, &*observer);
        before = Some(now);
        if state.changed().await.is_err() {
            return;
        }
    }
}

fn tell_changes(before: Option<&DaemonState>, now: &DaemonState, observer: &dyn Observer) {
    if before.is_none_or(|before| before.holds_lock != now.holds_lock) {
        observer.notice(&Event::Locked(now.holds_lock));
    }
    if before.is_none_or(|before| before.paused != now.paused) {
        observer.notice(&Event::Paused(now.paused));
    }
    if let Some(reload) = &now.reload
        && before.is_none_or(|before| before.reload != now.reload)
    {
        observer.notice(&Event::Reloaded { at: reload.at, taken: reload.problem.is_none() });
    }
}

/// Tells when passes are to run.
pub(super) fn tell_plan(plan: &Plan, now: DateTime<Utc>, observer: &dyn Observer) {
    for (depth, timing) in [(Depth::Shallow, &plan.shallow), (Depth::Deep, &plan.deep)] {
        if let Some(every) = timing.interval(now).and_then(|delta| delta.to_std().ok()) {
            observer.notice(&Event::Scheduled { depth, every });
        }
    }
}

/// The breaker as a daemon told it last.
#[derive(Debug, Default)]
pub(super) enum SeenBreaker {
    /// It has not looked yet.
    #[default]
    Never,
    /// It was like this.
    As(Option<BreakerState>),
}

/// Tells what stands in the ledger and changes without passes too: the breaker, which people answer,
/// and what reading has proven, which grows old. `seen` is the breaker as it was told last.
pub(super) async fn tell_standing(
    ledger: &dyn Ledger,
    cycle: TimeDelta,
    now: DateTime<Utc>,
    seen: &mut SeenBreaker,
    observer: &dyn Observer,
) -> Result<(), LedgerError> {
    let latched = ledger.breaker().await?;
    let open = latched.as_ref().filter(|state| state.is_open());
    observer.notice(&Event::Breaker(open.map(|state| state.reason)));
    let turn = match seen {
        SeenBreaker::Never => open.cloned().map(BreakerTurn::StandsOpen),
        // Commands beside the daemon answer it, and audits open it.
        SeenBreaker::As(before) => BreakerTurn::between(before.as_ref(), latched.as_ref()),
    };
    if let Some(turn) = turn {
        observer.notice(&Event::BreakerTurned(&turn));
    }
    *seen = SeenBreaker::As(latched);
    if let Some(rotation) = memory::rotation(ledger, now, TimeDelta::zero()).await? {
        let since = now.checked_sub_signed(cycle).unwrap_or(DateTime::UNIX_EPOCH);
        let (objects, oldest) = (rotation.verified_since(since), rotation.oldest_read());
        observer.notice(&Event::Verification { objects, oldest });
    }
    Ok(())
}

/// Tells of a pass that could not begin.
pub(super) fn tell_unopened(
    failure: &OpenFailure,
    depth: Depth,
    began: DateTime<Utc>,
    at: DateTime<Utc>,
    observer: &dyn Observer,
) {
    let (fault, silent) = match failure.side {
        Side::Catalog => (PassFault::Catalog, Some(observe::Side::Catalog)),
        Side::Store => (PassFault::Store, Some(observe::Side::Store)),
        Side::Other => (PassFault::Internal, None),
    };
    observer.notice(&Event::PassBegan { depth, at: began });
    observer.notice(&Event::PassEnded(PassEnd {
        depth,
        began,
        at,
        summary: None,
        census: None,
        fault: Some(fault),
        silent,
    }));
}
