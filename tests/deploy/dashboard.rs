//! The Grafana dashboard.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::files::{document, items, text};
use crate::metrics;
use crate::queries::complaints;

fn dashboard() -> Value {
    document("deploy/grafana/restock.json")
}

fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    items(&dashboard["panels"]).iter().filter(|panel| panel["type"] != "row")
}

#[test]
fn every_query_names_what_restock_shows() {
    let dashboard = dashboard();
    let mut queries = 0;
    for panel in panels(&dashboard) {
        for target in items(&panel["targets"]) {
            let query = text(&target["expr"]);
            let told = complaints(query, &metrics::all());
            assert_eq!(told, Vec::<String>::new(), "{}: {query}", panel["title"]);
            queries += 1;
        }
    }
    assert!(queries > 50, "{queries}");
}

#[test]
fn every_panel_says_what_it_shows_from_the_chosen_source() {
    let source = json!({"type": "prometheus", "uid": "${datasource}"});
    let dashboard = dashboard();
    let mut titles = BTreeSet::new();
    for panel in panels(&dashboard) {
        let title = text(&panel["title"]);
        titles.insert(title);
        assert!(text(&panel["description"]).ends_with('.'), "{title}");
        assert!(!text(&panel["fieldConfig"]["defaults"]["unit"]).is_empty(), "{title}");
        assert_eq!(panel["datasource"], source, "{title}");
        for target in items(&panel["targets"]) {
            assert_eq!(target["datasource"], source, "{title}");
            assert!(!text(&target["legendFormat"]).is_empty(), "{title}");
            let query = text(&target["expr"]);
            let chosen = query.contains("store=~\"$store\"") || query.contains("job=~\"$job\"");
            assert!(chosen, "{title}: not for the chosen store or job: {query}");
            let fixed = query.contains('[') && !query.contains("[$__rate_interval]");
            assert!(!fixed, "{title}: a window of its own: {query}");
        }
    }
    assert!(titles.len() > 25, "{titles:?}");
}

#[test]
fn the_store_and_the_source_can_be_chosen() {
    let dashboard = dashboard();
    let variables: Vec<_> = items(&dashboard["templating"]["list"])
        .iter()
        .map(|variable| (text(&variable["name"]), text(&variable["type"])))
        .collect();
    assert_eq!(variables, [("datasource", "datasource"), ("job", "query"), ("store", "query")]);
    assert_eq!(dashboard["uid"], "restock");
    assert_eq!(dashboard["id"], Value::Null);
    assert_eq!(dashboard["__inputs"], Value::Null);
}

#[test]
fn panels_stand_side_by_side_and_have_numbers_of_their_own() {
    let dashboard = dashboard();
    let (mut numbers, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for panel in items(&dashboard["panels"]) {
        assert!(numbers.insert(panel["id"].as_u64().unwrap()), "{}", panel["id"]);
        let [x, y, w, h] =
            ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(x + w <= 24, "{}", panel["title"]);
        for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "{} lies over another", panel["title"]);
        }
    }
}
