//! One object wanted from several sides, and scopes that hold nothing.

use restock::model::{Command, FindingKind};
use restock::pass::Request;

use crate::helper::{ICONS, add_icons, counts, exit};
use crate::support::world::{COLLECTION, Object, World, count, request};

/// Ten objects of which the first is wanted by three rows.
async fn shared() -> (World, Object) {
    let (world, objects) = World::healthy(10).await;
    world.row(&world.row_of(&objects[0])).await;
    world.row(&world.row_of(&objects[0])).await;
    (world, objects[0].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_several_rows_is_checked_once_and_healed_once() {
    let (world, object) = shared().await;
    world.remove(&object.key);
    let report = world.audit().await;
    assert_eq!((counts(&report), report.findings.len()), ([10, 9, 1, 0, 0, 0], 1));
    assert_eq!(report.summary.store_requests.head, 1);
    let report = world.heal().await;
    assert_eq!((exit(&report), report.repairs.len(), world.http.requests().len()), (0, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_reached_twice_is_hashed_once() {
    let (world, _) = shared().await;
    let report = world.audit_deep().await;
    assert_eq!((report.summary.verified, report.summary.store_requests.get), (Some(10), 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_scope_checks_nothing_and_not_everything() {
    let (mut world, objects) = World::healthy(10).await;
    world.remove(&objects[0].key);
    let report = world.heal_named(&[]).await;
    assert_eq!((exit(&report), counts(&report), report.repairs.len()), (0, [0; 6], 0));
    add_icons(&mut world).await;
    let only = Request { collections: vec![ICONS.to_owned()], ..request(Command::Heal) };
    let report = world.try_heal(&only).await.unwrap();
    assert_eq!((exit(&report), counts(&report), report.repairs.len()), (0, [0; 6], 0));
    assert!(world.get(&objects[0].key).is_none() && world.http.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_digest_in_another_collection_is_another_object() {
    let (mut world, objects) = World::healthy(10).await;
    add_icons(&mut world).await;
    let url = world.row_of(&objects[0]).url.unwrap();
    world.sql(&format!("INSERT INTO icons VALUES ('{}', '{url}')", objects[0].digest)).await;
    let twin = format!("{ICONS}/{}", objects[0].digest);
    let report = world.audit().await;
    assert_eq!((exit(&report), counts(&report)), (2, [11, 10, 1, 0, 0, 0]));
    assert_eq!(report.findings[0].key.as_ref(), Some(&twin));
    assert_eq!(world.heal().await.summary.healed, 1);
    assert_eq!(world.get(&twin).unwrap(), objects[0].bytes);
    world.sql("DELETE FROM icons WHERE sha256 <> ''").await;
    world.sql(&format!("INSERT INTO icons VALUES ('{}', NULL)", objects[1].digest)).await;
    let report = world.audit().await;
    assert_eq!(count(&report, FindingKind::Orphan), 1, "what one no longer wants");
    assert!(report.findings.iter().all(|finding| finding.collection != COLLECTION));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_everything_and_an_overlap_each_fall_into_their_parts() {
    let world = World::empty().await;
    assert_eq!((exit(&world.audit().await), counts(&world.audit().await)), (0, [0; 6]));
    let (world, objects) = World::healthy(10).await;
    let report = world.audit().await;
    assert_eq!((exit(&report), counts(&report)), (0, [10, 10, 0, 0, 0, 0]));
    objects[..4].iter().for_each(|object| world.remove(&object.key));
    (20..23).map(Object::nth).for_each(|object| world.put(&object.key, &object.bytes));
    let report = world.audit().await;
    assert_eq!((exit(&report), counts(&report)), (2, [10, 6, 4, 0, 0, 0]));
    assert_eq!((report.summary.orphans, report.summary.observed), (Some(3), Some(9)));
}
