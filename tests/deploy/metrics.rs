//! Every metric that restock shows, with its labels: what rules, dashboard and documents may name.
//!
//! The checks take the list as an argument. What the code declares is held against this one below,
//! and neither can change alone.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use restock::observe::{AuditMetrics, Metrics};

/// A metric, and the labels that restock itself gives it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) labels: &'static [(&'static str, Values)],
    pub(crate) kind: Kind,
}

/// What a label may say.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Values {
    Any,
    Of(&'static [&'static str]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A gauge or a counter.
    Plain,
    /// Shown with `_bucket`, `_sum` and `_count` behind its name.
    Histogram,
}

type Labels = &'static [(&'static str, Values)];

const STORE: (&str, Values) = ("store", Values::Any);
const DEPTH: (&str, Values) = ("depth", Values::Of(&["shallow", "deep"]));
const STATES: (&str, Values) =
    ("state", Values::Of(&["verified", "present", "missing", "corrupt", "unknown"]));
const ORPHANS: (&str, Values) = ("state", Values::Of(&["candidate", "flagged"]));
const UNHEALABLE: (&str, Values) = (
    "reason",
    Values::Of(&[
        "no_source",
        "source_gone",
        "source_drifted",
        "policy_blocked",
        "too_large",
        "disabled",
    ]),
);
const OPERATION: (&str, Values) = ("operation", Values::Of(&["list", "head", "get", "put"]));

const NONE: Labels = &[];
const BY_STORE: Labels = &[STORE];
const BY_DEPTH: Labels = &[STORE, DEPTH];

const fn plain(name: &'static str, labels: Labels) -> Metric {
    Metric { name, labels, kind: Kind::Plain }
}

const fn histogram(name: &'static str, labels: Labels) -> Metric {
    Metric { name, labels, kind: Kind::Histogram }
}

/// Those of the daemon.
pub(crate) const DAEMON: &[Metric] = &[
    plain(
        "restock_build_info",
        &[("version", Values::Any), ("revision", Values::Any), ("target", Values::Any)],
    ),
    plain("restock_config_last_reload_successful", NONE),
    plain("restock_config_last_reload_success_timestamp_seconds", NONE),
    plain("restock_pass_runs_total", BY_DEPTH),
    plain(
        "restock_pass_failures_total",
        &[STORE, DEPTH, ("reason", Values::Of(&["catalog", "store", "timeout", "internal"]))],
    ),
    plain("restock_pass_interval_seconds", BY_DEPTH),
    plain("restock_pass_last_start_timestamp_seconds", BY_DEPTH),
    plain("restock_pass_last_completion_timestamp_seconds", BY_DEPTH),
    plain("restock_pass_last_success_timestamp_seconds", BY_DEPTH),
    plain("restock_pass_last_duration_seconds", BY_DEPTH),
    plain("restock_pass_in_progress", BY_DEPTH),
    plain("restock_records", BY_STORE),
    plain("restock_objects", &[STORE, STATES]),
    plain("restock_unhealable_objects", &[STORE, UNHEALABLE]),
    plain("restock_at_risk_objects", &[STORE, UNHEALABLE]),
    plain("restock_accepted_objects", BY_STORE),
    plain("restock_oldest_unhealthy_timestamp_seconds", BY_STORE),
    plain("restock_oldest_verification_timestamp_seconds", BY_STORE),
    plain("restock_orphans", &[STORE, ORPHANS]),
    plain("restock_orphan_bytes", BY_STORE),
    plain("restock_foreign_objects", BY_STORE),
    plain("restock_corruptions_detected_total", BY_STORE),
    plain("restock_verified_bytes_total", BY_STORE),
    plain("restock_heal_attempts_total", BY_STORE),
    plain(
        "restock_heal_failures_total",
        &[
            STORE,
            (
                "reason",
                Values::Of(&[
                    "source_unavailable",
                    "source_gone",
                    "source_drifted",
                    "policy_blocked",
                    "too_large",
                    "store_write",
                    "verify_after_write",
                ]),
            ),
        ],
    ),
    plain("restock_objects_healed_total", &[STORE, ("cause", Values::Of(&["missing", "corrupt"]))]),
    plain("restock_heal_downloaded_bytes_total", BY_STORE),
    plain("restock_heal_pending", BY_STORE),
    plain("restock_heal_last_success_timestamp_seconds", BY_STORE),
    histogram("restock_heal_duration_seconds", BY_STORE),
    plain(
        "restock_heal_paused",
        &[
            STORE,
            (
                "reason",
                Values::Of(&["mass_missing", "inventory_shrunk", "observe_only", "operator"]),
            ),
        ],
    ),
    plain("restock_catalog_up", BY_STORE),
    plain("restock_store_up", BY_STORE),
    plain("restock_lock_held", BY_STORE),
    plain("restock_store_operations_total", &[STORE, OPERATION]),
    plain(
        "restock_store_operation_failures_total",
        &[
            STORE,
            OPERATION,
            (
                "reason",
                Values::Of(&[
                    "access_denied",
                    "throttled",
                    "timeout",
                    "server",
                    "conflict",
                    "other",
                ]),
            ),
        ],
    ),
    histogram("restock_store_operation_duration_seconds", &[STORE, OPERATION]),
    plain("restock_http_requests_total", &[("handler", Values::Any), ("code", Values::Any)]),
    plain("restock_log_messages_total", &[("level", Values::Any)]),
    plain("restock_panics_total", NONE),
];

/// Those of one-shot runs.
pub(crate) const AUDIT: &[Metric] = &[
    plain("restock_audit_last_success_timestamp_seconds", BY_STORE),
    plain("restock_audit_last_completion_timestamp_seconds", BY_STORE),
    plain("restock_audit_last_duration_seconds", BY_STORE),
    plain("restock_audit_last_exit_code", BY_STORE),
    plain("restock_audit_objects", &[STORE, STATES]),
    plain("restock_audit_orphans", &[STORE, ORPHANS]),
];

/// What any process shows, and Prometheus itself adds.
pub(crate) const OTHERS: &[Metric] = &[
    plain("process_cpu_seconds_total", NONE),
    plain("process_open_fds", NONE),
    plain("process_max_fds", NONE),
    plain("process_virtual_memory_bytes", NONE),
    plain("process_resident_memory_bytes", NONE),
    plain("process_start_time_seconds", NONE),
    plain("process_threads", NONE),
    plain("up", NONE),
    plain("ALERTS", &[("alertname", Values::Any), ("alertstate", Values::Any)]),
];

pub(crate) fn all() -> Vec<Metric> {
    [DAEMON, AUDIT, OTHERS].concat()
}

#[test]
fn the_lists_are_what_the_code_declares() {
    let listed = |list: &[Metric]| list.iter().map(|metric| metric.name).collect::<BTreeSet<_>>();
    assert_eq!(listed(DAEMON), Metrics::names().iter().copied().collect());
    assert_eq!(listed(AUDIT), AuditMetrics::names().iter().copied().collect());
}

/// Samples of a text: name, and labels with their values.
fn samples(text: &str) -> Vec<(&str, BTreeMap<&str, &str>)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (series, _) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let pairs = labels.trim_end_matches('}').split("\",").filter(|pair| !pair.is_empty());
            let pairs = pairs.map(|pair| pair.split_once("=\"").unwrap());
            (name, pairs.map(|(label, value)| (label, value.trim_matches('"'))).collect())
        })
        .collect()
}

/// What a daemon shows before it has done anything: what it shows later has the same labels.
#[test]
fn what_the_code_shows_has_the_labels_of_the_lists() {
    let text = Metrics::new("installers", DateTime::UNIX_EPOCH).unwrap().render().unwrap();
    let mut seen = BTreeSet::new();
    for (shown, labels) in samples(&text) {
        let metric = all().into_iter().find(|metric| match metric.kind {
            Kind::Plain => metric.name == shown,
            Kind::Histogram => {
                let part = shown.strip_prefix(metric.name);
                matches!(part, Some("_bucket" | "_sum" | "_count"))
            }
        });
        let metric = metric.unwrap_or_else(|| panic!("{shown} is not listed"));
        let known: BTreeMap<_, _> = metric.labels.iter().copied().collect();
        let labels: BTreeMap<_, _> =
            labels.into_iter().filter(|(label, _)| *label != "le").collect();
        assert!(labels.keys().eq(known.keys()), "{shown}: {labels:?}");
        for (label, value) in &labels {
            if let Some(Values::Of(values)) = known.get(label) {
                assert!(values.contains(value), "{shown}: {label}=\"{value}\"");
            }
        }
        seen.insert(metric.name);
    }
    assert!(seen.len() > 20, "{seen:?}");
}
