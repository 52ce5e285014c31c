//! Orphans: candidates first, flagged when they are old and were seen often enough.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use restock::clock::ManualClock;
use restock::model::{BreakerReason, Command, Finding, FindingKind, Slice};
use restock::pass::{PassReport, Request};
use restock::store::StoreFault;

use crate::between::change_before_rows;
use crate::helper::{ack, add_icons, codes, exit, forget_row, in_memory, now, set_modified};
use crate::memory_catalog::{Cell, Row};
use crate::memory_store::{MemoryStore, Operation};
use crate::support::world::{COLLECTION, Object, World, count, request};

/// A healthy world with an orphan that was written `hours` before its clock, which stands.
async fn with_orphan(hours: i64) -> (World, Arc<ManualClock>, Object) {
    let (mut world, _) = World::healthy(25).await;
    let clock = world.stop_the_clock();
    let orphan = Object::of("nobody wants me", "orphan.pkg");
    world.put(&orphan.key, &orphan.bytes);
    set_modified(&world, &orphan.key, now(&world) - TimeDelta::hours(hours));
    (world, clock, orphan)
}

fn orphan(report: &PassReport) -> &Finding {
    report.findings.iter().find(|finding| finding.kind == FindingKind::Orphan).unwrap()
}

fn reason(report: &PassReport) -> &str {
    orphan(report).reason.as_deref().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_object_seen_three_times_sixteen_hours_apart_is_flagged_after_two_days() {
    let (world, clock, object) = with_orphan(1_000).await;
    let first = now(&world);
    let mut told = Vec::new();
    for hours in [0, 1, 15, 16, 15, 1, 1] {
        clock.advance(TimeDelta::hours(hours));
        let report = world.audit().await;
        assert_eq!(orphan(&report).first_seen, first);
        assert_eq!(orphan(&report).key.as_ref(), Some(&object.key));
        let summary = &report.summary;
        assert_eq!((exit(&report), summary.orphans), (0, Some(1)));
        assert_eq!(summary.orphan_bytes, Some(object.bytes.len() as u64));
        told.push((reason(&report).to_owned(), summary.orphans_flagged.unwrap()));
    }
    let candidate = || ("candidate".to_owned(), 0);
    let mut expected: Vec<_> = std::iter::repeat_with(candidate).take(6).collect();
    expected.push(("flagged".to_owned(), 1));
    assert_eq!(told, expected, "at 48 h it is not older than 48 h yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_was_written_lately_is_a_candidate_however_often_it_was_seen() {
    let (world, clock, object) = with_orphan(1_000).await;
    for hours in [0, 20, 20, 20] {
        clock.advance(TimeDelta::hours(hours));
        set_modified(&world, &object.key, now(&world) - TimeDelta::hours(47));
        assert_eq!(reason(&world.audit().await), "candidate");
    }
    set_modified(&world, &object.key, now(&world) - TimeDelta::hours(49));
    assert_eq!(reason(&world.audit().await), "flagged");
}

#[tokio::test(flavor = "multi_thread")]
async fn sightings_close_together_are_one() {
    let (world, clock, _) = with_orphan(1_000).await;
    for hours in [0, 1, 1, 1, 100] {
        clock.advance(TimeDelta::hours(hours));
        assert_eq!(reason(&world.audit().await), "candidate", "two sightings at the most");
    }
    clock.advance(TimeDelta::hours(16));
    assert_eq!(reason(&world.audit().await), "flagged");
}

#[tokio::test(flavor = "multi_thread")]
async fn grace_and_sightings_are_what_the_settings_say() {
    let (mut world, clock, _) = with_orphan(3).await;
    world.settings.orphans.grace = restock::model::Span::seconds(7_200);
    world.settings.orphans.sightings = 1;
    assert_eq!(reason(&world.audit().await), "candidate");
    clock.advance(TimeDelta::seconds(7_201));
    assert_eq!(reason(&world.audit().await), "flagged");
}

/// Three sightings, 60 hours: the next audit flags.
async fn about_to_be_flagged() -> (World, Arc<ManualClock>, Object) {
    let (world, clock, object) = with_orphan(1_000).await;
    for hours in [0, 20, 20] {
        clock.advance(TimeDelta::hours(hours));
        assert_eq!(reason(&world.audit().await), "candidate");
    }
    clock.advance(TimeDelta::hours(20));
    (world, clock, object)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_wanted_again_between_two_passes_begins_anew() {
    let (world, clock, object) = about_to_be_flagged().await;
    world.row(&world.row_of(&object)).await;
    let report = world.audit().await;
    assert_eq!((count(&report, FindingKind::Orphan), exit(&report)), (0, 0));
    forget_row(&world, &object).await;
    clock.advance(TimeDelta::hours(1));
    let report = world.audit().await;
    assert_eq!((reason(&report), orphan(&report).first_seen), ("candidate", now(&world)));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_row_comes_in_mid_pass_is_none() {
    let (mut world, _, object) = about_to_be_flagged().await;
    let row = Row { digest: Cell::Digest(object.digest), ..Row::empty(COLLECTION) };
    change_before_rows(&mut world, move |rows| rows.push(row)).await;
    let report = world.audit().await;
    assert_eq!((count(&report, FindingKind::Orphan), exit(&report)), (0, 0));
    assert_eq!(report.summary.present, Some(26));
}

#[tokio::test(flavor = "multi_thread")]
async fn none_is_flagged_while_the_breaker_is_open() {
    let (world, clock, _) = about_to_be_flagged().await;
    let lost: Vec<_> = (0..6).map(Object::nth).collect();
    for object in &lost {
        world.remove(&object.key);
    }
    assert_eq!(reason(&world.audit().await), "candidate");
    for object in &lost {
        world.put(&object.key, &object.bytes);
    }
    clock.advance(TimeDelta::hours(20));
    assert_eq!(reason(&world.audit().await), "candidate", "a better world does not close it");
    ack(&world, BreakerReason::MassMissing, 0).await.unwrap();
    assert_eq!(reason(&world.audit().await), "flagged");
}

/// A row of the first collection whose digest cannot be read.
const UNREADABLE: &str = "INSERT INTO packages (id, sha256) VALUES (1000, 'sha1:00ff')";

#[tokio::test(flavor = "multi_thread")]
async fn none_is_flagged_while_a_row_of_its_collection_cannot_be_read_and_the_report_says_why() {
    let (mut world, clock, object) = about_to_be_flagged().await;
    world.sql(UNREADABLE).await;
    let report = world.audit().await;
    let summary = &report.summary;
    assert_eq!((reason(&report), summary.orphans_flagged), ("candidate", Some(0)));
    assert_eq!((exit(&report), summary.invalid_records), (2, Some(1)));
    assert_eq!(codes(&report), ["unreadable_rows"]);
    assert_eq!(summary.errors[0].subject.as_deref(), Some(COLLECTION));
    assert!(summary.errors[0].message.contains("1 row of collection"), "{:?}", summary.errors);
    world.sql("UPDATE packages SET sha256 = NULL WHERE id = 1000").await;
    let report = world.audit().await;
    assert_eq!((reason(&report), exit(&report)), ("flagged", 0), "NULL wants nothing");
    // It takes the flag back, and that of no other collection.
    add_icons(&mut world).await;
    let icon = Object::of("an icon that nobody wants", "icon.png");
    let key = format!("icons/{}", icon.digest);
    world.put(&key, &icon.bytes);
    set_modified(&world, &key, now(&world) - TimeDelta::hours(1_000));
    world.sql(&format!("INSERT INTO icons (sha256) VALUES ('{}')", object.digest)).await;
    world.put(&format!("icons/{}", object.digest), &object.bytes);
    for _ in 0..3 {
        assert_eq!(count_flagged(&world.audit().await), 1);
        clock.advance(TimeDelta::hours(20));
    }
    assert_eq!(count_flagged(&world.audit().await), 2);
    world.sql("UPDATE packages SET sha256 = 'sha1:00ff' WHERE id = 1000").await;
    let report = world.audit().await;
    assert_eq!(count_flagged(&report), 1);
    let flagged = |finding: &&Finding| finding.reason.as_deref() == Some("flagged");
    assert_eq!(report.findings.iter().find(flagged).unwrap().key.as_ref(), Some(&key));
}

fn count_flagged(report: &PassReport) -> u64 {
    report.summary.orphans_flagged.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_slice_flags_any_while_a_row_cannot_be_read() {
    let (world, _, _) = about_to_be_flagged().await;
    assert_eq!(reason(&world.audit().await), "flagged");
    world.sql(UNREADABLE).await;
    let mut told = Vec::new();
    for index in [1, 2] {
        let slice = Slice::new(index, 2).unwrap();
        let half = Request { slice, ..request(Command::Audit) };
        let report = world.try_audit(&half).await.unwrap();
        let summary = &report.summary;
        told.push((summary.orphans.unwrap(), summary.invalid_records.unwrap()));
        assert_eq!((summary.orphans_flagged, codes(&report)), (Some(0), vec!["unreadable_rows"]));
    }
    assert_eq!((told[0].0 + told[1].0, told[0].1, told[1].1), (1, 1, 0), "the first one tells it");
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_whose_rows_have_a_prefix_before_the_digest_are_no_orphans() {
    let (world, clock, _) = with_orphan(1_000).await;
    let prefixed = "UPDATE packages SET sha256 = 'sha256:' || sha256 WHERE id % 5 = 0";
    world.sql(prefixed).await;
    for _ in 0..4 {
        let report = world.audit().await;
        assert_eq!((report.summary.orphans, report.summary.present), (Some(1), Some(25)));
        assert_eq!(report.summary.invalid_records, Some(0));
        clock.advance(TimeDelta::hours(20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn none_is_flagged_once_the_inventory_shrank_before_a_person_says_that_it_did() {
    let (world, clock, _) = about_to_be_flagged().await;
    for gone in (0..6).map(Object::nth) {
        forget_row(&world, &gone).await;
        world.remove(&gone.key);
    }
    for _ in 0..2 {
        let report = world.audit().await;
        assert_eq!((report.summary.orphans, report.summary.orphans_flagged), (Some(1), Some(0)));
        assert!(report.summary.breaker.is_some(), "19 rows of 25 are 24 % fewer");
        clock.advance(TimeDelta::hours(20));
    }
    ack(&world, BreakerReason::InventoryShrunk, 19).await.unwrap();
    assert_eq!(reason(&world.audit().await), "flagged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_the_scope_flags_none_and_takes_no_flag_back() {
    let (world, _, object) = about_to_be_flagged().await;
    let half = |index| Slice::new(index, 2).unwrap();
    let own = if half(1).contains(&object.digest) { half(1) } else { half(2) };
    let parts = [
        Request { slice: own, ..request(Command::Audit) },
        Request { collections: vec![COLLECTION.to_owned()], ..request(Command::Audit) },
    ];
    for part in &parts {
        assert_eq!(reason(&world.try_audit(part).await.unwrap()), "candidate");
    }
    assert_eq!(reason(&world.audit().await), "flagged");
    for part in &parts {
        assert_eq!(reason(&world.try_audit(part).await.unwrap()), "flagged");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_that_failed_flags_none_and_is_no_sighting() {
    let (mut world, store, _) = in_memory(5).await;
    add_icons(&mut world).await;
    let orphan = Object::of("nobody wants me", "orphan.pkg");
    let start = now(&world);
    store.put_modified(&orphan.key, orphan.bytes, start - TimeDelta::hours(1_000));
    world.settings.orphans.sightings = 1;
    let clock = Arc::new(ManualClock::new(start));
    world.clock = Arc::clone(&clock) as Arc<dyn restock::clock::Clock>;
    store.fail(Operation::List, "icons/", 1, StoreFault::Server);
    assert_eq!(exit(&world.audit().await), 1);
    clock.advance(TimeDelta::minutes(4));
    let report = world.audit().await;
    assert_eq!((exit(&report), reason(&report)), (0, "candidate"));
    let sightings = world.open_ledger().await.sightings(&[orphan.key]).await.unwrap();
    assert_eq!((sightings.len(), sightings[0].first_seen), (1, now(&world)));
}

/// An orphan in memory that only the skew of the clocks keeps from being flagged.
async fn told_with_skew(minutes: i64) -> PassReport {
    let (mut world, store, _) = in_memory(5).await;
    world.settings.orphans.grace = restock::model::Span::seconds(60);
    world.settings.orphans.sightings = 1;
    let orphan = Object::of("nobody wants me", "orphan.pkg");
    let (store, at): (MemoryStore, DateTime<Utc>) = (store, now(&world));
    store.put_modified(&orphan.key, orphan.bytes, at - TimeDelta::hours(1_000));
    let start = at - TimeDelta::minutes(minutes + 2);
    let clock = Arc::new(ManualClock::new(start));
    world.clock = Arc::clone(&clock) as Arc<dyn restock::clock::Clock>;
    drop(world.audit().await);
    clock.advance(TimeDelta::minutes(2));
    world.audit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_differ_by_more_than_five_minutes_are_told_and_flag_none() {
    for minutes in [6, -6, 10_000] {
        let report = told_with_skew(minutes).await;
        assert_eq!((codes(&report), reason(&report)), (vec!["clock_skew"], "candidate"));
        assert_eq!(exit(&report), 0, "which is no error of the pass");
    }
    for minutes in [5, -5, 0] {
        let report = told_with_skew(minutes).await;
        assert_eq!((codes(&report), reason(&report)), (vec![], "flagged"), "{minutes}");
    }
}
