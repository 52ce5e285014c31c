//! What every ledger does, whatever holds it. An adapter joins by implementing [`Fixture`] and
//! naming itself in `conforms!`.

use std::sync::Arc;

use restock::ledger::{FindingKey, Ledger};
use restock::model::{
    Attempts, Corruption, Finding, FindingKind, LastFull, ObjectMeta, RepairResult, Upload,
};

use crate::samples::{
    breaker, corruption, digest, finding, minute, pass, repair, sighting, verdict,
};

/// An empty ledger of one adapter.
pub(crate) trait Fixture {
    /// Opens it for the store with this identity; each call is a connection of its own.
    async fn open(&self, store_identity: &str) -> Arc<dyn Ledger>;
}

/// One test for each promise of the suite, with a fresh fixture each.
macro_rules! conforms {
    ($fixture:expr) => {
        $crate::suite::conforms!($fixture;
            a_pass_is_kept_as_it_was,
            the_newest_passes_come_first,
            only_full_passes_with_a_count_are_the_last_full_one,
            findings_are_told_in_report_order,
            a_finding_keeps_its_first_sighting,
            a_full_pass_closes_what_it_no_longer_saw,
            a_finding_that_comes_back_is_new,
            more_findings_than_fit_a_statement_are_all_kept,
            what_is_old_is_forgotten_and_the_last_full_pass_is_not,
            corruptions_stand_until_they_are_cleared,
            sightings_are_kept_and_replaced,
            sightings_of_one_prefix_are_retained_without_touching_others,
            attempts_are_kept_and_cleared,
            verdicts_are_one_for_each_source_and_object,
            repairs_come_newest_first,
            the_last_word_on_a_removal_counts_and_the_newest_comes_first,
            removals_and_sightings_of_long_ago_are_forgotten_and_orphans_are_not,
            uploads_are_under_way_until_they_end,
            the_breaker_stays_latched,
            a_note_holds_until_another_or_none,
            two_stores_do_not_meet,
            everything_is_there_after_it_is_opened_again,
            writers_at_once_do_not_fail,
        );
    };
    ($fixture:expr; $($test:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                $crate::suite::$test(&$fixture).await;
            }
        )*
    };
}
pub(crate) use conforms;

pub(crate) use crate::removals::{
    removals_and_sightings_of_long_ago_are_forgotten_and_orphans_are_not,
    the_last_word_on_a_removal_counts_and_the_newest_comes_first,
};

pub(crate) use crate::notes::{a_note_holds_until_another_or_none, the_breaker_stays_latched};

pub(crate) const STORE: &str = "s3://minio:9000/bucket/prefix";

pub(crate) async fn a_pass_is_kept_as_it_was(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let summary = pass("p1", 1);
    ledger.record_pass(&summary, &[], false).await.unwrap();
    assert_eq!(ledger.passes(10).await.unwrap(), [summary]);
}

pub(crate) async fn the_newest_passes_come_first(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    for (id, ended) in [("b", 2), ("c", 3), ("a", 1)] {
        ledger.record_pass(&pass(id, ended), &[], false).await.unwrap();
    }
    let newest = ledger.passes(2).await.unwrap();
    assert_eq!(newest, [pass("c", 3), pass("b", 2)]);
}

pub(crate) async fn only_full_passes_with_a_count_are_the_last_full_one(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    assert_eq!(ledger.last_full().await.unwrap(), None);
    let mut uncounted = pass("uncounted", 3);
    uncounted.expected = None;
    for (summary, full) in [
        (pass("old", 1), true),
        (pass("full", 2), true),
        (uncounted, true),
        (pass("part", 4), false),
    ] {
        ledger.record_pass(&summary, &[], full).await.unwrap();
    }
    let last = LastFull { pass_id: "full".to_owned(), finished_at: minute(2), expected: 100 };
    assert_eq!(ledger.last_full().await.unwrap(), Some(last));
}

pub(crate) async fn findings_are_told_in_report_order(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let mut found = Vec::new();
    for kind in FindingKind::ALL {
        found.push(finding(kind, "installers/b", 1));
        found.push(finding(kind, "installers/a", 1));
        let (key, mut elsewhere) = finding(kind, "a-first-collection/z", 1);
        elsewhere.collection = String::from("a-first-collection");
        found.push((key, elsewhere));
    }
    found.reverse();
    ledger.record_pass(&pass("p1", 1), &found, false).await.unwrap();
    let mut ordered: Vec<Finding> = found.into_iter().map(|(_, finding)| finding).collect();
    ordered.sort();
    assert_eq!(ledger.findings(100).await.unwrap(), ordered);
    assert_eq!(ledger.findings(7).await.unwrap(), ordered[..7]);
}

pub(crate) async fn a_finding_keeps_its_first_sighting(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let (key, first) = finding(FindingKind::Missing, "k", 1);
    ledger.record_pass(&pass("p1", 1), &[(key.clone(), first)], true).await.unwrap();
    let (_, mut again) = finding(FindingKind::Missing, "k", 2);
    again.detail = String::from("the newest words count");
    ledger.record_pass(&pass("p2", 2), &[(key.clone(), again.clone())], true).await.unwrap();

    let unseen = FindingKey { kind: FindingKind::Corrupt, subject: "k".to_owned() };
    let times = ledger.first_seen(&[unseen.clone(), key, unseen]).await.unwrap();
    assert_eq!(times, [None, Some(minute(1)), None]);
    again.first_seen = minute(1);
    assert_eq!(ledger.findings(10).await.unwrap(), [again]);
}

pub(crate) async fn a_full_pass_closes_what_it_no_longer_saw(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let gone = finding(FindingKind::Missing, "gone", 1);
    let still = finding(FindingKind::Missing, "still", 1);
    ledger.record_pass(&pass("p1", 1), &[gone.clone(), still.clone()], true).await.unwrap();
    ledger.record_pass(&pass("p2", 2), std::slice::from_ref(&still), false).await.unwrap();
    assert_eq!(ledger.findings(10).await.unwrap(), [gone.1, still.1.clone()]);
    ledger.record_pass(&pass("p3", 3), std::slice::from_ref(&still), true).await.unwrap();
    assert_eq!(ledger.findings(10).await.unwrap(), [still.1]);
    assert_eq!(ledger.first_seen(&[gone.0]).await.unwrap(), [None]);
}

pub(crate) async fn a_finding_that_comes_back_is_new(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let (key, first) = finding(FindingKind::Missing, "k", 1);
    ledger.record_pass(&pass("p1", 1), &[(key.clone(), first)], true).await.unwrap();
    ledger.record_pass(&pass("p2", 2), &[], true).await.unwrap();
    let (_, back) = finding(FindingKind::Missing, "k", 3);
    ledger.record_pass(&pass("p3", 3), &[(key.clone(), back.clone())], true).await.unwrap();
    assert_eq!(ledger.first_seen(&[key]).await.unwrap(), [Some(minute(3))]);
    assert_eq!(ledger.findings(10).await.unwrap(), [back]);
}

pub(crate) async fn more_findings_than_fit_a_statement_are_all_kept(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let found: Vec<_> =
        (0..1_234).map(|n| finding(FindingKind::Orphan, &format!("k{n:04}"), n)).collect();
    ledger.record_pass(&pass("p1", 1), &found, true).await.unwrap();
    let (keys, expected): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    assert_eq!(ledger.findings(2_000).await.unwrap(), expected);
    let times: Vec<_> = (0..1_234).map(|n| Some(minute(n))).collect();
    assert_eq!(ledger.first_seen(&keys).await.unwrap(), times);
}

pub(crate) async fn what_is_old_is_forgotten_and_the_last_full_pass_is_not(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let closed = finding(FindingKind::Missing, "closed", 1);
    let stands = finding(FindingKind::Missing, "stands", 1);
    ledger.record_pass(&pass("p1", 1), &[closed, stands.clone()], true).await.unwrap();
    ledger.record_pass(&pass("p2", 2), std::slice::from_ref(&stands), true).await.unwrap();
    ledger.record_pass(&pass("p3", 3), &[], false).await.unwrap();
    ledger.record_pass(&pass("p4", 9), &[], false).await.unwrap();
    let done = repair(digest(1), RepairResult::Restored);
    ledger.record_repair("p1", minute(1), &done).await.unwrap();
    ledger.record_repair("p4", minute(9), &done).await.unwrap();

    // p1 and p3, the closed finding, the first repair.
    assert_eq!(ledger.prune(minute(9)).await.unwrap(), 4);
    assert_eq!(ledger.passes(10).await.unwrap(), [pass("p4", 9), pass("p2", 2)]);
    assert_eq!(ledger.last_full().await.unwrap().unwrap().pass_id, "p2");
    assert_eq!(ledger.findings(10).await.unwrap(), [stands.1]);
    assert_eq!(ledger.repairs(&digest(1), 10).await.unwrap(), [(minute(9), done)]);
    assert_eq!(ledger.prune(minute(9)).await.unwrap(), 0);
}

pub(crate) async fn corruptions_stand_until_they_are_cleared(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let bare = Corruption { meta: ObjectMeta::default(), ..corruption("bare") };
    ledger.put_corruption(&corruption("k")).await.unwrap();
    ledger.put_corruption(&bare).await.unwrap();
    let newer = Corruption { found_at: minute(7), ..corruption("k") };
    ledger.put_corruption(&newer).await.unwrap();
    assert_eq!(ledger.corruptions().await.unwrap(), [bare.clone(), newer]);
    ledger.clear_corruption("k").await.unwrap();
    ledger.clear_corruption("never there").await.unwrap();
    assert_eq!(ledger.corruptions().await.unwrap(), [bare]);
}

pub(crate) async fn sightings_are_kept_and_replaced(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let many: Vec<_> = (0..345).map(|n| sighting(&format!("k{n:04}"), n)).collect();
    ledger.put_sightings(&many).await.unwrap();
    ledger.put_sightings(&[sighting("k0007", 1_000)]).await.unwrap();
    let mut keys: Vec<_> = many.iter().map(|sighting| sighting.key.clone()).collect();
    keys.push("unknown".to_owned());
    let mut found = ledger.sightings(&keys).await.unwrap();
    found.sort_by(|a, b| a.key.cmp(&b.key));
    let mut expected = many;
    expected[7].sightings = 1_000;
    assert_eq!(found, expected);
}

pub(crate) async fn sightings_of_one_prefix_are_retained_without_touching_others(
    fixture: &impl Fixture,
) {
    let ledger = fixture.open(STORE).await;
    let keys = ["a/1", "b", "b/%", "b/1", "b/2", "b/é", "b0", "c/1"].map(str::to_owned);
    let all: Vec<_> = keys.iter().map(|key| sighting(key, 1)).collect();
    ledger.put_sightings(&all).await.unwrap();
    ledger.retain_sightings("b/", &["b/2".to_owned(), "b/new".to_owned()]).await.unwrap();
    let mut left: Vec<_> =
        ledger.sightings(&keys).await.unwrap().into_iter().map(|sighting| sighting.key).collect();
    left.sort();
    assert_eq!(left, ["a/1", "b", "b/2", "b0", "c/1"]);
}

pub(crate) async fn attempts_are_kept_and_cleared(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let failed = Attempts {
        failures: 3,
        last_result: Some(RepairResult::SourceGone),
        last_at: Some(minute(2)),
        fingerprint: "f".to_owned(),
    };
    ledger.put_attempts(&digest(1), Some(&Attempts::default())).await.unwrap();
    ledger.put_attempts(&digest(1), Some(&failed)).await.unwrap();
    ledger.put_attempts(&digest(2), Some(&failed)).await.unwrap();
    let asked: Vec<_> = (1..=250).map(digest).collect();
    let mut found = ledger.attempts(&asked).await.unwrap();
    found.sort_by_key(|(digest, _)| *digest);
    assert_eq!(found, [(digest(1), failed.clone()), (digest(2), failed.clone())]);
    ledger.put_attempts(&digest(1), None).await.unwrap();
    assert_eq!(ledger.attempts(&asked).await.unwrap(), [(digest(2), failed)]);
}

pub(crate) async fn verdicts_are_one_for_each_source_and_object(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let mut newer = verdict(digest(1), "a");
    newer.length = None;
    for kept in [verdict(digest(1), "a"), newer.clone(), verdict(digest(1), "b")] {
        ledger.put_verdict(&kept).await.unwrap();
    }
    ledger.put_verdict(&verdict(digest(2), "a")).await.unwrap();
    let all = [newer, verdict(digest(1), "b"), verdict(digest(2), "a")];
    assert_eq!(ledger.verdicts().await.unwrap(), all);
    ledger.clear_verdicts(&digest(1)).await.unwrap();
    assert_eq!(ledger.verdicts().await.unwrap(), [verdict(digest(2), "a")]);
}

pub(crate) async fn repairs_come_newest_first(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    for (at, result) in [
        (1, RepairResult::Failed),
        (3, RepairResult::SourceGone),
        (3, RepairResult::Restored),
        (2, RepairResult::Held),
    ] {
        ledger.record_repair("p", minute(at), &repair(digest(1), result)).await.unwrap();
    }
    ledger.record_repair("p", minute(5), &repair(digest(2), RepairResult::Held)).await.unwrap();
    let newest =
        [(3, RepairResult::Restored), (3, RepairResult::SourceGone), (2, RepairResult::Held)]
            .map(|(at, result)| (minute(at), repair(digest(1), result)));
    assert_eq!(ledger.repairs(&digest(1), 3).await.unwrap(), newest);
    assert_eq!(ledger.repairs(&digest(3), 3).await.unwrap(), []);
}

pub(crate) async fn uploads_are_under_way_until_they_end(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let [first, second] = ["1", "2"].map(|id| Upload { key: "k".to_owned(), id: id.to_owned() });
    ledger.upload_begun(&second, minute(2)).await.unwrap();
    ledger.upload_begun(&first, minute(1)).await.unwrap();
    ledger.upload_begun(&first, minute(1)).await.unwrap();
    assert_eq!(ledger.uploads().await.unwrap(), [first.clone(), second.clone()]);
    ledger.upload_ended(&first).await.unwrap();
    ledger.upload_ended(&first).await.unwrap();
    assert_eq!(ledger.uploads().await.unwrap(), [second]);
}

/// One of each, so that a forgotten condition on the store shows.
async fn fill(ledger: &Arc<dyn Ledger>) {
    let found = [finding(FindingKind::Missing, "k", 1)];
    ledger.record_pass(&pass("p1", 1), &found, true).await.unwrap();
    ledger.put_corruption(&corruption("k")).await.unwrap();
    ledger.put_sightings(&[sighting("k", 1)]).await.unwrap();
    ledger.put_attempts(&digest(1), Some(&Attempts::default())).await.unwrap();
    ledger.put_verdict(&verdict(digest(1), "a")).await.unwrap();
    let done = repair(digest(1), RepairResult::Restored);
    ledger.record_repair("p1", minute(1), &done).await.unwrap();
    let upload = Upload { key: "k".to_owned(), id: "1".to_owned() };
    ledger.upload_begun(&upload, minute(1)).await.unwrap();
    ledger.set_breaker(Some(&breaker(1))).await.unwrap();
}

/// How many of each a ledger knows.
async fn counts(ledger: &Arc<dyn Ledger>) -> [usize; 10] {
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
        ledger.uploads().await.unwrap().len()
            + usize::from(ledger.breaker().await.unwrap().is_some()),
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
    ledger.set_breaker(None).await.unwrap();
}

const FULL: [usize; 10] = [1, 1, 1, 1, 1, 1, 1, 1, 1, 2];

pub(crate) async fn two_stores_do_not_meet(fixture: &impl Fixture) {
    let mine = fixture.open(STORE).await;
    let theirs = fixture.open("file:///srv/store").await;
    fill(&mine).await;
    assert_eq!(counts(&mine).await, FULL);
    assert_eq!(counts(&theirs).await, [0; 10]);
    fill(&theirs).await;
    forget(&theirs).await;
    // The last full pass alone stays.
    assert_eq!(counts(&theirs).await, [1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
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
