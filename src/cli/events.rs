//! [`Logged`]: what passes tell, as lines of the log.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::{BreakerReason, BreakerState, CorruptBytes, Corruption, Repair, RepairResult};
use crate::observe::{Event, Observer, PassFound};
use crate::plan::BreakerTurn;
use crate::report::{TextOptions, ack};

/// Corrupt objects of one pass that get a line each; the report and the ledger tell of all.
const CORRUPT_AT_MOST: u64 = 100;

/// Logs what is worth a line: repairs, corruption, the breaker, and what passes say in words.
#[derive(Debug, Default)]
pub(super) struct Logged(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    /// Corrupt objects that this pass came upon.
    corrupt: u64,
    /// What was last told of the breaker: several may see the same.
    turn: Option<BreakerTurn>,
}

impl Observer for Logged {
    #[expect(clippy::wildcard_enum_match_arm, reason = "few events are worth a line")]
    fn notice(&self, event: &Event<'_>) {
        match event {
            Event::Notice(text) => tracing::info!("{text}"),
            Event::Warning(text) => tracing::warn!("{text}"),
            Event::Corrupted(corruption) => self.corrupted(corruption),
            Event::BreakerTurned(turn) => self.turned(turn),
            Event::PassBegan { .. } => self.memory().corrupt = 0,
            Event::PassEnded(_) => self.tell_rest(),
            Event::Found(found) => log_found(found),
            // A report and the findings tell what was held; of a whole lost store it would be very
            // many lines.
            Event::Repaired { repair, .. } if repair.result != RepairResult::Held => {
                log_repair(repair);
            }
            _ => {}
        }
    }
}

impl Logged {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn corrupted(&self, corruption: &Corruption) {
        let mut memory = self.memory();
        memory.corrupt += 1;
        if memory.corrupt > CORRUPT_AT_MOST {
            return;
        }
        drop(memory);
        let Corruption { key, digest, observed_digest, meta, .. } = corruption;
        let (digest, observed_digest) = (digest.to_string(), observed_digest.to_string());
        let modified = meta.modified.map(|at| at.to_rfc3339());
        tracing::warn!(
            key,
            digest,
            observed_digest,
            observed_size = meta.size,
            modified,
            "found corrupt: its bytes have another digest"
        );
    }

    fn tell_rest(&self) {
        let more = std::mem::take(&mut self.memory().corrupt).saturating_sub(CORRUPT_AT_MOST);
        if more > 0 {
            tracing::warn!("and {more} more objects found corrupt: see the report of the pass");
        }
    }

    fn turned(&self, turn: &BreakerTurn) {
        let mut memory = self.memory();
        if memory.turn.as_ref() != Some(turn) {
            memory.turn = Some(turn.clone());
            drop(memory);
            log_turn(turn);
        }
    }
}

fn log_found(found: &PassFound<'_>) {
    let missing = found.summary.missing.unwrap_or(0);
    let corrupt = found.summary.corrupt.unwrap_or(0);
    tracing::info!(missing, corrupt, "{missing} missing, {corrupt} corrupt; healing begins");
}

fn log_repair(repair: &Repair) {
    let Repair { key, detail, bytes, .. } = repair;
    let result = repair.result.as_str();
    if let Some(corrupt) = &repair.corrupt {
        log_corrupt_repair(repair, corrupt);
    } else if repair.result.is_success() {
        tracing::info!(key, result, bytes, "{detail}");
    } else {
        tracing::warn!(key, result, bytes, "{detail}");
    }
}

/// Whatever became of it: corruption is to be explained by somebody.
fn log_corrupt_repair(repair: &Repair, corrupt: &CorruptBytes) {
    let (digest, observed) = (repair.digest.to_string(), corrupt.observed_digest.to_string());
    tracing::warn!(
        key = repair.key,
        result = repair.result.as_str(),
        bytes = repair.bytes,
        digest,
        observed_digest = observed,
        observed_size = corrupt.observed_size,
        quarantine_key = corrupt.quarantine_key,
        "was corrupt: {}",
        repair.detail
    );
}

/// One warning for what became of the breaker, with its numbers.
pub(super) fn log_turn(turn: &BreakerTurn) {
    let (state, line) = match turn {
        BreakerTurn::StandsOpen(state) => {
            let since = state.opened_at.format("%Y-%m-%d %H:%M UTC");
            (
                state,
                format!(
                    "the breaker has been open since {since}: {}; {}",
                    seen(state),
                    asked(state)
                ),
            )
        }
        BreakerTurn::Opened(state) => {
            (state, format!("the breaker opened: {}; {}", seen(state), asked(state)))
        }
        BreakerTurn::OpenedAnew(state, number) => {
            let (seen, asked) = (seen(state), asked(state));
            (state, format!("the breaker opened anew, acknowledged with {number}: {seen}; {asked}"))
        }
        BreakerTurn::Acknowledged(state, number) => (
            state,
            format!(
                "the breaker was acknowledged with {number}: {}; heals run until a full pass finds \
                 the world inside the limits",
                seen(state)
            ),
        ),
        BreakerTurn::Closed(state) => {
            (state, "the breaker closed: a full pass found the world inside the limits".to_owned())
        }
    };
    let BreakerState { reason, missing, expected, acknowledged, .. } = state;
    tracing::warn!(reason = reason.as_str(), missing, expected, acknowledged, "{line}");
}

fn seen(state: &BreakerState) -> String {
    let BreakerState { missing, expected, .. } = state;
    match state.reason {
        BreakerReason::MassMissing => {
            format!("{missing} of {expected} expected objects are missing or corrupt")
        }
        BreakerReason::InventoryShrunk => {
            format!("rows name {expected} digests, far fewer than before")
        }
    }
}

fn asked(state: &BreakerState) -> String {
    let BreakerState { reason, missing, expected, .. } = state;
    let answer = ack(*reason, *missing, *expected, &TextOptions::default());
    format!("no heals until somebody runs `{answer}` (only if that is right)")
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::Arc;

    use chrono::DateTime;
    use tracing::subscriber::with_default;

    use super::*;
    use crate::model::{Depth, Digest, ObjectMeta};
    use crate::observe::PassEnd;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn of_very_many_corrupt_objects_a_hundred_get_a_line_and_the_rest_is_counted_in_each_pass() {
        let (log, logged, at) = (Log::default(), Logged::default(), DateTime::UNIX_EPOCH);
        let corruption = Corruption {
            key: "k".to_owned(),
            digest: Digest::new([1; 32]),
            observed_digest: Digest::new([2; 32]),
            meta: ObjectMeta { size: 1, etag: None, modified: None },
            found_at: at,
        };
        let depth = Depth::Deep;
        let end = PassEnd {
            depth,
            began: at,
            at,
            summary: None,
            census: None,
            fault: None,
            silent: None,
        };
        let writer = log.clone();
        let lines = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        with_default(lines, || {
            for found in [103, 100] {
                logged.notice(&Event::PassBegan { depth, at });
                (0..found).for_each(|_| logged.notice(&Event::Corrupted(&corruption)));
                logged.notice(&Event::PassEnded(end.clone()));
            }
        });
        let told = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert_eq!(told.matches("found corrupt: its bytes have another digest").count(), 200);
        assert_eq!(told.matches("and 3 more objects found corrupt").count(), 1, "{told}");
        assert_eq!(told.lines().count(), 201);
    }
}
