//! A confirmed corruption stands until a repair, a deep read, or another version of the object.

use chrono::TimeDelta;
use restock::model::{Command, FindingKind, RepairResult};
use restock::pass::{Request, Restraint};
use restock::store::StoreFault;

use crate::helper::{counts, exit, flipped, in_memory, modified, now, set_modified};
use crate::memory_store::Operation;
use crate::support::http_server::Answer;
use crate::support::world::{World, briefly, request, result};

#[tokio::test(flavor = "multi_thread")]
async fn a_bit_flip_found_by_a_deep_audit_is_told_by_the_next_shallow_ones_with_the_same_numbers() {
    let (world, objects) = World::healthy(10).await;
    world.put(&objects[4].key, &flipped(&objects[4]));
    assert_eq!(exit(&world.audit().await), 0, "a listing cannot see it");
    let deep = world.audit_deep().await;
    assert_eq!((exit(&deep), counts(&deep)), (2, [10, 9, 0, 1, 0, 0]));
    for _ in 0..2 {
        let shallow = world.audit().await;
        assert_eq!((exit(&shallow), counts(&shallow)), (2, counts(&deep)));
        assert_eq!(briefly(&shallow), briefly(&deep));
        let told = (&shallow.findings[0], &deep.findings[0]);
        assert_eq!(told.0.observed_digest, told.1.observed_digest);
        assert_eq!(told.0.first_seen, told.1.first_seen);
        assert_eq!(shallow.summary.store_requests.get, 0, "nothing is read again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_object_that_was_read_once_is_not_read_by_every_shallow_pass() {
    let (world, objects) = World::healthy(10).await;
    world.put(&objects[4].key, &objects[4].bytes[..3]);
    let first = world.audit().await;
    assert_eq!((exit(&first), counts(&first)), (2, [10, 9, 0, 1, 0, 0]));
    assert_eq!(first.summary.store_requests.get, 1, "its size was a suspicion");
    let second = world.audit().await;
    assert_eq!((exit(&second), counts(&second)), (2, counts(&first)));
    assert_eq!(second.summary.store_requests.get, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_object_that_was_only_touched_is_read_again_at_once() {
    let (world, objects) = World::healthy(10).await;
    world.put(&objects[4].key, &flipped(&objects[4]));
    assert_eq!(exit(&world.audit_deep().await), 2);
    set_modified(&world, &objects[4].key, now(&world) - TimeDelta::hours(1));
    let report = world.audit().await;
    assert_eq!((exit(&report), counts(&report)), (2, [10, 9, 0, 1, 0, 0]));
    assert_eq!(report.summary.store_requests.get, 1);
    let report = world.audit().await;
    assert_eq!((exit(&report), report.summary.store_requests.get), (2, 0), "and then it stands");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_object_replaced_by_right_bytes_is_forgotten() {
    let (world, objects) = World::healthy(10).await;
    world.put(&objects[4].key, &flipped(&objects[4]));
    assert_eq!(exit(&world.audit_deep().await), 2);
    world.remove(&objects[4].key);
    world.put(&objects[4].key, &objects[4].bytes);
    let report = world.audit().await;
    assert_eq!((exit(&report), counts(&report)), (0, [10, 10, 0, 0, 0, 0]));
    assert_eq!(world.open_ledger().await.corruptions().await.unwrap(), []);
    assert_eq!(world.audit().await.summary.store_requests.get, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_object_replaced_by_other_wrong_bytes_is_corrupt_still() {
    let (world, objects) = World::healthy(10).await;
    world.put(&objects[4].key, &flipped(&objects[4]));
    assert_eq!(exit(&world.audit_deep().await), 2);
    let mut other = flipped(&objects[4]);
    other[1] ^= 1;
    world.remove(&objects[4].key);
    world.put(&objects[4].key, &other);
    let report = world.audit().await;
    let digest = crate::support::world::digest_of(&other);
    assert_eq!((exit(&report), report.findings[0].observed_digest), (2, Some(digest)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deep_read_that_finds_it_right_clears_it() {
    let (world, objects) = World::healthy(10).await;
    let key = &objects[4].key;
    world.put(key, &flipped(&objects[4]));
    let at = modified(&world, key);
    assert_eq!(exit(&world.audit_deep().await), 2);
    world.put(key, &objects[4].bytes);
    set_modified(&world, key, at.into());
    assert_eq!(exit(&world.audit().await), 2, "no listing and no probe tells a difference");
    assert_eq!(exit(&world.audit_deep().await), 0);
    assert_eq!(exit(&world.audit().await), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_clears_it_and_a_shallow_heal_makes_it() {
    let (world, objects) = World::healthy(10).await;
    world.put(&objects[4].key, &flipped(&objects[4]));
    assert_eq!(exit(&world.audit_deep().await), 2);
    let report = world.heal().await;
    assert_eq!(result(&report, &objects[4]), RepairResult::Restored);
    assert_eq!((exit(&report), counts(&report)), (0, [10, 10, 0, 0, 0, 0]));
    assert_eq!(world.get(&objects[4].key).unwrap(), objects[4].bytes);
    assert_eq!(world.open_ledger().await.corruptions().await.unwrap(), []);
    assert_eq!(exit(&world.audit().await), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_object_that_is_lost_is_missing() {
    let (world, objects) = World::healthy(10).await;
    world.put(&objects[4].key, &flipped(&objects[4]));
    assert_eq!(exit(&world.audit_deep().await), 2);
    world.remove(&objects[4].key);
    let report = world.audit().await;
    assert_eq!(counts(&report), [10, 9, 1, 0, 0, 0]);
    assert_eq!(briefly(&report), [(FindingKind::Missing, objects[4].key.clone(), None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_object_that_the_store_will_not_speak_of_stands_and_is_not_replaced_unread() {
    let (world, store, objects) = in_memory(10).await;
    store.put(&objects[4].key, flipped(&objects[4]));
    assert_eq!(exit(&world.audit_deep().await), 2);
    store.fail(Operation::Probe, &objects[4].key, 1, StoreFault::AccessDenied);
    let report = world.audit().await;
    assert_eq!((exit(&report), counts(&report)), (2, [10, 9, 0, 1, 0, 0]));
    for deep in [false, true] {
        store.fail(Operation::Read, &objects[4].key, 1, StoreFault::AccessDenied);
        let report = if deep { world.heal_deep().await } else { world.heal().await };
        assert_eq!((exit(&report), result(&report, &objects[4])), (2, RepairResult::Held));
        assert_eq!((store.changes(), world.http.requests().len()), (vec![], 0));
    }
    assert_eq!(world.heal().await.summary.healed, 1, "it is read again, and then replaced");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corruption_of_one_collection_does_not_spare_another_a_look() {
    let (mut world, objects) = World::healthy(10).await;
    crate::helper::add_icons(&mut world).await;
    let (twin, same) = (format!("icons/{}", objects[4].digest), objects[4].digest);
    world.sql(&format!("INSERT INTO icons VALUES ('{same}', NULL)")).await;
    world.put(&twin, &objects[4].bytes);
    world.put(&objects[4].key, &flipped(&objects[4]));
    assert_eq!(counts(&world.audit_deep().await), [11, 10, 0, 1, 0, 0]);
    assert_eq!(world.audit().await.summary.store_requests.get, 0);
    world.put(&twin, b"");
    assert_eq!(counts(&world.audit().await), [11, 9, 0, 2, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_does_not_read_again_what_it_could_not_bring_back() {
    let (world, objects) = World::healthy(10).await;
    world
        .sql(&format!("UPDATE packages SET url = NULL WHERE sha256 = '{}'", objects[4].digest))
        .await;
    world.put(&objects[4].key, &flipped(&objects[4]));
    assert_eq!(exit(&world.audit_deep().await), 2);
    let report = world.try_heal(&daemon(false)).await.unwrap();
    assert_eq!((exit(&report), counts(&report)), (2, [10, 9, 0, 1, 0, 0]));
    assert_eq!(report.summary.store_requests.get, 0);
    assert_eq!(result(&report, &objects[4]), RepairResult::Held);
    // A person's heal looks at it all the same; with a source it is brought back.
    assert_eq!(world.heal().await.summary.store_requests.get, 1);
    let url = world.row_of(&objects[4]).url.unwrap();
    world
        .sql(&format!("UPDATE packages SET url = '{url}' WHERE sha256 = '{}'", objects[4].digest))
        .await;
    assert_eq!(world.try_heal(&daemon(false)).await.unwrap().summary.healed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_daemon_does_not_heal_now_it_does_not_read_now() {
    let (mut world, objects) = World::healthy(10).await;
    let clock = world.stop_the_clock();
    world.put(&objects[4].key, &flipped(&objects[4]));
    world.answer(&objects[4], vec![Answer::status(503)]);
    assert_eq!(exit(&world.audit_deep().await), 2);
    let reads = async |paused| {
        let report = world.try_heal(&daemon(paused)).await.unwrap();
        assert_eq!((exit(&report), counts(&report)), (2, [10, 9, 0, 1, 0, 0]));
        report.summary.store_requests.get
    };
    assert_eq!(reads(true).await, 0, "paused");
    assert_eq!(reads(false).await, 1, "tried, and the source did not answer");
    assert_eq!(reads(false).await, 0, "it waits");
    clock.advance(TimeDelta::minutes(16));
    assert_eq!(reads(true).await, 0, "paused");
    assert_eq!(reads(false).await, 1, "its time has come");
}

/// What a daemon asks for.
fn daemon(paused: bool) -> Request {
    Request { restraint: Restraint { backs_off: true, paused }, ..request(Command::Heal) }
}
