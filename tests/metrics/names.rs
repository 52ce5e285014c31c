//! The metrics that there are, held against the list that alerts and dashboards are written from.

use std::collections::BTreeSet;

use chrono::DateTime;
use restock::observe::{AuditMetrics, Metrics};

use crate::shown::Shown;
use crate::support::promtool;

/// As the contract with other programs has them.
const NAMES: &str = "restock_build_info restock_config_last_reload_successful \
    restock_config_last_reload_success_timestamp_seconds restock_pass_runs_total \
    restock_pass_failures_total restock_pass_interval_seconds \
    restock_pass_last_start_timestamp_seconds restock_pass_last_completion_timestamp_seconds \
    restock_pass_last_success_timestamp_seconds restock_pass_last_duration_seconds \
    restock_pass_in_progress restock_records restock_objects restock_unhealable_objects \
    restock_at_risk_objects restock_accepted_objects restock_oldest_unhealthy_timestamp_seconds \
    restock_oldest_verification_timestamp_seconds restock_orphans restock_orphan_bytes \
    restock_foreign_objects restock_corruptions_detected_total restock_verified_bytes_total \
    restock_heal_attempts_total restock_heal_failures_total restock_objects_healed_total \
    restock_heal_downloaded_bytes_total restock_heal_pending \
    restock_heal_last_success_timestamp_seconds restock_heal_duration_seconds \
    restock_heal_paused restock_catalog_up restock_store_up restock_lock_held \
    restock_store_operations_total restock_store_operation_failures_total \
    restock_store_operation_duration_seconds restock_http_requests_total \
    restock_log_messages_total restock_panics_total";

const AUDIT_NAMES: &str = "restock_audit_last_success_timestamp_seconds \
    restock_audit_last_completion_timestamp_seconds restock_audit_last_duration_seconds \
    restock_audit_last_exit_code restock_audit_objects restock_audit_orphans";

#[test]
fn there_are_the_metrics_that_others_rely_on_and_no_more() {
    let listed = |list: &'static str| list.split_whitespace().collect::<BTreeSet<_>>();
    assert_eq!(Metrics::names().iter().copied().collect::<BTreeSet<_>>(), listed(NAMES));
    assert_eq!(AuditMetrics::names().iter().copied().collect::<BTreeSet<_>>(), listed(AUDIT_NAMES));
}

#[test]
fn a_process_that_has_seen_nothing_shows_zeros_and_claims_nothing_of_the_store() {
    let start = DateTime::from_timestamp(1_790_000_000, 250_000_000).unwrap();
    let metrics = Metrics::new("installers", start).unwrap();
    promtool::check(&metrics.render().unwrap());
    let shown = Shown::of(&metrics);
    for name in [
        "restock_objects",
        "restock_records",
        "restock_unhealable_objects",
        "restock_at_risk_objects",
        "restock_accepted_objects",
        "restock_orphans",
        "restock_orphan_bytes",
        "restock_foreign_objects",
        "restock_heal_pending",
        "restock_oldest_unhealthy_timestamp_seconds",
        "restock_oldest_verification_timestamp_seconds",
        "restock_catalog_up",
        "restock_store_up",
    ] {
        assert_eq!(shown.of_metric(name), [], "{name}");
    }
    for (name, samples) in [
        ("restock_pass_runs_total", 2),
        ("restock_pass_failures_total", 8),
        ("restock_pass_last_success_timestamp_seconds", 2),
        ("restock_heal_failures_total", 7),
        ("restock_objects_healed_total", 2),
        ("restock_heal_paused", 4),
        ("restock_store_operations_total", 4),
        ("restock_store_operation_failures_total", 24),
        ("restock_log_messages_total", 3),
        ("restock_panics_total", 1),
        ("restock_lock_held", 1),
        ("restock_corruptions_detected_total", 1),
    ] {
        let found = shown.of_metric(name);
        assert_eq!(found.len(), samples, "{found:?}");
        assert!(found.iter().all(|(_, value)| *value == 0.0), "{found:?}");
    }
    assert_eq!(shown.get("process_start_time_seconds"), 1_790_000_000.25);
    assert_eq!(shown.get("restock_config_last_reload_successful"), 1.0);
    assert_eq!(shown.of_metric("restock_build_info").len(), 1);
}

#[test]
fn every_metric_has_a_sentence_of_help_and_no_label_that_names_an_object() {
    let text = Metrics::new("s", DateTime::UNIX_EPOCH).unwrap().render().unwrap();
    for line in text.lines().filter(|line| line.starts_with("# HELP restock_")) {
        let help = line.splitn(4, ' ').nth(3).unwrap();
        assert!(help.ends_with('.') && help.starts_with(char::is_uppercase), "{line}");
        assert!(!help.contains("  "), "{line}");
    }
    for label in ["digest=", "url=", "host=", "name=", "team=", "file="] {
        assert!(!text.contains(&format!("{{{label}")) && !text.contains(&format!(",{label}")));
    }
}
