//! `restock sources`, as people and programs see it.

use serde_json::Value;

use crate::place::Place;
use crate::support::http_server::Answer;

const OBJECT: &str = "type collection digest result source sources expected_size offered_size \
    names refs detail";

const SUMMARY: &str = "type started_at finished_at outcome exit_code objects available unknown \
    unavailable drifted too_large policy_blocked gone no_source invalid_records";

fn members(value: &Value) -> Vec<&str> {
    let mut members: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    members
}

fn sorted(members: &str) -> Vec<&str> {
    let mut members: Vec<_> = members.split_whitespace().collect();
    members.sort_unstable();
    members
}

/// Five objects: one that is gone, and one without a source.
fn place() -> Place {
    let (place, objects) = Place::healthy(5);
    place.world.answer(&objects[0], [Answer::status(404)]);
    place.sql("UPDATE packages SET url = '' WHERE id = 2");
    place
}

#[test]
fn a_document_holds_every_object_and_a_summary() {
    let place = place();
    let ran = place.run("sources --output json");
    assert_eq!((ran.code, ran.stderr.as_str()), (2, ""));
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["schema"], "restock.sources/v1");
    let objects = document["objects"].as_array().unwrap();
    assert_eq!(objects.len(), 5);
    assert!(objects.iter().all(|object| members(object) == sorted(OBJECT)), "{document}");
    assert_eq!(members(&document["summary"]), sorted(SUMMARY));
    for (count, n) in [("objects", 5), ("available", 3), ("gone", 1), ("no_source", 1)] {
        assert_eq!(document["summary"][count], n, "{count}");
    }
    let gone = objects.iter().find(|object| object["result"] == "gone").unwrap();
    assert_eq!((&gone["names"][0], &gone["refs"][0]), (&"app-0.pkg".into(), &"1".into()));
}

#[test]
fn lines_are_the_same_records_and_the_summary_comes_last() {
    let place = place();
    let ran = place.run("sources --output ndjson");
    let lines: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (summary, objects) = lines.split_last().unwrap();
    assert_eq!((objects.len(), &summary["schema"]), (5, &"restock.sources/v1".into()));
    assert!(objects.iter().all(|object| object["type"] == "object" && object["schema"].is_null()));
    assert_eq!((&summary["type"], &summary["exit_code"]), (&"summary".into(), &ran.code.into()));
}

#[test]
fn people_see_what_cannot_be_had_and_the_verdict_last() {
    let place = place();
    let ran = place.run("sources");
    for part in [
        "no source (1)\n",
        "gone from every source (1)\n",
        "app-0.pkg",
        "app-1.pkg",
        "sources of 5 objects at ",
        "3 available, 1 gone, 1 without a source\n",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(ran.stdout.ends_with("findings: some objects could not be had again today\n"));
    assert!(!ran.stdout.contains("app-4.pkg"), "what can be had is counted alone");
}

#[test]
fn it_asks_neither_store_nor_ledger_and_writes_nothing() {
    let (place, _) = Place::healthy(3);
    std::fs::remove_dir_all(place.path("store")).unwrap();
    let ran = place.run("sources");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stdout.ends_with("clean: each object could be had again today\n"),
        "{}",
        ran.stdout
    );
    assert!(!place.path("ledger.db").exists());
    let methods: Vec<_> = place.world.http.requests().into_iter().map(|r| r.method).collect();
    assert_eq!(methods, ["HEAD"; 3]);
}

#[test]
fn exit_codes_and_collections() {
    let (place, objects) = Place::healthy(3);
    assert_eq!(place.run("sources --collection software-installers").code, 0);
    let ran = place.run("sources --collection nothing");
    assert_eq!(ran.code, 64);
    assert!(ran.stderr.contains("there is no collection `nothing`"), "{}", ran.stderr);
    place.world.answer(&objects[0], [Answer::status(503)]);
    let ran = place.run("sources");
    assert_eq!(ran.code, 3);
    assert!(
        ran.stdout.ends_with("incomplete: of some objects nobody could say\n"),
        "{}",
        ran.stdout
    );
    std::fs::remove_file(place.path("catalog.db")).unwrap();
    assert_eq!(place.run("sources").code, 1);
}

#[test]
fn an_empty_catalog_has_nothing_to_ask_for() {
    let (place, _) = Place::healthy(0);
    let ran = place.run("sources --output json");
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, document["objects"].as_array().unwrap().len()), (0, 0));
    assert_eq!(document["summary"]["outcome"], "clean");
}
