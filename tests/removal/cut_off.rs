//! Runs that are cut off before any of their operations: nothing is lost, and the next run
//! finishes.

use std::sync::Arc;

use restock::model::RemovalResult::{Deleted, Moved, Restored};
use restock::plan::Disposal;

use crate::bench::{Bench, results};
use crate::stopping::Stopping;

/// Each orphan is whole under its key, or under its copy's.
fn nothing_is_lost(bench: &Bench, at: usize) {
    for orphan in &bench.orphans {
        let (own, copy) = (bench.get(&orphan.key), bench.get(&bench.copy_of(orphan)));
        assert!(own.is_some() || copy.is_some(), "lost at {at}");
        for bytes in [own, copy].into_iter().flatten() {
            assert_eq!(bytes, orphan.bytes, "at {at}");
        }
    }
}

async fn apply_until(bench: &Bench, moments: usize) -> bool {
    let store = Stopping::after(moments, &bench.store);
    let remover = bench.remover(Arc::clone(&store.store)).await;
    let mut record = bench.record();
    let ended = store.run(remover.apply(&bench.plan, bench.plan.action, &mut record)).await;
    ended.is_some_and(|ended| {
        ended.unwrap();
        true
    })
}

async fn restore_until(bench: &Bench, moments: usize) -> bool {
    let store = Stopping::after(moments, &bench.store);
    let remover = bench.remover(Arc::clone(&store.store)).await;
    let mut record = bench.record();
    let ended = store.run(remover.restore(&mut record)).await;
    ended.is_some_and(|ended| {
        ended.unwrap();
        true
    })
}

async fn bench(directory: bool) -> Bench {
    if directory { Bench::in_a_directory(2).await } else { Bench::in_memory(2).await }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_that_is_cut_off_anywhere_is_finished_by_the_next() {
    for directory in [false, true] {
        for at in 0.. {
            let bench = bench(directory).await;
            let whole = apply_until(&bench, at).await;
            nothing_is_lost(&bench, at);
            assert_eq!(results(&bench.apply().await), [Moved; 2], "cut off at {at}");
            assert_eq!(bench.content(), bench.expected(&[], &bench.orphans), "cut off at {at}");
            let kept = bench.world.open_ledger().await.removals(9).await.unwrap();
            assert_eq!(kept.len(), 2, "cut off at {at}");
            if whole {
                assert!(at > 20, "{at} moments are no move of two");
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_that_is_cut_off_anywhere_is_finished_by_the_next() {
    for directory in [false, true] {
        for at in 0.. {
            let mut bench = bench(directory).await;
            bench.plan.action = Disposal::Delete;
            let whole = apply_until(&bench, at).await;
            assert_eq!(results(&bench.apply().await), [Deleted; 2], "cut off at {at}");
            assert_eq!(bench.content(), bench.expected(&[], &[]), "cut off at {at}");
            if whole {
                assert!(at > 10, "{at} moments are no removal of two");
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_that_is_cut_off_anywhere_can_be_undone() {
    for at in 0.. {
        let bench = bench(false).await;
        let whole = apply_until(&bench, at).await;
        bench.restore().await;
        for orphan in &bench.orphans {
            assert_eq!(bench.get(&orphan.key).as_ref(), Some(&orphan.bytes), "cut off at {at}");
        }
        if whole {
            break;
        }
    }
}

/// Cut off twice: the next run knows no more than what those two wrote down. Both stop before an
/// operation, or both after one that nobody was told of.
#[rstest::rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_apply_and_its_undoing_that_are_both_cut_off_can_still_be_undone(
    #[values(false, true)] apply_again: bool,
) {
    let (mut applied, mut at) = (false, 0);
    while !applied {
        for then in (at % 2..).step_by(2) {
            let bench = Bench::in_memory(1).await;
            applied = apply_until(&bench, at).await;
            let whole = restore_until(&bench, then).await;
            nothing_is_lost(&bench, at);
            if apply_again {
                bench.apply().await;
                nothing_is_lost(&bench, at);
            }
            bench.restore().await;
            let orphan = &bench.orphans[0];
            let there = bench.get(&orphan.key);
            assert_eq!(there.as_ref(), Some(&orphan.bytes), "cut off at {at} and {then}");
            if whole {
                break;
            }
        }
        at += 1;
    }
    assert!(at > 10, "{at} moments are no move");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_cut_off_anywhere_is_finished_by_the_next() {
    for directory in [false, true] {
        for at in 0.. {
            let bench = bench(directory).await;
            bench.apply().await;
            let whole = restore_until(&bench, at).await;
            nothing_is_lost_but_unfinished(&bench, at);
            assert_eq!(results(&bench.restore().await), [Restored; 2], "cut off at {at}");
            sweep(&bench).await;
            assert_eq!(bench.content(), bench.expected(&bench.orphans, &[]), "cut off at {at}");
            if whole {
                assert!(at > 30, "{at} moments are no restore of two");
                break;
            }
        }
    }
}

/// The same, where an upload may have left a temporary file.
fn nothing_is_lost_but_unfinished(bench: &Bench, at: usize) {
    nothing_is_lost(bench, at);
    let strange = bench.content().into_keys().filter(|key| {
        let own = bench.orphans.iter().any(|o| *key == o.key || *key == bench.copy_of(o));
        !own && !bench.expected(&[], &[]).contains_key(key) && !key.contains(".restock-tmp-")
    });
    assert_eq!(strange.collect::<Vec<_>>(), Vec::<String>::new(), "cut off at {at}");
}

/// What the next heal does with uploads that a crash left.
async fn sweep(bench: &Bench) {
    let ledger = bench.world.open_ledger().await;
    for upload in ledger.uploads().await.unwrap() {
        bench.store.sweep(&upload).await.unwrap();
        ledger.upload_ended(&upload).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_moved_a_part_may_delete_the_rest() {
    for at in 0.. {
        let bench = bench(false).await;
        let whole = apply_until(&bench, at).await;
        let remover = bench.remover(Arc::clone(&bench.store)).await;
        let ended =
            remover.apply(&bench.plan, Disposal::Delete, &mut bench.record()).await.unwrap();
        for (removal, orphan) in ended.iter().zip(&bench.orphans) {
            let copied = removal.result == Moved;
            assert!(copied || removal.result == Deleted, "cut off at {at}: {removal:?}");
            assert_eq!(bench.get(&orphan.key), None, "cut off at {at}");
            assert_eq!(bench.get(&bench.copy_of(orphan)).is_some(), copied, "cut off at {at}");
        }
        if whole {
            break;
        }
    }
}
