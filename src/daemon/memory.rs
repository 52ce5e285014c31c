//! What a daemon notes in the ledger for the next one.

use chrono::{DateTime, TimeDelta, Utc};

use crate::ledger::{Ledger, LedgerError};
use crate::plan::Rotation;

const ROTATION: &str = "rotation";
const PAUSED: &str = "paused";

/// The rotation as it was left, by a clock that shows `now`, where slices are read each `interval`.
/// One that cannot be read begins anew: then some objects are read early, and none late.
pub(super) async fn rotation(
    ledger: &dyn Ledger,
    now: DateTime<Utc>,
    interval: TimeDelta,
) -> Result<Option<Rotation>, LedgerError> {
    let Some(text) = ledger.note(ROTATION).await? else { return Ok(None) };
    let read = serde_json::from_str::<Rotation>(&text).map(|rotation| rotation.by(now, interval));
    if let Err(error) = &read {
        tracing::warn!(
            "the rotation begins anew, as the ledger's note of it cannot be read: {error}"
        );
    }
    Ok(read.ok())
}

/// Keeps the rotation.
pub(super) async fn keep_rotation(
    ledger: &dyn Ledger,
    rotation: &Rotation,
) -> Result<(), LedgerError> {
    // Whole numbers and times: there is nothing in it that JSON cannot say.
    let text = serde_json::to_string(rotation).ok();
    ledger.set_note(ROTATION, text.as_deref()).await
}

/// Whether a person paused healing.
pub async fn is_paused(ledger: &dyn Ledger) -> Result<bool, LedgerError> {
    Ok(ledger.note(PAUSED).await?.is_some())
}

/// Keeps whether a person paused healing.
pub(super) async fn keep_paused(ledger: &dyn Ledger, paused: bool) -> Result<(), LedgerError> {
    ledger.set_note(PAUSED, paused.then_some("yes")).await
}
