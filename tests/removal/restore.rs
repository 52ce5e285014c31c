//! Back from the quarantine.

use std::sync::Arc;

use restock::model::RemovalResult::{Failed, Held, Moved, Restored, Unknown};
use restock::plan::Disposal;
use restock::store::StoreFault;

use crate::bench::{Bench, briefly, results};
use crate::memory_store::{Change, Operation};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_moved_comes_back_and_leaves_no_copy() {
    for bench in [Bench::in_memory(3).await, Bench::in_a_directory(3).await] {
        bench.apply().await;
        assert_eq!(results(&bench.restore().await), [Restored; 3]);
        assert_eq!(bench.content(), bench.expected(&bench.orphans, &[]));
        assert_eq!(results(&bench.restore().await), [Restored; 3], "once more");
        assert_eq!(bench.content(), bench.expected(&bench.orphans, &[]));
        let kept = bench.world.open_ledger().await.removals(9).await.unwrap();
        assert!(kept.iter().all(|removal| removal.result == Restored && removal.to.is_none()));
        assert_eq!(bench.world.open_ledger().await.uploads().await.unwrap(), []);
        // Written anew, they are another version than the plan's.
        assert_eq!(results(&bench.apply().await), [Held; 3]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_are_staged_and_proven_before_they_are_seen() {
    let bench = Bench::in_memory(1).await;
    bench.apply().await;
    let memory = bench.memory.as_ref().unwrap();
    let before = memory.changes().len();
    bench.restore().await;
    let key = bench.orphans[0].key.clone();
    let steps = [Change::Staged(key.clone()), Change::Published(key)];
    let copy = Change::Removed(bench.copy_of(&bench.orphans[0]));
    assert_eq!(memory.changes()[before..], [&steps[..], &[copy]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_under_the_key_by_now_is_left_alone() {
    for bytes in [&b"somebody else's"[..], b"nobody wants this 0"] {
        let bench = Bench::in_memory(2).await;
        bench.apply().await;
        bench.put(&bench.orphans[0].key, bytes);
        let ended = bench.restore().await;
        assert_eq!(results(&ended), [Held, Restored], "{ended:?}");
        assert_eq!(bench.get(&bench.orphans[0].key).unwrap(), bytes);
        assert_eq!(bench.get(&bench.copy_of(&bench.orphans[0])).unwrap(), bench.orphans[0].bytes);
        bench.memory.as_ref().unwrap().remove(&bench.orphans[0].key);
        assert_eq!(results(&bench.restore().await), [Restored; 2], "once it is gone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_under_the_key_in_the_middle_is_left_alone() {
    let bench = Bench::in_memory(1).await;
    bench.apply().await;
    let key = bench.orphans[0].key.clone();
    let memory = bench.memory.as_ref().unwrap();
    memory.after_chunk(move |memory| memory.put(&key, "somebody else's"));
    assert_eq!(results(&bench.restore().await), [Held]);
    assert_eq!(bench.get(&bench.orphans[0].key).unwrap(), b"somebody else's");
    assert!(bench.get(&bench.copy_of(&bench.orphans[0])).is_some());
    assert_eq!(memory.open_uploads(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_changed_or_is_gone_is_never_published() {
    for copy in [Some("no longer these bytes"), None] {
        let bench = Bench::in_memory(2).await;
        bench.apply().await;
        let memory = bench.memory.as_ref().unwrap();
        match copy {
            Some(bytes) => memory.put(&bench.copy_of(&bench.orphans[0]), bytes),
            None => memory.remove(&bench.copy_of(&bench.orphans[0])),
        }
        assert_eq!(results(&bench.restore().await), [Failed, Restored]);
        assert_eq!(bench.get(&bench.orphans[0].key), None);
        assert_eq!(memory.open_uploads(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bytes_are_not_written_under_a_digests_key_even_where_they_came_from_there() {
    let mut bench = Bench::in_memory(1).await;
    let mut odd = bench.orphans[0].clone();
    odd.bytes = b"not the bytes of its digest".to_vec();
    bench.put(&odd.key, &odd.bytes);
    bench.plan.entries[0] = bench.entry(&odd).await;
    assert_eq!(results(&bench.apply().await), [Moved]);
    let ended = bench.restore().await;
    assert_eq!(results(&ended), [Failed]);
    assert!(ended[0].1.contains(&bench.copy_of(&odd)), "it says where they are: {ended:?}");
    assert_eq!(bench.content(), bench.expected(&[], &[odd]));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_the_copy_stays_until_the_object_was_read() {
    let bench = Bench::in_memory(1).await;
    bench.apply().await;
    let (key, copy) = (bench.orphans[0].key.clone(), bench.copy_of(&bench.orphans[0]));
    let memory = bench.memory.as_ref().unwrap();
    for (operation, at, result) in [
        (Operation::Probe, &key, Unknown),
        (Operation::Probe, &copy, Unknown),
        (Operation::Read, &copy, Failed),
        (Operation::Stage, &key, Failed),
        (Operation::Write, &key, Failed),
        (Operation::Seal, &key, Failed),
        (Operation::Publish, &key, Failed),
    ] {
        memory.fail(operation, at, 1, StoreFault::Server);
        let ended = bench.restore().await;
        assert_eq!(results(&ended), [result], "{operation:?} {at}: {ended:?}");
        assert_eq!(bench.content(), bench.expected(&[], &bench.orphans), "{operation:?} {at}");
    }
    memory.fail(Operation::Read, &key, 1, StoreFault::Server);
    assert_eq!(results(&bench.restore().await), [Unknown], "it is there, and was not read");
    assert_eq!(bench.content(), bench.expected(&bench.orphans, &bench.orphans));
    memory.fail(Operation::Remove, &copy, 1, StoreFault::Server);
    let ended = bench.restore().await;
    assert_eq!(results(&ended), [Restored]);
    assert!(ended[0].1.contains("its copy stays at"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_gets_lost_is_no_failure() {
    let bench = Bench::in_memory(1).await;
    bench.apply().await;
    let memory = bench.memory.as_ref().unwrap();
    memory.fail(Operation::PublishAnswer, "", 1, StoreFault::Timeout);
    assert_eq!(results(&bench.restore().await), [Restored]);
    assert_eq!(bench.content(), bench.expected(&bench.orphans, &[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_is_told() {
    let mut bench = Bench::in_memory(1).await;
    bench.plan.action = Disposal::Delete;
    bench.apply().await;
    let ended = bench.restore().await;
    assert_eq!(results(&ended), [Failed]);
    assert!(ended[0].1.contains("it was deleted"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_names_other_keys_moves_nothing() {
    let bench = Bench::in_memory(1).await;
    bench.apply().await;
    bench.put("elsewhere/secret", b"secret");
    let text = std::fs::read_to_string(bench.record_path()).unwrap();
    let (key, copy) = (&bench.orphans[0].key, bench.copy_of(&bench.orphans[0]));
    for (from, to) in [
        (format!("\"to\":\"{copy}\""), "\"to\":\"elsewhere/secret\"".to_owned()),
        (format!("\"key\":\"{key}\""), "\"key\":\"elsewhere/secret\"".to_owned()),
    ] {
        assert!(text.contains(&from), "{text}");
        std::fs::write(bench.record_path(), text.replace(&from, &to)).unwrap();
        let before = bench.content();
        let ended = bench.restore().await;
        assert_eq!(results(&ended), [Held], "{to}: {ended:?}");
        assert_eq!(bench.content(), before, "{to}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_quarantine_than_then_is_told() {
    let bench = Bench::in_memory(1).await;
    bench.apply().await;
    let mut remover = bench.remover(Arc::clone(&bench.store)).await;
    remover.quarantine = "somewhere-else".to_owned();
    let ended = briefly(&remover.restore(&mut bench.record()).await.unwrap());
    assert_eq!(results(&ended), [Held]);
    assert!(ended[0].1.contains("heal.quarantine"), "{ended:?}");
}
