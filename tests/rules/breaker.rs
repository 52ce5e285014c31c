//! The breaker asks, it does not judge.

use restock::model::{BreakerReason, Command, Outcome, RepairResult, Slice};
use restock::pass::Request;
use restock::store::StoreFault;

use crate::helper::{ack, breaker, counts, exit, in_memory, latched, restock};
use crate::memory_store::Operation;
use crate::support::world::{Object, World, request, result};

const MASS: BreakerReason = BreakerReason::MassMissing;
const SHRUNK: BreakerReason = BreakerReason::InventoryShrunk;

fn mass(missing: u64, expected: u64) -> (String, u64, u64) {
    ("mass_missing".to_owned(), missing, expected)
}

fn lose(world: &World, objects: &[Object]) {
    for object in objects {
        world.remove(&object.key);
    }
}

/// A world of 25 of which six are lost, and a heal that was refused for it.
async fn opened() -> (World, Vec<Object>) {
    let (world, objects) = World::healthy(25).await;
    lose(&world, &objects[..6]);
    let report = world.heal().await;
    assert_eq!((report.summary.outcome, exit(&report)), (Outcome::Refused, 4));
    (world, objects)
}

#[tokio::test(flavor = "multi_thread")]
async fn five_of_25_are_healed_and_six_of_25_are_asked_about() {
    let (world, objects) = World::healthy(25).await;
    lose(&world, &objects[..5]);
    let report = world.heal().await;
    assert_eq!((exit(&report), report.summary.healed, breaker(&report)), (0, 5, None));
    lose(&world, &objects[..6]);
    let report = world.heal().await;
    assert_eq!((exit(&report), report.summary.healed, report.summary.held), (4, 0, 6));
    assert_eq!(breaker(&report), Some(mass(6, 25)));
    assert!(objects[..6].iter().all(|o| result(&report, o) == RepairResult::Held));
    assert!(objects[..6].iter().all(|o| world.get(&o.key).is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_and_corrupt_objects_count_together() {
    let (world, objects) = World::healthy(25).await;
    lose(&world, &objects[..3]);
    for object in &objects[3..6] {
        world.put(&object.key, &object.bytes[..2]);
    }
    let before = world.store_content();
    let report = world.heal().await;
    assert_eq!((exit(&report), breaker(&report)), (4, Some(mass(6, 25))));
    assert_eq!(world.store_content(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_than_missing_at_least_never_open_it_by_their_share() {
    let (world, objects) = World::healthy(4).await;
    lose(&world, &objects);
    let report = world.heal().await;
    assert_eq!((exit(&report), report.summary.healed), (0, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_missing_at_most_open_it_even_where_the_share_is_off() {
    let (mut world, objects) = World::healthy(40).await;
    world.settings.breaker.missing_share = 1.0;
    world.settings.breaker.missing_at_most = 30;
    lose(&world, &objects[..30]);
    assert_eq!(breaker(&world.audit().await), None);
    lose(&world, &objects[30..31]);
    assert_eq!(breaker(&world.audit().await), Some(mass(31, 40)));
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_objects_are_no_part_of_the_whole() {
    let (world, store, objects) = in_memory(25).await;
    for object in &objects[..10] {
        store.remove(&object.key);
    }
    for object in &objects[5..10] {
        store.fail(Operation::Probe, &object.key, 1, StoreFault::Timeout);
    }
    let report = world.audit().await;
    assert_eq!(counts(&report), [25, 15, 5, 0, 5, 0]);
    assert_eq!(breaker(&report), Some(mass(5, 25)), "five of the 20 that could be judged");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_is_open_audits_go_on_and_heals_are_refused_also_those_that_name_their_objects() {
    let (world, objects) = opened().await;
    let report = world.audit().await;
    assert_eq!((report.summary.outcome, exit(&report)), (Outcome::Findings, 2));
    assert_eq!((report.findings.len(), breaker(&report)), (6, Some(mass(6, 25))));
    let report = world.heal_named(&[objects[0].digest]).await;
    assert_eq!((report.summary.outcome, exit(&report)), (Outcome::Refused, 4));
    assert_eq!(result(&report, &objects[0]), RepairResult::Held);
    let report = world.heal_deep().await;
    assert_eq!((exit(&report), report.summary.verified), (4, Some(19)));
    assert_eq!(world.http.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_better_world_does_not_close_it() {
    let (world, objects) = opened().await;
    for object in &objects[..5] {
        world.put(&object.key, &object.bytes);
    }
    let report = world.heal().await;
    assert_eq!((exit(&report), breaker(&report)), (4, Some(mass(1, 25))));
    world.put(&objects[5].key, &objects[5].bytes);
    let report = world.heal().await;
    assert_eq!(
        (exit(&report), breaker(&report)),
        (4, Some(mass(0, 25))),
        "also with nothing to heal"
    );
    ack(&world, MASS, 0).await.unwrap();
    assert_eq!(exit(&world.heal().await), 0);
    assert_eq!(latched(&world).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_number_lets_heals_run_until_a_full_pass_finds_the_world_inside_the_limits() {
    let (world, objects) = opened().await;
    assert_eq!(ack(&world, MASS, 5).await, Err(6), "another number is refused");
    assert!(ack(&world, SHRUNK, 25).await.is_err(), "and so is an answer to another question");
    assert_eq!(exit(&world.heal().await), 4);
    ack(&world, MASS, 6).await.unwrap();
    world.answer(&objects[0], [crate::support::http_server::Answer::status(503)]);
    let report = world.heal().await;
    assert_eq!((exit(&report), report.summary.healed, breaker(&report)), (2, 5, None));
    assert!(latched(&world).await.is_some(), "the pass that healed had found six");
    world.serve(&objects[0]);
    let report = world.heal().await;
    assert_eq!((exit(&report), report.summary.healed), (0, 1));
    assert_eq!(latched(&world).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_missing_objects_than_were_agreed_to_open_it_anew() {
    let (world, objects) = opened().await;
    ack(&world, MASS, 6).await.unwrap();
    lose(&world, &objects[6..7]);
    let report = world.heal().await;
    assert_eq!((exit(&report), report.summary.healed, breaker(&report)), (4, 0, Some(mass(7, 25))));
    assert_eq!(ack(&world, MASS, 6).await, Err(7));
    ack(&world, MASS, 7).await.unwrap();
    assert_eq!(world.heal().await.summary.healed, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inventory_that_shrank_by_more_than_a_fifth_opens_it() {
    let (world, objects) = World::healthy(25).await;
    assert_eq!(exit(&world.audit().await), 0);
    let delete = |ids: &str| format!("DELETE FROM packages WHERE id IN ({ids})");
    world.sql(&delete("1, 2, 3, 4, 5")).await;
    let report = world.audit().await;
    assert_eq!((breaker(&report), counts(&report)[0]), (None, 20), "a fifth is no more");
    world.sql(&delete("6, 7, 8, 9, 10")).await;
    lose(&world, &objects[10..11]);
    let report = world.heal().await;
    assert_eq!((exit(&report), report.summary.healed), (4, 0));
    assert_eq!(breaker(&report), Some(("inventory_shrunk".to_owned(), 1, 15)));
    assert_eq!(exit(&world.heal().await), 4, "the next pass sees no change, and it stays latched");
    assert_eq!(ack(&world, SHRUNK, 20).await, Err(15));
    assert!(ack(&world, MASS, 1).await.is_err());
    ack(&world, SHRUNK, 15).await.unwrap();
    let report = world.heal().await;
    assert_eq!((exit(&report), report.summary.healed), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_touched_are_no_shrunk_inventory() {
    let (mut world, objects) = World::healthy(30).await;
    world.settings.grace = std::time::Duration::from_hours(1);
    world.settings.breaker.missing_share = 1.0;
    lose(&world, &objects[..10]);
    assert_eq!(counts(&world.audit().await), [30, 20, 10, 0, 0, 0]);
    world.sql("UPDATE packages SET updated_at = datetime('now') WHERE id <= 10").await;
    let report = world.audit().await;
    assert_eq!((counts(&report), breaker(&report)), ([20, 20, 0, 0, 0, 10], None));
    // Nor do they add to one.
    world.sql("DELETE FROM packages WHERE id BETWEEN 11 AND 17").await;
    let report = world.audit().await;
    assert_eq!(counts(&report), [13, 13, 0, 0, 0, 10]);
    assert_eq!(breaker(&report), Some(("inventory_shrunk".to_owned(), 0, 23)));
    ack(&world, SHRUNK, 23).await.unwrap();
    world.sql("UPDATE packages SET updated_at = NULL").await;
    assert_eq!(breaker(&world.audit().await), None);
    assert_eq!(latched(&world).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_four_rows_deleted_is_no_disaster() {
    let (mut world, _) = World::healthy(10).await;
    assert_eq!(exit(&world.audit().await), 0);
    world.sql("DELETE FROM packages WHERE id <= 4").await;
    assert_eq!(breaker(&world.audit().await), None, "four of ten are fewer than five");
    world.settings.breaker.shrunk_at_least = 1;
    world.sql("DELETE FROM packages WHERE id <= 6").await;
    assert_eq!(breaker(&world.audit().await), Some(("inventory_shrunk".to_owned(), 0, 4)));
}

fn half(index: u32, command: Command) -> Request {
    Request { slice: Slice::new(index, 2).unwrap(), ..request(command) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slice_is_judged_by_its_own_numbers_and_closes_nothing() {
    let (world, objects) = World::healthy(60).await;
    let first = Slice::new(1, 2).unwrap();
    let (inside, outside): (Vec<_>, Vec<_>) =
        objects.into_iter().partition(|object| first.contains(&object.digest));
    lose(&world, &inside[..8]);
    assert_eq!(breaker(&world.audit().await), None, "eight of 60");
    let report = world.try_heal(&half(1, Command::Heal)).await.unwrap();
    assert_eq!((exit(&report), breaker(&report)), (4, Some(mass(8, inside.len() as u64))));
    let report = world.try_heal(&half(2, Command::Heal)).await.unwrap();
    assert_eq!(exit(&report), 4, "latched for the store");
    ack(&world, MASS, 8).await.unwrap();
    let report = world.try_audit(&half(2, Command::Audit)).await.unwrap();
    assert_eq!((exit(&report), counts(&report)[0]), (0, outside.len() as u64));
    assert!(latched(&world).await.is_some(), "a clean slice is not the whole world");
    assert_eq!(breaker(&world.audit().await), None);
    assert_eq!(latched(&world).await, None, "a full pass inside the limits closes it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slice_does_not_look_like_a_shrunk_inventory() {
    let (world, _) = World::healthy(25).await;
    assert_eq!(exit(&world.audit().await), 0);
    assert_eq!(breaker(&world.try_audit(&half(1, Command::Audit)).await.unwrap()), None);
    assert_eq!(breaker(&world.audit().await), None, "nor does the whole after it");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_latched_across_restarts_and_answered_by_the_number_that_it_shows() {
    let (world, objects) = opened().await;
    let shown = restock(&world, "breaker show");
    assert_eq!(shown.code, 4);
    assert!(shown.stdout.contains("--expect-missing 6"), "{}", shown.stdout);
    assert_eq!(restock(&world, "breaker ack --expect-missing 5").code, 4);
    assert_eq!(restock(&world, "heal").code, 4);
    assert_eq!(restock(&world, "audit").code, 2);
    assert_eq!(restock(&world, "breaker ack --expect-missing 6").code, 0);
    assert_eq!(restock(&world, "breaker show").code, 0);
    let healed = restock(&world, "heal");
    assert_eq!(healed.code, 0, "{}{}", healed.stdout, healed.stderr);
    assert!(objects.iter().all(|object| world.get(&object.key).unwrap() == object.bytes));
}
