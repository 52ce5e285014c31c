//! What every ledger does with a pass that is recorded again, with a repair of what was found, and
//! after the clock was set back.

use restock::ledger::FindingKey;
use restock::model::{
    Finding, FindingKind, Outcome, PassTotals, Removal, RemovalResult, Repair, RepairResult,
};

use crate::removals::removal;
use crate::samples::{digest, finding, minute, pass, repair, sighting};
use crate::suite::{Fixture, STORE};

fn keys_of(found: Vec<Finding>) -> Vec<(FindingKind, String)> {
    found.into_iter().map(|one| (one.kind, one.key.unwrap())).collect()
}

pub(crate) async fn a_pass_that_is_recorded_again_counts_once(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let mut last = pass("p1", 1);
    for (ended, outcome) in
        [(1, Outcome::Clean), (2, Outcome::Failed), (3, Outcome::Failed), (4, Outcome::Findings)]
    {
        last = pass("p1", ended);
        last.outcome = outcome;
        ledger.record_pass(&last, &[], true).await.unwrap();
    }
    assert_eq!(ledger.passes(10).await.unwrap(), std::slice::from_ref(&last));
    let totals = PassTotals {
        depth: last.depth,
        runs: 1,
        failures: 1,
        started_at: minute(3),
        finished_at: minute(4),
        succeeded_at: Some(minute(4)),
    };
    assert_eq!(ledger.pass_totals().await.unwrap(), [totals]);
    // The last word is whether it was a full one, too.
    ledger.record_pass(&last, &[], false).await.unwrap();
    assert_eq!(ledger.last_full().await.unwrap(), None);
}

pub(crate) async fn a_pass_that_is_recorded_again_replaces_its_own_findings_alone(
    fixture: &impl Fixture,
) {
    let ledger = fixture.open(STORE).await;
    let lost = finding(FindingKind::Missing, "lost", 1);
    let before = finding(FindingKind::Missing, "changes", 1);
    ledger.record_pass(&pass("p1", 1), &[lost.clone(), before], true).await.unwrap();
    let of_another = finding(FindingKind::Unknown, "other", 2);
    ledger.record_pass(&pass("p2", 2), &[of_another], false).await.unwrap();
    let after = finding(FindingKind::Corrupt, "changes", 1);
    ledger.record_pass(&pass("p1", 3), &[lost.clone(), after], true).await.unwrap();
    let stand = [
        (FindingKind::Missing, "lost"),
        (FindingKind::Corrupt, "changes"),
        (FindingKind::Unknown, "other"),
    ];
    let stand = stand.map(|(kind, key)| (kind, key.to_owned()));
    assert_eq!(keys_of(ledger.findings(10).await.unwrap()), stand);
    // The sighting that was looked up for it counts.
    assert_eq!(ledger.first_seen(&[lost.0]).await.unwrap(), [Some(minute(1))]);
}

pub(crate) async fn a_repair_closes_what_was_found_of_its_object(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let all: Vec<_> = FindingKind::ALL.into_iter().map(|kind| finding(kind, "k", 1)).collect();
    let other = finding(FindingKind::Missing, "k2", 1);
    let found = [all.clone(), vec![other.clone()]].concat();
    ledger.record_pass(&pass("p1", 1), &found, true).await.unwrap();
    let ended = |result| Repair { key: "k".to_owned(), ..repair(digest(1), result) };
    for result in [RepairResult::Failed, RepairResult::Held, RepairResult::SourceGone] {
        ledger.record_repair("p1", minute(2), &ended(result)).await.unwrap();
    }
    assert_eq!(ledger.findings(10).await.unwrap().len(), 7, "it is as wrong as before");
    ledger.record_repair("p1", minute(3), &ended(RepairResult::AlreadyPresent)).await.unwrap();
    let keys: Vec<FindingKey> = all.into_iter().map(|(key, _)| key).collect();
    let stands = ledger.first_seen(&keys).await.unwrap().into_iter().map(|time| time.is_some());
    assert_eq!(stands.collect::<Vec<_>>(), [false, false, false, true, true, true]);
    assert_eq!(ledger.findings(1).await.unwrap(), [other.1]);
    // They were closed when it was repaired.
    assert_eq!(ledger.prune(minute(3)).await.unwrap(), 3, "the repairs of minute 2");
    assert_eq!(ledger.prune(minute(4)).await.unwrap(), 4, "the repair and what it closed");
}

pub(crate) async fn what_a_fast_clock_recorded_comes_before_what_is_recorded_next(
    fixture: &impl Fixture,
) {
    let ledger = fixture.open(STORE).await;
    let (key, seen) = finding(FindingKind::Missing, "k", 1_000);
    // The clocks of two machines may differ by five minutes.
    ledger.record_pass(&pass("skewed", 14), &[], false).await.unwrap();
    ledger.record_pass(&pass("fast", 1_000), &[(key.clone(), seen)], true).await.unwrap();
    let (_, seen) = finding(FindingKind::Missing, "k", 10);
    ledger.record_pass(&pass("now", 10), &[(key.clone(), seen)], true).await.unwrap();
    let newest = ledger.passes(10).await.unwrap().into_iter().map(|one| one.pass_id);
    assert_eq!(newest.collect::<Vec<_>>(), ["skewed", "now", "fast"]);
    assert_eq!(ledger.last_full().await.unwrap().unwrap().pass_id, "now");
    assert_eq!(ledger.first_seen(&[key]).await.unwrap(), [Some(minute(10))]);
    let [totals] = &ledger.pass_totals().await.unwrap()[..] else { panic!("one depth") };
    assert_eq!((totals.finished_at, totals.succeeded_at), (minute(10), Some(minute(10))));
    assert_eq!(ledger.prune(minute(9)).await.unwrap(), 1, "the one of the fast clock");
}

pub(crate) async fn what_ended_at_the_same_time_has_an_order(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let places = [("p1", "b"), ("p2", "a"), ("p1", "a")];
    for (plan, key) in places {
        let removal: Removal = removal(plan, key, RemovalResult::Moved, 1);
        ledger.record_removal(&removal).await.unwrap();
    }
    let told = ledger.removals(9).await.unwrap().into_iter().map(|one| (one.plan_id, one.key));
    let sorted = [("p1", "a"), ("p1", "b"), ("p2", "a")];
    assert_eq!(
        told.collect::<Vec<_>>(),
        sorted.map(|(plan, key)| (plan.to_owned(), key.to_owned()))
    );
}

pub(crate) async fn whoever_asks_twice_is_answered_for_each_object(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    ledger.put_sightings(&[sighting("k", 1)]).await.unwrap();
    let found = finding(FindingKind::Orphan, "k", 1);
    ledger.record_pass(&pass("p1", 1), std::slice::from_ref(&found), true).await.unwrap();
    let twice = ["k".to_owned(), "k".to_owned()];
    assert_eq!(ledger.sightings(&twice).await.unwrap(), [sighting("k", 1)]);
    let times = ledger.first_seen(&[found.0.clone(), found.0]).await.unwrap();
    assert_eq!(times, [Some(minute(1)); 2]);
}

pub(crate) async fn whoever_asks_for_nothing_gets_nothing(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    ledger.put_sightings(&[]).await.unwrap();
    let found = finding(FindingKind::Orphan, "k", 1);
    ledger.record_pass(&pass("p1", 1), &[found], true).await.unwrap();
    assert_eq!(ledger.sightings(&[]).await.unwrap(), []);
    assert_eq!(ledger.attempts(&[]).await.unwrap(), []);
    assert_eq!(ledger.first_seen(&[]).await.unwrap(), []);
    assert!(ledger.swap_breaker(None, None).await.unwrap(), "it is as it was to be");
    let page = ledger.findings_page(None, None, 0).await.unwrap();
    assert_eq!((page.items, page.next), (vec![], None));
    assert_eq!(ledger.passes_page(None, 0).await.unwrap().next, None);
}
