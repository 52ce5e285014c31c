//! A ledger that takes no more: its disk is full, or its tables are locked. What a pass found and
//! did is told all the same, and the pass has failed.

use std::sync::Arc;

use restock::model::{FindingKind, Outcome, RepairResult};
use restock::pass::PassReport;

use crate::helper::{codes, exit, flipped, forget_row};
use crate::interference::{Moment, failing};
use crate::memory_ledger::MemoryLedger;
use crate::support::world::{Object, World, briefly, count, repair};

/// Lets the ledger refuse these, in the words of a full disk, though it may have kept them.
fn fill_up(world: &mut World, ledger: &MemoryLedger, actions: &'static [&'static str], at: Moment) {
    let full = failing(actions, at, "database or disk is full");
    world.ledger = Some(Arc::new(ledger.met_by(full)));
}

/// A lost object, a corrupt one and an orphan of twelve, and a ledger that has seen them healthy.
async fn damaged() -> (World, MemoryLedger, Vec<Object>) {
    let (world, ledger, objects) = healthy(12).await;
    assert_eq!(exit(&world.audit_deep().await), 0);
    world.remove(&objects[0].key);
    world.put(&objects[1].key, &flipped(&objects[1]));
    forget_row(&world, &objects[2]).await;
    (world, ledger, objects)
}

async fn healthy(n: u32) -> (World, MemoryLedger, Vec<Object>) {
    let ((mut world, objects), ledger) = (World::healthy(n).await, MemoryLedger::new());
    world.ledger = Some(Arc::new(ledger.clone()));
    (world, ledger, objects)
}

fn says_so(report: &PassReport) {
    assert_eq!(codes(report), ["ledger"]);
    let error = &report.summary.errors[0];
    assert!(error.message.contains("were not kept"), "{}", error.message);
    assert!(error.message.contains("database or disk is full"), "{}", error.message);
    assert_eq!(error.subject, None);
    assert_eq!((report.summary.outcome, exit(report)), (Outcome::Failed, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_that_cannot_be_kept_tells_all_that_it_found_and_fails() {
    const NOTES: [&[&str]; 5] = [
        &["record_pass"],
        &["put_corruption"],
        &["put_sightings"],
        &["retain_sightings"],
        &["set_note"],
    ];
    let (whole, _, _) = damaged().await;
    let expected = briefly(&whole.audit_deep().await);
    assert_eq!(expected.len(), 3);
    for notes in NOTES {
        for at in [Moment::Before, Moment::After] {
            let (mut world, ledger, _) = damaged().await;
            fill_up(&mut world, &ledger, notes, at);
            let report = world.audit_deep().await;
            assert_eq!(briefly(&report), expected, "{notes:?} {at:?}");
            says_so(&report);
            assert_eq!((report.summary.missing, report.summary.corrupt), (Some(1), Some(1)));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_that_cannot_be_latched_holds_for_the_pass_all_the_same() {
    let (mut world, ledger, objects) = healthy(12).await;
    assert_eq!(exit(&world.audit().await), 0);
    objects[..6].iter().for_each(|object| world.remove(&object.key));
    fill_up(&mut world, &ledger, &["swap_breaker"], Moment::Before);
    let report = world.heal().await;
    says_so(&report);
    assert_eq!((report.summary.held, count(&report, FindingKind::Missing)), (6, 6));
    assert_eq!(world.http.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heal_that_cannot_be_kept_tells_what_it_did_and_begins_nothing_more() {
    let (mut world, ledger, objects) = healthy(40).await;
    world.settings.heal.concurrency = 1;
    assert_eq!(exit(&world.audit().await), 0);
    objects[..4].iter().for_each(|object| world.remove(&object.key));
    fill_up(&mut world, &ledger, &["record_repair"], Moment::Before);
    let report = world.heal().await;
    says_so(&report);
    let results: Vec<_> = report.repairs.iter().map(|repair| repair.result).collect();
    let held = RepairResult::Held;
    assert_eq!(results, [RepairResult::Restored, held, held, held]);
    assert_eq!((report.summary.healed, report.summary.held), (1, 3));
    assert_eq!(world.http.requests().len(), 1, "no source is asked in vain");
    let there = objects[..4].iter().filter(|object| world.get(&object.key).is_some());
    assert_eq!(there.count(), 1);
    assert!(report.repairs[1].detail.contains("nothing is healed unrecorded"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heal_whose_end_cannot_be_kept_tells_what_it_did() {
    let (mut world, ledger, objects) = damaged().await;
    fill_up(&mut world, &ledger, &["record_pass"], Moment::Before);
    let report = world.heal_deep().await;
    says_so(&report);
    for object in &objects[..2] {
        assert_eq!(repair(&report, object).result, RepairResult::Restored);
        assert_eq!(world.get(&object.key).unwrap(), object.bytes);
    }
    assert_eq!(count(&report, FindingKind::Orphan), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_is_not_published_where_that_cannot_be_written_down_first() {
    let (mut world, ledger, objects) = damaged().await;
    fill_up(&mut world, &ledger, &["upload_begun", "upload_ended"], Moment::Before);
    let report = world.heal().await;
    assert_eq!((exit(&report), repair(&report, &objects[0]).result), (2, RepairResult::Failed));
    assert!(repair(&report, &objects[0]).detail.contains("disk is full"));
    assert!(world.get(&objects[0].key).is_none());
}
