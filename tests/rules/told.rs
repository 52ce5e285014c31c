//! What is told at the worst moments, once and with numbers: the breaker, a corruption that is
//! healed, an accepted loss that has run out.

use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use restock::inspect::Inspector;
use restock::model::{Acceptance, BreakerReason, CorruptBytes, Digest, RepairResult};
use restock::observe::{Event, Observer};
use restock::plan::BreakerTurn;

use crate::helper::{ack, exit, flipped};
use crate::support::object::digest_of;
use crate::support::world::{Object, World, repair};

/// Keeps in words what is worth a warning.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Heard {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Observer for Heard {
    #[expect(clippy::wildcard_enum_match_arm, reason = "few events are told to people")]
    fn notice(&self, event: &Event<'_>) {
        let line = match event {
            Event::Corrupted(found) => format!(
                "corrupt {} {} {} {}",
                found.key, found.digest, found.observed_digest, found.meta.size
            ),
            Event::BreakerTurned(turn) => match turn {
                BreakerTurn::Opened(s) => format!("opened {} of {}", s.missing, s.expected),
                BreakerTurn::OpenedAnew(s, n) => format!("anew {} after {n}", s.missing),
                BreakerTurn::Closed(s) => format!("closed {:?}", s.acknowledged),
                BreakerTurn::StandsOpen(_) | BreakerTurn::Acknowledged(..) => format!("{turn:?}"),
            },
            Event::Warning(text) => (*text).to_owned(),
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

async fn heard(n: u32) -> (World, Arc<Heard>, Vec<Object>) {
    let (mut world, objects) = World::healthy(n).await;
    let heard = Arc::new(Heard::default());
    world.observer = heard.clone();
    (world, heard, objects)
}

async fn known(world: &World, digest: Digest) -> restock::report::ObjectView {
    let inspector = Inspector {
        catalog: world.open_catalog().await,
        store: world.open_store().await,
        ledger: world.open_ledger().await,
        clock: Arc::clone(&world.clock),
        heal: world.settings.heal.clone(),
    };
    inspector.object(digest).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corruption_that_is_healed_leaves_a_trace_of_what_was_found_and_where_it_is() {
    let (world, heard, objects) = heard(8).await;
    let (object, wrong) = (&objects[0], flipped(&objects[0]));
    world.put(&object.key, &wrong);
    let report = world.heal_deep().await;
    assert_eq!((exit(&report), repair(&report, object).result), (0, RepairResult::Restored));
    let (observed_digest, size) = (digest_of(&wrong), wrong.len());
    let line = format!("corrupt {} {} {observed_digest} {size}", object.key, object.digest);
    assert_eq!(heard.take(), [line]);
    let copy = format!("restock-quarantine/{}/{}", report.summary.pass_id, object.key);
    assert_eq!(world.get(&copy).unwrap(), wrong);
    let expected = CorruptBytes {
        observed_digest,
        observed_size: u64::try_from(size).unwrap(),
        quarantine_key: Some(copy),
    };
    assert_eq!(repair(&report, object).corrupt, Some(expected.clone()));
    // It is told later too, when nothing else speaks of it any more.
    assert_eq!(exit(&world.audit_deep().await), 0);
    let known = known(&world, object.digest).await;
    assert_eq!(known.findings, []);
    assert_eq!(known.repairs[0].repair.corrupt, Some(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_copy_is_made_none_is_told() {
    let (mut world, _, objects) = heard(8).await;
    world.settings.heal.quarantine = String::new();
    world.put(&objects[0].key, &flipped(&objects[0]));
    world.remove(&objects[1].key);
    let report = world.heal_deep().await;
    let corrupt = repair(&report, &objects[0]).corrupt.clone().unwrap();
    assert_eq!(corrupt.quarantine_key, None);
    assert_eq!(corrupt.observed_digest, digest_of(&flipped(&objects[0])));
    assert_eq!(repair(&report, &objects[1]).corrupt, None, "it was missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corruption_that_somebody_else_mended_is_told_before_it_is_forgotten() {
    let (world, heard, objects) = heard(8).await;
    world.put(&objects[0].key, &flipped(&objects[0]));
    assert_eq!(exit(&world.audit_deep().await), 2);
    heard.take();
    world.put(&objects[0].key, &objects[0].bytes);
    assert_eq!(exit(&world.audit().await), 0);
    let told = heard.take();
    assert_eq!(told.len(), 1, "{told:?}");
    for part in [&objects[0].key, "is right again", &digest_of(&flipped(&objects[0])).to_string()] {
        assert!(told[0].contains(part), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_turn_of_the_breaker_is_told_once_with_its_numbers() {
    let (world, heard, objects) = heard(25).await;
    objects[..8].iter().for_each(|object| world.remove(&object.key));
    world.audit().await;
    assert_eq!(heard.take(), ["opened 8 of 25"]);
    world.audit().await;
    assert_eq!(heard.take(), [""; 0], "it is open still");
    ack(&world, BreakerReason::MassMissing, 8).await.unwrap();
    world.remove(&objects[8].key);
    world.audit().await;
    assert_eq!(heard.take(), ["anew 9 after 8"]);
    ack(&world, BreakerReason::MassMissing, 9).await.unwrap();
    world.heal().await;
    assert_eq!(heard.take(), [""; 0]);
    world.audit().await;
    assert_eq!(heard.take(), ["closed Some(9)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_loss_that_has_run_out_is_told_once() {
    let (mut world, heard, objects) = heard(8).await;
    let clock = world.stop_the_clock();
    world.remove(&objects[0].key);
    let today = clock_day(&world);
    let loss = Acceptance {
        digest: objects[0].digest,
        until: today.parse().unwrap(),
        reason: "the vendor is gone".to_owned(),
    };
    world.open_ledger().await.put_accepted(&loss).await.unwrap();
    assert_eq!(exit(&world.audit().await), 0);
    assert_eq!(heard.take(), [""; 0]);
    clock.advance(TimeDelta::days(1));
    assert_eq!(exit(&world.audit().await), 2);
    let told = heard.take();
    assert_eq!(told.len(), 1, "{told:?}");
    for part in [&objects[0].digest.to_string(), today.as_str(), "the vendor is gone"] {
        assert!(told[0].contains(part), "{told:?}");
    }
    assert_eq!(exit(&world.audit().await), 2);
    assert_eq!(heard.take(), [""; 0]);
}

fn clock_day(world: &World) -> String {
    crate::helper::now(world).format("%Y-%m-%d").to_string()
}
