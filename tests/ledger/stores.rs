//! What every ledger keeps apart, keeps for good, and keeps while others write.

use std::sync::Arc;

use restock::ledger::Ledger;
use restock::model::{Attempts, FindingKind, RepairResult, Upload};

use crate::samples::{
    acceptance, breaker, corruption, digest, finding, minute, pass, repair, sighting, verdict,
};
use crate::suite::{Fixture, STORE};

/// One of each, so that a forgotten condition on the store shows.
async fn fill(ledger: &Arc<dyn Ledger>) {
    let mut found = [finding(FindingKind::Missing, "k", 1)];
    found[0].1.digest = Some(digest(1));
    ledger.record_pass(&pass("p1", 1), &found, true).await.unwrap();
    ledger.put_corruption(&corruption("k")).await.unwrap();
    ledger.put_sightings(&[sighting("k", 1)]).await.unwrap();
    ledger.put_attempts(&digest(1), Some(&Attempts::default())).await.unwrap();
    ledger.put_verdict(&verdict(digest(1), "a")).await.unwrap();
    let done = repair(digest(1), RepairResult::Restored);
    ledger.record_repair("p1", minute(1), &done).await.unwrap();
    let upload = Upload { key: "k".to_owned(), id: "1".to_owned() };
    ledger.upload_begun(&upload, minute(1)).await.unwrap();
    assert!(ledger.swap_breaker(None, Some(&breaker(1))).await.unwrap());
    ledger.set_note("n", Some("text")).await.unwrap();
    ledger.put_accepted(&acceptance(digest(1))).await.unwrap();
}

/// How many of each a ledger knows.
async fn counts(ledger: &Arc<dyn Ledger>) -> [usize; 16] {
    let keys = ["k".to_owned()];
    let (key, _) = finding(FindingKind::Missing, "k", 1);
    [
        ledger.passes(10).await.unwrap().len(),
        usize::from(ledger.last_full().await.unwrap().is_some()),
        ledger.findings(10).await.unwrap().len(),
        ledger.first_seen(&[key]).await.unwrap().into_iter().flatten().count(),
        ledger.corruptions().await.unwrap().len(),
        ledger.sightings(&keys).await.unwrap().len(),
        ledger.attempts(&[digest(1)]).await.unwrap().len(),
        ledger.verdicts().await.unwrap().len(),
        ledger.repairs(&digest(1), 10).await.unwrap().len(),
        ledger.uploads().await.unwrap().len(),
        usize::from(ledger.breaker().await.unwrap().is_some()),
        usize::from(ledger.note("n").await.unwrap().is_some()),
        ledger.accepted().await.unwrap().len(),
        ledger.finding_counts().await.unwrap().len(),
        ledger.findings_of(&digest(1)).await.unwrap().len(),
        ledger.pending_attempts(None, 10).await.unwrap().len(),
    ]
}

/// Takes back whatever can be taken back.
async fn forget(ledger: &Arc<dyn Ledger>) {
    ledger.record_pass(&pass("p2", 2), &[], true).await.unwrap();
    ledger.prune(minute(100)).await.unwrap();
    ledger.clear_corruption("k").await.unwrap();
    ledger.retain_sightings("", &[]).await.unwrap();
    ledger.put_attempts(&digest(1), None).await.unwrap();
    ledger.clear_verdicts(&digest(1)).await.unwrap();
    ledger.upload_ended(&Upload { key: "k".to_owned(), id: "1".to_owned() }).await.unwrap();
    assert!(ledger.swap_breaker(Some(&breaker(1)), None).await.unwrap());
    ledger.set_note("n", None).await.unwrap();
    ledger.clear_accepted(&digest(1)).await.unwrap();
}

const FULL: [usize; 16] = [1; 16];

pub(crate) async fn two_stores_do_not_meet(fixture: &impl Fixture) {
    let mine = fixture.open(STORE).await;
    let theirs = fixture.open("file:///srv/store").await;
    fill(&mine).await;
    assert_eq!(counts(&mine).await, FULL);
    assert_eq!(counts(&theirs).await, [0; 16]);
    assert_eq!(theirs.pass_totals().await.unwrap(), []);
    fill(&theirs).await;
    forget(&theirs).await;
    // The last full pass alone stays.
    let left = [&[1; 2][..], &[0; 14][..]].concat();
    assert_eq!(counts(&theirs).await[..], left);
    assert_eq!(counts(&mine).await, FULL);
}

pub(crate) async fn everything_is_there_after_it_is_opened_again(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    fill(&ledger).await;
    drop(ledger);
    assert_eq!(counts(&fixture.open(STORE).await).await, FULL);
}

/// An audit keeps its pass while heals keep theirs, in another process as it were.
pub(crate) async fn writers_at_once_do_not_fail(fixture: &impl Fixture) {
    let audit = fixture.open(STORE).await;
    let heal = fixture.open(STORE).await;
    let found: Vec<_> =
        (0..2_000).map(|n| finding(FindingKind::Orphan, &format!("k{n}"), 1)).collect();
    let auditing = async {
        for n in 0..5 {
            audit.record_pass(&pass(&format!("p{n}"), n), &found, true).await.unwrap();
            audit.retain_sightings("", &[]).await.unwrap();
        }
    };
    let healing = (0..8).map(|worker| {
        let heal = &heal;
        async move {
            for n in 0..25 {
                let upload = Upload { key: format!("{worker}"), id: format!("{n}") };
                heal.upload_begun(&upload, minute(n)).await.unwrap();
                let done = repair(digest(worker), RepairResult::Restored);
                heal.record_repair("h", minute(n), &done).await.unwrap();
                heal.put_sightings(&[sighting(&upload.id, 1)]).await.unwrap();
                heal.upload_ended(&upload).await.unwrap();
            }
        }
    });
    futures::join!(auditing, futures::future::join_all(healing));
    assert_eq!(heal.passes(10).await.unwrap().len(), 5);
    assert_eq!(heal.uploads().await.unwrap(), []);
    for worker in 0..8 {
        assert_eq!(heal.repairs(&digest(worker), 100).await.unwrap().len(), 25);
    }
}
