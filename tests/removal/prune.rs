//! What lies in the quarantine, and what is old enough to go.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use restock::clock::Clock;
use restock::plan::AsideKind;
use restock::removal::Quarantine;
use restock::store::{Store, StoreFault};
use uuid::{NoContext, Timestamp, Uuid};

use crate::bench::{Bench, QUARANTINE};
use crate::memory_store::{Change, MemoryStore, Operation};

/// The double's own clock stands here; the test's own as well.
const NOW: &str = "2026-01-02T03:04:05Z";

fn now() -> DateTime<Utc> {
    NOW.parse().unwrap()
}

/// An id that was made so many days ago.
fn id(days: i64) -> String {
    let at = now() - TimeDelta::days(days);
    let seconds = u64::try_from(at.timestamp()).unwrap();
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, 0)).to_string()
}

struct Aside {
    bench: Bench,
    memory: MemoryStore,
}

impl Aside {
    async fn new() -> Self {
        let mut bench = Bench::in_memory(0).await;
        bench.world.clock = Arc::new(restock::clock::ManualClock::new(now()));
        Self { memory: bench.memory.clone().unwrap(), bench }
    }

    /// Puts something there whose id and last change are so many days old.
    fn put(&self, kind: &str, id_days: i64, changed_days: i64) -> String {
        let key = format!("{QUARANTINE}/{kind}{}/software-installers/x", id(id_days));
        self.memory.put_modified(&key, "bytes", now() - TimeDelta::days(changed_days));
        key
    }

    async fn list(&self) -> Quarantine {
        let (store, ledger) = (&self.bench.store, self.bench.world.open_ledger().await);
        let store: &dyn Store = store.as_ref();
        let clock: &dyn Clock = self.bench.world.clock.as_ref();
        Quarantine::list(store, &*ledger, clock, QUARANTINE).await.unwrap()
    }

    /// Prunes what is older than so many days; the keys that are gone, and why others are not.
    async fn prune(&self, days: i64) -> (Vec<String>, Vec<String>) {
        let remover = self.bench.remover(Arc::clone(&self.bench.store)).await;
        let pruned = remover.prune(&self.list().await, TimeDelta::days(days)).await.unwrap();
        let gone = pruned.iter().filter(|pruned| pruned.left.is_none());
        let gone = gone.map(|pruned| pruned.aside.key.clone()).collect();
        (gone, pruned.into_iter().filter_map(|pruned| pruned.left).collect())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_every_witness_calls_old_is_removed() {
    let world = Aside::new().await;
    let old = world.put("", 100, 100);
    let moved = world.put("orphans/", 100, 100);
    world.put("", 100, 80);
    world.put("", 80, 100);
    world.put("orphans/", 100, 80);
    world.put("orphans/", 80, 1_000);
    // Exactly as old is not older.
    world.put("", 90, 90);
    let (mut gone, left) = world.prune(90).await;
    gone.sort();
    let mut expected = vec![old, moved];
    expected.sort();
    assert_eq!((gone, left), (expected, vec![]));
    assert_eq!(world.list().await.objects.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orphan_that_was_moved_lately_by_an_old_plan_is_young() {
    let mut world = Aside::new().await;
    let bench = Bench::in_memory(1).await;
    // A file keeps its time when it is moved, and a plan may wait long for its day.
    let plan_id = id(100);
    let key = format!("{QUARANTINE}/orphans/{plan_id}/{}", bench.orphans[0].key);
    world.memory.put_modified(&key, "bytes", now() - TimeDelta::days(100));
    let ended = bench.try_apply().await.unwrap();
    let mut removal = ended[0].clone();
    (removal.plan_id, removal.to, removal.at) =
        (plan_id, Some(key.clone()), now() - TimeDelta::days(1));
    let ledger = world.bench.world.open_ledger().await;
    ledger.record_removal(&removal).await.unwrap();
    assert_eq!(world.prune(90).await, (vec![], vec![]));
    world.bench.world.clock =
        Arc::new(restock::clock::ManualClock::new(now() + TimeDelta::days(90)));
    assert_eq!(world.prune(90).await, (vec![], vec![]), "the store's own clock stands");
    removal.at = now() - TimeDelta::days(91);
    ledger.record_removal(&removal).await.unwrap();
    assert_eq!(world.prune(90).await, (vec![key], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_restock_did_not_put_there_stays() {
    let world = Aside::new().await;
    let long_ago = now() - TimeDelta::days(10_000);
    for name in ["notes.txt", "a/b/c", "orphans/x/y", "936da01f-9abd-4d9d-80c7-02af85c822a8/c/x"] {
        world.memory.put_modified(&format!("{QUARANTINE}/{name}"), "mine", long_ago);
    }
    for outside in [format!("{QUARANTINE}2/{}/c/x", id(1_000)), format!("{}/c/x", id(1_000))] {
        world.memory.put_modified(&outside, "mine", long_ago);
    }
    let listed = world.list().await.objects;
    assert_eq!(listed.len(), 4, "{listed:?}");
    assert!(listed.iter().all(|aside| aside.kind == AsideKind::Foreign && aside.since.is_none()));
    assert_eq!(world.prune(0).await, (vec![], vec![]));
    assert_eq!(world.memory.changes(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_again_between_list_and_removal_stays() {
    let world = Aside::new().await;
    let key = world.put("", 100, 100);
    let listed = world.list().await;
    world.memory.put(&key, "written just now");
    let remover = world.bench.remover(Arc::clone(&world.bench.store)).await;
    let pruned = remover.prune(&listed, TimeDelta::days(90)).await.unwrap();
    assert_eq!(pruned[0].left.as_deref(), Some("it was written again meanwhile"));
    assert!(world.memory.get(&key).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_resists_is_told_and_the_others_go() {
    let world = Aside::new().await;
    let keys = [world.put("", 100, 100), world.put("", 101, 101), world.put("", 102, 102)];
    world.memory.fail(Operation::Remove, &keys[0], 1, StoreFault::AccessDenied);
    world.memory.fail(Operation::RemoveAnswer, &keys[1], 1, StoreFault::Timeout);
    let (gone, left) = world.prune(90).await;
    assert_eq!((gone.len(), left.len()), (2, 1), "{left:?}");
    assert!(left[0].contains("access_denied"), "{left:?}");
    assert!(world.memory.get(&keys[0]).is_some());
    let removed = world.memory.changes().into_iter().filter(|c| matches!(c, Change::Removed(_)));
    assert_eq!(removed.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_are_empty_then_go_too() {
    let bench = Bench::in_a_directory(2).await;
    bench.apply().await;
    let (store, ledger) = (&bench.store, bench.world.open_ledger().await);
    let clock = restock::clock::ManualClock::new(bench.now() + TimeDelta::days(2));
    let quarantine = Quarantine::list(store.as_ref(), &*ledger, &clock, QUARANTINE).await.unwrap();
    assert_eq!(quarantine.objects.len(), 2);
    let remover = bench.remover(Arc::clone(store)).await;
    let pruned = remover.prune(&quarantine, TimeDelta::days(1)).await.unwrap();
    assert!(pruned.iter().all(|pruned| pruned.left.is_none()), "{pruned:?}");
    let folder = bench.world.path(QUARANTINE);
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
}
