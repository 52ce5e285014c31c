//! Seen is not readable, and what a deep pass calls present was read in it.

use std::time::Duration;

use restock::model::{FindingKind, RepairResult, Sources, reason};
use restock::pass::PassReport;
use restock::store::{Archived, StoreFault};

use crate::between::change_before_rows;
use crate::helper::{add_icons, counts, exit, fill, flipped, forget_row, in_memory};
use crate::memory_catalog::{Cell, Row};
use crate::memory_store::{MemoryStore, Moment, Operation};
use crate::support::world::{COLLECTION, Object, World, briefly, result};

/// The reason of the one unknown object.
fn unknown(object: &Object, why: &str) -> Vec<(FindingKind, String, Option<String>)> {
    vec![(FindingKind::Unknown, object.key.clone(), Some(why.to_owned()))]
}

/// Every kind of pass that reads.
async fn readings(world: &World, object: &Object) -> [PassReport; 3] {
    [world.audit_deep().await, world.heal_deep().await, world.heal_named(&[object.digest]).await]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_listing_and_head_show_and_a_get_denies_is_unknown_wherever_it_is_read() {
    let (world, store, objects) = in_memory(10).await;
    store.make_unreadable(&objects[3].key);
    assert_eq!(exit(&world.audit().await), 0, "a shallow pass reads nothing");
    for report in readings(&world, &objects[3]).await {
        assert_eq!(briefly(&report), unknown(&objects[3], reason::UNREADABLE));
        assert_eq!((exit(&report), report.repairs.len()), (3, 0));
        let [_, present, missing, corrupt, unknown, young] = counts(&report);
        assert_eq!([missing, corrupt, unknown, young], [0, 0, 1, 0]);
        assert_eq!(report.summary.verified, Some(present));
    }
    assert_eq!((store.changes(), world.http.requests().len()), (vec![], 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_get_answers_in_place_of_the_bytes_is_the_reason() {
    for fault in [StoreFault::AccessDenied, StoreFault::Server, StoreFault::Timeout] {
        let (world, store, objects) = in_memory(10).await;
        store.fail(Operation::Read, &objects[3].key, usize::MAX, fault);
        for report in readings(&world, &objects[3]).await {
            assert_eq!(briefly(&report), unknown(&objects[3], fault.as_str()));
            assert_eq!((exit(&report), report.repairs.len()), (3, 0));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_taken_away_between_listing_and_get_is_missing_after_a_second_look() {
    let (world, store, objects) = in_memory(10).await;
    let key = objects[3].key.clone();
    store.after_listing(move |store| store.remove(&key));
    let report = world.audit_deep().await;
    assert_eq!(briefly(&report), [(FindingKind::Missing, objects[3].key.clone(), None)]);
    assert_eq!((exit(&report), counts(&report)), (2, [10, 9, 1, 0, 0, 0]));
    assert_eq!(report.summary.store_requests.head, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_young_object_that_is_seen_and_cannot_be_read_is_unknown_too() {
    let (mut world, store, objects) = in_memory(10).await;
    world.settings.grace = Duration::from_hours(24 * 365 * 100);
    world.sql("UPDATE packages SET updated_at = '2026-01-01 00:00:00'").await;
    store.make_unreadable(&objects[3].key);
    let report = world.audit_deep().await;
    assert_eq!((exit(&report), counts(&report)), (3, [10, 9, 0, 0, 1, 0]));
    store.remove(&objects[3].key);
    assert_eq!(counts(&world.audit_deep().await), [9, 9, 0, 0, 0, 1], "gone, it is young");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corruption_stands_while_its_version_cannot_be_read_and_says_nothing_of_another() {
    let (world, store, objects) = in_memory(10).await;
    store.put(&objects[3].key, flipped(&objects[3]));
    assert_eq!(exit(&world.audit_deep().await), 2);
    store.make_unreadable(&objects[3].key);
    for report in readings(&world, &objects[3]).await {
        assert_eq!((exit(&report), report.summary.corrupt), (2, Some(1)));
        assert_eq!((store.changes(), world.http.requests().len()), (vec![], 0));
    }
    store.put(&objects[3].key, flipped(&objects[3]));
    for report in readings(&world, &objects[3]).await {
        assert_eq!(briefly(&report), unknown(&objects[3], reason::UNREADABLE));
    }
    assert_eq!(counts(&world.audit().await), [10, 9, 0, 0, 1, 0], "a shallow pass had to read it");
    store.fail(Operation::Read, &objects[3].key, usize::MAX, StoreFault::AccessDenied);
    assert_eq!(briefly(&world.audit().await), unknown(&objects[3], "access_denied"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_in_an_archive_is_unknown_or_what_the_configuration_says() {
    let (mut world, store, objects) = in_memory(10).await;
    store.archive(&objects[3].key);
    let report = world.audit().await;
    assert_eq!(briefly(&report), unknown(&objects[3], "archived"));
    assert_eq!((exit(&report), counts(&report)), (3, [10, 9, 0, 0, 1, 0]));
    for report in readings(&world, &objects[3]).await {
        assert_eq!(briefly(&report), unknown(&objects[3], "archived"));
        assert_eq!((exit(&report), report.repairs.len()), (3, 0));
    }
    world.settings.archived = Archived::Present;
    assert_eq!((exit(&world.audit().await), counts(&world.audit().await)[1]), (0, 10));
    let report = world.audit_deep().await;
    assert_eq!((exit(&report), counts(&report)), (0, [10, 10, 0, 0, 0, 0]));
    assert_eq!(report.summary.verified, Some(9), "nobody read that one");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_was_brought_back_from_an_archive_is_present() {
    let (world, store, objects) = in_memory(10).await;
    store.archive(&objects[3].key);
    store.mend();
    let report = world.audit().await;
    assert_eq!((exit(&report), briefly(&report)), (0, vec![]));
    assert_eq!(world.audit_deep().await.summary.verified, Some(10));
}

/// Wrong bytes of the right size, where a deep pass that reads nothing would see no difference.
fn bring(store: &MemoryStore, objects: &[Object]) {
    for object in objects {
        store.put(&object.key, flipped(object));
    }
}

/// That a pass read these objects and found them corrupt, and the other ones right.
fn all_read(report: &PassReport, right: u64, wrong: u64) {
    assert_eq!((exit(report), counts(report)), (2, [right + wrong, right, 0, wrong, 0, 0]));
    assert_eq!(report.summary.verified, Some(right));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_a_listing_lacks_and_a_head_finds_is_read_by_a_deep_pass() {
    let (world, store, objects) = in_memory(10).await;
    store.remove(&objects[3].key);
    let late = [objects[3].clone()];
    store.after_listing(move |store| bring(store, &late));
    all_read(&world.audit_deep().await, 9, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_only_a_second_listing_shows_are_read_by_a_deep_pass() {
    let (world, store, _) = in_memory(100).await;
    let late: Vec<_> = (100..2_101).map(Object::nth).collect();
    fill(&world, &late).await;
    store.after_listing(move |store| bring(store, &late));
    all_read(&world.audit_deep().await, 100, 2_001);
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_only_heads_show_after_two_listings_are_read_by_a_deep_pass() {
    let (world, store, _) = in_memory(100).await;
    let late: Vec<_> = (100..2_101).map(Object::nth).collect();
    fill(&world, &late).await;
    store.once(Moment::Before, Operation::Probe, move |store| bring(store, &late));
    all_read(&world.audit_deep().await, 100, 2_001);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_whose_row_came_meanwhile_is_judged_as_any_other() {
    for (deep, bytes, corrupt) in [(true, "flipped", 1), (false, "flipped", 0), (false, "cut", 1)] {
        let (mut world, store, objects) = in_memory(10).await;
        let object = &objects[3];
        forget_row(&world, object).await;
        let wrong = flipped(object);
        let kept = if bytes == "cut" { wrong.len() - 1 } else { wrong.len() };
        store.put(&object.key, wrong[..kept].to_vec());
        let row = Row {
            digest: Cell::Digest(object.digest),
            size: Some(object.bytes.len() as u64),
            sources: Sources::of_url(world.row_of(object).url.unwrap()),
            ..Row::empty(COLLECTION)
        };
        change_before_rows(&mut world, move |rows| rows.push(row)).await;
        let report = if deep { world.audit_deep().await } else { world.audit().await };
        assert_eq!(counts(&report), [10, 10 - corrupt, 0, corrupt, 0, 0], "{deep} {bytes}");
        assert_eq!(report.summary.orphans, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deep_slice_reads_what_lies_in_it_and_nothing_else() {
    let (mut world, store, objects) = in_memory(40).await;
    add_icons(&mut world).await;
    let slice = restock::model::Slice::new(1, 2).unwrap();
    let late: Vec<_> = objects[..10].to_vec();
    for object in &late {
        store.remove(&object.key);
    }
    let inside = late.iter().filter(|object| slice.contains(&object.digest)).count() as u64;
    store.after_listing(move |store| bring(store, &late));
    let request = restock::pass::Request {
        deep: Some(slice),
        ..crate::support::world::request(restock::model::Command::Audit)
    };
    let report = world.try_audit(&request).await.unwrap();
    assert!((1..10).contains(&inside), "{inside}");
    assert_eq!(counts(&report), [40, 40 - inside, 0, inside, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heal_after_a_hidden_corruption_replaces_what_it_read() {
    let (world, store, objects) = in_memory(10).await;
    store.remove(&objects[3].key);
    let late = [objects[3].clone()];
    store.after_listing(move |store| bring(store, &late));
    let report = world.heal_deep().await;
    assert_eq!(result(&report, &objects[3]), RepairResult::Restored);
    assert_eq!((exit(&report), report.summary.verified), (0, Some(10)));
    assert_eq!(store.get(&objects[3].key).unwrap(), objects[3].bytes);
}
