//! Deciding apart from doing: `--dry-run`, `--plan` and `--from-plan`.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::process::Command;

use serde_json::Value;

use crate::binary::command;
use crate::place::Place;

#[test]
fn a_dry_run_prints_the_plan_and_changes_nothing() {
    let (place, objects) = Place::healthy(12);
    place.lose(&objects[..2]);
    let before = place.world.store_content();
    let ran = place.run("heal --dry-run").exits(2);
    for object in &objects[..2] {
        let line = format!("restore    missing  {}", object.key);
        assert!(ran.stdout.contains(&line), "{}", ran.stdout);
    }
    ran.prints("plan: 2 objects to restore, nothing was done").prints("next: restock heal");
    let plan = place.run("heal --dry-run --output json").exits(2).json();
    assert_eq!(plan["schema"], "restock.plan/v1");
    assert_eq!(plan["actions"].as_array().unwrap().len(), 2);
    assert_eq!(place.world.store_content(), before);
    assert_eq!(place.world.http.requests().len(), 0, "no source was asked");
    let one = place.run(&format!("heal --dry-run {}", objects[0].digest)).exits(2);
    one.prints("plan: 1 object to restore");
}

#[test]
fn a_dry_run_tells_what_cannot_be_restored_and_why() {
    let (place, objects) = Place::healthy(12);
    place.lose(&objects[..2]);
    place.sql("UPDATE packages SET url = NULL WHERE id = 1");
    let lost = format!("cannot restore (no source) missing  {}", objects[0].key);
    place
        .run("heal --dry-run")
        .exits(2)
        .prints(&lost)
        .prints("plan: 1 of 2 objects to restore, nothing was done");
    place.sql("UPDATE packages SET url = NULL");
    let ran = place.run("heal --dry-run").exits(2);
    assert!(!ran.stdout.contains("next:"), "{}", ran.stdout);
}

#[test]
fn a_written_plan_is_carried_out_and_no_more_than_it() {
    let (place, objects) = Place::healthy(12);
    place.lose(&objects[..2]);
    place.run("heal --plan plan.json").exits(2).says("plan.json");
    place.lose(&objects[2..3]);
    // Meanwhile somebody put one of them back.
    place.world.put(&objects[1].key, &objects[1].bytes);
    // What was lost since is outside of its scope.
    let report = place.run("heal --from-plan plan.json --output json").exits(0).json();
    crate::shapes::check(&report);
    let results: Vec<_> = report["repairs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["result"].as_str().unwrap())
        .collect();
    assert_eq!(report["summary"]["healed"], 1, "{report:#}");
    assert!(results.contains(&"restored") && results.contains(&"held"), "{results:?}");
    assert!(place.world.get(&objects[0].key).is_some());
    assert!(place.world.get(&objects[2].key).is_none(), "it is not in the plan");
    place.run("audit").exits(2).prints("1 missing");
}

#[test]
fn a_plan_for_another_store_or_catalog_is_refused() {
    let (place, objects) = Place::healthy(12);
    place.lose(&objects[..1]);
    place.run("heal --plan plan.json").exits(2);
    let plan = fs::read_to_string(place.path("plan.json")).unwrap();
    for world in ["store", "catalog"] {
        let mut other: Value = serde_json::from_str(&plan).unwrap();
        other["for"][world] = "file:///somewhere/else".into();
        fs::write(place.path("other.json"), other.to_string()).unwrap();
        let ran = place.run("heal --from-plan other.json").exits(4);
        assert!(ran.stdout.contains("/somewhere/else"), "{world}: {}", ran.stdout);
    }
    assert!(place.world.get(&objects[0].key).is_none(), "nothing was healed");
    place.run("heal --from-plan plan.json").exits(0);
}

#[test]
fn a_plan_that_is_none_is_told() {
    let (place, _) = Place::healthy(1);
    place.run("heal --from-plan nowhere.json").exits(1).says("cannot read plan nowhere.json");
    for text in ["", "{}", "not json", "[1]"] {
        fs::write(place.path("garbage.json"), text).unwrap();
        place.run("heal --from-plan garbage.json").exits(1).says("garbage.json is no plan");
    }
    place.run("heal --from-plan x --dry-run").exits(64).says("cannot be used with");
    place.run("heal --plan nowhere/plan.json").exits(1).says("nowhere/plan.json");
}

/// A link to a pipe: both were replaced by a file once.
#[test]
fn a_plan_goes_where_a_link_or_a_pipe_leads_and_replaces_neither() {
    let (place, objects) = Place::healthy(3);
    place.lose(&objects[..1]);
    let made = Command::new("mkfifo").arg(place.path("pipe")).status().unwrap();
    assert!(made.success());
    std::os::unix::fs::symlink("pipe", place.path("link")).unwrap();
    for (line, path) in [("heal --plan pipe", "pipe"), ("heal --plan link", "link")] {
        let pipe = place.path("pipe");
        let reader = std::thread::spawn(move || fs::read_to_string(pipe).unwrap());
        place.run(line).exits(2).says(&format!("plan written to {path}"));
        let plan: Value = serde_json::from_str(&reader.join().unwrap()).unwrap();
        assert_eq!(plan["schema"], "restock.plan/v1");
    }
    assert!(fs::symlink_metadata(place.path("pipe")).unwrap().file_type().is_fifo());
    assert!(fs::symlink_metadata(place.path("link")).unwrap().is_symlink());
}

#[test]
fn a_plan_for_stdout_comes_before_the_report_and_spoils_no_file_that_stdout_is() {
    let (place, objects) = Place::healthy(3);
    place.lose(&objects[..1]);
    let begins = |text: &str| {
        assert!(text.starts_with("{\n  \"schema\": \"restock.plan/v1\""), "{text}");
        assert!(text.contains("\n}\n") && text.contains("2 of 3 expected objects"), "{text}");
    };
    for path in ["-", "/dev/stdout", "/dev/fd/1"] {
        let line = format!("heal --plan {path}");
        begins(&place.run(&line).exits(2).stdout);
        let out = fs::File::create(place.path("out")).unwrap();
        command(place.dir(), &line).stdout(out).status().unwrap();
        begins(&fs::read_to_string(place.path("out")).unwrap());
    }
    assert!(!place.path("-").exists());
}

#[test]
fn a_plan_of_another_version_is_told() {
    let (place, _) = Place::healthy(1);
    place.run("heal --plan plan.json").exits(0);
    let plan = fs::read_to_string(place.path("plan.json")).unwrap();
    fs::write(place.path("plan.json"), plan.replace("restock.plan/v1", "restock.plan/v9")).unwrap();
    let ran = place.run("heal --from-plan plan.json");
    assert_ne!(ran.code, 0, "{ran:?}");
}
