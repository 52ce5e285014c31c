//! The rotation over real passes: what is read when, with a set of objects that changes.

use std::sync::Arc;

use chrono::TimeDelta;
use restock::clock::Clock;
use restock::model::Command;
use restock::plan::{Reading, Rotation};

use crate::memory_store::MemoryStore;
use crate::place::wait;
use crate::support::world::{Object, World, request};

const OBJECTS: u32 = 10_000;
const CYCLE: TimeDelta = TimeDelta::days(30);
const STEPS: i32 = 20;

#[test]
fn in_one_cycle_each_object_is_read_exactly_once_while_others_come_and_go() {
    wait(async {
        let mut world = World::empty().await;
        let clock = world.stop_the_clock();
        let store = MemoryStore::new();
        world.store = Some(Arc::new(store.clone()));
        let objects: Vec<_> = (0..OBJECTS).map(Object::nth).collect();
        add(&world, &store, &objects).await;
        let step = CYCLE / STEPS;
        let mut rotation = Rotation::beginning(clock.now(), step);
        for n in 0..STEPS {
            let slice = rotation.due(clock.now(), CYCLE, None).unwrap();
            let mut deep = request(Command::Audit);
            deep.deep = Some(slice);
            let report = world.try_audit(&deep).await.unwrap();
            let summary = &report.summary;
            assert_eq!(summary.missing, Some(0));
            let read =
                Reading { objects: summary.verified.unwrap(), bytes: summary.bytes_verified };
            rotation = rotation.advanced(slice, summary.started_at, CYCLE, read);
            // Some go, and others come.
            let n = u32::try_from(n).unwrap();
            let gone = &objects[usize::try_from(n).unwrap() * 10..][..5];
            for object in gone {
                store.remove(&object.key);
            }
            forget(&world, gone).await;
            let more: Vec<_> = (0..5).map(|i| Object::nth(OBJECTS + n * 5 + i)).collect();
            add(&world, &store, &more).await;
            clock.advance(step);
        }
        let reads = store.reads();
        let throughout = objects
            .iter()
            .enumerate()
            .filter(|(at, _)| at % 10 >= 5 || at / 10 >= usize::try_from(STEPS).unwrap());
        for (_, object) in throughout {
            assert_eq!(reads.get(&object.key), Some(&1), "{}", object.key);
        }
        assert!(rotation.debt(clock.now()) <= step + TimeDelta::seconds(1));
    });
}

async fn add(world: &World, store: &MemoryStore, objects: &[Object]) {
    for part in objects.chunks(500) {
        let values: Vec<_> = part
            .iter()
            .map(|o| {
                format!("('{}', 'https://h/{}', '{}', {})", o.digest, o.name, o.name, o.bytes.len())
            })
            .collect();
        let values = values.join(", ");
        world
            .sql(&format!(
                "INSERT INTO packages (sha256, url, filename, size_bytes) VALUES {values}"
            ))
            .await;
        for object in part {
            store.put(&object.key, object.bytes.clone());
        }
    }
}

async fn forget(world: &World, objects: &[Object]) {
    let digests: Vec<_> = objects.iter().map(|o| format!("'{}'", o.digest)).collect();
    world.sql(&format!("DELETE FROM packages WHERE sha256 IN ({})", digests.join(", "))).await;
}
