//! What the ledger knows of a store now.

use chrono::{DateTime, Utc};

use crate::ledger::{Ledger, LedgerError};
use crate::plan::{HealOptions, next_try};
use crate::report::{Standing, StatusView};

/// Passes that are told.
const PASSES_TOLD: u32 = 10;

/// Objects whose heals are looked through at once.
const ATTEMPTS_AT_ONCE: u32 = 1_000;

/// What the ledger knows `now`.
pub async fn status(
    ledger: &dyn Ledger,
    store_identity: &str,
    heal: &HealOptions,
    now: DateTime<Utc>,
) -> Result<StatusView, LedgerError> {
    let pending = pending(ledger, heal, now).await?;
    Ok(StatusView {
        store: store_identity.to_owned(),
        passes: ledger.passes(PASSES_TOLD).await?,
        standing: Standing::of(&ledger.finding_counts().await?),
        breaker: ledger.breaker().await?,
        heals_pending: pending.count,
        next_heal_at: pending.next_at,
        daemon: None,
        uploads: u64::try_from(ledger.uploads().await?.len()).unwrap_or(u64::MAX),
    })
}

/// Objects whose heal failed, and when the first is tried again.
#[derive(Default)]
struct Pending {
    count: u64,
    next_at: Option<DateTime<Utc>>,
}

async fn pending(
    ledger: &dyn Ledger,
    heal: &HealOptions,
    now: DateTime<Utc>,
) -> Result<Pending, LedgerError> {
    let (mut pending, mut after) = (Pending::default(), None);
    loop {
        let page = ledger.pending_attempts(after.as_ref(), ATTEMPTS_AT_ONCE).await?;
        let Some((last, _)) = page.last() else { return Ok(pending) };
        after = Some(*last);
        for (_, attempts) in &page {
            let due = next_try(attempts, heal, now);
            pending.count += 1;
            pending.next_at = pending.next_at.into_iter().chain(due).min();
        }
    }
}
