//! What nobody can read is replaced by a person alone, object by object, and only by proven bytes.

use restock::model::{BreakerReason, Command, FailureReason, RepairResult, Size};
use restock::pass::{PassReport, Request};
use restock::plan::{Hold, Plan, Step};
use restock::report::{TextOptions, plan_table};
use restock::store::StoreFault;

use crate::helper::{counts, exit, flipped, in_memory};
use crate::memory_store::{Change, MemoryStore, Moment, Operation};
use crate::support::http_server::{Answer, Gate};
use crate::support::world::{Object, World, repair, request, result};

/// A world of ten in which the fourth is seen, has other bytes, and cannot be read.
async fn unreadable() -> (World, MemoryStore, Object) {
    let (world, store, objects) = in_memory(10).await;
    let object = objects[3].clone();
    store.put(&object.key, flipped(&object));
    store.make_unreadable(&object.key);
    (world, store, object)
}

fn asked(command: Command, object: &Object) -> Request {
    let digests = Some(vec![object.digest]);
    Request { digests, replace_unreadable: true, ..request(command) }
}

async fn replace(world: &World, object: &Object) -> PassReport {
    world.try_heal(&asked(Command::Heal, object)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_object_that_nobody_can_read_is_set_aside_and_replaced_by_proven_bytes() {
    let (world, store, object) = unreadable().await;
    let report = replace(&world, &object).await;
    assert_eq!(result(&report, &object), RepairResult::Restored, "{:?}", report.repairs);
    assert_eq!((exit(&report), counts(&report)), (0, [1, 1, 0, 0, 0, 0]));
    assert_eq!(store.get(&object.key).unwrap(), object.bytes);
    let aside = format!("restock-quarantine/{}/{}", report.summary.pass_id, object.key);
    assert_eq!(store.get(&aside).unwrap(), flipped(&object));
    assert_eq!(exit(&world.audit_deep().await), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_replaces_what_nobody_can_read() {
    let (world, store, object) = unreadable().await;
    for report in
        [world.heal().await, world.heal_deep().await, world.heal_named(&[object.digest]).await]
    {
        assert_eq!(report.repairs.len(), 0);
    }
    let unnamed = Request { digests: None, ..asked(Command::Heal, &object) };
    let unnamed = crate::support::world::deep(unnamed);
    assert_eq!(world.try_heal(&unnamed).await.unwrap().repairs.len(), 0, "it has to be named");
    assert_eq!((store.changes(), world.http.requests().len()), (vec![], 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_shows_it_and_only_the_command_itself_carries_it_out() {
    let (world, store, object) = unreadable().await;
    let report = world.try_audit(&asked(Command::Audit, &object)).await.unwrap();
    assert_eq!((exit(&report), report.plan.actions[0].step), (3, Step::ReplaceUnreadable));
    let mut shown = Vec::new();
    plan_table(&report.plan, &report.findings, &TextOptions::default(), &mut shown).unwrap();
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("replace unreadable"), "{shown}");

    let text = serde_json::to_string(&report.plan).unwrap();
    assert!(text.contains("\"replace_unreadable\""), "{text}");
    let plan: Plan = serde_json::from_str(&text).unwrap();
    let healer = world.healer().await;
    let request = asked(Command::Heal, &object);
    let report = world.auditor().await.heal_from(&plan, &request, &healer).await.unwrap();
    assert_eq!(result(&report, &object), RepairResult::Held);
    assert!(repair(&report, &object).detail.contains("--replace-unreadable"));
    assert_eq!((store.changes(), exit(&report)), (vec![], 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_replaced_without_a_copy_where_the_store_cannot_copy_it() {
    let (world, store, object) = unreadable().await;
    store.fail(Operation::SetAside, "", usize::MAX, StoreFault::NotFound);
    assert_eq!(result(&replace(&world, &object).await, &object), RepairResult::Restored);
    assert_eq!(store.keys().len(), 10);
    assert_eq!(store.get(&object.key).unwrap(), object.bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_touched_before_its_bytes_are_proven() {
    for answer in [Answer::status(404), Answer::ok("other bytes"), Answer::status(503)] {
        let (world, store, object) = unreadable().await;
        world.answer(&object, [answer]);
        let report = replace(&world, &object).await;
        assert!(!result(&report, &object).is_success());
        assert_eq!((exit(&report), counts(&report)), (3, [1, 0, 0, 0, 1, 0]));
        assert_eq!(store.get(&object.key).unwrap(), flipped(&object));
        assert_eq!(store.keys().len(), 10, "nothing is set aside");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_read_by_now_is_not_replaced_unread() {
    for right in [true, false] {
        let (world, store, object) = unreadable().await;
        let (key, bytes) = (object.key.clone(), object.bytes.clone());
        store.after_chunk(move |store| {
            if right {
                store.put(&key, bytes);
            }
            store.make_readable(&key);
        });
        let report = replace(&world, &object).await;
        let ends = if right { RepairResult::AlreadyPresent } else { RepairResult::Held };
        assert_eq!(result(&report, &object), ends);
        let wrong = u64::from(!right);
        assert_eq!(counts(&report), [1, 1 - wrong, 0, wrong, 0, 0]);
        assert!(!store.changes().iter().any(|change| matches!(change, Change::Published(_))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_than_the_one_that_could_not_be_read_is_left_alone() {
    let (world, store, object) = unreadable().await;
    let key = object.key.clone();
    store.once(Moment::Before, Operation::SetAside, move |store| {
        store.put(&key, "somebody's own");
    });
    let report = replace(&world, &object).await;
    assert_eq!(result(&report, &object), RepairResult::Held, "{:?}", report.repairs);
    assert_eq!(store.get(&object.key).unwrap(), "somebody's own");
    assert!(!store.changes().iter().any(|change| matches!(change, Change::Published(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_row_wants_any_more_is_left_alone() {
    let (world, store, object) = unreadable().await;
    let (gate, bytes) = (Gate::closed(), &object.bytes);
    let begun = Answer::ok(bytes[..1].to_vec()).then_wait(&gate, bytes[1..].to_vec());
    world.answer(&object, [begun]);
    let meanwhile = async {
        while world.http.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        world.sql(&format!("DELETE FROM packages WHERE sha256 = '{}'", object.digest)).await;
        gate.open();
    };
    let (report, ()) = tokio::join!(replace(&world, &object), meanwhile);
    let told = repair(&report, &object);
    assert_eq!(
        (told.result, told.detail.as_str()),
        (RepairResult::Held, "no row wants it any more")
    );
    assert_eq!(store.get(&object.key).unwrap(), flipped(&object));
    assert_eq!(store.keys().len(), 10, "nothing is set aside");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_is_read_back_whatever_its_size() {
    let (mut world, store, object) = unreadable().await;
    world.settings.heal.verify_up_to = Size(0);
    store.mangle(true);
    let report = replace(&world, &object).await;
    let told = repair(&report, &object);
    let ends = (RepairResult::Failed, Some(FailureReason::VerifyAfterWrite));
    assert_eq!((told.result, told.reason), ends, "{told:?}");
    assert_eq!((exit(&report), counts(&report)), (2, [1, 0, 0, 1, 0, 0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_object_and_a_corrupt_one_that_became_unreadable_are_replaced_too() {
    let (world, store, objects) = in_memory(10).await;
    store.archive(&objects[3].key);
    assert_eq!(result(&replace(&world, &objects[3]).await, &objects[3]), RepairResult::Restored);
    store.put(&objects[4].key, flipped(&objects[4]));
    assert_eq!(exit(&world.audit_deep().await), 2);
    store.make_unreadable(&objects[4].key);
    let report = world.heal_named(&[objects[4].digest]).await;
    assert_eq!(result(&report, &objects[4]), RepairResult::Held, "it is not asked for");
    assert_eq!(result(&replace(&world, &objects[4]).await, &objects[4]), RepairResult::Restored);
    assert_eq!(exit(&world.audit_deep().await), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn switches_and_the_breaker_hold_it_as_they_hold_any_other() {
    let (mut world, store, object) = unreadable().await;
    world.settings.heal.enabled = false;
    let report = replace(&world, &object).await;
    assert_eq!(report.plan.actions[0].step, Step::Hold(Hold::HealingOff));
    world.settings.heal.enabled = true;
    for key in store.keys().into_iter().filter(|key| *key != object.key) {
        store.remove(&key);
    }
    let breaker = world.audit().await.summary.breaker.unwrap();
    assert_eq!(breaker.reason, BreakerReason::MassMissing.as_str());
    assert_eq!(exit(&replace(&world, &object).await), 4);
    assert_eq!((store.changes(), store.keys().len()), (vec![], 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttle_says_nothing_of_an_object_and_is_no_reason_to_replace_it() {
    let (world, store, objects) = in_memory(10).await;
    store.fail(Operation::Read, &objects[3].key, usize::MAX, StoreFault::Throttled);
    let report = replace(&world, &objects[3]).await;
    assert_eq!(result(&report, &objects[3]), RepairResult::Held, "{:?}", report.repairs);
    assert_eq!((exit(&report), store.keys().len()), (3, 10), "nothing is set aside");
    assert!(!store.changes().iter().any(|change| matches!(change, Change::Published(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_only_holes_are_filled_it_is_held() {
    let (mut world, store, object) = unreadable().await;
    world.settings.heal.replace_corrupt = false;
    let report = replace(&world, &object).await;
    assert_eq!(report.plan.actions[0].step, Step::Hold(Hold::HealingOff));
    assert_eq!((result(&report, &object), store.changes()), (RepairResult::Held, vec![]));
}
