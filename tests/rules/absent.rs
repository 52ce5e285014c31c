//! Absent is not empty.

use std::sync::Arc;

use restock::catalog::{self, CatalogError, CatalogOptions, Preset};
use restock::model::{FindingKind, Outcome, RepairResult};
use restock::store::{self, StoreFault, StoreOptions};

use crate::between::after_first_page;
use crate::helper::{ICONS, add_icons, breaker, codes, counts, exit, in_memory, restock, run_sql};
use crate::memory_store::Operation;
use crate::support::world::{COLLECTION, Object, World, briefly, count, result};

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_store_directory_is_a_failed_run_and_is_not_made() {
    let (world, _) = World::healthy(3).await;
    std::fs::remove_dir_all(world.path("")).unwrap();
    let options = StoreOptions { url: "store".to_owned(), ..StoreOptions::default() };
    let error = store::open(&options, world.dir.path()).await.err().unwrap();
    assert!(error.to_string().contains("no such directory"), "{error}");
    for line in ["audit", "heal"] {
        let ran = restock(&world, line);
        assert_eq!(ran.code, 1, "{line}: {}", ran.stderr);
    }
    assert!(!world.path("").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_catalog_file_is_a_failed_run_and_is_not_made() {
    let (world, objects) = World::healthy(3).await;
    std::fs::remove_file(world.catalog_file()).unwrap();
    let options = CatalogOptions {
        url: Some("sqlite://catalog.db".to_owned()),
        preset: Preset::Custom,
        ..CatalogOptions::default()
    };
    let error = catalog::open(&options, &world.collections, world.dir.path()).await.err().unwrap();
    assert!(matches!(error, CatalogError::Absent { .. }), "{error}");
    for line in ["audit", "heal"] {
        let ran = restock(&world, line);
        assert_eq!(ran.code, 1, "{line}: {}", ran.stderr);
        assert!(ran.stderr.contains("catalog.db"), "{}", ran.stderr);
    }
    assert!(!world.catalog_file().exists());
    assert_eq!(world.store_content().len(), objects.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_under_the_prefix_is_an_empty_listing_and_asks_before_it_heals() {
    let (world, objects) = World::healthy(25).await;
    std::fs::remove_dir_all(world.path(COLLECTION)).unwrap();
    let report = world.audit().await;
    assert_eq!(counts(&report), [25, 0, 25, 0, 0, 0]);
    assert_eq!((exit(&report), report.summary.observed), (2, Some(0)));
    assert_eq!(breaker(&report), Some(("mass_missing".to_owned(), 25, 25)));
    let report = world.heal().await;
    assert_eq!((report.summary.outcome, exit(&report)), (Outcome::Refused, 4));
    assert!(objects.iter().all(|object| result(&report, object) == RepairResult::Held));
    assert_eq!(report.summary.held, 25);
    assert!(world.store_content().is_empty());
    assert_eq!(world.http.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_collection_over_objects_makes_no_orphans_and_says_why() {
    let (world, _) = World::healthy(4).await;
    world.sql("DELETE FROM packages").await;
    let report = world.audit().await;
    assert_eq!(briefly(&report), []);
    assert_eq!((report.summary.outcome, exit(&report)), (Outcome::Incomplete, 3));
    assert_eq!(codes(&report), ["empty_catalog"]);
    assert_eq!(report.summary.errors[0].subject.as_deref(), Some(COLLECTION));
    assert!(report.summary.errors[0].message.contains("4 objects lie under"));
    assert_eq!((report.summary.orphans, report.summary.observed), (Some(0), Some(4)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_whose_rows_name_no_digest_is_not_called_one_without_rows() {
    let (world, _) = World::healthy(4).await;
    for (digest, exit_code, all, said) in [
        ("'oops'", 2, ["empty_catalog", "unreadable_rows"].as_slice(), "4 in all) has a digest"),
        ("NULL", 3, &["empty_catalog"], "the digest of all rows (4)"),
    ] {
        world.sql(&format!("UPDATE packages SET sha256 = {digest}")).await;
        let report = world.audit().await;
        assert_eq!((exit(&report), codes(&report)), (exit_code, all.to_vec()), "{digest}");
        let message = &report.summary.errors[0].message;
        assert!(message.contains(said), "{message}");
        assert!(!message.contains("has no row"), "{message}");
        assert_eq!(report.summary.orphans, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_catalog_over_an_empty_store_is_clean() {
    let world = World::empty().await;
    let report = world.audit_deep().await;
    assert_eq!((counts(&report), exit(&report)), ([0; 6], 0));
    assert_eq!((codes(&report), briefly(&report)), (vec![], vec![]));
    assert_eq!(exit(&world.heal().await), 0);
}

/// So many that the walk cannot have ended when the first page is handed on.
const MANY: u32 = 8_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_replaced_in_mid_pass_fails_the_pass() {
    let mut world = World::empty().await;
    for n in 0..MANY {
        world.put(&Object::nth(n).key, b"x");
    }
    world.row(&world.row_of(&Object::nth(MANY))).await;
    let root = world.path("");
    after_first_page(&mut world, move || {
        std::fs::rename(&root, root.with_file_name("unmounted")).unwrap();
        std::fs::create_dir_all(root.join(COLLECTION)).unwrap();
    })
    .await;
    let report = world.audit().await;
    assert_eq!((report.summary.outcome, exit(&report)), (Outcome::Failed, 1));
    assert_eq!((codes(&report), briefly(&report)), (vec!["listing"], vec![]));
    assert_eq!((report.summary.missing, report.summary.orphans), (None, None));
    let message = &report.summary.errors[0].message;
    assert!(message.contains("replaced or unmounted"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_is_emptied_between_two_passes_makes_no_orphans_and_opens_the_breaker() {
    let (world, _) = World::healthy(10).await;
    assert_eq!(exit(&world.audit().await), 0);
    run_sql(&world.catalog_file(), "DELETE FROM packages").await;
    let report = world.audit().await;
    assert_eq!((exit(&report), count(&report, FindingKind::Orphan)), (3, 0));
    assert_eq!(breaker(&report), Some(("inventory_shrunk".to_owned(), 0, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_breaks_off_gives_no_verdict_and_the_other_collection_does() {
    let (mut world, store, objects) = in_memory(8).await;
    add_icons(&mut world).await;
    let icon = Object::of("an icon", "icon.png");
    world.serve(&icon);
    let url = world.row_of(&icon).url.unwrap();
    world.sql(&format!("INSERT INTO icons VALUES ('{}', '{url}')", icon.digest)).await;
    store.remove(&objects[0].key);
    store.put(&format!("{COLLECTION}/{}", icon.digest), "an icon");
    store.fail(Operation::List, COLLECTION, 9, StoreFault::Server);

    let report = world.audit().await;
    assert_eq!((report.summary.outcome, exit(&report)), (Outcome::Failed, 1));
    let key = format!("{ICONS}/{}", icon.digest);
    assert_eq!(briefly(&report), [(FindingKind::Missing, key.clone(), None)]);
    assert_eq!(report.summary.expected, None, "what was not established is null");
    assert_eq!(report.summary.errors[0].subject.as_deref(), Some(COLLECTION));

    let report = world.heal().await;
    assert_eq!((exit(&report), report.summary.healed), (1, 1));
    assert!(store.get(&key).is_some() && store.get(&objects[0].key).is_none());

    store.mend();
    let report = world.audit().await;
    assert_eq!((exit(&report), counts(&report)), (2, [9, 8, 1, 0, 0, 0]));
    assert_eq!(count(&report, FindingKind::Orphan), 1, "its own collection wants it, not this one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_breaks_off_after_some_pages_gives_no_verdict() {
    let (mut world, store, _) = in_memory(20).await;
    let store = store.listed(crate::memory_store::Order::Ascending, 5);
    world.store = Some(Arc::new(store.clone()));
    store.break_listings_after(2);
    let report = world.audit().await;
    assert_eq!((exit(&report), briefly(&report)), (1, vec![]));
    assert_eq!(breaker(&report), None, "ten objects that were not listed are not missing");
    let report = world.heal().await;
    assert_eq!((exit(&report), report.repairs.len(), store.changes()), (1, 0, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_in_an_objects_place_is_unknown_and_no_heal_downloads_for_it() {
    let (world, objects) = World::healthy(8).await;
    let lost = &objects[..4];
    for object in lost {
        world.remove(&object.key);
    }
    std::fs::create_dir(world.path(&lost[0].key)).unwrap();
    std::os::unix::fs::symlink("nowhere", world.path(&lost[1].key)).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(world.path(&lost[2].key)).unwrap();
    for report in [world.audit().await, world.audit_deep().await, world.heal().await] {
        assert_eq!(count(&report, FindingKind::Unknown), 3, "{:?}", briefly(&report));
        let unknown = report.findings.iter().filter(|f| f.kind == FindingKind::Unknown);
        for finding in unknown {
            assert_eq!(finding.reason.as_deref(), Some("not_a_file"), "{finding:?}");
            assert!(finding.detail.contains("stands in its place"), "{finding:?}");
        }
    }
    let named: Vec<_> = lost.iter().map(|object| object.digest).collect();
    assert_eq!(exit(&world.heal_named(&named).await), 3);
    let plan = world.audit().await.plan;
    assert_eq!(plan.actions.len(), 0);
    let asked = world.http.requests();
    assert_eq!(asked.len(), 1, "only for the one that is missing: {asked:?}");
    assert_eq!(world.get(&lost[3].key).unwrap(), lost[3].bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_place_of_the_collections_folder_is_no_absence_for_anybody() {
    let (world, objects) = World::healthy(3).await;
    std::fs::remove_dir_all(world.path(COLLECTION)).unwrap();
    std::fs::write(world.path(COLLECTION), "a file").unwrap();
    for line in ["audit", "heal"] {
        let ran = restock(&world, line);
        assert_eq!(ran.code, 1, "{line}: {}", ran.stderr);
        assert!(ran.stdout.contains("a file stands where a folder would be"), "{}", ran.stdout);
    }
    let ran = restock(&world, &format!("probe {}", objects[0].digest));
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("unknown ") && !ran.stdout.contains("not found"), "{}", ran.stdout);
    assert_eq!(world.http.requests().len(), 0);
}
