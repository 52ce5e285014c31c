//! From events to numbers, and nowhere else.

use chrono::{DateTime, Utc};

use crate::model::{BreakerReason, Repair, RepairResult, StoreOperation, Summary};
use crate::observe::{Event, Observer, PassEnd, PassFound, PastPass, Side};

use super::Metrics;
use super::value::seconds;

impl Observer for Metrics {
    fn notice(&self, event: &Event<'_>) {
        let (table, store) = (&self.table, self.store.as_str());
        match event {
            Event::Phase { .. }
            | Event::Rows(_)
            | Event::Listed(_)
            | Event::Confirmed(_)
            | Event::Downloaded(_)
            | Event::Notice(_)
            | Event::Warning(_)
            | Event::BreakerTurned(_) => {}
            Event::Verified { bytes, .. } => {
                table.verified_bytes.with_label_values(&[store]).inc_by(*bytes);
            }
            Event::Corrupted(_) => table.corruptions_detected.with_label_values(&[store]).inc(),
            Event::Repaired { repair, at } => self.repaired(repair, *at),
            Event::PassBegan { depth, at } => {
                let labels = [store, depth.as_str()];
                table.pass_in_progress.with_label_values(&labels).set(1);
                table.pass_last_start.with_label_values(&labels).set(seconds(*at));
            }
            Event::Found(found) => self.pass_found(found),
            Event::PassEnded(end) => self.pass_ended(end),
            Event::StoreOperation(operation) => self.operation(operation),
            Event::Scheduled { depth, every } => table
                .pass_interval
                .with_label_values(&[store, depth.as_str()])
                .set(every.as_secs_f64()),
            Event::Verification { objects, oldest } => self.show_verification(*objects, *oldest),
            Event::Reached { side, answers } => self.reached(*side, *answers),
            Event::Breaker(open) => self.show_breaker(*open),
            Event::Paused(paused) => self.show_operator(*paused),
            Event::ObserveOnly(observes) => self.show_observe_only(*observes),
            Event::Locked(held) => {
                table.lock_held.with_label_values(&[store]).set(i64::from(*held));
            }
            Event::Reloaded { at, taken } => self.reloaded(*at, *taken),
            Event::ClockSet { now } => self.show_none_to_come(*now),
            Event::Answered { handler, code } => {
                table.http_requests.with_label_values(&[handler, code.to_string().as_str()]).inc();
            }
            Event::Logged(level) => table.log_messages.with_label_values(&[level.as_str()]).inc(),
            Event::Panicked => table.panics.with_label_values::<&str>(&[]).inc(),
        }
    }
}

impl Metrics {
    /// Shows what a pass found before it heals, which may take long. That it has ended is not
    /// counted yet.
    fn pass_found(&self, found: &PassFound<'_>) {
        self.show_breaker(open_breaker(found.summary));
        let Some(census) = found.census else { return };
        let (depth, began) = (found.summary.depth, found.summary.started_at);
        let ended = found.summary.finished_at;
        self.show_pass(&PastPass { depth, began, ended, succeeded: true });
        self.reached(Side::Catalog, true);
        self.reached(Side::Store, true);
        self.show_census(census.clone());
    }

    fn pass_ended(&self, end: &PassEnd<'_>) {
        let (table, labels) = (&self.table, [self.store.as_str(), end.depth.as_str()]);
        table.pass_in_progress.with_label_values(&labels).set(0);
        if end.summary.is_none() && end.fault.is_none() {
            // It was told to end: neither a run nor a failure.
            return;
        }
        table.pass_runs.with_label_values(&labels).inc();
        if let Some(fault) = end.fault {
            let labels = [labels[0], labels[1], fault.as_str()];
            table.pass_failures.with_label_values(&labels).inc();
        }
        let (depth, began, ended) = (end.depth, end.began, end.at);
        let succeeded = end.census.is_some();
        self.show_pass(&PastPass { depth, began, ended, succeeded });
        if end.fault.is_none() {
            self.reached(Side::Catalog, true);
            self.reached(Side::Store, true);
        }
        if let Some(side) = end.silent {
            self.reached(side, false);
        }
        let Some(summary) = end.summary else { return };
        self.show_breaker(open_breaker(summary));
        if let Some(census) = end.census {
            self.show_census(census.clone());
        }
    }

    fn repaired(&self, repair: &Repair, at: DateTime<Utc>) {
        let (table, store) = (&self.table, self.store.as_str());
        table.heal_downloaded_bytes.with_label_values(&[store]).inc_by(repair.bytes);
        // What was held, or has no source to ask, was not attempted.
        let is_held = repair.result == RepairResult::Held;
        if is_held || (!repair.result.is_success() && repair.reason.is_none()) {
            return;
        }
        table.heal_attempts.with_label_values(&[store]).inc();
        table.heal_duration.with_label_values(&[store]).observe(repair.seconds);
        if repair.result == RepairResult::Restored {
            let labels = [store, repair.cause.as_str()];
            table.objects_healed.with_label_values(&labels).inc();
            table.heal_last_success.with_label_values(&[store]).set(seconds(at));
        }
        if let Some(reason) = repair.reason.filter(|_| !repair.result.is_success()) {
            table.heal_failures.with_label_values(&[store, reason.as_str()]).inc();
        }
    }

    fn operation(&self, operation: &StoreOperation) {
        let (table, labels) = (&self.table, [self.store.as_str(), operation.kind.as_str()]);
        table.store_operations.with_label_values(&labels).inc();
        let took = operation.took.as_secs_f64();
        table.store_operation_duration.with_label_values(&labels).observe(took);
        if let Some(why) = operation.failure {
            let labels = [labels[0], labels[1], why.as_str()];
            table.store_operation_failures.with_label_values(&labels).inc();
        }
    }

    fn reached(&self, side: Side, answers: bool) {
        let gauge = match side {
            Side::Catalog => &self.table.catalog_up,
            Side::Store => &self.table.store_up,
        };
        gauge.with_label_values(&[&self.store]).set(i64::from(answers));
    }

    fn reloaded(&self, at: DateTime<Utc>, taken: bool) {
        let table = &self.table;
        table.config_last_reload_successful.with_label_values::<&str>(&[]).set(i64::from(taken));
        if taken {
            table.config_last_reload_success.with_label_values::<&str>(&[]).set(seconds(at));
        }
    }
}

/// Why the breaker holds heals back, if it does.
fn open_breaker(summary: &Summary) -> Option<BreakerReason> {
    let open = summary.breaker.as_ref()?;
    BreakerReason::ALL.into_iter().find(|reason| reason.as_str() == open.reason)
}
