//! [`Metrics`]: an observer that counts, and shows it to Prometheus.

mod audit;
mod declare;
mod events;
mod process;
mod state;
mod table;
mod value;

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use prometheus::{Registry, TextEncoder};

use crate::model::{BreakerReason, Cause, Depth, FailureReason, OperationFailure, OperationKind};

use super::{LogLevel, PassFault};
use process::ProcessMetrics;
use state::State;
use table::Table;
use value::seconds;

pub use audit::AuditMetrics;

/// Metrics cannot be set up or shown: their declarations contradict each other, which is a bug.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up or show the metrics")]
pub struct MetricsError(#[from] prometheus::Error);

/// Counts events, and shows what came of them in Prometheus' classic text format.
///
/// The state of a store is shown once a complete pass over everything is known, of this process or
/// by [`Metrics::restore`]: a daemon that has seen nothing yet does not claim that nothing is
/// missing. A pass that failed leaves it as it was.
pub struct Metrics {
    store: String,
    table: Table,
    registry: Registry,
    /// Held while the state changes and while it is shown, so that nobody sees half of either.
    state: Mutex<State>,
}

/// The content type of [`Metrics::render`].
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

impl Metrics {
    /// The metrics of a process that works on the store of this name and began at `now`, with a
    /// configuration that holds.
    pub fn new(store: &str, now: DateTime<Utc>) -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let table = Table::declare(&registry)?;
        registry.register(Box::new(ProcessMetrics::new(now)?))?;
        let metrics =
            Self { store: store.to_owned(), table, registry, state: Mutex::new(State::default()) };
        metrics.begin(now);
        Ok(metrics)
    }

    /// The names of all metrics of restock's own.
    pub fn names() -> &'static [&'static str] {
        Table::NAMES
    }

    /// The content type of what [`Metrics::render`] writes.
    pub const fn content_type() -> &'static str {
        CONTENT_TYPE
    }

    /// Everything in the classic text format.
    pub fn render(&self) -> Result<String, MetricsError> {
        let _held = self.state();
        Ok(TextEncoder::new().encode_to_string(&self.registry.gather())?)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows every label set that is known in advance, so that a rate sees its first increase.
    fn begin(&self, now: DateTime<Utc>) {
        let (table, store) = (&self.table, self.store.as_str());
        let target = concat_target();
        let revision = option_env!("RESTOCK_REVISION").unwrap_or_default();
        table
            .build_info
            .with_label_values(&[env!("CARGO_PKG_VERSION"), revision, target.as_str()])
            .set(1);
        table.config_last_reload_successful.with_label_values::<&str>(&[]).set(1);
        table.config_last_reload_success.with_label_values::<&str>(&[]).set(seconds(now));
        for depth in Depth::ALL.map(Depth::as_str) {
            table.pass_runs.with_label_values(&[store, depth]).reset();
            for fault in PassFault::ALL {
                table.pass_failures.with_label_values(&[store, depth, fault.as_str()]).reset();
            }
            for time in [
                &table.pass_last_start,
                &table.pass_last_completion,
                &table.pass_last_success,
                &table.pass_last_duration,
            ] {
                time.with_label_values(&[store, depth]).set(0.0);
            }
            table.pass_in_progress.with_label_values(&[store, depth]).set(0);
        }
        self.begin_heals();
        for kind in OperationKind::ALL.map(OperationKind::as_str) {
            table.store_operations.with_label_values(&[store, kind]).reset();
            drop(table.store_operation_duration.with_label_values(&[store, kind]));
            for why in OperationFailure::ALL {
                let labels = [store, kind, why.as_str()];
                table.store_operation_failures.with_label_values(&labels).reset();
            }
        }
        table.lock_held.with_label_values(&[store]).set(0);
        for level in LogLevel::ALL {
            table.log_messages.with_label_values(&[level.as_str()]).reset();
        }
        table.panics.with_label_values::<&str>(&[]).reset();
    }

    fn begin_heals(&self) {
        let (table, store) = (&self.table, self.store.as_str());
        table.corruptions_detected.with_label_values(&[store]).reset();
        table.verified_bytes.with_label_values(&[store]).reset();
        table.heal_attempts.with_label_values(&[store]).reset();
        table.heal_downloaded_bytes.with_label_values(&[store]).reset();
        for reason in FailureReason::ALL {
            table.heal_failures.with_label_values(&[store, reason.as_str()]).reset();
        }
        for cause in Cause::ALL {
            table.objects_healed.with_label_values(&[store, cause.as_str()]).reset();
        }
        table.heal_last_success.with_label_values(&[store]).set(0.0);
        drop(table.heal_duration.with_label_values(&[store]));
        for reason in BreakerReason::ALL.map(BreakerReason::as_str) {
            table.heal_paused.with_label_values(&[store, reason]).set(0);
        }
        for reason in [OBSERVE_ONLY, OPERATOR] {
            table.heal_paused.with_label_values(&[store, reason]).set(0);
        }
    }
}

/// Reasons for which heals are held back, besides those of the breaker.
const OBSERVE_ONLY: &str = "observe_only";
const OPERATOR: &str = "operator";

fn concat_target() -> String {
    format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)
}
