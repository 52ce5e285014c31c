//! A suspicion is not a finding: what was not listed is asked for again, its row is read again.

use restock::model::{FindingKind, Outcome};
use restock::store::StoreFault;

use crate::between::change_before_rows;
use crate::helper::{breaker, counts, exit, fill, in_memory};
use crate::memory_catalog::Cell;
use crate::memory_store::{MemoryStore, Moment, Operation};
use crate::support::world::{Object, World, briefly};

#[tokio::test(flavor = "multi_thread")]
async fn what_the_listing_lacks_and_a_head_finds_is_present() {
    let (world, store, objects) = in_memory(10).await;
    store.remove(&objects[3].key);
    let object = objects[3].clone();
    store.after_listing(move |store| store.put(&object.key, object.bytes));
    let report = world.audit().await;
    assert_eq!((exit(&report), briefly(&report)), (0, vec![]));
    assert_eq!(counts(&report), [10, 10, 0, 0, 0, 0]);
    assert_eq!(report.summary.store_requests.head, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_tells_nothing_makes_it_unknown_whatever_the_cause() {
    for fault in [
        StoreFault::AccessDenied,
        StoreFault::Server,
        StoreFault::Timeout,
        StoreFault::Throttled,
        StoreFault::Unreachable,
        StoreFault::Malformed,
    ] {
        let (world, store, objects) = in_memory(10).await;
        store.remove(&objects[3].key);
        store.fail(Operation::Probe, &objects[3].key, 9, fault);
        let report = world.audit().await;
        let expected =
            [(FindingKind::Unknown, objects[3].key.clone(), Some(fault.as_str().to_owned()))];
        assert_eq!(briefly(&report), expected);
        assert_eq!((report.summary.outcome, exit(&report)), (Outcome::Incomplete, 3));
        assert_eq!(counts(&report), [10, 9, 0, 0, 1, 0]);
        let report = world.heal().await;
        assert_eq!((exit(&report), report.repairs.len(), store.changes().len()), (3, 0, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refuses_every_head_has_everything_unknown_and_nothing_missing() {
    let (world, store, _) = in_memory(10).await;
    for key in store.keys() {
        store.remove(&key);
    }
    store.fail(Operation::Probe, "", 100, StoreFault::AccessDenied);
    let report = world.heal().await;
    assert_eq!((exit(&report), counts(&report)), (3, [10, 0, 0, 0, 10, 0]));
    assert_eq!(breaker(&report), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_deleted_meanwhile_drops_its_suspicion() {
    let (mut world, objects) = World::healthy(10).await;
    world.remove(&objects[3].key);
    world.remove(&objects[4].key);
    let deleted = Cell::Digest(objects[3].digest);
    change_before_rows(&mut world, move |rows| rows.retain(|row| row.digest != deleted)).await;
    let report = world.audit().await;
    assert_eq!(briefly(&report), [(FindingKind::Missing, objects[4].key.clone(), None)]);
    assert_eq!(counts(&report), [9, 8, 1, 0, 0, 0]);
}

/// What every pass asks first: whether anybody answers at all.
const CHECK: u64 = 1;

/// Just more suspicions than are asked for one by one.
const MANY: u32 = 2_001;

/// A world in memory in which `absent` objects are missing, beside 100 that are there.
async fn with_absent(absent: u32) -> (World, MemoryStore, Vec<Object>) {
    let (world, store, _) = in_memory(100).await;
    let absent: Vec<_> = (100..100 + absent).map(Object::nth).collect();
    fill(&world, &absent).await;
    (world, store, absent)
}

#[tokio::test(flavor = "multi_thread")]
async fn up_to_2000_suspicions_are_each_asked_for() {
    let (world, _, _) = with_absent(MANY - 1).await;
    let report = world.audit().await;
    assert_eq!(counts(&report), [2_100, 100, 2_000, 0, 0, 0]);
    let requests = report.summary.store_requests;
    assert_eq!((requests.list, requests.head), (CHECK + 1, 2_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_2000_suspicions_are_listed_again_and_heads_are_a_sample() {
    let (world, _, _) = with_absent(MANY).await;
    let report = world.audit().await;
    assert_eq!(counts(&report), [2_101, 100, 2_001, 0, 0, 0]);
    let requests = report.summary.store_requests;
    assert_eq!(requests.list, CHECK + 2);
    assert!((100..=200).contains(&requests.head), "{requests:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_second_listing_shows_is_present() {
    let (world, store, absent) = with_absent(MANY).await;
    store.after_listing(move |store| {
        for object in absent {
            store.put(&object.key, object.bytes);
        }
    });
    let report = world.audit().await;
    assert_eq!((exit(&report), counts(&report)), (0, [2_101, 2_101, 0, 0, 0, 0]));
    assert_eq!((report.summary.store_requests.head, breaker(&report)), (0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_listing_that_breaks_off_gives_no_verdict() {
    let (world, store, _) = with_absent(MANY).await;
    store.after_listing(|store| store.fail(Operation::List, "", 9, StoreFault::Server));
    let report = world.audit().await;
    assert_eq!((exit(&report), briefly(&report)), (1, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_that_contradicts_two_listings_has_everything_asked_for() {
    let (world, store, absent) = with_absent(MANY).await;
    store.once(Moment::Before, Operation::Probe, move |store| {
        for object in absent {
            store.put(&object.key, object.bytes);
        }
    });
    let report = world.audit().await;
    assert_eq!((exit(&report), counts(&report)), (0, [2_101, 2_101, 0, 0, 0, 0]));
    assert_eq!(report.summary.store_requests.head, 2_001, "those of the sample are settled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_that_meets_a_refusal_has_everything_asked_for_and_counts_nothing_twice() {
    let (world, store, _) = with_absent(MANY).await;
    store.fail(Operation::Probe, "", 1, StoreFault::AccessDenied);
    let report = world.audit().await;
    assert_eq!(counts(&report), [2_101, 100, 2_001, 0, 0, 0]);
    assert!(report.summary.store_requests.head > 2_001);
    store.fail(Operation::Probe, "", 100_000, StoreFault::AccessDenied);
    let report = world.audit().await;
    assert_eq!((exit(&report), counts(&report)), (3, [2_101, 100, 0, 0, 2_001, 0]));
}
