//! Stores that do not take what a heal writes, and worlds that change while it downloads.

use restock::model::{FailureReason, FindingKind, RepairResult};
use restock::store::StoreFault;
use rstest::rstest;

use crate::memory_store::{Change, Operation};
use crate::store_faults::Faulty;
use crate::support::world::{briefly, repair, result};

/// A world in which the first object is missing.
async fn missing() -> Faulty {
    let faulty = Faulty::new().await;
    faulty.store.remove(&faulty.objects[0].key);
    faulty
}

/// A world in which the first object has other bytes of the same size.
async fn corrupt() -> Faulty {
    let faulty = Faulty::new().await;
    let mut bytes = faulty.objects[0].bytes.clone();
    bytes[3] ^= 0x10;
    faulty.store.put(&faulty.objects[0].key, bytes);
    faulty
}

#[rstest]
#[case::at_its_beginning(Operation::Stage)]
#[case::in_the_middle(Operation::Write)]
#[case::at_its_end(Operation::Seal)]
#[case::at_its_completion(Operation::Publish)]
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_fails_leaves_the_store_as_it_was_and_the_next_heal_completes(
    #[case] operation: Operation,
    #[values(StoreFault::Server, StoreFault::AccessDenied, StoreFault::Timeout)] fault: StoreFault,
    #[values(false, true)] is_corrupt: bool,
) {
    let mut faulty = if is_corrupt { corrupt().await } else { missing().await };
    faulty.world.settings.heal.quarantine = String::new();
    let Faulty { world, store, objects } = &faulty;
    let before = faulty.content();
    store.fail(operation, &objects[0].key, 1, fault);
    let report = world.heal_deep().await;
    let repair = repair(&report, &objects[0]);
    let ends = (RepairResult::Failed, Some(FailureReason::StoreWrite));
    assert_eq!((repair.result, repair.reason), ends, "{repair:?}");
    assert!(repair.detail.contains(fault.as_str()), "{}", repair.detail);
    assert_eq!(report.summary.exit_code, 2);
    assert!(faulty.content() == before, "nothing was published");
    assert_eq!(world.http.requests().len(), 1, "another download would not help");

    let report = world.heal_deep().await;
    assert_eq!(result(&report, &objects[0]), RepairResult::Restored);
    assert_eq!(store.get(&objects[0].key).unwrap(), objects[0].bytes);
    assert_eq!(store.open_uploads(), [], "what the first left was swept");
    assert_eq!(world.audit_deep().await.summary.exit_code, 0);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_a_completion_that_went_through_is_a_restored_object(
    #[values(false, true)] is_corrupt: bool,
) {
    let faulty = if is_corrupt { corrupt().await } else { missing().await };
    let Faulty { world, store, objects } = &faulty;
    store.fail(Operation::PublishAnswer, &objects[0].key, 1, StoreFault::Timeout);
    let report = world.heal_deep().await;
    assert_eq!(result(&report, &objects[0]), RepairResult::Restored, "{:?}", report.repairs);
    assert_eq!((briefly(&report), report.summary.exit_code), (vec![], 0));
    assert_eq!(store.get(&objects[0].key).unwrap(), objects[0].bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_somebody_else_restores_meanwhile_is_already_present() {
    let faulty = missing().await;
    let Faulty { world, store, objects } = &faulty;
    let (key, bytes) = (objects[0].key.clone(), objects[0].bytes.clone());
    store.after_chunk(move |store| store.put(&key, bytes));
    let report = world.heal().await;
    let repair = repair(&report, &objects[0]);
    assert_eq!((repair.result, repair.reason), (RepairResult::AlreadyPresent, None));
    assert_eq!((briefly(&report), report.summary.exit_code, report.summary.healed), (vec![], 0, 0));
    let key = objects[0].key.clone();
    assert_eq!(store.changes(), [Change::Staged(key.clone()), Change::Discarded(key)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_that_somebody_writes_meanwhile_are_not_replaced() {
    for is_corrupt in [false, true] {
        let faulty = if is_corrupt { corrupt().await } else { missing().await };
        let Faulty { world, store, objects } = &faulty;
        let key = objects[0].key.clone();
        store.after_chunk(move |store| store.put(&key, "not what anybody asked for"));
        let report = world.heal_deep().await;
        let repair = repair(&report, &objects[0]);
        assert_eq!((repair.result, repair.reason), (RepairResult::Held, None), "{repair:?}");
        assert_eq!((report.summary.held, report.summary.exit_code), (1, 2));
        let there = store.get(&objects[0].key).unwrap();
        assert_eq!(there, "not what anybody asked for");
        assert_eq!(store.keys().len(), 8, "nothing was set aside: {:?}", store.keys());
        let report = world.heal_deep().await;
        assert_eq!(result(&report, &objects[0]), RepairResult::Restored);
        let aside = format!("restock-quarantine/{}/{}", report.summary.pass_id, objects[0].key);
        assert_eq!(store.get(&aside).unwrap(), "not what anybody asked for");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_of_the_right_size_that_somebody_writes_meanwhile_are_read_and_told() {
    let faulty = missing().await;
    let Faulty { world, store, objects } = &faulty;
    let (key, mut wrong) = (objects[0].key.clone(), objects[0].bytes.clone());
    wrong[0] ^= 1;
    store.after_chunk(move |store| store.put(&key, wrong));
    let report = world.heal().await;
    assert_eq!(result(&report, &objects[0]), RepairResult::Held);
    assert_eq!((report.summary.missing, report.summary.corrupt), (Some(0), Some(1)));
    assert_eq!((report.findings[0].kind, report.summary.exit_code), (FindingKind::Corrupt, 2));
    assert_eq!(result(&world.heal().await, &objects[0]), RepairResult::Restored);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_object_that_somebody_mends_meanwhile_is_left_alone() {
    let faulty = corrupt().await;
    let Faulty { world, store, objects } = &faulty;
    let (key, bytes) = (objects[0].key.clone(), objects[0].bytes.clone());
    store.after_chunk(move |store| store.put(&key, bytes));
    let report = world.heal_deep().await;
    assert_eq!(result(&report, &objects[0]), RepairResult::Held);
    assert!(!store.changes().iter().any(|change| matches!(change, Change::Published(_))));
    assert_eq!(store.keys().len(), 8, "right bytes are not set aside: {:?}", store.keys());
    assert_eq!(world.heal_deep().await.summary.exit_code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_object_that_vanishes_meanwhile_is_a_hole_to_fill() {
    let faulty = corrupt().await;
    let Faulty { world, store, objects } = &faulty;
    let key = objects[0].key.clone();
    store.after_chunk(move |store| store.remove(&key));
    let report = world.heal_deep().await;
    assert_eq!(result(&report, &objects[0]), RepairResult::Restored, "{:?}", report.repairs);
    assert_eq!(store.get(&objects[0].key).unwrap(), objects[0].bytes);
    assert_eq!(store.keys().len(), 8, "there was nothing to set aside");
}

#[tokio::test(flavor = "multi_thread")]
async fn corrupt_bytes_that_cannot_be_set_aside_are_not_replaced() {
    let faulty = corrupt().await;
    let Faulty { world, store, objects } = &faulty;
    let before = faulty.content();
    store.fail(Operation::SetAside, "", usize::MAX, StoreFault::AccessDenied);
    let report = world.heal_deep().await;
    let repair = repair(&report, &objects[0]);
    assert_eq!((repair.result, repair.reason), (RepairResult::Held, None), "{repair:?}");
    assert!(repair.detail.contains("restock-quarantine/"), "{}", repair.detail);
    assert!(repair.detail.contains("access_denied"), "{}", repair.detail);
    assert!(faulty.content() == before);
    assert_eq!((store.open_uploads(), report.summary.exit_code), (vec![], 2));
    store.mend();
    assert_eq!(result(&world.heal_deep().await, &objects[0]), RepairResult::Restored);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_says_nothing_right_before_the_completion_is_not_written_to() {
    for is_corrupt in [false, true] {
        let faulty = if is_corrupt { corrupt().await } else { missing().await };
        let Faulty { world, store, objects } = &faulty;
        let before = faulty.content();
        let key = objects[0].key.clone();
        store.after_chunk(move |store| {
            store.fail(Operation::Probe, &key, usize::MAX, StoreFault::AccessDenied);
        });
        let report = world.heal_deep().await;
        let repair = repair(&report, &objects[0]);
        let ends = (RepairResult::Failed, Some(FailureReason::StoreWrite));
        assert_eq!((repair.result, repair.reason), ends, "{repair:?}");
        assert!(faulty.content() == before && store.open_uploads().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_object_in_trouble_stops_no_other() {
    let faulty = missing().await;
    let Faulty { world, store, objects } = &faulty;
    for object in &objects[..3] {
        store.remove(&object.key);
    }
    store.fail(Operation::Write, &objects[1].key, 9, StoreFault::Server);
    let report = world.heal().await;
    let results: Vec<_> = objects[..3].iter().map(|object| result(&report, object)).collect();
    let (restored, failed) = (RepairResult::Restored, RepairResult::Failed);
    assert_eq!(results, [restored, failed, restored]);
    assert_eq!((report.summary.healed, report.summary.heal_failed), (2, 1));
    assert_eq!(report.summary.exit_code, 2);
}
