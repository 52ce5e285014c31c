//! A pass as an exit code: what counts, and what comes first.

use restock::ledger::Ledger;
use restock::model::{Command, FindingKind, Outcome};
use restock::pass::{PassReport, Request};
use restock::store::StoreFault;

use crate::helper::{add_icons, exit, flipped, in_memory, restock, set_modified};
use crate::memory_store::{MemoryStore, Operation};
use crate::support::world::{Object, Row, World, count, request};

async fn audit_failing_on(world: &World, list: &str) -> PassReport {
    let fail_on = list.parse().unwrap();
    world.try_audit(&Request { fail_on, ..request(Command::Audit) }).await.unwrap()
}

/// One of each: missing, corrupt, invalid, unknown, and an orphan.
async fn one_of_each() -> (World, MemoryStore) {
    let (mut world, store, objects) = in_memory(30).await;
    store.remove(&objects[0].key);
    store.put(&objects[1].key, "corrupt");
    store.remove(&objects[2].key);
    store.fail(Operation::Probe, &objects[2].key, 1_000, StoreFault::Timeout);
    world.row(&Row { digest: "none".to_owned(), ..world.row_of(&objects[3]) }).await;
    store.put(&Object::nth(99).key, "an orphan");
    world.settings.orphans.sightings = 1;
    (world, store)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_that_is_listed_decides_and_no_other() {
    let (world, _) = one_of_each().await;
    for (list, code) in [
        ("missing", 2),
        ("corrupt", 2),
        ("invalid", 2),
        ("unknown", 2),
        ("corrupt, unknown", 2),
        ("orphan", 3),
        ("none", 3),
    ] {
        assert_eq!(exit(&audit_failing_on(&world, list).await), code, "{list}");
    }
    let report = world.audit().await;
    assert_eq!((exit(&report), report.findings.len()), (2, 5), "{:?}", report.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_without_the_kind_that_is_there_is_clean() {
    let (world, objects) = World::healthy(10).await;
    world.remove(&objects[0].key);
    for (list, code) in [("missing", 2), ("corrupt,invalid,orphan,unknown", 0), ("none", 0)] {
        assert_eq!(exit(&audit_failing_on(&world, list).await), code, "{list}");
    }
    for bad in ["", "all", "missing,none", "Missing", "missing;corrupt"] {
        assert!(bad.parse::<restock::pass::FailOn>().is_err(), "{bad}");
    }
    assert_eq!(restock(&world, "audit --fail-on none").code, 0);
    assert_eq!(restock(&world, "audit --fail-on missing").code, 2);
    assert_eq!(restock(&world, "audit --fail-on everything").code, 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn orphan_means_a_flagged_one() {
    let (mut world, _) = World::healthy(10).await;
    world.settings.orphans.sightings = 1;
    let clock = world.stop_the_clock();
    let orphan = Object::nth(99);
    world.put(&orphan.key, &orphan.bytes);
    set_modified(&world, &orphan.key, "2020-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(exit(&audit_failing_on(&world, "orphan").await), 0, "a candidate");
    clock.advance(chrono::TimeDelta::hours(49));
    assert_eq!(exit(&audit_failing_on(&world, "orphan").await), 2);
    assert_eq!(exit(&world.audit().await), 0, "not by default");
}

/// The outcome of a heal as the world gets better, step by step.
#[tokio::test(flavor = "multi_thread")]
async fn failed_comes_before_refused_before_findings_before_incomplete_before_clean() {
    let (mut world, store, objects) = in_memory(25).await;
    add_icons(&mut world).await;
    for object in &objects[..8] {
        store.remove(&object.key);
    }
    store.fail(Operation::Probe, &objects[7].key, 1_000, StoreFault::Timeout);
    store.fail(Operation::List, "icons/", 1, StoreFault::Server);
    let report = world.heal().await;
    assert_eq!((report.summary.outcome, exit(&report)), (Outcome::Failed, 1));
    assert_eq!(report.summary.held, 7, "so large a share of what was seen is not healed");
    let report = world.heal().await;
    assert_eq!((report.summary.outcome, exit(&report)), (Outcome::Refused, 4));
    let report = world.audit().await;
    assert_eq!((report.summary.outcome, exit(&report)), (Outcome::Findings, 2));
    assert_eq!(
        (count(&report, FindingKind::Missing), count(&report, FindingKind::Unknown)),
        (7, 1)
    );
    for object in &objects[..7] {
        store.put(&object.key, object.bytes.clone());
    }
    let report = world.audit().await;
    assert_eq!((report.summary.outcome, exit(&report)), (Outcome::Incomplete, 3));
    store.mend();
    store.put(&objects[7].key, objects[7].bytes.clone());
    let report = world.audit().await;
    assert_eq!((report.summary.outcome, exit(&report)), (Outcome::Clean, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_leaves_store_and_catalog_as_they_are_to_the_byte() {
    let (world, objects) = World::healthy(20).await;
    world.remove(&objects[0].key);
    world.put(&objects[1].key, &flipped(&objects[1]));
    world.put(&Object::nth(99).key, b"an orphan");
    world.put("software-installers/README", b"foreign");
    world.row(&Row { digest: "none".to_owned(), ..world.row_of(&objects[3]) }).await;
    let files = || {
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = std::fs::read_dir(world.dir.path()).unwrap().map(name).collect();
        names.retain(|name| name.to_string_lossy().starts_with("catalog"));
        (names, std::fs::read(world.catalog_file()).unwrap(), world.store_content())
    };
    let times = || objects[1..].iter().map(|o| crate::helper::modified(&world, &o.key)).collect();
    let (before, touched): (_, Vec<_>) = (files(), times());
    for _ in 0..2 {
        assert_eq!(exit(&world.audit_deep().await), 2);
        let report = world.audit().await;
        assert_eq!((exit(&report), report.summary.store_requests.put), (2, 0));
    }
    assert_eq!((files(), times()), (before, touched));
    assert_eq!(world.http.requests().len(), 0, "no source is asked either");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_keeps_the_time_when_it_was_first_seen() {
    let (mut world, objects) = World::healthy(20).await;
    let clock = world.stop_the_clock();
    world.remove(&objects[0].key);
    world.put(&objects[1].key, &objects[1].bytes[..1]);
    world.put("software-installers/README", b"foreign");
    world.row(&Row { digest: "none".to_owned(), ..world.row_of(&objects[3]) }).await;
    let first = crate::helper::now(&world);
    for _ in 0..3 {
        let report = world.audit().await;
        assert_eq!(report.findings.len(), 4);
        assert!(report.findings.iter().all(|finding| finding.first_seen == first));
        clock.advance(chrono::TimeDelta::hours(5));
    }
    assert_eq!(world.heal().await.summary.healed, 2);
    world.remove(&objects[0].key);
    clock.advance(chrono::TimeDelta::hours(5));
    let report = world.audit().await;
    let lost = report.findings.iter().find(|f| f.kind == FindingKind::Missing).unwrap();
    assert_eq!(lost.first_seen, crate::helper::now(&world), "what was mended begins anew");
    let kept = report.findings.iter().find(|f| f.kind == FindingKind::Foreign).unwrap();
    assert_eq!(kept.first_seen, first);
    let ledger: std::sync::Arc<dyn Ledger> = world.open_ledger().await;
    assert_eq!(ledger.findings(10).await.unwrap().len(), 3);
}
