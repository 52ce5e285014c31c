//! Foreign keys, and keys that are never observed.

use restock::model::{Finding, FindingKind, TEMPORARY_MARK};
use restock::pass::PassReport;

use crate::helper::{codes, counts, exit, flipped};
use crate::support::world::{COLLECTION, Object, World, briefly, request};

fn foreign(report: &PassReport) -> Vec<&str> {
    let foreign = |finding: &&Finding| finding.kind == FindingKind::Foreign;
    report.findings.iter().filter(foreign).map(|finding| finding.key.as_deref().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn upper_case_hex_a_wrong_folder_and_another_suffix_are_foreign() {
    let (world, objects) = World::healthy(4).await;
    let digest = objects[0].digest.to_string();
    let mut keys = [
        digest.to_uppercase(),
        format!("{}{}", digest[..63].to_owned(), "g"),
        format!("old/{digest}"),
        format!("{}/{digest}", &digest[..2]),
        format!("{digest}.sha256"),
        format!("{digest}.pkg.asc"),
        format!("a{digest}"),
        digest[..63].to_owned(),
        "camelCase\\name".to_owned(),
        "README".to_owned(),
    ]
    .map(|name| format!("{COLLECTION}/{name}"));
    keys.sort();
    for key in &keys {
        world.put(key, b"1234");
    }
    let report = world.audit_deep().await;
    assert_eq!(foreign(&report), keys);
    assert_eq!((exit(&report), report.findings.len()), (0, keys.len()));
    assert_eq!(report.summary.foreign, Some(keys.len() as u64));
    assert_eq!((counts(&report), report.summary.observed), ([4, 4, 0, 0, 0, 0], Some(14)));
    assert!(report.findings.iter().all(|finding| finding.observed_size == Some(4)));
}

/// A world whose collection owns the whole store, with one object in it.
async fn whole_store(layout: &str) -> (World, Object, String) {
    let mut world = World::empty().await;
    world.collections[0].key = layout.parse().unwrap();
    let object = Object::nth(7);
    let key = world.collections[0].key.render(&object.digest);
    std::fs::remove_dir(world.path(COLLECTION)).unwrap();
    world.serve(&object);
    world.row(&world.row_of(&object)).await;
    world.put(&key, &object.bytes);
    (world, object, key)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layout_of_folders_by_first_digits_knows_its_keys_and_no_others() {
    let (world, object, key) = whole_store("{digest:2}/{digest}").await;
    let digest = object.digest.to_string();
    assert_eq!(key, format!("{}/{digest}", &digest[..2]));
    assert_eq!((exit(&world.audit().await), briefly(&world.audit().await)), (0, vec![]));
    let wrong = if digest.starts_with("00") { "11" } else { "00" };
    let mut keys = [digest.clone(), format!("{wrong}/{digest}"), "README".to_owned()];
    keys.sort();
    for key in &keys {
        world.put(key, &object.bytes);
    }
    let report = world.audit().await;
    assert_eq!(
        (foreign(&report), report.findings.len()),
        (keys.iter().map(String::as_str).collect(), 3)
    );
    world.remove(&key);
    let report = world.heal().await;
    assert_eq!((exit(&report), report.summary.healed), (0, 1), "none of them is its object");
    assert_eq!(world.get(&key).unwrap(), object.bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layout_that_owns_the_whole_store_never_observes_the_quarantine() {
    let (world, object, key) = whole_store("{digest}").await;
    world.put(&key, &flipped(&object));
    let report = world.heal_deep().await;
    assert_eq!((exit(&report), report.summary.healed), (0, 1));
    let aside = format!("restock-quarantine/{}/{key}", report.summary.pass_id);
    assert_eq!(world.get(&aside).unwrap(), flipped(&object));
    let report = world.audit_deep().await;
    assert_eq!((exit(&report), briefly(&report)), (0, vec![]));
    assert_eq!(report.summary.observed, Some(1));
    world.put("restock-quarantine-2/x", b"another folder");
    assert_eq!(foreign(&world.audit().await), ["restock-quarantine-2/x"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_names_and_empty_folders_are_never_observed() {
    let (world, objects) = World::healthy(4).await;
    world.put(&format!("{COLLECTION}/{TEMPORARY_MARK}17"), b"half an object");
    world.put(&format!("{COLLECTION}/a/{TEMPORARY_MARK}x"), &objects[0].bytes);
    std::fs::create_dir_all(world.path(COLLECTION).join("b/c")).unwrap();
    let report = world.audit_deep().await;
    assert_eq!((exit(&report), briefly(&report)), (0, vec![]));
    assert_eq!(report.summary.observed, Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarantine_inside_the_collection_is_never_observed_either() {
    let (mut world, objects) = World::healthy(8).await;
    world.settings.heal.quarantine = format!("{COLLECTION}/aside");
    world.put(&objects[0].key, &flipped(&objects[0]));
    let report = world.heal_deep().await;
    assert_eq!((exit(&report), report.summary.healed), (0, 1));
    assert_eq!(briefly(&world.audit().await), []);
    assert_eq!(world.store_content().len(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_whose_name_only_begins_like_the_collection_is_never_seen() {
    let (world, _) = World::healthy(3).await;
    world.put(&format!("{COLLECTION}-old/x"), b"1");
    world.put(&format!("{COLLECTION}2/{}", Object::nth(1).digest), b"1");
    world.put("beside", b"1");
    let report = world.audit().await;
    assert_eq!((briefly(&report), report.summary.observed), (vec![], Some(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_keys_over_an_empty_collection_are_told_and_make_it_incomplete() {
    let world = World::empty().await;
    world.put(&format!("{COLLECTION}/README"), b"1");
    let report = world.try_audit(&request(restock::model::Command::Audit)).await.unwrap();
    assert_eq!((exit(&report), codes(&report)), (3, vec!["empty_catalog"]));
    assert_eq!(foreign(&report), [format!("{COLLECTION}/README")]);
}
