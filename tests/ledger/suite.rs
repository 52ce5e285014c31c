//! What every ledger does, whatever holds it. An adapter joins by implementing [`Fixture`] and
//! naming itself in `conforms!`.

use std::sync::Arc;

use restock::ledger::{FindingKey, Ledger};
use restock::model::{
    Attempts, Corruption, Finding, FindingKind, LastFull, ObjectMeta, RepairResult, Upload,
};

use crate::samples::{corruption, digest, finding, minute, pass, repair, sighting, verdict};

/// An empty ledger of one adapter.
pub(crate) trait Fixture {
    /// Opens it for the store with this identity; each call is a connection of its own.
    async fn open(&self, store_identity: &str) -> Arc<dyn Ledger>;
}

/// One test for each promise of the suite, with a fresh fixture each, if there is one.
macro_rules! conforms {
    ($fixture:expr) => {
        $crate::suite::conforms!($fixture;
            a_pass_is_kept_as_it_was,
            the_newest_passes_come_first,
            only_full_passes_with_a_count_are_the_last_full_one,
            findings_are_told_in_report_order,
            a_finding_keeps_its_first_sighting,
            a_full_pass_closes_what_it_no_longer_saw,
            a_pass_recorded_again_is_one_and_closes_nothing_of_others,
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
            what_is_to_be_published_is_settled_by_its_repair,
            the_breaker_stays_latched,
            who_does_not_know_the_breaker_cannot_change_it,
            of_several_who_change_the_breaker_one_prevails,
            a_note_holds_until_another_or_none,
            an_accepted_loss_stands_until_it_is_forgotten,
            an_accepted_loss_that_ran_out_long_ago_is_forgotten,
            pages_of_findings_hold_each_once,
            pages_of_passes_hold_each_once,
            findings_are_counted_by_what_they_are,
            the_findings_of_an_object_are_its_own,
            attempts_of_standing_findings_are_pending,
            attempts_of_what_waits_for_a_person_are_not_pending,
            totals_outlive_the_passes,
            the_last_full_pass_is_known_whole,
            keys_are_bytes,
            subjects_of_any_length_are_told_apart,
            two_stores_do_not_meet,
            everything_is_there_after_it_is_opened_again,
            writers_at_once_do_not_fail,
            a_pass_that_is_recorded_again_counts_once,
            a_pass_that_is_recorded_again_replaces_its_own_findings_alone,
            a_repair_closes_what_was_found_of_its_object,
            what_a_fast_clock_recorded_comes_before_what_is_recorded_next,
            what_ended_at_the_same_time_has_an_order,
            whoever_asks_twice_is_answered_for_each_object,
            whoever_asks_for_nothing_gets_nothing,
        );
    };
    ($fixture:expr; $($test:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                // There may be no server.
                let Some(fixture) = $fixture.await else { return };
                $crate::suite::$test(&fixture).await;
            }
        )*
    };
}
pub(crate) use conforms;

pub(crate) use crate::again::*;
pub(crate) use crate::keys::*;
pub(crate) use crate::notes::*;
pub(crate) use crate::numbers::*;
pub(crate) use crate::removals::*;
pub(crate) use crate::stores::*;

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
    let last = LastFull { pass_id: "full".to_owned(), finished_at: minute(2), named: 103 };
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

/// A pass is recorded when it has found everything, and again when it has healed that.
pub(crate) async fn a_pass_recorded_again_is_one_and_closes_nothing_of_others(
    fixture: &impl Fixture,
) {
    let ledger = fixture.open(STORE).await;
    let [healed, still] = ["healed", "still"].map(|key| finding(FindingKind::Missing, key, 1));
    ledger.record_pass(&pass("p1", 1), &[healed, still.clone()], true).await.unwrap();
    // Another pass comes and goes while the first one heals.
    let theirs = finding(FindingKind::Missing, "theirs", 2);
    ledger.record_pass(&pass("p2", 2), std::slice::from_ref(&theirs), false).await.unwrap();
    let (again, other) = (pass("p1", 3), pass("p2", 2));
    ledger.record_pass(&again, std::slice::from_ref(&still), true).await.unwrap();
    assert_eq!(ledger.findings(10).await.unwrap(), [still.1, theirs.1]);
    assert_eq!(ledger.passes(10).await.unwrap(), [again, other]);
    assert_eq!(ledger.pass_totals().await.unwrap()[0].runs, 2);
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
