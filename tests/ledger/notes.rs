//! What every ledger does with notes and with the breaker.

use crate::samples::breaker;
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

pub(crate) async fn the_breaker_stays_latched(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    assert_eq!(ledger.breaker().await.unwrap(), None);
    ledger.set_breaker(Some(&breaker(30))).await.unwrap();
    let mut acknowledged = breaker(40);
    acknowledged.acknowledged = Some(40);
    ledger.set_breaker(Some(&acknowledged)).await.unwrap();
    drop(ledger);
    let ledger = fixture.open(STORE).await;
    assert_eq!(ledger.breaker().await.unwrap(), Some(acknowledged));
    ledger.set_breaker(None).await.unwrap();
    assert_eq!(ledger.breaker().await.unwrap(), None);
}
