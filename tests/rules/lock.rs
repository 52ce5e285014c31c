//! The lock: taken by what changes the store, never by what only looks.

use std::time::Duration;

use restock::ledger::Lock;

use crate::helper::restock;
use crate::support::world::World;

async fn lock(world: &World) -> Lock {
    let identity = world.open_store().await.identity().to_owned();
    Lock::acquire("sqlite://ledger.db", &identity, world.dir.path(), None).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heal_is_busy_while_another_holds_the_lock_and_what_only_looks_is_not() {
    let (world, objects) = World::healthy(8).await;
    world.remove(&objects[0].key);
    let digest = objects[1].digest;
    let held = lock(&world).await;
    for (line, code) in [
        ("heal".to_owned(), 5),
        (format!("heal {digest}"), 5),
        ("audit".to_owned(), 2),
        ("heal --dry-run".to_owned(), 2),
        (format!("probe {digest}"), 0),
        (format!("show {digest}"), 0),
        ("status".to_owned(), 0),
        ("breaker show".to_owned(), 0),
        ("config check".to_owned(), 0),
    ] {
        let ran = restock(&world, &line);
        assert_eq!(ran.code, code, "{line}: {}{}", ran.stdout, ran.stderr);
    }
    assert!(world.get(&objects[0].key).is_none());
    drop(held);
    assert_eq!(restock(&world, "heal").code, 0);
    assert_eq!(world.get(&objects[0].key).unwrap(), objects[0].bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heal_that_may_wait_starts_when_the_lock_is_given_back() {
    let (world, objects) = World::healthy(8).await;
    world.remove(&objects[0].key);
    let held = lock(&world).await;
    let identity = world.open_store().await.identity().to_owned();
    let wait = Some(Duration::from_mins(1));
    let waiting = Lock::acquire("sqlite://ledger.db", &identity, world.dir.path(), wait);
    let (taken, ()) = tokio::join!(waiting, async move { drop(held) });
    drop(taken.unwrap());
    assert_eq!(restock(&world, "heal --wait-lock 1m").code, 0);
}
