//! Rows that go away while their object is healed, and ledgers that do not take a note.

use std::sync::Arc;

use restock::ledger::Ledger;
use restock::model::{Cause, FailureReason, RepairResult};

use crate::interference::{Moment, failing};
use crate::memory_catalog::MemoryCatalog;
use crate::memory_ledger::MemoryLedger;
use crate::single::Single;
use crate::support::http_server::Answer;
use crate::support::world::{briefly, repair, result};

/// A missing object whose rows are read rightly so many times: by the audit (1), by the heal as
/// it begins (2), right before the completion (3) and right after it (4).
async fn after(looks: usize, breaks: bool) -> Single {
    let mut single = Single::new().await;
    let world = &mut single.world;
    let copy = MemoryCatalog::copy_of(&*world.open_catalog().await, &world.clock).await;
    let fading = if breaks {
        copy.failing_from(looks + 1, "connection reset")
    } else {
        copy.changed_before(looks + 1, Vec::clear)
    };
    world.catalog = Some(Arc::new(fading));
    single
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_goes_before_the_second_look_leaves_nothing_missing() {
    let single = after(0, false).await;
    let report = single.world.heal().await;
    assert_eq!((briefly(&report), report.repairs.len(), report.summary.exit_code), (vec![], 0, 0));
    assert_eq!(single.world.http.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_goes_before_or_during_the_download_holds_the_heal() {
    for looks in [1, 2] {
        let single = after(looks, false).await;
        let before = single.world.store_content();
        let report = single.world.heal().await;
        let repair = repair(&report, &single.lost);
        assert_eq!((repair.result, repair.reason), (RepairResult::Held, None), "{repair:?}");
        assert_eq!(repair.detail, "no row wants it any more");
        assert_eq!(single.world.http.requests().len(), looks - 1, "requests");
        assert!(single.world.store_content() == before, "not even a temporary file is left");
        assert!(single.attempts().await.is_none(), "no failure of its source");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_goes_after_the_completion_is_told() {
    let single = after(3, false).await;
    let report = single.world.heal().await;
    let repair = repair(&report, &single.lost);
    assert_eq!(repair.result, RepairResult::Restored);
    assert!(repair.detail.contains("it is an orphan now"), "{}", repair.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_breaks_off_fails_the_pass_or_the_object_and_publishes_nothing() {
    let single = after(0, true).await;
    let before = single.world.store_content();
    let report = single.world.heal().await;
    assert_eq!((report.summary.exit_code, report.repairs.len()), (1, 0));
    assert_eq!(report.summary.errors[0].code, "catalog");

    let single = after(1, true).await;
    let report = single.world.heal().await;
    assert_eq!((report.summary.exit_code, report.repairs.len()), (1, 0));
    assert_eq!((report.findings.len(), &*report.summary.errors[0].code), (1, "catalog"));

    let single = after(2, true).await;
    let report = single.world.heal().await;
    let found = repair(&report, &single.lost);
    assert_eq!((found.result, found.reason), (RepairResult::Failed, None), "{found:?}");
    assert!(found.detail.contains("connection reset"), "{}", found.detail);
    assert!(single.world.store_content() == before);

    let single = after(3, true).await;
    let report = single.world.heal().await;
    assert_eq!(result(&report, &single.lost), RepairResult::Restored, "it was published");
}

/// A missing object, and a ledger that refuses one kind of note, as on a full disk.
async fn refusing(actions: &'static [&'static str]) -> (Single, MemoryLedger) {
    let (mut single, ledger) = (Single::new().await, MemoryLedger::new());
    single.world.ledger = Some(Arc::new(ledger.clone()));
    single.world.audit().await;
    let full = failing(actions, Moment::Before, "disk full");
    single.world.ledger = Some(Arc::new(ledger.met_by(full)));
    (single, ledger)
}

/// The disk has room again.
fn mend(single: &mut Single, ledger: &MemoryLedger) {
    single.world.ledger = Some(Arc::new(ledger.clone()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_cannot_be_written_down_does_not_begin() {
    let (single, _) = refusing(&["upload_begun"]).await;
    let before = single.world.store_content();
    let report = single.world.heal().await;
    let repair = repair(&report, &single.lost);
    let ends = (RepairResult::Failed, Some(FailureReason::StoreWrite));
    assert_eq!((repair.result, repair.reason), ends, "{repair:?}");
    assert!(repair.detail.contains("ledger") && repair.detail.contains("disk full"), "{repair:?}");
    assert!(single.world.store_content() == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_cannot_be_crossed_out_is_published_all_the_same() {
    let (single, ledger) = refusing(&["upload_ended"]).await;
    let report = single.world.heal().await;
    assert_eq!(result(&report, &single.lost), RepairResult::Restored, "{:?}", report.repairs);
    assert_eq!(single.world.get(&single.lost.key).unwrap(), single.lost.bytes);
    let left = ledger.uploads().await.unwrap();
    assert_eq!(left.len(), 1, "the next heal sweeps it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_that_cannot_be_written_down_fails_the_run() {
    let (single, _) = refusing(&["record_repair"]).await;
    let report = single.world.heal().await;
    assert_eq!(report.summary.exit_code, 1);
    assert_eq!(result(&report, &single.lost), RepairResult::Restored, "what was done is told");
    assert_eq!(report.summary.errors[0].code, "ledger");
    assert_eq!(single.world.get(&single.lost.key).unwrap(), single.lost.bytes, "proven, and there");
}

/// As where a run is killed between the publication and the record of it.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_heal_records_a_repair_that_could_not_be_written_down() {
    let (mut single, ledger) = refusing(&["record_repair"]).await;
    assert_eq!(single.world.heal().await.summary.exit_code, 1);
    assert_eq!(ledger.repairs(&single.lost.digest, 9).await.unwrap(), []);
    mend(&mut single, &ledger);
    let lost = &single.lost;
    let report = single.world.heal().await;
    assert_eq!((report.summary.healed, report.summary.present), (0, report.summary.expected));
    let repairs = ledger.repairs(&lost.digest, 9).await.unwrap();
    let [(_, repair)] = &repairs[..] else { panic!("{repairs:?}") };
    assert_eq!((repair.result, &repair.key), (RepairResult::Restored, &lost.key));
    assert!(repair.source.is_some() && repair.detail.contains("cut off"), "{repair:?}");
    single.world.heal().await;
    assert_eq!(ledger.repairs(&lost.digest, 9).await.unwrap().len(), 1, "once");
}

/// As where a run is killed right before the publication: nothing was restored by it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_about_to_be_published_and_is_not_there_is_no_repair() {
    let (mut single, ledger) = refusing(&["record_repair"]).await;
    assert_eq!(single.world.heal().await.summary.exit_code, 1);
    mend(&mut single, &ledger);
    single.world.remove(&single.lost.key);
    assert_eq!(single.world.heal().await.summary.healed, 1);
    assert_eq!(ledger.repairs(&single.lost.digest, 9).await.unwrap().len(), 1);
    assert_eq!(ledger.publishings().await.unwrap(), []);
}

/// As where somebody else wrote in between: what looks like the restored object is read.
#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_of_that_size_are_no_repair_of_a_run_that_was_cut_off() {
    let (mut single, ledger) = refusing(&["record_repair"]).await;
    assert_eq!(single.world.heal().await.summary.exit_code, 1);
    mend(&mut single, &ledger);
    let lost = &single.lost;
    let mut wrong = lost.bytes.clone();
    wrong[0] ^= 1;
    single.world.put(&lost.key, &wrong);
    // They are read before the pass looks, and so it finds and heals them.
    let report = single.world.heal().await;
    let healed = repair(&report, lost);
    assert_eq!((healed.cause, healed.result), (Cause::Corrupt, RepairResult::Restored));
    assert_eq!(report.summary.exit_code, 0);
    assert_eq!(ledger.repairs(&lost.digest, 9).await.unwrap().len(), 1, "of the other run none");
    assert_eq!(ledger.publishings().await.unwrap(), []);
    assert!(single.world.get(&lost.key).as_ref() == Some(&lost.bytes));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_announced_is_not_published() {
    let (single, _) = refusing(&["publish_begun"]).await;
    let before = single.world.store_content();
    let report = single.world.heal().await;
    let repair = repair(&report, &single.lost);
    assert_eq!(repair.result, RepairResult::Failed, "{repair:?}");
    assert!(repair.detail.contains("disk full"), "{repair:?}");
    assert!(single.world.store_content() == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_that_cannot_be_written_down_undoes_nothing() {
    const NOTES: [&[&str]; 2] = [&["put_verdict"], &["put_attempts"]];
    for notes in NOTES {
        let (single, _) = refusing(notes).await;
        single.world.answer(&single.lost, [Answer::ok("other bytes")]);
        let report = single.world.heal().await;
        assert_eq!(result(&report, &single.lost), RepairResult::SourceDrifted, "{notes:?}");
        assert_eq!(report.summary.exit_code, 2);
    }
}
