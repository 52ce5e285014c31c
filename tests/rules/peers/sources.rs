//! Where the bytes come from, and how many of them are held at once.

use restock::model::{FailureReason, RepairResult, Size};

use crate::helper::{exit, restock};
use crate::support::http_server::Answer;
use crate::support::world::{Object, World, repair, result};

#[tokio::test(flavor = "multi_thread")]
async fn where_the_first_source_lacks_it_the_second_is_asked() {
    let (world, objects) = World::healthy(8).await;
    let mut row = world.row_of(&objects[0]);
    row.url = Some(world.http.url("/second"));
    world.row(&row).await;
    world.answer(&objects[0], [Answer::status(404)]);
    world.http.route("/second", [Answer::ok(objects[0].bytes.clone())]);
    world.remove(&objects[0].key);
    let report = world.heal().await;
    assert_eq!((exit(&report), result(&report, &objects[0])), (0, RepairResult::Restored));
    assert_eq!(repair(&report, &objects[0]).source, row.url);
    assert_eq!(world.get(&objects[0].key).unwrap(), objects[0].bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heal_without_any_source_fails_and_names_the_object() {
    let (world, objects) = World::healthy(8).await;
    world.sql("UPDATE packages SET url = NULL").await;
    world.remove(&objects[3].key);
    let ran = restock(&world, "heal --output json");
    assert_eq!(ran.code, 2);
    for named in [&objects[3].digest.to_string(), &objects[3].key, &objects[3].name] {
        assert!(ran.stdout.contains(named), "{named}: {}", ran.stdout);
    }
    assert!(ran.stdout.contains("no row names a source"), "{}", ran.stdout);
}

/// The most memory that this process ever held, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib << 10
}

#[tokio::test(flavor = "multi_thread")]
async fn healing_a_large_object_does_not_grow_memory() {
    let (mut world, objects) = World::healthy(8).await;
    let large = 256 << 20;
    world.settings.heal.max_object_size = Size(large);
    world.sql("UPDATE packages SET size_bytes = NULL").await;
    world.answer(&objects[0], [Answer::ok(vec![7; 1 << 20]).endless()]);
    world.remove(&objects[0].key);
    let before = peak_memory();
    let report = world.heal().await;
    let grown = peak_memory() - before;
    let told = repair(&report, &objects[0]);
    assert_eq!(told.reason, Some(FailureReason::TooLarge), "{told:?}");
    assert!(told.bytes > large - (2 << 20), "{told:?}");
    assert!(grown < 64 << 20, "{grown} bytes for an object of {large}");
    assert_eq!(world.store_content().len(), 7, "and nothing is left of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_another_valid_document_now_is_corrupt_all_the_same() {
    let (world, _) = World::healthy(8).await;
    let object = Object::of(r#"{"config": {"user": "nobody"}}"#, "config.json");
    world.add(&object).await;
    world.put(&object.key, br#"{"config": {"user": "root!!"}}"#);
    let report = world.audit_deep().await;
    assert_eq!((exit(&report), report.summary.corrupt), (2, Some(1)));
    assert_eq!(world.heal_deep().await.summary.healed, 1);
    assert_eq!(world.get(&object.key).unwrap(), object.bytes);
}
