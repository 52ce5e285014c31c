//! Names of metrics, in prose and in every file that is shipped.

use crate::files::{below, read};
use crate::metrics::{self, Metric};
use crate::queries::{complaints, metric_of};

fn shipped() -> Vec<String> {
    let endings = [".md", ".yml", ".yaml", ".json", ".service", ".timer", ".conf", ".env"];
    let mut paths = below("deploy", &endings);
    paths.extend(below("docs", &[".md"]));
    paths.push("README.md".to_owned());
    paths
}

/// Words that look like a metric of restock's and are none.
fn strangers(text: &str, metrics: &[Metric]) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| word.starts_with("restock_"))
        .filter(|word| metric_of(word, metrics).is_none())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_metric_that_is_named_anywhere_is_one() {
    for path in shipped() {
        assert_eq!(strangers(&read(&path), &metrics::all()), Vec::<String>::new(), "{path}");
    }
    assert_eq!(strangers("`restock_objects_total`", &metrics::all()), ["restock_objects_total"]);
    let list = &metrics::all()[1..];
    assert_eq!(strangers("restock_build_info", list), ["restock_build_info"]);
}

/// A metric that nothing shows is either needless, or forgotten.
#[test]
fn every_metric_is_used_by_a_rule_or_the_dashboard() {
    let used = read("deploy/prometheus/restock.rules.yml") + &read("deploy/grafana/restock.json");
    for metric in [metrics::DAEMON, metrics::AUDIT].concat() {
        assert!(used.contains(metric.name), "{}", metric.name);
    }
}

#[test]
fn names_labels_and_values_that_are_none_are_told() {
    let of = |expression| complaints(expression, &metrics::all());
    for wrong in [
        "sum(restock_object)",
        "restock_objects{depth=\"deep\"}",
        "restock_objects{state=~\"missing|gone\"}",
        "restock_objects{state!=\"gone\"} > 0",
        "sum by (store, digest) (restock_objects)",
        "max by (store, state) (restock_records)",
        "restock_heal_duration_seconds > 1",
        "restock_heal_duration_sum",
        "sum(rate(restock_passes_total[5m]))",
        "vector(1) unless on (team) restock_store_up",
    ] {
        assert_eq!(of(wrong).len(), 1, "{wrong}: {:?}", of(wrong));
    }
    for right in [
        "2.5 * max by (job, store) (last_over_time(restock_pass_interval_seconds{depth=\"deep\"}[15m])) > 0",
        "sum by (store, le) (rate(restock_heal_duration_seconds_bucket{store=~\"$store\"}[$__rate_interval]))",
        "absent(up{job=\"restock\"} == 1) or restock_panics_total offset 2d",
    ] {
        assert_eq!(of(right), Vec::<String>::new(), "{right}");
    }
}
