//! [`Logged`]: what passes tell, as lines of the log.

use crate::model::{Repair, RepairResult};
use crate::observe::{Event, Observer, PassFound};

/// Logs what is worth a line: repairs, and what passes say in words.
pub(super) struct Logged;

impl Observer for Logged {
    fn notice(&self, event: &Event<'_>) {
        if let Event::Notice(text) = event {
            tracing::info!("{text}");
        }
        if let Event::Found(found) = event {
            log_found(found);
        }
        // A report and the findings tell what was held; of a whole lost store it would be very many
        // lines.
        if let Event::Repaired { repair, .. } = event
            && repair.result != RepairResult::Held
        {
            log_repair(repair);
        }
    }
}

fn log_found(found: &PassFound<'_>) {
    let missing = found.summary.missing.unwrap_or(0);
    let corrupt = found.summary.corrupt.unwrap_or(0);
    tracing::info!(
        missing,
        corrupt,
        "{missing} missing, {corrupt} corrupt: recorded; healing begins"
    );
}

fn log_repair(repair: &Repair) {
    let Repair { key, detail, .. } = repair;
    let result = repair.result.as_str();
    if repair.result.is_success() {
        tracing::info!(key, result, bytes = repair.bytes, "{detail}");
    } else {
        tracing::warn!(key, result, bytes = repair.bytes, "{detail}");
    }
}
