//! Guards that others stand behind: each is tried where it alone stands between a plan or a record
//! and somebody's bytes.

use std::sync::Arc;

use restock::model::RemovalResult::{Deleted, Failed, Held, Moved, Restored};
use restock::plan::Disposal;
use restock::store::StoreFault;

use crate::bench::{Bench, briefly, results};
use crate::memory_store::{Change, Moment, Operation};
use crate::stopping::Stopping;
use crate::support::world::Object;

/// Bytes of another digest and the same length.
fn other_bytes(object: &Object) -> Vec<u8> {
    object.bytes.iter().map(|byte| byte ^ 1).collect()
}

/// One orphan that was moved, and a restore of it that was cut off before anything was published.
async fn with_a_restore_cut_off() -> Bench {
    for at in 0.. {
        let bench = Bench::in_memory(1).await;
        bench.apply().await;
        let store = Stopping::after(at, &bench.store);
        let remover = bench.remover(Arc::clone(&store.store)).await;
        let mut record = bench.record();
        let ended = store.run(remover.restore(&mut record)).await;
        assert!(ended.is_none(), "{at} moments are a whole restore");
        if std::fs::read_to_string(bench.record_path()).unwrap().contains("restoring") {
            assert_eq!(bench.get(&bench.orphans[0].key), None);
            return bench;
        }
    }
    unreachable!()
}

/// One orphan, and a plan for it that was cut off once its copy was proven: before the object went,
/// or after that and before anybody was told.
async fn with_an_apply_cut_off(gone: bool) -> Bench {
    for at in 0.. {
        let bench = Bench::in_memory(1).await;
        let store = Stopping::after(at, &bench.store);
        let remover = bench.remover(Arc::clone(&store.store)).await;
        let mut record = bench.record();
        let action = bench.plan.action;
        let ended = store.run(remover.apply(&bench.plan, action, &mut record)).await;
        assert!(ended.is_none(), "{at} moments are a whole run");
        let proven = std::fs::read_to_string(bench.record_path()).unwrap().contains("copied");
        if proven && bench.get(&bench.orphans[0].key).is_none() == gone {
            return bench;
        }
    }
    unreachable!()
}

/// The entry tells the true version of what lies under its key, and no row wants its digest: only
/// that the key is not that of the digest speaks against it.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_whose_key_is_not_that_of_its_digest_is_held_though_all_else_is_true() {
    for action in [Disposal::Quarantine, Disposal::Delete] {
        for key in ["elsewhere/secret", &Object::nth(0).key, "software-installers/notes.txt"] {
            let mut bench = Bench::in_memory(1).await;
            if bench.get(key).is_none() {
                bench.put(key, b"somebody's");
            }
            let lie = Object { key: key.to_owned(), ..bench.orphans[0].clone() };
            bench.plan.entries = vec![bench.entry(&lie).await];
            let before = bench.content();
            let remover = bench.remover(Arc::clone(&bench.store)).await;
            let ended = remover.apply(&bench.plan, action, &mut bench.record()).await.unwrap();
            assert_eq!(results(&briefly(&ended)), [Held], "{key}: {ended:?}");
            assert!(ended[0].detail.contains("is not that of its digest"), "{key}: {ended:?}");
            assert_eq!(bench.content(), before, "{key}");
            assert_eq!(bench.memory.as_ref().unwrap().changes(), [], "{key}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_same_length_and_another_digest_is_never_published() {
    for bench in [Bench::in_memory(1).await, Bench::in_a_directory(1).await] {
        bench.apply().await;
        let (orphan, copy) = (&bench.orphans[0], bench.copy_of(&bench.orphans[0]));
        bench.put(&copy, &other_bytes(orphan));
        let ended = bench.restore().await;
        assert_eq!(results(&ended), [Failed], "{ended:?}");
        assert!(ended[0].1.contains("its copy has the digest"), "{ended:?}");
        assert_eq!(bench.get(&orphan.key), None);
        assert_eq!(bench.get(&copy), Some(other_bytes(orphan)), "it is evidence, and stays");
        let Some(memory) = &bench.memory else { continue };
        let published = Change::Published(orphan.key.clone());
        assert!(!memory.changes().contains(&published), "not for a moment");
        assert_eq!(memory.open_uploads(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_goes_on_keeps_its_copy_where_something_else_came_under_the_key() {
    let bench = with_a_restore_cut_off().await;
    let (orphan, copy) = (&bench.orphans[0], bench.copy_of(&bench.orphans[0]));
    bench.put(&orphan.key, &other_bytes(orphan));
    for _ in 0..2 {
        let ended = bench.restore().await;
        assert_eq!(results(&ended), [Held], "{ended:?}");
        assert_eq!(bench.get(&orphan.key), Some(other_bytes(orphan)), "it is somebody else's");
        assert_eq!(bench.get(&copy).as_ref(), Some(&orphan.bytes), "the only good bytes");
    }
    bench.memory.as_ref().unwrap().remove(&orphan.key);
    assert_eq!(results(&bench.restore().await), [Restored], "once it is gone");
    assert_eq!(bench.content(), bench.expected(&bench.orphans, &[]));
}

/// Nothing is even begun: not one byte is staged, and a copy that is gone is not what is told.
#[tokio::test(flavor = "multi_thread")]
async fn where_something_lies_under_the_key_no_restore_is_begun() {
    for copy_is_there in [true, false] {
        let bench = Bench::in_memory(1).await;
        bench.apply().await;
        let (orphan, copy) = (&bench.orphans[0], bench.copy_of(&bench.orphans[0]));
        let memory = bench.memory.as_ref().unwrap();
        bench.put(&orphan.key, b"somebody else's");
        if !copy_is_there {
            memory.remove(&copy);
        }
        let (before, changes) = (bench.content(), memory.changes());
        let ended = bench.restore().await;
        assert_eq!(results(&ended), [Held], "{ended:?}");
        assert!(ended[0].1.contains("something lies under its key"), "{ended:?}");
        assert_eq!(bench.content(), before);
        assert_eq!(memory.changes(), changes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_look_holds_what_a_server_would_replace_in_spite_of_the_condition() {
    let bench = Bench::in_memory(1).await;
    bench.apply().await;
    let (orphan, copy) = (bench.orphans[0].clone(), bench.copy_of(&bench.orphans[0]));
    let memory = bench.memory.as_ref().unwrap();
    let key = orphan.key.clone();
    memory.after_chunk(move |memory| memory.put(&key, "somebody else's"));
    // A server that ignores the condition replaces whatever lies there.
    let key = orphan.key.clone();
    memory.once(Moment::Before, Operation::Publish, move |memory| memory.remove(&key));
    let ended = bench.restore().await;
    assert_eq!(results(&ended), [Held], "{ended:?}");
    assert_eq!(bench.get(&orphan.key).unwrap(), b"somebody else's");
    assert_eq!(bench.get(&copy), Some(orphan.bytes));
    assert_eq!(memory.open_uploads(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_condition_holds_what_comes_after_the_last_look() {
    let bench = Bench::in_memory(1).await;
    bench.apply().await;
    let (orphan, copy) = (bench.orphans[0].clone(), bench.copy_of(&bench.orphans[0]));
    let memory = bench.memory.as_ref().unwrap();
    let key = orphan.key.clone();
    memory.once(Moment::Before, Operation::Publish, move |memory| {
        memory.put(&key, "somebody else's");
    });
    let ended = bench.restore().await;
    assert_eq!(results(&ended), [Held], "{ended:?}");
    assert_eq!(bench.get(&orphan.key).unwrap(), b"somebody else's");
    assert_eq!(bench.get(&copy), Some(orphan.bytes));
    assert_eq!(memory.open_uploads(), []);
    assert_eq!(results(&bench.apply().await), [Moved], "what was moved stays so in the record");
}

/// The copy lies where one of that key would, its bytes are right, and nothing lies under the key.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_whose_key_is_not_that_of_its_digest_puts_nothing_there() {
    let bench = Bench::in_memory(1).await;
    bench.apply().await;
    let orphan = bench.orphans[0].clone();
    let lie = Object { key: "elsewhere/secret".to_owned(), ..orphan.clone() };
    bench.put(&bench.copy_of(&lie), &orphan.bytes);
    let text = std::fs::read_to_string(bench.record_path()).unwrap();
    std::fs::write(bench.record_path(), text.replace(&orphan.key, &lie.key)).unwrap();
    let before = bench.content();
    let ended = bench.restore().await;
    assert_eq!(results(&ended), [Held], "{ended:?}");
    assert!(ended[0].1.contains("is not that of its digest"), "{ended:?}");
    assert_eq!(bench.content(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_not_the_object_costs_no_object() {
    for shorter in [false, true] {
        let bench = Bench::in_memory(1).await;
        let (orphan, copy) = (bench.orphans[0].clone(), bench.copy_of(&bench.orphans[0]));
        let memory = bench.memory.as_ref().unwrap();
        let bytes = if shorter { orphan.bytes[1..].to_vec() } else { other_bytes(&orphan) };
        memory.once(Moment::After, Operation::SetAside, move |memory| memory.put(&copy, bytes));
        let ended = bench.apply().await;
        assert_eq!(results(&ended), [Failed], "{ended:?}");
        assert!(ended[0].1.contains("its copy has"), "{ended:?}");
        assert_eq!(bench.content(), bench.expected(&[orphan], &[]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_quarantine_than_that_of_the_run_that_was_cut_off_is_told() {
    for gone in [false, true] {
        let bench = with_an_apply_cut_off(gone).await;
        let mut remover = bench.remover(Arc::clone(&bench.store)).await;
        remover.quarantine = "somewhere-else".to_owned();
        let before = bench.content();
        for action in [Disposal::Quarantine, Disposal::Delete] {
            let ended = remover.apply(&bench.plan, action, &mut bench.record()).await.unwrap();
            let ended = briefly(&ended);
            assert_eq!(results(&ended), [Held], "{ended:?}");
            assert!(ended[0].1.contains(&bench.copy_of(&bench.orphans[0])), "{ended:?}");
            assert_eq!(bench.content(), before);
        }
        assert_eq!(results(&bench.apply().await), [Moved], "with the quarantine of then");
    }
}

/// The copy was proven, the object removed by a run that could not say so any more, and somebody
/// wrote something else under its key: the copy is all that is left of the orphan.
#[tokio::test(flavor = "multi_thread")]
async fn a_proven_copy_stays_where_something_else_came_under_the_key() {
    for action in [Disposal::Quarantine, Disposal::Delete] {
        let bench = with_an_apply_cut_off(true).await;
        let (orphan, copy) = (bench.orphans[0].clone(), bench.copy_of(&bench.orphans[0]));
        bench.put(&orphan.key, &other_bytes(&orphan));
        let before = bench.content();
        let remover = bench.remover(Arc::clone(&bench.store)).await;
        let ended = remover.apply(&bench.plan, action, &mut bench.record()).await.unwrap();
        assert_eq!((ended[0].result, ended[0].to.as_ref()), (Held, Some(&copy)), "{ended:?}");
        assert!(ended[0].detail.contains(&copy), "it says where it is: {ended:?}");
        assert_eq!(bench.content(), before);
        assert_eq!(results(&bench.restore().await), [Held]);
        bench.memory.as_ref().unwrap().remove(&orphan.key);
        assert_eq!(results(&bench.restore().await), [Restored]);
        assert_eq!(bench.content(), bench.expected(&[orphan], &[]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_says_removed_and_removes_nothing_is_not_believed() {
    for action in [Disposal::Quarantine, Disposal::Delete] {
        let bench = Bench::in_memory(1).await;
        bench.memory.as_ref().unwrap().keep_next_removed();
        let remover = bench.remover(Arc::clone(&bench.store)).await;
        let ended = remover.apply(&bench.plan, action, &mut bench.record()).await.unwrap();
        let ended = briefly(&ended);
        assert_eq!(results(&ended), [Failed], "{ended:?}");
        assert!(ended[0].1.contains("still there"), "{ended:?}");
        assert_eq!(bench.content(), bench.expected(&bench.orphans, &[]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_stays_of_what_was_deleted_is_told() {
    let bench = with_an_apply_cut_off(false).await;
    let (memory, copy) = (bench.memory.as_ref().unwrap(), bench.copy_of(&bench.orphans[0]));
    memory.fail(Operation::Remove, &copy, 1, StoreFault::AccessDenied);
    let remover = bench.remover(Arc::clone(&bench.store)).await;
    let delete = Disposal::Delete;
    let ended = remover.apply(&bench.plan, delete, &mut bench.record()).await.unwrap();
    let ended = briefly(&ended);
    assert_eq!(results(&ended), [Deleted], "{ended:?}");
    assert!(ended[0].1.contains(&format!("a copy of it stays at {copy}")), "{ended:?}");
    assert_eq!(bench.content(), bench.expected(&[], &bench.orphans));
}
