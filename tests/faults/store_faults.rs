//! Stores that change or break off while a pass looks at them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use restock::catalog::CollectionOptions;
use restock::model::{FindingKind, Outcome};
use restock::store::StoreFault;

use crate::memory_store::{MemoryStore, Operation, Order};
use crate::support::world::{Object, World, briefly, count, digest_of};

/// A world over a store that fails as it is told to.
pub(crate) struct Faulty {
    pub(crate) world: World,
    pub(crate) store: MemoryStore,
    pub(crate) objects: Vec<Object>,
}

impl Faulty {
    pub(crate) async fn new() -> Self {
        let (mut world, objects) = World::healthy(8).await;
        let store = MemoryStore::new().listed(Order::Shuffled, 3);
        for object in &objects {
            store.put(&object.key, object.bytes.clone());
        }
        world.store = Some(Arc::new(store.clone()));
        Self { world, store, objects }
    }

    /// All that is in the store.
    pub(crate) fn content(&self) -> BTreeMap<String, Bytes> {
        let keys = self.store.keys().into_iter();
        keys.map(|key| (key.clone(), self.store.get(&key).unwrap())).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_changes_between_listing_and_reading_is_judged_by_what_was_read() {
    let Faulty { world, store, objects } = Faulty::new().await;
    let key = objects[2].key.clone();
    store.after_listing(move |store| store.put(&key, "written just now"));
    let report = world.audit_deep().await;
    assert_eq!(count(&report, FindingKind::Corrupt), 1);
    let finding = &report.findings[0];
    assert_eq!(finding.observed_digest, Some(digest_of(b"written just now")));
    assert_eq!((finding.observed_size, report.summary.exit_code), (Some(16), 2));

    let (key, bytes) = (objects[2].key.clone(), objects[2].bytes.clone());
    store.after_listing(move |store| store.put(&key, bytes));
    let report = world.audit_deep().await;
    assert_eq!((briefly(&report), report.summary.exit_code), (vec![], 0), "mended just in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_vanishes_between_listing_and_reading_is_missing() {
    let Faulty { world, store, objects } = Faulty::new().await;
    let key = objects[2].key.clone();
    store.after_listing(move |store| store.remove(&key));
    let report = world.audit_deep().await;
    assert_eq!(briefly(&report), [(FindingKind::Missing, objects[2].key.clone(), None)]);
    assert_eq!((report.summary.verified, report.summary.missing), (Some(7), Some(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_comes_after_the_listing_is_not_missing() {
    let Faulty { world, store, objects } = Faulty::new().await;
    store.remove(&objects[2].key);
    let (key, bytes) = (objects[2].key.clone(), objects[2].bytes.clone());
    store.after_listing(move |store| store.put(&key, bytes));
    let report = world.heal().await;
    assert_eq!((briefly(&report), report.repairs.len(), report.summary.exit_code), (vec![], 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_breaks_off_invents_nothing() {
    let faulty = Faulty::new().await;
    let Faulty { world, store, objects } = &faulty;
    store.put(&Object::of("nobody wants me", "x").key, "nobody wants me");
    store.remove(&objects[0].key);
    let before = faulty.content();
    for pages in 0..3 {
        store.break_listings_after(pages);
        for report in [world.audit().await, world.heal_deep().await] {
            let summary = &report.summary;
            assert_eq!((summary.outcome, summary.exit_code), (Outcome::Failed, 1), "{pages}");
            assert_eq!((briefly(&report), report.repairs.len()), (vec![], 0));
            let counts = (summary.expected, summary.missing, summary.orphans, summary.present);
            assert_eq!(counts, (None, None, None, None));
        }
        assert!(faulty.content() == before && store.changes().is_empty());
    }
    assert!(world.open_ledger().await.last_full().await.unwrap().is_none());
    store.mend();
    let report = world.audit().await;
    let kinds: Vec<_> = report.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::Missing, FindingKind::Orphan], "what was there all along");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_collection_that_cannot_be_listed_hides_no_other() {
    let Faulty { mut world, store, objects } = Faulty::new().await;
    let query = world.collections[0].query.clone().unwrap().replace("packages", "icons");
    world.sql("CREATE TABLE icons AS SELECT * FROM packages").await;
    world.collections.push(CollectionOptions {
        name: "icons".to_owned(),
        query: Some(query),
        key: "icons/{digest}".parse().unwrap(),
        heal: true,
    });
    for object in &objects {
        store.put(&format!("icons/{}", object.digest), object.bytes.clone());
    }
    assert_eq!(world.audit().await.summary.exit_code, 0);
    store.remove(&objects[3].key);
    store.put(&Object::of("nobody wants me", "x").key, "nobody wants me");
    store.fail(Operation::List, "icons/", usize::MAX, StoreFault::AccessDenied);
    for heals in [false, true] {
        let report = if heals { world.heal().await } else { world.audit().await };
        let kinds: Vec<_> = report.findings.iter().map(|finding| finding.kind).collect();
        let found = if heals { &[][..] } else { &[FindingKind::Missing] };
        assert_eq!(kinds, [found, &[FindingKind::Orphan]].concat());
        assert!(report.findings.iter().all(|f| f.collection == "software-installers"));
        let summary = &report.summary;
        assert_eq!((summary.outcome, summary.exit_code), (Outcome::Failed, 1));
        let error = summary.errors.iter().find(|error| error.code == "listing").unwrap();
        assert_eq!(error.subject.as_deref(), Some("icons"));
        assert!(error.message.contains("access_denied"), "{}", error.message);
        assert_eq!((summary.healed, report.repairs.len()), (u64::from(heals), usize::from(heals)));
    }
    assert_eq!(store.get(&objects[3].key).unwrap(), objects[3].bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_heal_believes_no_404_of_a_store_that_is_gone() {
    let Faulty { world, store, objects } = Faulty::new().await;
    store.remove(&objects[0].key);
    store.fail(Operation::Check, "", usize::MAX, StoreFault::NoSuchStore);
    let report = world.heal_named(&[objects[0].digest]).await;
    assert_eq!((report.summary.exit_code, briefly(&report)), (1, vec![]));
    assert_eq!((report.repairs.len(), store.changes().len()), (0, 0));
    assert_eq!(world.http.requests().len(), 0);
}
