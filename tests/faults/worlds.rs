//! Worlds made by chance: whatever is damaged, with good sources one heal makes them right.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use restock::model::{FindingKind, RepairResult};

use crate::damage::Damage;
use crate::support::world::{Object, Row, World, count};

/// One object of a world made by chance.
#[derive(Debug, Clone)]
struct Made {
    bytes: Vec<u8>,
    damage: Option<Damage>,
    /// Further rows with the same digest, written in upper case and without a source.
    twins: usize,
    knows_size: bool,
}

fn made() -> impl Strategy<Value = Made> {
    let damage = prop_oneof![
        2 => Just(None),
        1 => Just(Some(Damage::Absent)),
        1 => Just(Some(Damage::Half)),
        1 => Just(Some(Damage::Zero)),
        1 => Just(Some(Damage::Flipped)),
        1 => Just(Some(Damage::Extra)),
    ];
    let bytes = prop::collection::vec(any::<u8>(), 2..3_000);
    (bytes, damage, 0_usize..3, any::<bool>()).prop_map(|(bytes, damage, twins, knows_size)| Made {
        bytes,
        damage,
        twins,
        knows_size,
    })
}

async fn world_of(all: &[Made], orphans: usize) -> (World, Vec<Object>) {
    let mut world = World::empty().await;
    // As much as chance likes may be damaged.
    world.settings.breaker.missing_share = 1.0;
    let mut objects = Vec::new();
    for (n, one) in all.iter().enumerate() {
        // The number keeps two objects of a world from being one.
        let object = Object::of([&n.to_be_bytes()[..], &one.bytes].concat(), &format!("{n}.pkg"));
        world.add(&object).await;
        let digest = object.digest.to_string().to_uppercase();
        let size = world.row_of(&object).size.filter(|_| one.knows_size);
        for _ in 0..one.twins {
            let twin = Row { digest: digest.clone(), url: None, size, ..world.row_of(&object) };
            world.row(&twin).await;
        }
        if !one.knows_size {
            world
                .sql(&format!(
                    "UPDATE packages SET size_bytes = NULL WHERE sha256 = '{}'",
                    object.digest
                ))
                .await;
        }
        if let Some(damage) = one.damage {
            damage.strike(&world, &object);
        }
        objects.push(object);
    }
    for n in 0..orphans {
        let orphan = Object::of(format!("orphan {n}"), "");
        world.put(&orphan.key, &orphan.bytes);
    }
    (world, objects)
}

async fn heals_whole(all: Vec<Made>, orphans: usize) {
    let (world, objects) = world_of(&all, orphans).await;
    let report = world.heal_deep().await;
    let damaged = all.iter().filter(|made| made.damage.is_some()).count();
    assert_eq!(report.repairs.len(), damaged, "{:?}", report.repairs);
    assert!(report.repairs.iter().all(|repair| repair.result == RepairResult::Restored));
    assert_eq!(report.summary.exit_code, 0, "{:?}", report.summary);
    for object in &objects {
        assert!(world.get(&object.key).as_ref() == Some(&object.bytes), "{}", object.key);
    }

    let audit = world.audit_deep().await;
    assert_eq!((audit.summary.exit_code, audit.plan.actions.len()), (0, 0));
    let there = u64::try_from(objects.len()).ok();
    assert_eq!((audit.summary.expected, audit.summary.verified), (there, there));
    let stray = if objects.is_empty() { 0 } else { orphans };
    assert_eq!(count(&audit, FindingKind::Orphan), stray, "no orphan was touched");
    let (before, again) = (world.store_content(), world.heal_deep().await);
    assert_eq!((again.repairs.len(), again.plan.actions.len()), (0, 0), "healing ends");
    assert!(world.store_content() == before);
}

#[test]
fn a_heal_with_good_sources_makes_any_world_right_and_leaves_nothing_to_plan() {
    let config = Config { cases: 16, failure_persistence: None, ..Config::default() };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let worlds = (prop::collection::vec(made(), 1..9), 0_usize..3);
    TestRunner::new(config)
        .run(&worlds, |(all, orphans)| {
            runtime.block_on(heals_whole(all, orphans));
            Ok(())
        })
        .unwrap();
}
