//! `restock orphans`: listed, planned, taken away and put back; and everything that is refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use restock::ledger::Lock;
use serde_json::Value;

use crate::place::{CONFIGURATION, Place, wait};
use crate::support::world::Object;

/// Orphans are flagged by the second pass that sees them.
const SOON: &str = "\n[orphans]\ngrace = \"0s\"\nsightings = 1\n";

/// Twelve objects that rows want, and so many orphans that one pass has seen.
fn with_orphans(n: usize) -> (Place, Vec<Object>) {
    let (place, _) = Place::healthy(12);
    place.configure(&(CONFIGURATION.to_owned() + SOON));
    let orphans: Vec<_> = (0..n).map(|i| Object::of(format!("nobody wants {i}"), "x")).collect();
    for orphan in &orphans {
        place.world.put(&orphan.key, &orphan.bytes);
    }
    place.run("audit").exits(0);
    (place, orphans)
}

/// The same with a plan for them.
pub(crate) fn planned(n: usize) -> (Place, Vec<Object>) {
    let (place, orphans) = with_orphans(n);
    place.run("orphans plan -o plan.json").exits(0);
    (place, orphans)
}

pub(crate) fn plan_of(place: &Place) -> Value {
    serde_json::from_str(&fs::read_to_string(place.path("plan.json")).unwrap()).unwrap()
}

pub(crate) fn content(place: &Place) -> BTreeMap<PathBuf, Vec<u8>> {
    place.world.store_content()
}

pub(crate) fn results(report: &Value) -> Vec<&str> {
    let removals = report["removals"].as_array().unwrap().iter();
    removals.map(|removal| removal["result"].as_str().unwrap()).collect()
}

#[test]
fn orphans_are_listed_planned_moved_and_put_back() {
    let (place, _) = Place::healthy(12);
    place.configure(&(CONFIGURATION.to_owned() + SOON));
    place.run("orphans list").exits(0).prints("no pass over everything yet: run `restock audit`");
    let orphan = Object::of("nobody wants me", "x");
    place.world.put(&orphan.key, &orphan.bytes);
    place.run("audit").exits(0);
    place.run("orphans list").exits(0).prints("candidate").prints("1 orphan (0 flagged, 15 B)");
    place.run("orphans list --flagged").exits(0).prints("0 orphans");
    let before = content(&place);

    let plan = place.run("orphans plan -o plan.json").exits(0).says("plan written to plan.json");
    plan.prints("move to the quarantine 1 orphan (15 B), nothing was done")
        .prints("restock orphans apply plan.json --max-delete 1");
    assert_eq!(content(&place), before);
    place
        .run("orphans list --flagged")
        .exits(0)
        .prints(&orphan.key)
        .prints("next: restock orphans");

    let applied = place.run("orphans apply plan.json --max-delete 1").exits(0);
    applied
        .prints("moved")
        .prints("1 moved")
        .prints("undo: restock orphans restore plan.json.applied.ndjson");
    assert_eq!(place.world.get(&orphan.key), None);
    let plan = plan_of(&place);
    let copy =
        format!("restock-quarantine/orphans/{}/{}", plan["plan_id"].as_str().unwrap(), orphan.key);
    assert_eq!(place.world.get(&copy).as_ref(), Some(&orphan.bytes));
    place.run("orphans list").exits(0).prints("0 orphans");
    place.run(&format!("show {}", orphan.digest)).exits(0).prints("moved").prints(&copy);
    place.run("quarantine list").exits(0).prints("orphan").prints(&copy);
    let audit = place.run("audit --output json").exits(0).json();
    assert_eq!(
        (&audit["summary"]["orphans"], &audit["summary"]["foreign"]),
        (&0.into(), &0.into())
    );

    place.run("orphans restore plan.json.applied.ndjson").exits(0).prints("1 restored");
    assert_eq!(content(&place), before);
    let again = place.run("orphans restore plan.json").exits(0);
    again.prints("1 restored").prints("put back; an earlier run did it on 20");
    place.run("audit").exits(0).prints("1 orphan (");
}

#[test]
fn a_plan_tells_the_evidence_and_the_world() {
    let (place, orphans) = planned(2);
    let plan = plan_of(&place);
    assert_eq!(plan["schema"], "restock.orphans-plan/v1");
    assert_eq!(plan["action"], "quarantine");
    assert_eq!(plan["for"]["store"], format!("file://{}", place.path("store").display()));
    assert!(plan["for"]["catalog"].as_str().unwrap().ends_with("/catalog.db"), "{plan:#}");
    let entries = plan["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    for entry in entries {
        let own = orphans.iter().find(|orphan| entry["key"] == *orphan.key).unwrap();
        assert_eq!(entry["digest"], own.digest.to_string());
        assert_eq!(entry["size"], own.bytes.len());
        assert_eq!(entry["reason"], "flagged");
        assert!(entry["etag"].is_string() && entry["modified"].is_string(), "{entry:#}");
        assert!(entry["first_seen"].is_string(), "{entry:#}");
        assert!(entry["sightings"].as_u64().unwrap() >= 1, "{entry:#}");
    }
}

#[test]
fn lists_and_results_are_for_programs_too() {
    let (place, orphans) = planned(2);
    let list = place.run("orphans list --output json").exits(0).json();
    assert_eq!(list["schema"], "restock.orphans/v1");
    assert_eq!((&list["summary"]["orphans"], &list["summary"]["flagged"]), (&2.into(), &2.into()));
    assert_eq!(list["orphans"][0]["state"], "flagged");
    let lines = place.run("orphans list --output ndjson").exits(0).lines();
    let types: Vec<_> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["orphan", "orphan", "summary"]);
    assert_eq!(lines[2]["schema"], "restock.orphans/v1");

    let applied = place.run("orphans apply plan.json --max-delete 2 --output json").exits(0).json();
    assert_eq!(
        (&applied["schema"], results(&applied)),
        (&"restock.removals/v1".into(), vec!["moved"; 2])
    );
    assert_eq!(applied["summary"]["moved"], 2);
    let bytes: usize = orphans.iter().map(|orphan| orphan.bytes.len()).sum();
    assert_eq!(applied["summary"]["bytes"], bytes);
    let restored = place.run("orphans restore plan.json --output ndjson").exits(0).lines();
    let types: Vec<_> = restored.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["removal", "removal", "summary"]);
    assert_eq!(restored[2]["restored"], 2);
}

#[test]
fn more_entries_than_allowed_are_refused_before_anything_is_done() {
    let (place, _) = planned(3);
    let before = content(&place);
    for n in 0..3 {
        let ran = place.run(&format!("orphans apply plan.json --max-delete {n}")).exits(4);
        ran.says("the plan has 3 entries");
    }
    assert_eq!(content(&place), before);
    assert!(!place.path("plan.json.applied.ndjson").exists());
    place.run("orphans apply plan.json").exits(64).says("--max-delete <N>");
    place.run("orphans apply plan.json --max-delete 3").exits(0);
}

#[test]
fn a_plan_of_another_world_is_refused() {
    let (place, _) = planned(1);
    let before = content(&place);
    for world in ["store", "catalog"] {
        let mut other = plan_of(&place);
        other["for"][world] = "file:///somewhere/else".into();
        fs::write(place.path("other.json"), other.to_string()).unwrap();
        let ran = place.run("orphans apply other.json --max-delete 9").exits(4);
        ran.says(&format!("it was made for {world} file:///somewhere/else"));
    }
    assert_eq!(content(&place), before);
    place.run("orphans apply plan.json --max-delete 9").exits(0);
    let record = fs::read_to_string(place.path("plan.json.applied.ndjson")).unwrap();
    let other = record.replace("/catalog.db\"", "/other.db\"");
    fs::write(place.path("other.ndjson"), other).unwrap();
    place.run("orphans restore other.ndjson").exits(4).says("/other.db");
}

#[test]
fn what_is_no_plan_or_record_is_told() {
    let (place, _) = planned(1);
    place.run("heal --plan heal.json").exits(0);
    for (line, said) in [
        ("apply nowhere.json --max-delete 1", "cannot read plan nowhere.json"),
        (
            "apply heal.json --max-delete 1",
            "heal.json is no plan that `restock orphans plan` wrote",
        ),
        ("apply restock.toml --max-delete 1", "restock.toml is no plan"),
        ("restore nowhere.json", "cannot read nowhere.json"),
        ("restore restock.toml", "is neither a record"),
        ("restore plan.json", "nothing tells what became of the plan plan.json"),
        ("plan -o nowhere/plan.json", "nowhere/plan.json"),
    ] {
        place.run(&format!("orphans {line}")).exits(1).says(said);
    }
    place.run("heal --from-plan plan.json").exits(1).says("is no plan that `restock heal --plan`");
    place.run("orphans apply plan.json --max-delete 1").exits(0);
    place.run("orphans plan -o plan.json").exits(0);
    place.run("orphans restore plan.json").exits(1).says("is the record of another plan");
}

#[test]
fn while_the_breaker_is_open_or_the_inventory_shrank_nothing_is_planned_or_taken() {
    let (place, orphans) = planned(2);
    let objects: Vec<_> = (0..12).map(Object::nth).collect();
    place.lose(&objects[..6]);
    place.run("audit").exits(2).prints("6 missing");
    place.run("orphans plan -o later.json").exits(4).says("the breaker is open");
    place.run("orphans apply plan.json --max-delete 2").exits(4).says("the breaker is open");
    assert!(!place.path("later.json").exists());
    assert!(orphans.iter().all(|orphan| place.world.get(&orphan.key).is_some()));
    place.run("orphans list --flagged").exits(0).prints("0 orphans");

    let (place, _) = planned(2);
    place.sql("DELETE FROM packages WHERE id <= 6");
    place.run("orphans plan -o later.json").exits(4).says("the breaker is open");
    place.run("breaker show").exits(4).prints("breaker ack --expect-records 6");
    place.run("orphans apply plan.json --max-delete 2").exits(4);
    place.run("breaker ack --expect-records 6").exits(0);
    place.run("orphans apply plan.json --max-delete 2").exits(0).prints("2 moved");
}

#[test]
fn a_pass_that_cannot_finish_makes_no_plan() {
    let (place, _) = with_orphans(1);
    let icons = "\n[[collection]]\nname = \"icons\"\nquery = \"SELECT sha256 AS digest FROM icons\"\n\
                 key = \"icons/{digest}\"\n";
    place.sql("CREATE TABLE icons (sha256 TEXT)");
    place.configure(&(CONFIGURATION.to_owned() + SOON + icons));
    place.world.put("icons", b"a file where the folder would be");
    let ran = place.run("orphans plan -o plan.json").exits(1);
    ran.says("[icons]").says("there is no plan");
    assert!(!place.path("plan.json").exists());
}

#[test]
fn an_empty_collection_is_told_and_the_others_are_planned() {
    let (place, _) = with_orphans(1);
    let icons = "\n[[collection]]\nname = \"icons\"\nquery = \"SELECT sha256 AS digest FROM icons\"\n\
                 key = \"icons/{digest}\"\n";
    place.sql("CREATE TABLE icons (sha256 TEXT)");
    place.configure(&(CONFIGURATION.to_owned() + SOON + icons));
    place.world.put(&format!("icons/{}", "0".repeat(64)), b"x");
    place.run("orphans plan -o plan.json").exits(3).says("empty_catalog [icons]");
    assert_eq!(plan_of(&place)["entries"].as_array().unwrap().len(), 1);
    place.run("orphans plan -o plan.json --collection icons").exits(3).prints("nothing to take");
    assert_eq!(plan_of(&place)["entries"].as_array().unwrap().len(), 0);
    place.run("orphans plan -o plan.json --collection other").exits(64).says("`other`");
}

#[test]
fn what_changed_between_plan_and_apply_is_held() {
    let (place, orphans) = planned(4);
    let [wanted, changed, gone, same] = &orphans[..] else { panic!() };
    wait(place.world.row(&place.world.row_of(wanted)));
    place.world.put(&changed.key, &changed.bytes);
    place.world.remove(&gone.key);
    let report = place.run("orphans apply plan.json --max-delete 4 --output json").exits(0).json();
    let removals = report["removals"].as_array().unwrap();
    for (orphan, result, why) in [
        (wanted, "held", "a row wants it again"),
        (changed, "held", "somebody wrote it again"),
        (gone, "held", "it is gone already"),
        (same, "moved", "its copy was read"),
    ] {
        let own = removals.iter().find(|removal| removal["key"] == *orphan.key).unwrap();
        assert_eq!(own["result"], result, "{own:#}");
        assert!(own["detail"].as_str().unwrap().contains(why), "{own:#}");
    }
    assert!(place.world.get(&wanted.key).is_some() && place.world.get(&changed.key).is_some());
    place.run("audit").exits(0).prints("all 13 expected objects are there");
}

#[test]
fn a_plan_of_which_no_entry_fits_is_refused_and_tells_why() {
    let (place, orphans) = planned(2);
    for orphan in &orphans {
        place.world.remove(&orphan.key);
    }
    let apply = place.run("orphans apply plan.json --max-delete 2").exits(4);
    apply.prints("it is gone already").prints("2 held").says("refused: nothing was done");

    let (place, orphans) = planned(1);
    place.run("orphans apply plan.json --max-delete 1").exits(0);
    place.world.put(&orphans[0].key, b"somebody's");
    let restore = place.run("orphans restore plan.json").exits(4);
    restore.prints("something lies under its key by now").says("refused: nothing was done");
}

#[test]
fn deleting_is_asked_for_in_the_plan_or_when_it_is_carried_out() {
    for (plan, apply) in [("--delete", ""), ("", "--delete")] {
        let (place, _) = with_orphans(1);
        place.run(&format!("orphans plan -o plan.json {plan}")).exits(0);
        let apply = format!("orphans apply plan.json --max-delete 1 {apply}");
        place.run(&apply).exits(0).prints("1 deleted");
        assert_eq!(content(&place).len(), 12);
        place.run(&apply).exits(0).prints("1 deleted").prints("an earlier run did it on 20");
        place.run("orphans restore plan.json").exits(1).prints("it was deleted, and has no copy");
    }
}

#[test]
fn without_a_quarantine_orphans_can_only_be_deleted() {
    let (place, _) = planned(1);
    place.configure(&(CONFIGURATION.to_owned() + SOON + "\n[heal]\nquarantine = \"\"\n"));
    for line in ["plan -o later.json", "apply plan.json --max-delete 1"] {
        place.run(&format!("orphans {line}")).exits(64).says("`heal.quarantine` is empty");
    }
    place.run("quarantine list").exits(0).says("`heal.quarantine` is empty");
    place.run("orphans apply plan.json --max-delete 1 --delete").exits(0).prints("1 deleted");
}

#[test]
fn whoever_takes_away_takes_the_lock_and_whoever_looks_does_not() {
    let (place, _) = planned(1);
    let identity = plan_of(&place)["for"]["store"].as_str().unwrap().to_owned();
    let lock = Lock::acquire("sqlite://ledger.db", &identity, place.dir(), None);
    let lock = wait(lock).unwrap();
    for line in ["orphans list", "orphans plan -o other.json", "quarantine list"] {
        place.run(line).exits(0);
    }
    let apply = "orphans apply plan.json --max-delete 1";
    let prune = "quarantine prune --older-than 0s --max-delete 9";
    for line in [apply, prune, &format!("{apply} --wait-lock 10ms")] {
        place.run(line).exits(5).says("another restock");
    }
    drop(lock);
    place.run(apply).exits(0);
    let lock = wait(Lock::acquire("sqlite://ledger.db", &identity, place.dir(), None)).unwrap();
    place.run("orphans restore plan.json").exits(5);
    drop(lock);
    place.run("orphans restore plan.json").exits(0);
}

#[test]
fn keys_that_are_odd_are_moved_and_put_back_byte_for_byte() {
    let (place, _) = Place::healthy(3);
    let folder = "a b/é%41/~+&#?'";
    let layout = format!("{folder}/{{digest:2}}/{{digest}} (x).pkg");
    let configuration = CONFIGURATION.replace("software-installers/{digest}", &layout);
    place.configure(&(configuration + SOON));
    let key = |object: &Object| {
        let digest = object.digest.to_string();
        format!("{folder}/{}/{digest} (x).pkg", &digest[..2])
    };
    for object in (0..3).map(Object::nth) {
        place.world.put(&key(&object), &object.bytes);
        place.world.remove(&object.key);
    }
    let orphan = Object::of("nobody wants me", "x");
    place.world.put(&key(&orphan), &orphan.bytes);
    place.run("audit").exits(0);
    let before = content(&place);
    place.run("orphans plan -o plan.json").exits(0);
    place.run("orphans apply plan.json --max-delete 1").exits(0).prints("1 moved");
    let plan_id = plan_of(&place)["plan_id"].as_str().unwrap().to_owned();
    let copy = format!("restock-quarantine/orphans/{plan_id}/{}", key(&orphan));
    assert_eq!(place.world.get(&copy).as_ref(), Some(&orphan.bytes));
    assert_eq!(place.world.get(&key(&orphan)), None);
    place.run("orphans restore plan.json").exits(0).prints("1 restored");
    assert_eq!(content(&place), before);
}

#[test]
fn an_orphan_that_is_a_link_loses_the_link_and_not_what_it_leads_to() {
    let (place, _) = Place::healthy(3);
    place.configure(&(CONFIGURATION.to_owned() + SOON));
    let orphan = Object::of("nobody wants me", "x");
    place.world.put("kept/elsewhere", &orphan.bytes);
    std::os::unix::fs::symlink("../kept/elsewhere", place.world.path(&orphan.key)).unwrap();
    place.run("audit").exits(0);
    place.run("orphans plan -o plan.json").exits(0);
    place.run("orphans apply plan.json --max-delete 1").exits(0).prints("1 moved");
    assert_eq!(place.world.get("kept/elsewhere").as_ref(), Some(&orphan.bytes));
    assert!(fs::symlink_metadata(place.world.path(&orphan.key)).is_err());
    place.run("orphans restore plan.json").exits(0);
    assert_eq!(place.world.get(&orphan.key).as_ref(), Some(&orphan.bytes));
}
