//! Audit and heal of a world with one object lost and one overwritten.

use restock::model::{FindingKind, RepairResult, Unhealable};
use restock::pass::Request;

use crate::helper::{ICONS, add_icons, counts, exit, flipped};
use crate::support::http_server::Answer;
use crate::support::world::{
    COLLECTION, Object, World, count, deep, repair, request, result, unhealable,
};

/// One object of ten deleted, another overwritten with bytes of the same length.
async fn damaged() -> (World, Vec<Object>) {
    let (world, objects) = World::healthy(10).await;
    world.remove(&objects[0].key);
    world.put(&objects[1].key, &flipped(&objects[1]));
    (world, objects)
}

fn whole(world: &World, objects: &[Object]) -> bool {
    objects.iter().all(|object| world.get(&object.key).as_ref() == Some(&object.bytes))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deep_heal_repairs_the_lost_and_the_overwritten_and_the_next_finds_nothing() {
    let (world, objects) = damaged().await;
    let found = world.audit_deep().await;
    assert_eq!(counts(&found), [10, 8, 1, 1, 0, 0]);
    let report = world.heal_deep().await;
    assert_eq!((exit(&report), report.summary.healed), (0, 2));
    assert!(whole(&world, &objects));
    let report = world.heal_deep().await;
    assert_eq!((counts(&report), report.summary.healed), ([10, 10, 0, 0, 0, 0], 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shallow_heal_fills_the_hole_and_leaves_the_overwritten_for_a_deep_one() {
    let (world, objects) = damaged().await;
    let report = world.heal().await;
    assert_eq!((exit(&report), report.summary.healed), (0, 1));
    assert_eq!(world.get(&objects[1].key).unwrap(), flipped(&objects[1]));
    assert_eq!(world.heal().await.summary.healed, 0);
    let report = world.heal_deep().await;
    assert_eq!((exit(&report), report.summary.healed), (0, 1));
    assert_eq!(result(&report, &objects[1]), RepairResult::Restored);
    assert!(whole(&world, &objects));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heal_of_one_collection_leaves_the_others_alone() {
    let (mut world, objects) = damaged().await;
    add_icons(&mut world).await;
    let icon = Object::of("an icon", "icon.png");
    world.serve(&icon);
    let url = world.row_of(&icon).url.unwrap();
    world.sql(&format!("INSERT INTO icons VALUES ('{}', '{url}')", icon.digest)).await;
    let only = |name: &str| Request {
        collections: vec![name.to_owned()],
        ..deep(request(restock::model::Command::Heal))
    };
    let report = world.try_heal(&only(ICONS)).await.unwrap();
    assert_eq!((exit(&report), report.summary.healed, counts(&report)[0]), (0, 1, 1));
    assert_eq!(world.get(&format!("{ICONS}/{}", icon.digest)).unwrap(), icon.bytes);
    assert!(!whole(&world, &objects));
    let report = world.try_heal(&only(COLLECTION)).await.unwrap();
    assert_eq!((exit(&report), report.summary.healed, counts(&report)[0]), (0, 2, 10));
    assert!(whole(&world, &objects));
    assert!(world.try_heal(&only("no such collection")).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_answers_404_keeps_no_other_object_from_being_healed() {
    let (world, objects) = World::healthy(20).await;
    objects[..3].iter().for_each(|object| world.remove(&object.key));
    world.answer(&objects[1], [Answer::status(404)]);
    let report = world.heal().await;
    assert_eq!((exit(&report), report.summary.healed, report.summary.heal_failed), (2, 2, 1));
    assert_eq!(result(&report, &objects[1]), RepairResult::SourceGone);
    assert!(whole(&world, &objects[2..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_source_deletes_nothing_is_told_and_is_asked_again_next_time() {
    let (world, objects) = damaged().await;
    for object in &objects[..2] {
        world.answer(object, [Answer::raw("").then_reset()]);
    }
    let before = world.store_content();
    let report = world.heal_deep().await;
    assert_eq!((exit(&report), report.summary.heal_failed), (2, 2));
    assert_eq!(world.store_content(), before);
    objects[..2].iter().for_each(|object| world.serve(object));
    let report = world.heal_deep().await;
    assert_eq!((exit(&report), report.summary.healed), (0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bytes_of_a_source_are_never_published() {
    let (world, objects) = damaged().await;
    for object in &objects[..2] {
        world.answer(object, [Answer::ok(flipped(object))]);
    }
    let before = world.store_content();
    let report = world.heal_deep().await;
    for object in &objects[..2] {
        assert_eq!(result(&report, object), RepairResult::SourceDrifted);
        assert!(repair(&report, object).bytes > 0);
    }
    assert_eq!((exit(&report), counts(&report)), (2, [10, 8, 1, 1, 0, 0]));
    assert_eq!(world.store_content(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_without_a_source_is_unhealable_and_kept_as_it_is() {
    let (world, objects) = damaged().await;
    world.sql("UPDATE packages SET url = ''").await;
    let before = world.store_content();
    let report = world.heal_deep().await;
    for object in &objects[..2] {
        assert_eq!(result(&report, object), RepairResult::Failed);
        assert_eq!(unhealable(&report, object), Some(Unhealable::NoSource));
    }
    assert_eq!((exit(&report), report.summary.at_risk), (2, Some(8)));
    assert_eq!(world.store_content(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn corrupt_bytes_are_set_aside_and_what_takes_their_place_is_right() {
    let (world, objects) = damaged().await;
    let report = world.heal_deep().await;
    let aside = format!("restock-quarantine/{}/{}", report.summary.pass_id, objects[1].key);
    assert_eq!(world.get(&aside).unwrap(), flipped(&objects[1]));
    assert_eq!(world.get(&objects[1].key).unwrap(), objects[1].bytes);
    assert_eq!(exit(&world.audit_deep().await), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn corruption_of_the_same_and_of_another_length_are_both_found() {
    let (world, objects) = World::healthy(10).await;
    world.put(&objects[0].key, &flipped(&objects[0]));
    world.put(&objects[1].key, &objects[1].bytes[..4]);
    world.put(&objects[2].key, &[&objects[2].bytes[..], b"more"].concat());
    assert_eq!(count(&world.audit().await, FindingKind::Corrupt), 2, "by their size");
    assert_eq!(count(&world.audit_deep().await, FindingKind::Corrupt), 3);
    assert_eq!(world.heal_deep().await.summary.healed, 3);
    assert!(whole(&world, &objects));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_deletes_nothing_and_counts_what_a_heal_would_do() {
    let (world, _) = damaged().await;
    world.put(&Object::nth(99).key, b"an orphan");
    let before = world.store_content();
    let report = world.audit_deep().await;
    assert_eq!((report.plan.actions.len(), report.repairs.len()), (2, 0));
    assert_eq!((report.summary.orphans, report.summary.orphan_bytes), (Some(1), Some(9)));
    assert_eq!((report.summary.healed, world.store_content()), (0, before));
    assert_eq!(world.heal_deep().await.repairs.len(), 2);
}
