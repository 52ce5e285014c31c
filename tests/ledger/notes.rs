//! What every ledger does with notes, accepted losses and the breaker.

use futures::future::join_all;

use restock::model::{Publishing, Repair, RepairResult};

use crate::samples::{acceptance, breaker, corruption, digest, minute, repair};
use crate::suite::{Fixture, STORE};

pub(crate) async fn a_note_holds_until_another_or_none(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    assert_eq!(ledger.note("rotation").await.unwrap(), None);
    ledger.set_note("rotation", Some("{}")).await.unwrap();
    ledger.set_note("rotation", Some("{\"cursor\": 1}")).await.unwrap();
    ledger.set_note("paused", Some("yes")).await.unwrap();
    let ledger = fixture.open(STORE).await;
    assert_eq!(ledger.note("rotation").await.unwrap().as_deref(), Some("{\"cursor\": 1}"));
    assert_eq!(fixture.open("s3://other").await.note("rotation").await.unwrap(), None);
    ledger.set_note("rotation", None).await.unwrap();
    assert_eq!(ledger.note("rotation").await.unwrap(), None);
    assert_eq!(ledger.note("paused").await.unwrap().as_deref(), Some("yes"));
}

pub(crate) async fn what_is_to_be_published_is_settled_by_its_repair(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let publishing = |key: &str, replaces| Publishing {
        pass_id: "p".to_owned(),
        repair: Repair { key: key.to_owned(), ..repair(digest(1), RepairResult::Restored) },
        replaces,
    };
    let one = publishing("k1", None);
    // Of a digest that two collections hold, and longer than a name of a note.
    let two = publishing(&"k2".repeat(500), Some(corruption("k2").meta));
    for begun in [&one, &publishing(&two.repair.key, None), &two] {
        ledger.publish_begun(begun).await.unwrap();
    }
    ledger.set_note("rotation", Some("{}")).await.unwrap();
    let mut known = fixture.open(STORE).await.publishings().await.unwrap();
    known.sort_by_key(|publishing| publishing.repair.key.len());
    assert_eq!(known, [one.clone(), two.clone()]);
    let failed = Repair { result: RepairResult::Failed, ..one.repair };
    ledger.record_repair("p", minute(1), &failed).await.unwrap();
    assert_eq!(ledger.publishings().await.unwrap(), std::slice::from_ref(&two));
    ledger.publish_failed(&two.repair.key).await.unwrap();
    assert_eq!(ledger.publishings().await.unwrap(), []);
    assert_eq!(ledger.repairs(&digest(1), 9).await.unwrap().len(), 1);
}

pub(crate) async fn an_accepted_loss_stands_until_it_is_forgotten(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let mut longer = acceptance(digest(1));
    longer.until = "2028-02-29".parse().unwrap();
    for accepted in [acceptance(digest(2)), acceptance(digest(1)), longer.clone()] {
        ledger.put_accepted(&accepted).await.unwrap();
    }
    assert_eq!(ledger.accepted().await.unwrap(), [longer.clone(), acceptance(digest(2))]);
    ledger.clear_accepted(&digest(2)).await.unwrap();
    ledger.clear_accepted(&digest(3)).await.unwrap();
    assert_eq!(ledger.accepted().await.unwrap(), [longer]);
}

pub(crate) async fn an_accepted_loss_that_ran_out_long_ago_is_forgotten(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let mut past = acceptance(digest(1));
    // Minute 0 is on this day.
    past.until = "2026-09-21".parse().unwrap();
    ledger.put_accepted(&past).await.unwrap();
    ledger.put_accepted(&acceptance(digest(2))).await.unwrap();
    ledger.prune(minute(0)).await.unwrap();
    assert_eq!(ledger.accepted().await.unwrap(), [past, acceptance(digest(2))]);
    assert_eq!(ledger.prune(minute(24 * 60)).await.unwrap(), 0);
    assert_eq!(ledger.accepted().await.unwrap(), [acceptance(digest(2))]);
}

pub(crate) async fn the_breaker_stays_latched(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    assert_eq!(ledger.breaker().await.unwrap(), None);
    let (open, mut acknowledged) = (breaker(30), breaker(40));
    acknowledged.acknowledged = Some(40);
    for (before, after) in
        [(None, Some(&open)), (Some(&open), Some(&acknowledged)), (Some(&acknowledged), None)]
    {
        assert!(ledger.swap_breaker(before, after).await.unwrap(), "{before:?}");
        assert_eq!(fixture.open(STORE).await.breaker().await.unwrap().as_ref(), after);
    }
}

pub(crate) async fn who_does_not_know_the_breaker_cannot_change_it(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let (known, other) = (breaker(30), breaker(40));
    for latched in [None, Some(&known)] {
        let before = ledger.breaker().await.unwrap();
        assert!(ledger.swap_breaker(before.as_ref(), latched).await.unwrap());
        let wrong = if latched.is_none() { Some(&known) } else { None };
        for (before, after) in [(wrong, Some(&other)), (wrong, None), (Some(&other), wrong)] {
            assert!(!ledger.swap_breaker(before, after).await.unwrap(), "{before:?} {after:?}");
        }
        assert_eq!(ledger.breaker().await.unwrap().as_ref(), latched);
    }
}

/// Each round, all of them know the same state and want to put their own in its place.
pub(crate) async fn of_several_who_change_the_breaker_one_prevails(fixture: &impl Fixture) {
    let ledgers = join_all((0..6).map(|_| fixture.open(STORE))).await;
    let mut before = None;
    for round in 0..12 {
        let swaps = ledgers.iter().zip(1..).map(|(ledger, n)| {
            let (before, after) = (before.clone(), breaker(round * 100 + n));
            async move { ledger.swap_breaker(before.as_ref(), Some(&after)).await.unwrap() }
        });
        let won: Vec<_> = join_all(swaps).await;
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "round {round}: {won:?}");
        let winner = won.iter().position(|won| *won).unwrap();
        let state = breaker(round * 100 + u64::try_from(winner).unwrap() + 1);
        assert_eq!(ledgers[0].breaker().await.unwrap(), Some(state.clone()));
        before = Some(state);
    }
}
