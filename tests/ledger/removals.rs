//! What every ledger does with removals, and with what becomes of orphans.

use restock::model::{FindingKind, Removal, RemovalResult};

use crate::samples::{digest, finding, minute, pass, sighting};
use crate::suite::{Fixture, STORE};

pub(crate) fn removal(plan: &str, key: &str, result: RemovalResult, at: i64) -> Removal {
    Removal {
        plan_id: plan.to_owned(),
        collection: "installers".to_owned(),
        key: key.to_owned(),
        digest: digest(1),
        size: 1 << 40,
        result,
        to: Some(format!("q/orphans/{plan}/{key}")),
        observed_digest: Some(digest(2)),
        at: minute(at),
        detail: "a sentence".to_owned(),
    }
}

pub(crate) async fn the_last_word_on_a_removal_counts_and_the_newest_comes_first(
    fixture: &impl Fixture,
) {
    let ledger = fixture.open(STORE).await;
    let moved = removal("p1", "a", RemovalResult::Moved, 1);
    let deleted = removal("p1", "b", RemovalResult::Deleted, 2);
    let other = removal("p2", "a", RemovalResult::Moved, 3);
    let back = removal("p1", "a", RemovalResult::Restored, 4);
    for removal in [&moved, &deleted, &other, &back] {
        ledger.record_removal(removal).await.unwrap();
    }
    let ledger = fixture.open(STORE).await;
    assert_eq!(ledger.removals(9).await.unwrap(), [back.clone(), other.clone(), deleted.clone()]);
    assert_eq!(ledger.removals(1).await.unwrap(), std::slice::from_ref(&back));
    let of_another = Removal { digest: digest(7), ..removal("p3", "c", RemovalResult::Moved, 5) };
    ledger.record_removal(&of_another).await.unwrap();
    assert_eq!(ledger.removals_of(&digest(7)).await.unwrap(), [of_another]);
    assert_eq!(ledger.removals_of(&digest(1)).await.unwrap(), [back, other, deleted]);
    assert_eq!(fixture.open("s3://other").await.removals(9).await.unwrap(), []);
}

pub(crate) async fn removals_and_sightings_of_long_ago_are_forgotten_and_orphans_are_not(
    fixture: &impl Fixture,
) {
    let ledger = fixture.open(STORE).await;
    let kept = removal("p", "b", RemovalResult::Deleted, 9);
    ledger.record_removal(&removal("p", "a", RemovalResult::Moved, 8)).await.unwrap();
    ledger.record_removal(&kept).await.unwrap();
    // Every sighting of these samples counted last in minute 9.
    ledger.put_sightings(&["orphan", "gone"].map(|key| sighting(key, 1))).await.unwrap();
    let found =
        [finding(FindingKind::Orphan, "orphan", 1), finding(FindingKind::Foreign, "gone", 1)];
    ledger.record_pass(&pass("p1", 20), &found, true).await.unwrap();

    assert_eq!(ledger.prune(minute(9)).await.unwrap(), 1, "the removal of minute 8");
    assert_eq!(ledger.removals(9).await.unwrap(), [kept]);
    let keys = ["orphan", "gone"].map(str::to_owned);
    assert_eq!(ledger.sightings(&keys).await.unwrap().len(), 2);
    ledger.prune(minute(10)).await.unwrap();
    assert_eq!(ledger.removals(9).await.unwrap(), []);
    assert_eq!(ledger.sightings(&keys).await.unwrap(), [sighting("orphan", 1)]);
}
