//! From single events to numbers.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use restock::model::{
    BreakerReason, Cause, Corruption, Depth, Digest, FailureReason, ObjectMeta, OperationFailure,
    OperationKind, Repair, RepairResult, StoreOperation,
};
use restock::observe::{Event, LogLevel, Metrics, Observer, PassEnd, PassFault, Side, Tee};

use crate::shown::Shown;
use crate::support::promtool;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn metrics() -> Metrics {
    Metrics::new("default", now()).unwrap()
}

fn repair(result: RepairResult, reason: Option<FailureReason>) -> Repair {
    Repair {
        collection: "c".to_owned(),
        key: "c/d".to_owned(),
        digest: Digest::new([1; 32]),
        cause: Cause::Corrupt,
        result,
        reason,
        source: None,
        bytes: 10,
        seconds: 7.5,
        corrupt: None,
        detail: String::new(),
    }
}

#[test]
fn heals_are_counted_from_their_repairs() {
    let metrics = metrics();
    for (result, reason) in [
        (RepairResult::Restored, None),
        (RepairResult::AlreadyPresent, None),
        (RepairResult::SourceGone, Some(FailureReason::SourceGone)),
        (RepairResult::Failed, Some(FailureReason::StoreWrite)),
        (RepairResult::Held, None),
        (RepairResult::Held, Some(FailureReason::HostSilent)),
        // No row names a source: there was nothing to attempt.
        (RepairResult::Failed, None),
    ] {
        let repair = repair(result, reason);
        metrics.notice(&Event::Repaired { repair: &repair, at: now() });
    }
    let shown = Shown::of(&metrics);
    assert_eq!(shown.get("restock_heal_attempts_total{store=\"default\"}"), 4.0);
    let of = |reason| {
        shown.get(&format!("restock_heal_failures_total{{reason=\"{reason}\",store=\"default\"}}"))
    };
    assert_eq!((of("source_gone"), of("store_write"), of("too_large")), (1.0, 1.0, 0.0));
    let healed = |cause| {
        shown.get(&format!("restock_objects_healed_total{{cause=\"{cause}\",store=\"default\"}}"))
    };
    assert_eq!((healed("corrupt"), healed("missing")), (1.0, 0.0));
    assert_eq!(shown.get("restock_heal_downloaded_bytes_total{store=\"default\"}"), 70.0);
    let last = "restock_heal_last_success_timestamp_seconds{store=\"default\"}";
    assert_eq!(shown.get(last), 1_790_000_000.0);
    let count = |le| {
        shown.get(&format!("restock_heal_duration_seconds_bucket{{store=\"default\",le=\"{le}\"}}"))
    };
    assert_eq!((count("5"), count("10"), count("+Inf")), (0.0, 4.0, 4.0));
}

#[test]
fn a_pass_that_failed_or_was_cut_off_changes_times_and_counters_alone() {
    let metrics = metrics();
    let end = PassEnd {
        depth: Depth::Deep,
        began: now(),
        at: now() + TimeDelta::seconds(90),
        summary: None,
        census: None,
        fault: Some(PassFault::Timeout),
        silent: Some(Side::Store),
    };
    let progress = "restock_pass_in_progress{depth=\"deep\",store=\"default\"}";
    metrics.notice(&Event::PassBegan { depth: Depth::Deep, at: now() });
    assert_eq!(Shown::of(&metrics).get(progress), 1.0);
    let before = Shown::of(&metrics);
    metrics.notice(&Event::PassEnded(end.clone()));
    let shown = Shown::of(&metrics);
    let sample = |name: &str| format!("restock_pass_{name}{{depth=\"deep\",store=\"default\"}}");
    assert_eq!(
        shown.changed_since(&before),
        [
            "restock_pass_failures_total{depth=\"deep\",reason=\"timeout\",store=\"default\"}"
                .to_owned(),
            sample("in_progress"),
            sample("last_completion_timestamp_seconds"),
            sample("last_duration_seconds"),
            sample("runs_total"),
            "restock_store_up{store=\"default\"}".to_owned(),
        ]
    );
    assert_eq!(shown.get(&sample("last_duration_seconds")), 90.0);
    assert_eq!(shown.get("restock_store_up{store=\"default\"}"), 0.0);
    metrics.notice(&Event::PassBegan { depth: Depth::Deep, at: now() });
    metrics.notice(&Event::PassEnded(PassEnd { fault: None, silent: None, ..end }));
    assert_eq!(Shown::of(&metrics).changed_since(&shown), [""; 0], "it was told to end");
}

#[test]
fn what_a_store_is_asked_is_counted_with_its_failures() {
    let metrics = metrics();
    for failure in [None, Some(OperationFailure::Throttled)] {
        let took = Duration::from_millis(20);
        let operation = StoreOperation { kind: OperationKind::Head, took, failure };
        metrics.notice(&Event::StoreOperation(operation));
    }
    let shown = Shown::of(&metrics);
    let operations = "restock_store_operations_total{operation=\"head\",store=\"default\"}";
    assert_eq!(shown.get(operations), 2.0);
    let failures = "restock_store_operation_failures_total\
                    {operation=\"head\",reason=\"throttled\",store=\"default\"}";
    assert_eq!(shown.get(failures), 1.0);
    let within = "restock_store_operation_duration_seconds_bucket\
                  {operation=\"head\",store=\"default\",le=\"0.05\"}";
    assert_eq!(shown.get(within), 2.0);
}

#[test]
fn what_a_daemon_tells_of_itself_is_shown() {
    let metrics = Arc::new(metrics());
    let (first, second): (Arc<dyn Observer>, Arc<dyn Observer>) =
        (metrics.clone(), Arc::new(restock::observe::Silent));
    let corruption = Corruption {
        key: "c/d".to_owned(),
        digest: Digest::new([1; 32]),
        observed_digest: Digest::new([2; 32]),
        meta: ObjectMeta::default(),
        found_at: now(),
    };
    let tee = Tee::new([first, second]);
    let later = now() + TimeDelta::seconds(5);
    for event in [
        Event::Scheduled { depth: Depth::Shallow, every: Duration::from_mins(15) },
        Event::Locked(true),
        Event::Paused(true),
        Event::ObserveOnly(true),
        Event::Breaker(Some(BreakerReason::MassMissing)),
        Event::Reached { side: Side::Catalog, answers: true },
        Event::Reached { side: Side::Store, answers: false },
        Event::Reloaded { at: later, taken: true },
        Event::Reloaded { at: later + TimeDelta::seconds(5), taken: false },
        Event::Answered { handler: "/metrics", code: 200 },
        Event::Logged(LogLevel::Warn),
        Event::Panicked,
        Event::Corrupted(&corruption),
        Event::Verified { bytes: 512, done: true },
    ] {
        tee.notice(&event);
    }
    let shown = Shown::of(&metrics);
    for (sample, value) in [
        ("restock_pass_interval_seconds{depth=\"shallow\",store=\"default\"}", 900.0),
        ("restock_lock_held{store=\"default\"}", 1.0),
        ("restock_heal_paused{reason=\"operator\",store=\"default\"}", 1.0),
        ("restock_heal_paused{reason=\"observe_only\",store=\"default\"}", 1.0),
        ("restock_heal_paused{reason=\"mass_missing\",store=\"default\"}", 1.0),
        ("restock_heal_paused{reason=\"inventory_shrunk\",store=\"default\"}", 0.0),
        ("restock_catalog_up{store=\"default\"}", 1.0),
        ("restock_store_up{store=\"default\"}", 0.0),
        ("restock_config_last_reload_successful", 0.0),
        ("restock_config_last_reload_success_timestamp_seconds", 1_790_000_005.0),
        ("restock_http_requests_total{code=\"200\",handler=\"/metrics\"}", 1.0),
        ("restock_log_messages_total{level=\"warn\"}", 1.0),
        ("restock_panics_total", 1.0),
        ("restock_corruptions_detected_total{store=\"default\"}", 1.0),
        ("restock_verified_bytes_total{store=\"default\"}", 512.0),
    ] {
        assert_eq!(shown.get(sample), value, "{sample}");
    }
    promtool::check(&metrics.render().unwrap());
}
