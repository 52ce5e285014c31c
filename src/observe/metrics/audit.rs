//! [`AuditMetrics`]: one run of `audit` or `heal` as a text file for Prometheus.

use prometheus::{Registry, TextEncoder};

use crate::model::{Outcome, Summary};

use super::MetricsError;
use super::table::AuditTable;
use super::value::{between, integer, seconds};

/// The metrics of one run, which take over from the file of an earlier one what this one could not
/// establish.
#[derive(Debug, Clone)]
pub struct AuditMetrics<'a> {
    /// The name of the store in the configuration.
    pub store: &'a str,
    /// The run in numbers.
    pub summary: &'a Summary,
    /// What the file of an earlier run says, if there is one.
    pub earlier: &'a str,
}

impl AuditMetrics<'_> {
    /// The names of all metrics of one run.
    pub fn names() -> &'static [&'static str] {
        AuditTable::NAMES
    }

    /// Whether the pass checked everything in its scope, whatever it found.
    pub fn is_success(summary: &Summary) -> bool {
        let finished =
            matches!(summary.outcome, Outcome::Clean | Outcome::Findings | Outcome::Refused);
        finished && summary.unknown == Some(0)
    }

    /// The metrics in the classic text format.
    pub fn render(&self) -> Result<String, MetricsError> {
        let registry = Registry::new();
        let table = AuditTable::declare(&registry)?;
        let (summary, store) = (self.summary, self.store);
        let ended = seconds(summary.finished_at);
        let success = if Self::is_success(summary) {
            Some(ended)
        } else {
            // One in the future was kept before the clock was set back.
            let earlier = self.earlier("restock_audit_last_success_timestamp_seconds", None);
            earlier.map(|at| at.min(ended))
        };
        // 0 says that none has: an alert on its age fires then, as it should.
        table.last_success.with_label_values(&[store]).set(success.unwrap_or(0.0));
        table.last_completion.with_label_values(&[store]).set(ended);
        let took = between(summary.started_at, summary.finished_at);
        table.last_duration.with_label_values(&[store]).set(took);
        let code = i64::from(summary.exit_code);
        table.last_exit_code.with_label_values(&[store]).set(code);
        let unverified = summary
            .present
            .zip(summary.verified)
            .map(|(present, verified)| present.saturating_sub(verified));
        for (state, count) in [
            ("verified", summary.verified),
            ("present", unverified),
            ("missing", summary.missing),
            ("corrupt", summary.corrupt),
            ("unknown", summary.unknown),
        ] {
            if let Some(count) = self.count("restock_audit_objects", state, count) {
                table.objects.with_label_values(&[store, state]).set(count);
            }
        }
        let flagged = summary.orphans_flagged;
        let candidates =
            summary.orphans.zip(flagged).map(|(all, flagged)| all.saturating_sub(flagged));
        for (state, count) in [("candidate", candidates), ("flagged", flagged)] {
            if let Some(count) = self.count("restock_audit_orphans", state, count) {
                table.orphans.with_label_values(&[store, state]).set(count);
            }
        }
        Ok(TextEncoder::new().encode_to_string(&registry.gather())?)
    }

    /// A count of this run, else of the earlier one.
    fn count(&self, name: &str, state: &str, count: Option<u64>) -> Option<i64> {
        count.map(integer).or_else(|| {
            // A count is written without a point.
            self.sample(name, Some(state))?.parse().ok()
        })
    }

    fn earlier(&self, name: &str, state: Option<&str>) -> Option<f64> {
        let value: f64 = self.sample(name, state)?.parse().ok()?;
        (value.is_finite() && value > 0.0).then_some(value)
    }

    /// The value of a sample in the earlier file, as it is written there.
    fn sample(&self, name: &str, state: Option<&str>) -> Option<&str> {
        let label = |label: &str, value: &str| {
            let value = value.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n");
            format!("{label}=\"{value}\"")
        };
        let wanted = [Some(label("store", self.store)), state.map(|state| label("state", state))];
        let mut samples = self.earlier.lines().filter_map(|line| {
            let (labels, value) = line.strip_prefix(name)?.strip_prefix('{')?.rsplit_once("} ")?;
            let has = |label: &String| labels.contains(label.as_str());
            wanted.iter().flatten().all(has).then_some(value)
        });
        samples.next()
    }
}
