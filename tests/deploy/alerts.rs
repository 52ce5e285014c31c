//! The alerts: that all are there, that each is told well, tested, and explained in the runbook.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::files::{anchor, below, document, headings, items, leads_somewhere, read, text};
use crate::metrics;
use crate::queries::complaints;

const RULES: &str = "deploy/prometheus/restock.rules.yml";
const RUNBOOK: &str = "docs/runbook.md";

/// Every alert, in the order of the runbook.
const ALERTS: [&str; 22] = [
    "RestockDown",
    "RestockBreakerOpen",
    "RestockObjectsUnhealthy",
    "RestockObjectsUnhealable",
    "RestockObjectsAtRisk",
    "RestockCorruptionDetected",
    "RestockSourceDrifted",
    "RestockHealsFailing",
    "RestockHealsPaused",
    "RestockPassStale",
    "RestockPassNeverSucceeded",
    "RestockVerificationOverdue",
    "RestockCoverageIncomplete",
    "RestockStoreAccessDenied",
    "RestockStoreUnreachable",
    "RestockCatalogUnreachable",
    "RestockOrphans",
    "RestockMultipleActive",
    "RestockConfigReloadFailed",
    "RestockPanics",
    "RestockAuditStale",
    "RestockAuditFindings",
];

fn rules() -> Vec<Value> {
    let file = document(RULES);
    items(&file["groups"]).iter().flat_map(|group| items(&group["rules"])).cloned().collect()
}

#[test]
fn every_alert_is_there_once_and_no_other() {
    let rules = rules();
    let names: Vec<_> = rules.iter().map(|rule| text(&rule["alert"])).collect();
    assert_eq!(names, ALERTS);
}

#[test]
fn each_alert_says_how_bad_what_it_is_and_what_to_do() {
    for rule in rules() {
        let name = text(&rule["alert"]);
        let severity = text(&rule["labels"]["severity"]);
        let critical = name == "RestockBreakerOpen";
        assert_eq!(severity == "critical", critical, "{name}: {severity}");
        assert!(["critical", "warning", "info"].contains(&severity), "{name}: {severity}");
        let annotations = rule["annotations"].as_object().unwrap();
        let told: Vec<_> = annotations.keys().map(String::as_str).collect();
        assert_eq!(told, ["description", "runbook_url", "summary"], "{name}");
        for key in ["summary", "description"] {
            let sentence = text(&annotations[key]).trim_end_matches("{{ end }}");
            assert!(sentence.ends_with('.') && !sentence.contains('\n'), "{name}: {sentence}");
        }
        assert!(
            !text(&annotations["summary"]).contains("{{"),
            "{name}: a summary is the same for all"
        );
        let page = format!("https://restock.example/docs/runbook.md#{}", name.to_lowercase());
        assert_eq!(text(&annotations["runbook_url"]), page);
    }
}

#[test]
fn queries_of_alerts_name_what_restock_shows() {
    for rule in rules() {
        let (name, query) = (text(&rule["alert"]), text(&rule["expr"]));
        assert_eq!(complaints(query, &metrics::all()), Vec::<String>::new(), "{name}");
        // What a text speaks of has to survive the aggregation.
        for label in labels_told(&rule["annotations"]) {
            let survives = label == "instance" || kept(query).contains(label.as_str());
            assert!(survives, "{name} tells of the label {label}, and has none");
        }
    }
}

/// The labels that a query aggregates by.
fn kept(query: &str) -> BTreeSet<&str> {
    let lists = query.split(" by (").skip(1).filter_map(|rest| rest.split(')').next());
    lists.flat_map(|list| list.split(',').map(str::trim)).collect()
}

/// The labels that the annotations name as `$labels.LABEL`.
fn labels_told(annotations: &Value) -> BTreeSet<String> {
    let texts = annotations.as_object().unwrap().values().map(text);
    let named = texts.flat_map(|text| text.split("$labels.").skip(1));
    named
        .map(|rest| {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned()
        })
        .collect()
}

/// promtool then sees that it does fire (`tests/deploy-check`).
#[test]
fn a_case_fires_each_alert() {
    let mut fired = BTreeSet::new();
    for path in below("deploy/prometheus", &[".test.yml"]) {
        for case in items(&document(&path)["tests"]) {
            for moment in items(&case["promql_expr_test"]) {
                assert!(text(&moment["expr"]).contains("ALERTS"), "{path}: {moment}");
                let samples = moment["exp_samples"].as_array().into_iter().flatten();
                fired.extend(samples.map(|sample| alert_of(text(&sample["labels"])).to_owned()));
            }
        }
    }
    assert_eq!(fired, ALERTS.iter().map(|&name| name.to_owned()).collect());
}

fn alert_of(labels: &str) -> &str {
    labels.split("alertname=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap()
}

#[test]
fn the_runbook_has_a_heading_for_each_alert_and_answers_its_questions() {
    let runbook = read(RUNBOOK);
    assert_eq!(headings(&runbook).collect::<Vec<_>>(), ALERTS);
    for section in runbook.split("\n## ").skip(1) {
        let asked = ["What it means", "What to look at", "What to do", "When it clears"];
        let mut from = 0;
        for question in asked {
            let heading = format!("\n**{question}.**");
            let at = section[from..].find(&heading);
            from += at.unwrap_or_else(|| panic!("no `{question}` in {section}"));
        }
    }
    for alert in ALERTS {
        assert_eq!(anchor(alert), alert.to_lowercase());
    }
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    for path in below("deploy", &[".md"]).into_iter().chain([RUNBOOK.to_owned()]) {
        let page = read(&path);
        for link in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(link.starts_with("https://") || leads_somewhere(&path, link), "{path}: {link}");
        }
    }
    assert!(!leads_somewhere(RUNBOOK, "#restockgone"));
    assert!(!leads_somewhere(RUNBOOK, "../deploy/gone"));
}

#[test]
fn the_scrape_example_has_the_job_that_the_rules_look_for() {
    let example = document("deploy/prometheus/scrape.example.yml");
    let jobs: Vec<_> =
        items(&example["scrape_configs"]).iter().map(|job| text(&job["job_name"])).collect();
    assert!(jobs.contains(&"restock"), "{jobs:?}");
    assert!(RULES.ends_with(text(&example["rule_files"][0])));
    let pods = document("deploy/kubernetes/podmonitor.yaml");
    let label = text(&pods["spec"]["jobLabel"]);
    assert_eq!(pods["spec"]["selector"]["matchLabels"][label], "restock");
}
