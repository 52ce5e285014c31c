//! What is in doubt is unknown: never missing, never an orphan, never a panic.

use std::sync::Arc;

use restock::model::{Command, FindingKind, Outcome};
use restock::pass::PassFailure;
use restock::store::StoreFault;

use crate::between::{after_first_page, copy_of_catalog};
use crate::helper::{breaker, counts, exit, flipped, forget_row, in_memory};
use crate::memory_store::{MemoryStore, Operation};
use crate::support::http_server::{Answer, Gate};
use crate::support::world::{Object, World, briefly, count, request};

#[tokio::test(flavor = "multi_thread")]
async fn an_object_uploaded_after_the_listing_is_no_finding() {
    let (world, store, _) = in_memory(10).await;
    let late = Object::of("uploaded in mid pass", "late.pkg");
    world.row(&world.row_of(&late)).await;
    store.after_listing(move |store| store.put(&late.key, late.bytes));
    let report = world.heal().await;
    assert_eq!((exit(&report), counts(&report)), (0, [11, 11, 0, 0, 0, 0]));
    assert_eq!((report.repairs.len(), store.changes()), (0, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_working_listing_with_heads_that_time_out_heals_nothing_and_makes_no_orphans() {
    let (world, store, objects) = in_memory(10).await;
    store.remove(&objects[0].key);
    store.remove(&objects[1].key);
    store.fail(Operation::Probe, "", 100, StoreFault::Timeout);
    let report = world.heal_deep().await;
    assert_eq!((exit(&report), counts(&report)), (3, [10, 8, 0, 0, 2, 0]));
    assert_eq!((count(&report, FindingKind::Orphan), store.changes()), (0, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_store_is_an_error_exit_and_is_not_healed_unasked() {
    let (world, store, _) = in_memory(10).await;
    store.keys().iter().for_each(|key| store.remove(key));
    assert_eq!(exit(&world.audit().await), 2);
    let report = world.heal().await;
    assert_eq!((exit(&report), store.changes()), (4, vec![]));
    assert_eq!(breaker(&report).unwrap().1, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_vanish_between_listing_and_reading_are_missing_and_no_panic() {
    let (world, store, objects) = in_memory(10).await;
    let keys: Vec<_> = objects[..4].iter().map(|object| object.key.clone()).collect();
    store.after_listing(move |store| keys.iter().for_each(|key| store.remove(key)));
    let report = world.audit_deep().await;
    assert_eq!((exit(&report), counts(&report)), (2, [10, 6, 4, 0, 0, 0]));
    let (world, store, objects) = in_memory(10).await;
    let key = objects[0].key.clone();
    store.after_listing(move |store| store.remove(&key));
    let report = world.audit().await;
    assert_eq!((exit(&report), counts(&report)[1]), (0, 10), "it was listed");
}

/// What one side says of one object, and what follows: exit code and findings.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_either_side_makes_nothing_missing_and_nothing_an_orphan() {
    type Break = fn(&MemoryStore, &str);
    let lost: Break = MemoryStore::remove;
    let unlisted: Break = |store, _| store.fail(Operation::List, "", 9, StoreFault::Server);
    let silent: Break = |store, key| {
        store.remove(key);
        store.fail(Operation::Probe, key, 9, StoreFault::Timeout);
    };
    let fine: Break = |_, _| {};
    let (missing, unknown) = (Some(FindingKind::Missing), Some(FindingKind::Unknown));
    for (catalog_fails, breaks, row_stays, code, finding) in [
        (false, fine, true, 0, None),
        (false, lost, true, 2, missing),
        (false, silent, true, 3, unknown),
        (false, unlisted, true, 1, None),
        (true, fine, true, 1, None),
        (false, fine, false, 0, Some(FindingKind::Orphan)),
        (true, fine, false, 1, None),
        (true, lost, true, 1, None),
    ] {
        let (mut world, store, objects) = in_memory(8).await;
        breaks(&store, &objects[0].key);
        if !row_stays {
            forget_row(&world, &objects[0]).await;
        }
        if catalog_fails {
            world.catalog = Some(Arc::new(copy_of_catalog(&world).await.breaking_off()));
        }
        let report = world.audit().await;
        let kinds: Vec<_> = report.findings.iter().map(|finding| finding.kind).collect();
        let case = format!("{catalog_fails} {row_stays} {code}");
        assert_eq!((exit(&report), kinds.first().copied()), (code, finding), "{case}");
        assert!(kinds.len() < 2, "{case}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn appended_changed_and_emptied_objects_are_corrupt_and_one_replaced_in_mid_pass_is_read_as_it_is()
 {
    let (mut world, objects) = World::healthy(12).await;
    world.sql("UPDATE packages SET size_bytes = NULL, filename = NULL").await;
    world.put(&objects[0].key, &[&objects[0].bytes[..], b"more"].concat());
    world.put(&objects[1].key, &flipped(&objects[1]));
    world.put(&objects[2].key, b"");
    world.put(&objects[3].key, &flipped(&objects[3]));
    let (path, bytes) = (world.path(&objects[3].key), objects[3].bytes.clone());
    after_first_page(&mut world, move || {
        let beside = path.with_extension("new");
        std::fs::write(&beside, bytes).unwrap();
        std::fs::rename(beside, path).unwrap();
    })
    .await;
    let report = world.audit_deep().await;
    let mut expected: Vec<_> =
        objects[..3].iter().map(|object| (FindingKind::Corrupt, object.key.clone())).collect();
    expected.sort();
    let found: Vec<_> = briefly(&report).into_iter().map(|(kind, key, _)| (kind, key)).collect();
    assert_eq!(found, expected);
    assert_eq!((exit(&report), report.summary.verified), (2, Some(9)));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_object_that_cannot_be_read_does_not_stop_the_pass() {
    let (world, store, objects) = in_memory(20).await;
    store.fail(Operation::Read, &objects[5].key, 9, StoreFault::Server);
    store.put(&objects[6].key, flipped(&objects[6]));
    store.remove(&objects[7].key);
    let report = world.heal_deep().await;
    assert_eq!((report.summary.outcome, exit(&report)), (Outcome::Incomplete, 3));
    assert_eq!((counts(&report), report.summary.healed), ([20, 19, 0, 0, 1, 0], 2));
    assert_eq!(report.findings[0].key.as_ref(), Some(&objects[5].key));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_cannot_be_read_is_an_error_and_not_a_store_full_of_orphans() {
    let (world, _) = World::healthy(10).await;
    let auditor = world.auditor().await;
    world.sql("ALTER TABLE packages RENAME TO elsewhere").await;
    let report = auditor.audit(&request(Command::Audit)).await.unwrap();
    assert_eq!((report.summary.outcome, exit(&report)), (Outcome::Failed, 1));
    assert_eq!((briefly(&report), report.summary.orphans), (vec![], None));
    assert_eq!(report.summary.errors[0].code, "catalog");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forbidden_is_not_missing() {
    let (world, store, objects) = in_memory(10).await;
    store.fail(Operation::Read, &objects[0].key, 9, StoreFault::AccessDenied);
    let report = world.heal_deep().await;
    assert_eq!((exit(&report), counts(&report)), (3, [10, 9, 0, 0, 1, 0]));
    assert_eq!(report.findings[0].reason.as_deref(), Some("access_denied"));
    store.fail(Operation::List, "", 9, StoreFault::AccessDenied);
    let report = world.heal_deep().await;
    assert_eq!((exit(&report), briefly(&report), store.changes()), (1, vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_that_is_told_to_end_leaves_no_verdict_and_no_half_written_object() {
    let (mut world, objects) = World::healthy(10).await;
    let cancel = world.cancel.clone();
    after_first_page(&mut world, move || cancel.cancel()).await;
    let ended = world.try_audit(&request(Command::Audit)).await;
    assert!(matches!(ended, Err(PassFailure::Cancelled)));
    assert_eq!(world.open_ledger().await.passes(9).await.unwrap(), []);

    (world.store, world.cancel) = (None, tokio_util::sync::CancellationToken::new());
    let object = &objects[0];
    world.remove(&object.key);
    let (gate, content) = (Gate::closed(), world.store_content());
    let (first, rest) = object.bytes.split_at(4);
    world.answer(object, [Answer::ok(first).then_wait(&gate, rest)]);
    let end_in_the_middle = async {
        while world.store_content().len() == content.len() {
            tokio::task::yield_now().await;
        }
        world.cancel.cancel();
    };
    let heal = request(Command::Heal);
    let (ended, ()) = tokio::join!(world.try_heal(&heal), end_in_the_middle);
    assert!(matches!(ended, Err(PassFailure::Cancelled)));
    assert_eq!(world.store_content(), content);

    gate.open();
    world.cancel = tokio_util::sync::CancellationToken::new();
    assert_eq!(world.heal().await.summary.healed, 1);
    assert_eq!(&world.get(&object.key).unwrap(), &object.bytes);
}
