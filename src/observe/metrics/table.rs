//! Every metric, declared once.

use prometheus::{GaugeVec, HistogramVec, IntCounterVec, IntGaugeVec};

use super::declare::metrics;

/// Upper bounds of the time that a heal takes, in seconds.
const HEAL_SECONDS: [f64; 8] = [1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0];

/// The same for one request to a store.
const OPERATION_SECONDS: [f64; 8] = [0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

metrics! {
    /// The metrics of a daemon. `store` is the name of the store in the configuration.
    struct Table {
        /// Version and build metadata of the running restock; always 1.
        build_info: IntGaugeVec = "restock_build_info" ["version", "revision", "target"];
        /// Whether the last reading of the configuration succeeded (1) or failed (0).
        config_last_reload_successful: IntGaugeVec = "restock_config_last_reload_successful" [];
        /// Unix time of the last successful reading of the configuration.
        config_last_reload_success: GaugeVec =
            "restock_config_last_reload_success_timestamp_seconds" [];

        /// Passes that ended, whatever their outcome.
        pass_runs: IntCounterVec = "restock_pass_runs_total" ["store", "depth"];
        /// Passes that did not finish their work, by reason.
        pass_failures: IntCounterVec = "restock_pass_failures_total" ["store", "depth", "reason"];
        /// Configured time from one pass to the next.
        pass_interval: GaugeVec = "restock_pass_interval_seconds" ["store", "depth"];
        /// Unix time at which the last pass began; 0 if none has.
        pass_last_start: GaugeVec = "restock_pass_last_start_timestamp_seconds" ["store", "depth"];
        /// Unix time at which the last pass ended, well or not; 0 if none has.
        pass_last_completion: GaugeVec =
            "restock_pass_last_completion_timestamp_seconds" ["store", "depth"];
        /// Unix time at which a pass last finished its work, whatever it found; 0 if none has.
        pass_last_success: GaugeVec =
            "restock_pass_last_success_timestamp_seconds" ["store", "depth"];
        /// How long the last pass that ended took.
        pass_last_duration: GaugeVec = "restock_pass_last_duration_seconds" ["store", "depth"];
        /// Whether a pass runs now.
        pass_in_progress: IntGaugeVec = "restock_pass_in_progress" ["store", "depth"];

        /// Rows of the catalog, as the last complete pass over everything counted them.
        records: IntGaugeVec = "restock_records" ["store"];
        /// Distinct expected objects by state, as the last complete pass over everything found
        /// them; verified ones were read and hashed within a cycle, and are not among the present.
        objects: IntGaugeVec = "restock_objects" ["store", "state"];
        /// Missing and corrupt objects that restock cannot bring back by itself, without those
        /// whose loss was accepted.
        unhealable_objects: IntGaugeVec = "restock_unhealable_objects" ["store", "reason"];
        /// Objects that are there and could not be brought back if they were lost.
        at_risk_objects: IntGaugeVec = "restock_at_risk_objects" ["store", "reason"];
        /// Missing and corrupt objects whose loss was accepted; they count among those states too.
        accepted_objects: IntGaugeVec = "restock_accepted_objects" ["store"];
        /// Unix time at which the missing or corrupt object was first seen that has been so for
        /// longest, accepted ones left out; 0 if there is none.
        oldest_unhealthy: GaugeVec = "restock_oldest_unhealthy_timestamp_seconds" ["store"];
        /// Unix time at which the present object was hashed for which that is longest ago; 0 if
        /// one never was.
        oldest_verification: GaugeVec = "restock_oldest_verification_timestamp_seconds" ["store"];
        /// Objects that no row wants: candidates, and those flagged after their grace period.
        orphans: IntGaugeVec = "restock_orphans" ["store", "state"];
        /// Size of all objects that no row wants.
        orphan_bytes: IntGaugeVec = "restock_orphan_bytes" ["store"];
        /// Keys that the key layout renders for no digest; they are never orphans.
        foreign_objects: IntGaugeVec = "restock_foreign_objects" ["store"];

        /// Objects whose bytes were read and found to have another digest; healing them takes
        /// nothing away from it.
        corruptions_detected: IntCounterVec = "restock_corruptions_detected_total" ["store"];
        /// Bytes read from the store and hashed.
        verified_bytes: IntCounterVec = "restock_verified_bytes_total" ["store"];

        /// Heals of one object that ended, well or not.
        heal_attempts: IntCounterVec = "restock_heal_attempts_total" ["store"];
        /// Heals of one object that failed, by reason.
        heal_failures: IntCounterVec = "restock_heal_failures_total" ["store", "reason"];
        /// Objects that were restored, proven and seen in the store, by what was wrong.
        objects_healed: IntCounterVec = "restock_objects_healed_total" ["store", "cause"];
        /// Bytes downloaded from sources.
        heal_downloaded_bytes: IntCounterVec = "restock_heal_downloaded_bytes_total" ["store"];
        /// Missing and corrupt objects that could be healed, and are not yet.
        heal_pending: IntGaugeVec = "restock_heal_pending" ["store"];
        /// Unix time at which an object was last restored; 0 if none was.
        heal_last_success: GaugeVec = "restock_heal_last_success_timestamp_seconds" ["store"];
        /// How long the heal of one object took.
        heal_duration: HistogramVec = "restock_heal_duration_seconds" ["store"] in HEAL_SECONDS;
        /// Whether heals are held back: by the breaker, which saw mass loss or a shrunk inventory,
        /// by a configuration that only observes, or by an operator.
        heal_paused: IntGaugeVec = "restock_heal_paused" ["store", "reason"];

        /// Whether the catalog answered when it was last asked.
        catalog_up: IntGaugeVec = "restock_catalog_up" ["store"];
        /// Whether the store answered when it was last asked.
        store_up: IntGaugeVec = "restock_store_up" ["store"];
        /// Whether this instance holds the lock of the store, which one instance does at a time.
        lock_held: IntGaugeVec = "restock_lock_held" ["store"];
        /// Requests to the store that ended, each try counted.
        store_operations: IntCounterVec = "restock_store_operations_total" ["store", "operation"];
        /// Requests to the store that failed, by reason; that an object is absent is no failure.
        store_operation_failures: IntCounterVec =
            "restock_store_operation_failures_total" ["store", "operation", "reason"];
        /// How long requests to the store took, until their answer began.
        store_operation_duration: HistogramVec =
            "restock_store_operation_duration_seconds" ["store", "operation"] in OPERATION_SECONDS;

        /// HTTP requests that were answered, by route and status.
        http_requests: IntCounterVec = "restock_http_requests_total" ["handler", "code"];
        /// Lines that were logged, by level.
        log_messages: IntCounterVec = "restock_log_messages_total" ["level"];
        /// Tasks that ended in a panic, which is a bug.
        panics: IntCounterVec = "restock_panics_total" [];
    }
}

metrics! {
    /// The metrics of one run of `audit` or `heal`. They have names of their own, so that nothing
    /// is counted twice where a daemon runs too.
    struct AuditTable {
        /// Unix time at which a run last checked everything in its scope, whatever it found.
        last_success: GaugeVec = "restock_audit_last_success_timestamp_seconds" ["store"];
        /// Unix time at which the last run ended, well or not.
        last_completion: GaugeVec = "restock_audit_last_completion_timestamp_seconds" ["store"];
        /// How long the last run took.
        last_duration: GaugeVec = "restock_audit_last_duration_seconds" ["store"];
        /// The exit code of the last run.
        last_exit_code: IntGaugeVec = "restock_audit_last_exit_code" ["store"];
        /// Distinct expected objects in the scope of the last run that established them, by state;
        /// verified ones were read and hashed in it, and are not among the present.
        objects: IntGaugeVec = "restock_audit_objects" ["store", "state"];
        /// Objects in that scope that no row wants: candidates, and those flagged.
        orphans: IntGaugeVec = "restock_audit_orphans" ["store", "state"];
    }
}
