//! `restock quarantine`: what was set aside, listed and taken away by its age.

use std::path::PathBuf;

use crate::orphans::{content, planned, results};
use crate::support::world::Object;

#[test]
fn the_quarantine_is_pruned_by_age_and_number() {
    let (place, orphans) = planned(2);
    let objects: Vec<_> = (0..2).map(Object::nth).collect();
    for object in &objects {
        place.world.put(&object.key, b"rotten");
    }
    place.run("heal --deep").exits(0).prints("2 healed");
    place.run("orphans apply plan.json --max-delete 2").exits(0);
    place.world.put("restock-quarantine/notes.txt", b"mine");
    let list = place.run("quarantine list --output json").exits(0).json();
    assert_eq!(list["schema"], "restock.quarantine/v1");
    let of_kind = |kind: &str| {
        let objects = list["objects"].as_array().unwrap().iter();
        objects.filter(|object| object["kind"] == kind).count()
    };
    assert_eq!(["corrupt", "orphan", "foreign"].map(of_kind), [2, 2, 1]);
    let prune = |older: &str, n: u32| {
        place.run(&format!("quarantine prune --older-than {older} --max-delete {n}"))
    };
    let none =
        "0 objects in the quarantine older than 1h, 0 B; 5 others younger, or none of restock's";
    place.run("quarantine list --older-than 1h").exits(0).prints(none);
    prune("1h", 0).exits(0).prints(none);
    place
        .run("quarantine list --older-than 0s")
        .exits(0)
        .prints("older than 0s")
        .prints("; 1 other ");
    prune("0s", 3).exits(4).says("4 objects are older than 0s");
    assert_eq!(content(&place).len(), 12 + 5);
    prune("0s", 4).exits(0).prints("4 deleted");
    let left = content(&place);
    assert_eq!(left.len(), 12 + 1);
    assert!(left.contains_key(&PathBuf::from("restock-quarantine/notes.txt")));
    for line in ["", "--older-than 1d", "--max-delete 1"] {
        place.run(&format!("quarantine prune {line}")).exits(64);
    }
    let restored = place.run("orphans restore plan.json --output json").exits(1).json();
    assert_eq!(results(&restored), ["failed"; 2]);
    assert_eq!(place.world.get(&orphans[0].key), None);
    place.run("audit --deep").exits(0);
}
