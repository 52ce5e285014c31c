//! Plans carried out: what goes, what is held, and what faults leave.

use std::sync::Arc;

use restock::model::RemovalResult;
use restock::model::RemovalResult::{Deleted, Failed, Held, Moved, Restored, Unknown};
use restock::plan::Disposal;
use restock::store::StoreFault;

use crate::bench::{Bench, briefly, orphan, results};
use crate::memory_catalog::{Cell, MemoryCatalog, Row};
use crate::memory_store::{Change, Operation};
use crate::support::world::{COLLECTION, Object, World};

/// One entry's end, which has to be the only one.
fn only(ended: &[(RemovalResult, String)]) -> (RemovalResult, &str) {
    let [(result, detail)] = ended else { panic!("{ended:?}") };
    (*result, detail)
}

/// The bench's catalog, to which a row of the first orphan comes before the n-th look-up.
async fn row_before(bench: &Bench, at: usize) -> Arc<MemoryCatalog> {
    let row = Row { digest: Cell::Digest(bench.orphans[0].digest), ..Row::empty(COLLECTION) };
    let copy = bench.copy_of_catalog().await;
    Arc::new(copy.changed_before(at, move |rows| rows.push(row)))
}

#[tokio::test(flavor = "multi_thread")]
async fn orphans_are_copied_and_only_then_removed_and_all_of_it_is_written_down() {
    for bench in [Bench::in_memory(3).await, Bench::in_a_directory(3).await] {
        let ended = bench.try_apply().await.unwrap();
        assert_eq!(results(&briefly(&ended)), [Moved; 3]);
        assert_eq!(bench.content(), bench.expected(&[], &bench.orphans));
        for (removal, orphan) in ended.iter().zip(&bench.orphans) {
            assert_eq!((&removal.key, removal.digest), (&orphan.key, orphan.digest));
            assert_eq!(removal.to, Some(bench.copy_of(orphan)));
            assert_eq!(removal.observed_digest, Some(orphan.digest));
            assert_eq!(removal.plan_id, bench.plan.plan_id);
        }
        let mut kept = bench.world.open_ledger().await.removals(9).await.unwrap();
        kept.sort_by_key(|removal| bench.orphans.iter().position(|o| o.key == removal.key));
        assert_eq!(kept, ended);
        let Some(memory) = &bench.memory else { continue };
        let steps = bench.orphans.iter().flat_map(|orphan| {
            let (key, to) = (orphan.key.clone(), bench.copy_of(orphan));
            [Change::SetAside { key: key.clone(), to }, Change::Removed(key)]
        });
        assert_eq!(memory.changes(), steps.collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_carried_out_once() {
    let bench = Bench::in_memory(2).await;
    let first = bench.try_apply().await.unwrap();
    bench.put(&bench.orphans[0].key, b"what somebody put there since");
    assert_eq!(bench.try_apply().await.unwrap(), first);
    assert_eq!(bench.get(&bench.orphans[0].key).unwrap(), b"what somebody put there since");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_away_and_uploaded_again_with_a_row_is_not_missing() {
    for action in [Disposal::Quarantine, Disposal::Delete] {
        let mut bench = Bench::in_memory(1).await;
        bench.plan.action = action;
        let first = bench.apply().await;
        bench.put(&bench.orphans[0].key, &bench.orphans[0].bytes);
        bench.world.row(&bench.world.row_of(&bench.orphans[0])).await;
        let before = bench.content();
        let again = bench.apply().await;
        assert_eq!(results(&again), results(&first), "{again:?}");
        assert!(only(&again).1.contains("lies under its key"), "{again:?}");
        assert_eq!(bench.content(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_deletes_leaves_no_copy() {
    for mut bench in [Bench::in_memory(2).await, Bench::in_a_directory(2).await] {
        bench.plan.action = Disposal::Delete;
        assert_eq!(results(&bench.apply().await), [Deleted; 2]);
        assert_eq!(bench.content(), bench.expected(&[], &[]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_row_wants_again_is_held() {
    let bench = Bench::in_memory(3).await;
    bench.world.row(&bench.world.row_of(&bench.orphans[1])).await;
    let ended = bench.apply().await;
    assert_eq!(results(&ended), [Moved, Held, Moved]);
    assert_eq!(ended[1].1, "a row wants it again");
    assert!(bench.get(&bench.orphans[1].key).is_some());
}

const UNREADABLE: &str = "INSERT INTO packages (sha256) VALUES ('sha256:almost')";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_taken_from_a_collection_with_a_row_that_cannot_be_read() {
    for action in [Disposal::Quarantine, Disposal::Delete] {
        let mut bench = Bench::in_memory(3).await;
        bench.plan.action = action;
        bench.world.sql(UNREADABLE).await;
        let ended = bench.apply().await;
        assert_eq!(results(&ended), [Held; 3]);
        assert!(ended[0].1.contains("a digest that cannot be read"), "{ended:?}");
        assert_eq!(bench.content(), bench.expected(&bench.orphans, &[]));
        assert_eq!(bench.memory.as_ref().unwrap().changes(), [], "nothing is copied in vain");
        bench.world.sql("UPDATE packages SET sha256 = NULL WHERE sha256 LIKE 'sha256:%'").await;
        assert!(!results(&bench.apply().await).contains(&Held), "NULL wants nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cannot_be_read_and_comes_after_the_first_look_is_seen_before_the_removal() {
    for action in [Disposal::Quarantine, Disposal::Delete] {
        let mut bench = Bench::in_memory(1).await;
        bench.plan.action = action;
        let unreadable = Cell::Unreadable("sha256:almost".to_owned());
        let row = Row { digest: unreadable, ..Row::empty(COLLECTION) };
        let copy = bench.copy_of_catalog().await;
        bench.world.catalog = Some(Arc::new(copy.changed_before(2, |rows| rows.push(row))));
        let ended = bench.apply().await;
        assert_eq!(results(&ended), [Held]);
        assert!(only(&ended).1.contains("a digest that cannot be read"), "{ended:?}");
        assert_eq!(bench.content(), bench.expected(&bench.orphans, &[]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_with_a_prefix_before_its_digest_wants_its_object() {
    let bench = Bench::in_memory(3).await;
    let digest = bench.orphans[1].digest;
    let insert = format!("INSERT INTO packages (sha256) VALUES ('SHA256: {digest}')");
    bench.world.sql(&insert).await;
    let ended = bench.apply().await;
    assert_eq!(results(&ended), [Moved, Held, Moved]);
    assert_eq!(ended[1].1, "a row wants it again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_comes_after_the_first_look_is_seen_right_before_the_removal() {
    for action in [Disposal::Quarantine, Disposal::Delete] {
        let bench = Bench::in_memory(1).await;
        let catalog = row_before(&bench, 2).await;
        let remover = bench.remover_with(catalog, Arc::clone(&bench.store)).await;
        let ended = remover.apply(&bench.plan, action, &mut bench.record()).await.unwrap();
        assert_eq!(only(&briefly(&ended)), (Held, "a row wants it again"));
        assert_eq!(bench.content(), bench.expected(&bench.orphans, &[]), "its copy is gone too");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_comes_in_the_moment_of_the_removal_gets_its_object_back() {
    let bench = Bench::in_memory(1).await;
    let catalog = row_before(&bench, 3).await;
    let remover = bench.remover_with(catalog, Arc::clone(&bench.store)).await;
    let action = Disposal::Quarantine;
    let ended = remover.apply(&bench.plan, action, &mut bench.record()).await.unwrap();
    let ended = briefly(&ended);
    assert_eq!(only(&ended).0, Restored);
    assert!(only(&ended).1.contains("a row came for it"), "{ended:?}");
    assert_eq!(bench.content(), bench.expected(&bench.orphans, &[]));

    let bench = Bench::in_memory(1).await;
    let remover = bench.remover_with(row_before(&bench, 3).await, Arc::clone(&bench.store)).await;
    let ended = remover.apply(&bench.plan, Disposal::Delete, &mut bench.record()).await.unwrap();
    let ended = briefly(&ended);
    assert_eq!(only(&ended).0, Failed);
    assert!(only(&ended).1.contains("it is missing now"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_than_that_of_the_plan_is_held() {
    let bench = Bench::in_memory(4).await;
    let [other, again, gone, same] = &bench.orphans[..] else { panic!() };
    bench.put(&other.key, &[7; 17]);
    // The same bytes, written a second time: somebody may be about to write its row.
    bench.put(&again.key, &again.bytes);
    bench.memory.as_ref().unwrap().remove(&gone.key);
    let ended = bench.apply().await;
    assert_eq!(results(&ended), [Held, Held, Held, Moved]);
    assert!(ended[0].1.contains("somebody wrote it again"), "{ended:?}");
    assert_eq!(ended[0].1, ended[1].1);
    assert_eq!(ended[2].1, "it is gone already");
    assert!(bench.get(&again.key).is_some() && bench.get(&same.key).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_tag_and_size_at_another_time_is_another_version() {
    let bench = Bench::in_a_directory(1).await;
    let mut plan = bench.plan.clone();
    plan.entries[0].modified = plan.entries[0].modified.map(|at| at - chrono::TimeDelta::days(1));
    let remover = bench.remover(Arc::clone(&bench.store)).await;
    let ended = remover.apply(&plan, plan.action, &mut bench.record()).await.unwrap();
    assert_eq!(results(&briefly(&ended)), [Held]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_catalog_makes_no_orphans() {
    let bench = Bench::in_memory(2).await;
    bench.world.sql("DELETE FROM packages").await;
    let ended = bench.apply().await;
    assert_eq!(results(&ended), [Held; 2]);
    assert!(ended[0].1.contains("no row at all"), "{ended:?}");
    assert_eq!(bench.content(), bench.expected(&bench.orphans, &[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_fails_ends_the_run_before_anything_goes() {
    let bench = Bench::in_memory(2).await;
    let catalog = bench.copy_of_catalog().await.failing_from(1, "no such table: packages");
    let remover = bench.remover_with(Arc::new(catalog), Arc::clone(&bench.store)).await;
    let action = bench.plan.action;
    assert!(remover.apply(&bench.plan, action, &mut bench.record()).await.is_err());
    assert_eq!(bench.content(), bench.expected(&bench.orphans, &[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_not_shown_to_exist_is_not_believed() {
    let bench = Bench::in_memory(1).await;
    let memory = bench.memory.as_ref().unwrap();
    memory.fail(Operation::Check, "", 1, StoreFault::NoSuchStore);
    assert!(bench.try_apply().await.is_err());
    memory.fail(Operation::Probe, "", 1, StoreFault::AccessDenied);
    let ended = bench.apply().await;
    assert_eq!(results(&ended), [Unknown]);
    assert_eq!(results(&bench.apply().await), [Moved], "and the next run goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_the_object_or_a_whole_copy_is_there() {
    let (key, aside) = (orphan(0).key, "restock-quarantine");
    for (operation, at, result) in [
        (Operation::SetAside, key.as_str(), Failed),
        (Operation::Read, aside, Failed),
        (Operation::Remove, key.as_str(), Failed),
        (Operation::RemoveAnswer, key.as_str(), Moved),
    ] {
        let bench = Bench::in_memory(2).await;
        let memory = bench.memory.as_ref().unwrap();
        memory.fail(operation, at, 1, StoreFault::Server);
        let ended = bench.apply().await;
        assert_eq!(results(&ended), [result, Moved], "{operation:?}: {ended:?}");
        let (there, moved) = if result == Moved { (0, 0) } else { (1, 1) };
        let expected = bench.expected(&bench.orphans[..there], &bench.orphans[moved..]);
        assert_eq!(bench.content(), expected, "{operation:?}: no copy stays of what stays");
        assert_eq!(results(&bench.apply().await), [Moved; 2], "{operation:?}, again");
        assert_eq!(bench.content(), bench.expected(&[], &bench.orphans), "{operation:?}, again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_knows_whether_it_went_and_the_next_run_finds_out() {
    for (operation, delete) in [
        (Operation::Remove, false),
        (Operation::RemoveAnswer, false),
        (Operation::Remove, true),
        (Operation::RemoveAnswer, true),
    ] {
        let mut bench = Bench::in_memory(1).await;
        if delete {
            bench.plan.action = Disposal::Delete;
        }
        let memory = bench.memory.clone().unwrap();
        let key = &bench.orphans[0].key;
        memory.fail(operation, key, 1, StoreFault::Timeout);
        // The first probe is that before; then the one after a removal fails.
        let remover = bench.remover(Arc::clone(&bench.store)).await;
        memory.after_removal(|memory| memory.fail(Operation::Probe, "", 1, StoreFault::Timeout));
        let ended =
            remover.apply(&bench.plan, bench.plan.action, &mut bench.record()).await.unwrap();
        assert_eq!(results(&briefly(&ended)), [Unknown], "{operation:?}");
        memory.mend();
        let done = if delete { Deleted } else { Moved };
        assert_eq!(results(&bench.apply().await), [done], "{operation:?}");
        let moved = if delete { &[][..] } else { &bench.orphans[..] };
        assert_eq!(bench.content(), bench.expected(&[], moved), "{operation:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orphan_whose_bytes_are_wrong_is_moved_as_it_is() {
    let mut bench = Bench::in_memory(1).await;
    let mut odd = bench.orphans[0].clone();
    odd.bytes = b"not the bytes of its digest".to_vec();
    bench.put(&odd.key, &odd.bytes);
    bench.plan.entries[0] = bench.entry(&odd).await;
    let ended = bench.try_apply().await.unwrap();
    assert_eq!(ended[0].result, Moved);
    assert_ne!(ended[0].observed_digest, Some(odd.digest));
    assert_eq!(bench.content(), bench.expected(&[], &[odd]));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_not_their_digests_are_never_touched() {
    let mut bench = Bench::in_memory(1).await;
    let wanted = Object::nth(0);
    bench.put("elsewhere/secret", b"secret");
    let template = bench.plan.entries[0].clone();
    let mut entries = Vec::new();
    for key in
        [wanted.key.as_str(), "elsewhere/secret", "../x", "software-installers/../elsewhere/secret"]
    {
        let mut entry = template.clone();
        entry.key = key.to_owned();
        entries.push(entry);
    }
    let mut unknown = template;
    unknown.collection = "icons".to_owned();
    entries.push(unknown);
    bench.plan.entries = entries;
    let before = bench.content();
    assert_eq!(results(&bench.apply().await), [Held; 5]);
    assert_eq!(bench.content(), before);
    assert_eq!(bench.memory.as_ref().unwrap().changes(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_looked_up_in_batches_and_each_once_more_by_itself() {
    let bench = Bench::in_memory(150).await;
    let catalog = bench.copy_of_catalog().await;
    let remover = bench.remover_with(Arc::new(catalog.clone()), Arc::clone(&bench.store)).await;
    let ended = remover.apply(&bench.plan, bench.plan.action, &mut bench.record()).await.unwrap();
    assert_eq!(results(&briefly(&ended)), [Moved; 150]);
    // Two batches, before and after, and every entry.
    assert_eq!(catalog.looked_up().len(), 2 + 2 + 150);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_told_to_end_finishes_its_object_and_begins_no_other() {
    let bench = Bench::in_memory(3).await;
    let remover = bench.remover(Arc::clone(&bench.store)).await;
    let cancel = remover.cancel.clone();
    bench.memory.as_ref().unwrap().after_removal(move |_| cancel.cancel());
    let ended = remover.apply(&bench.plan, bench.plan.action, &mut bench.record()).await.unwrap();
    assert_eq!(results(&briefly(&ended)), [Moved]);
    assert_eq!(bench.content(), bench.expected(&bench.orphans[1..], &bench.orphans[..1]));
    assert_eq!(results(&bench.apply().await), [Moved; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_afterwards_finds_no_orphan_and_nothing_in_the_quarantine() {
    let bench = Bench::in_a_directory(2).await;
    let orphans = |world: World| async move { world.audit().await.summary.orphans };
    bench.apply().await;
    assert_eq!(orphans(bench.world).await, Some(0));
}
