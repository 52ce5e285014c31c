//! Known losses: still listed, counted as accepted, and out of exit codes until their day is over.

use chrono::{DateTime, Utc};
use restock::model::{Acceptance, FindingKind, Outcome};
use restock::pass::PassReport;
use restock::store::StoreFault;

use crate::helper::{counts, exit, flipped, in_memory};
use crate::memory_store::Operation;
use crate::support::world::{Object, World};

/// In memory, the clock stands at three in the morning of this day.
const TODAY: &str = "2026-01-02";

fn accept(object: &Object, until: &str) -> Acceptance {
    Acceptance {
        digest: object.digest,
        until: until.parse().unwrap(),
        reason: "the vendor is gone".to_owned(),
    }
}

async fn keep(world: &World, kept: &[Acceptance]) {
    let ledger = world.open_ledger().await;
    for loss in kept {
        ledger.put_accepted(loss).await.unwrap();
    }
}

/// Which kinds of findings are accepted, in report order; and how many the summary says are.
fn accepted(report: &PassReport) -> (Vec<FindingKind>, u64) {
    let own = report.findings.iter().filter(|finding| finding.accepted).map(|finding| finding.kind);
    (own.collect(), report.summary.accepted.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_loss_is_told_and_counted_and_decides_nothing() {
    let (world, store, objects) = in_memory(12).await;
    store.remove(&objects[0].key);
    store.put(&objects[1].key, flipped(&objects[1]));
    assert_eq!(exit(&world.audit_deep().await), 2);
    keep(&world, &[accept(&objects[0], TODAY)]).await;
    let report = world.audit().await;
    assert_eq!(accepted(&report), (vec![FindingKind::Missing], 1));
    assert_eq!((exit(&report), counts(&report)), (2, [12, 10, 1, 1, 0, 0]), "one is not accepted");
    keep(&world, &[accept(&objects[0], TODAY), accept(&objects[1], "2030-01-01")]).await;
    let report = world.audit().await;
    assert_eq!(accepted(&report), (vec![FindingKind::Missing, FindingKind::Corrupt], 2));
    assert_eq!((exit(&report), counts(&report)), (0, [12, 10, 1, 1, 0, 0]));
    assert_eq!(report.summary.outcome, Outcome::Clean);
    assert!(report.findings.iter().all(|finding| finding.healable == Some(true)), "if it can be");
    assert_eq!(world.open_ledger().await.findings(9).await.unwrap(), report.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_accepted_loss_hides_no_other_of_its_kind() {
    let (world, store, objects) = in_memory(12).await;
    keep(&world, &[accept(&objects[0], TODAY), accept(&objects[5], TODAY)]).await;
    store.remove(&objects[1].key);
    let report = world.audit().await;
    assert_eq!((exit(&report), accepted(&report)), (2, (vec![], 0)), "neither is lost");
    store.remove(&objects[0].key);
    let report = world.audit().await;
    assert_eq!((exit(&report), accepted(&report).1), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_by_itself_with_the_last_moment_of_its_day() {
    let (mut world, store, objects) = in_memory(12).await;
    store.remove(&objects[0].key);
    keep(&world, &[accept(&objects[0], TODAY)]).await;
    for (at, code) in [("2026-01-02T23:59:59.999Z", 0), ("2026-01-03T00:00:00Z", 2)] {
        let now: DateTime<Utc> = at.parse().unwrap();
        world.clock = std::sync::Arc::new(restock::clock::ManualClock::new(now));
        assert_eq!(exit(&world.audit().await), code, "{at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_wins_over_the_ledger() {
    let (mut world, store, objects) = in_memory(12).await;
    store.remove(&objects[0].key);
    world.settings.accepted = vec![accept(&objects[0], TODAY)];
    assert_eq!(exit(&world.audit().await), 0, "the configuration alone");
    keep(&world, &[accept(&objects[0], "2030-01-01")]).await;
    world.settings.accepted = vec![accept(&objects[0], "2026-01-01")];
    assert_eq!(exit(&world.audit().await), 2, "its day is over, whatever the ledger says");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_is_no_known_loss() {
    let (world, store, objects) = in_memory(12).await;
    keep(&world, &[accept(&objects[0], TODAY)]).await;
    store.remove(&objects[0].key);
    store.fail(Operation::Probe, &objects[0].key, 1, StoreFault::AccessDenied);
    let report = world.audit().await;
    assert_eq!((exit(&report), accepted(&report)), (3, (vec![], 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_loss_is_healed_where_it_can_be_and_counts_no_more() {
    let (world, store, objects) = in_memory(12).await;
    store.remove(&objects[0].key);
    store.remove(&objects[1].key);
    keep(&world, &[accept(&objects[0], TODAY), accept(&objects[1], TODAY)]).await;
    world.answer(&objects[1], [crate::support::http_server::Answer::status(404)]);
    let report = world.heal().await;
    assert_eq!((exit(&report), report.summary.healed, accepted(&report).1), (0, 1, 1));
    assert_eq!(counts(&report), [12, 11, 1, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_cannot_be_read_accepts_nothing() {
    let (world, store, objects) = in_memory(12).await;
    store.remove(&objects[0].key);
    world.open_ledger().await.set_note("accepted", Some("not a list")).await.unwrap();
    assert_eq!(exit(&world.audit().await), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_losses_count_for_the_breaker_all_the_same() {
    let (world, store, objects) = in_memory(12).await;
    for object in &objects[..6] {
        store.remove(&object.key);
    }
    let all: Vec<_> = objects[..6].iter().map(|object| accept(object, TODAY)).collect();
    keep(&world, &all).await;
    let report = world.audit().await;
    assert_eq!(exit(&report), 0);
    assert!(report.summary.breaker.is_some(), "half of everything is lost");
}
