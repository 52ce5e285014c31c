//! The ledger in memory, a double that simulations run on: the suite, and what is particular to it.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::FutureExt;
use restock::ledger::Ledger;
use restock::store::BoxError;

use crate::interference::{Interference, Moment};
use crate::memory_ledger::MemoryLedger;
use crate::samples::{breaker, pass, sighting};
use crate::suite::{Fixture, conforms};

/// One ledger for each store.
#[derive(Default)]
struct Stores(Mutex<BTreeMap<String, MemoryLedger>>);

impl Fixture for Stores {
    async fn open(&self, store_identity: &str) -> Arc<dyn Ledger> {
        let mut stores = self.0.lock().unwrap();
        Arc::new(stores.entry(store_identity.to_owned()).or_default().clone())
    }
}

conforms!(async { Some(Stores::default()) });

/// Fails at one moment, or stands still there.
struct At {
    moment: Moment,
    stops: bool,
}

#[async_trait]
impl Interference for At {
    async fn meet(&self, moment: Moment, action: &'static str) -> Result<(), BoxError> {
        if moment != self.moment {
            return Ok(());
        }
        if self.stops {
            pending::<()>().await;
        }
        Err(format!("{action} as told").into())
    }
}

#[test]
fn whoever_steps_in_decides_whether_a_write_took_effect() {
    for (moment, stops, is_there) in [
        (Moment::Before, false, false),
        (Moment::Before, true, false),
        (Moment::Between, false, false),
        (Moment::Between, true, false),
        (Moment::After, false, true),
        (Moment::After, true, true),
    ] {
        let ledger = MemoryLedger::new();
        let met = ledger.met_by(At { moment, stops });
        let summary = pass("p", 1);
        let recorded = met.record_pass(&summary, &[], true).now_or_never();
        assert_eq!(recorded.is_none(), stops, "{moment:?}");
        if let Some(recorded) = recorded {
            let error = recorded.unwrap_err();
            assert_eq!(error.source.to_string(), "record_pass as told");
        }
        let passes = ledger.passes(9).now_or_never().unwrap().unwrap();
        assert_eq!(passes.len(), usize::from(is_there), "{moment:?} {stops}");
    }
}

/// Another instance answers the breaker after this one has read it and before it writes.
#[test]
fn a_swap_that_somebody_else_was_faster_with_changes_nothing() {
    let ledger = MemoryLedger::new();
    let other = ledger.clone();
    let faster = move |moment: Moment, action: &'static str| {
        if (moment, action) == (Moment::Between, "swap_breaker") {
            let swapped = other.swap_breaker(None, Some(&breaker(2))).now_or_never();
            assert!(swapped.unwrap().unwrap());
        }
        Ok(())
    };
    let met = ledger.met_by(faster);
    let swapped = met.swap_breaker(None, Some(&breaker(1))).now_or_never();
    assert!(!swapped.unwrap().unwrap());
    assert_eq!(ledger.breaker().now_or_never().unwrap().unwrap(), Some(breaker(2)));
}

#[test]
fn a_former_holder_writes_no_more_and_may_still_read() {
    let ledger = MemoryLedger::new();
    let first = ledger.take_over("a");
    let former = ledger.fenced(&first);
    let write = |ledger: &Arc<dyn Ledger>| {
        ledger.put_sightings(&[sighting("k", 1)]).now_or_never().unwrap()
    };
    write(&former).unwrap();
    let second = ledger.take_over("a");
    assert!(second.number() > first.number());
    assert!(write(&former).unwrap_err().is_lease_lost());
    let summary = pass("p", 1);
    let refused = former.record_pass(&summary, &[], true).now_or_never().unwrap();
    assert!(refused.unwrap_err().is_lease_lost());
    assert_eq!(former.passes(9).now_or_never().unwrap().unwrap(), []);
    write(&ledger.fenced(&second)).unwrap();
    // Nor when the later holder has gone again.
    ledger.give_back(&second);
    assert!(write(&former).unwrap_err().is_lease_lost());
    assert!(write(&ledger.fenced(&second)).unwrap_err().is_lease_lost());
}
