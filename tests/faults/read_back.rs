//! What was restored is read back, since a store may change bytes on their way in.

use std::sync::Arc;

use restock::model::{FailureReason, FindingKind, RepairResult, Size, reason};
use restock::observe::Metrics;
use restock::store::StoreFault;

use crate::memory_store::Operation;
use crate::store_faults::Faulty;
use crate::support::world::{briefly, digest_of, repair, result};

/// The bytes as the store changes them.
fn mangled(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[0] ^= 1;
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_a_store_changes_on_their_way_in_are_a_failed_repair_and_a_corruption() {
    let Faulty { mut world, store, objects } = Faulty::new().await;
    let lost = &objects[0];
    store.remove(&lost.key);
    store.mangle(true);
    let metrics = Arc::new(Metrics::new("s", world.clock.now()).unwrap());
    world.observer = Arc::<Metrics>::clone(&metrics);
    let report = world.heal().await;
    let detected = "restock_corruptions_detected_total{store=\"s\"} 1";
    assert!(metrics.render().unwrap().lines().any(|line| line == detected));
    let told = repair(&report, lost);
    let ends = (RepairResult::Failed, Some(FailureReason::VerifyAfterWrite));
    assert_eq!((told.result, told.reason), ends, "{told:?}");
    let wrong = digest_of(&mangled(&lost.bytes));
    assert!(told.detail.contains(&wrong.to_string()), "{told:?}");

    let mismatch = Some(reason::DIGEST_MISMATCH.to_owned());
    assert_eq!(briefly(&report), [(FindingKind::Corrupt, lost.key.clone(), mismatch)]);
    assert_eq!(report.findings[0].observed_digest, Some(wrong));
    let summary = &report.summary;
    assert_eq!((summary.exit_code, summary.healed, summary.heal_failed), (2, 0, 1));
    let counts = [summary.expected, summary.observed, summary.present];
    assert_eq!(counts, [Some(8), Some(8), Some(7)]);
    assert_eq!((summary.missing, summary.corrupt), (Some(0), Some(1)));

    let ledger = world.open_ledger().await;
    let standing = ledger.findings(9).await.unwrap();
    let kinds: Vec<_> = standing.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::Corrupt], "what was missing first does not stand beside it");

    let later = world.audit().await;
    assert_eq!((briefly(&later), later.summary.corrupt), (briefly(&report), Some(1)), "it stands");
    store.mangle(false);
    let report = world.heal().await;
    assert_eq!(result(&report, lost), RepairResult::Restored);
    assert_eq!(
        (report.summary.exit_code, store.get(&lost.key).unwrap()),
        (0, lost.bytes.clone().into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_object_replaced_by_changed_bytes_is_corrupt_with_those() {
    let Faulty { world, store, objects } = Faulty::new().await;
    let mut bytes = objects[0].bytes.clone();
    bytes[3] ^= 0x10;
    store.put(&objects[0].key, bytes);
    store.mangle(true);
    let report = world.heal_deep().await;
    let told = repair(&report, &objects[0]);
    assert_eq!(told.reason, Some(FailureReason::VerifyAfterWrite), "{told:?}");
    let wrong = digest_of(&mangled(&objects[0].bytes));
    assert_eq!(report.findings[0].observed_digest, Some(wrong));
    assert_eq!((report.summary.corrupt, report.summary.present), (Some(1), Some(7)));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_no_larger_than_verify_up_to_is_read_back_and_once() {
    for (more, reads) in [(0, 1), (1, 0)] {
        let Faulty { mut world, store, objects } = Faulty::new().await;
        let size = objects[0].bytes.len() as u64;
        world.settings.heal.verify_up_to = Size(size - more);
        store.remove(&objects[0].key);
        let report = world.heal().await;
        assert_eq!(result(&report, &objects[0]), RepairResult::Restored);
        assert_eq!(report.summary.store_requests.get, reads);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_back_is_not_called_restored() {
    let Faulty { world, store, objects } = Faulty::new().await;
    store.remove(&objects[0].key);
    store.fail(Operation::Read, &objects[0].key, 1, StoreFault::AccessDenied);
    let report = world.heal().await;
    let told = repair(&report, &objects[0]);
    let ends = (RepairResult::Failed, Some(FailureReason::VerifyAfterWrite));
    assert_eq!((told.result, told.reason, report.summary.exit_code), (ends.0, ends.1, 2));
    assert!(told.detail.contains("access_denied"), "{told:?}");
    assert_eq!(world.audit().await.summary.exit_code, 0, "the next pass finds it");
}
