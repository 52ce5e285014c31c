//! Slices of the digest space: disjoint, complete, and nothing outside them counts.

use restock::model::{Command, FindingKind, Slice, Summary};
use restock::pass::{PassReport, Request};
use restock::store::StoreFault;

use crate::helper::{counts, exit, fill, flipped, in_memory};
use crate::memory_store::Operation;
use crate::support::world::{COLLECTION, Object, Row, World, briefly, count, request};

/// A world with some of everything: twelve counts that are not 0.
async fn mixed() -> World {
    let (mut world, objects) = World::healthy(60).await;
    world.settings.grace = std::time::Duration::from_hours(1);
    for object in &objects[..7] {
        world.remove(&object.key);
    }
    for object in &objects[7..12] {
        world.put(&object.key, &object.bytes[..1]);
    }
    for object in &objects[12..16] {
        let digest = object.digest;
        world.sql(&format!("UPDATE packages SET size_bytes = 9 WHERE sha256 = '{digest}'")).await;
    }
    for object in &objects[16..22] {
        let digest = object.digest;
        world.sql(&format!("UPDATE packages SET url = NULL WHERE sha256 = '{digest}'")).await;
    }
    for n in 100..108 {
        world.put(&Object::nth(n).key, &Object::nth(n).bytes);
    }
    for n in 200..205 {
        let row = world.row_of(&Object::nth(n));
        world.row(&Row { updated_at: Some("soon".to_owned()), ..row }).await;
    }
    world.sql("UPDATE packages SET updated_at = datetime('now') WHERE updated_at = 'soon'").await;
    for n in 0..3 {
        let digest = format!("no digest {n}");
        world.row(&Row { digest, ..world.row_of(&objects[0]) }).await;
    }
    for name in ["!", "README", "00", "5", "8f8f", "zz", "a/b", "ff/x", "é"] {
        world.put(&format!("{COLLECTION}/{name}"), b"123");
    }
    world
}

fn numbers(summary: &Summary) -> [u64; 14] {
    [
        summary.expected,
        summary.observed,
        summary.present,
        summary.verified,
        summary.missing,
        summary.corrupt,
        summary.unknown,
        summary.young,
        summary.orphans,
        summary.orphan_bytes,
        summary.foreign,
        summary.invalid_records,
        summary.at_risk,
        Some(summary.store_requests.get),
    ]
    .map(|count| count.unwrap())
}

fn sum(reports: &[PassReport]) -> [u64; 14] {
    reports
        .iter()
        .map(|report| numbers(&report.summary))
        .fold([0; 14], |sum, next| std::array::from_fn(|at| sum[at] + next[at]))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slices_of_any_number_add_up_to_the_whole_and_share_nothing() {
    let world = mixed().await;
    drop(world.audit().await);
    let whole = world.audit().await;
    assert_eq!(counts(&whole), [60, 48, 7, 5, 0, 5]);
    assert_eq!((whole.summary.foreign, whole.summary.invalid_records), (Some(9), Some(7)));
    for of in [1, 2, 3, 7] {
        let mut reports = Vec::new();
        for index in 1..=of {
            let slice = Slice::new(index, of).unwrap();
            let sliced = Request { slice, ..request(Command::Audit) };
            reports.push(world.try_audit(&sliced).await.unwrap());
        }
        assert_eq!(sum(&reports), numbers(&whole.summary), "{of} slices");
        let mut findings: Vec<_> = reports.iter().flat_map(briefly).collect();
        let mut expected = briefly(&whole);
        findings.sort();
        expected.sort();
        assert_eq!(findings, expected, "{of} slices");
        let told = reports.iter().filter(|report| report.summary.slice.is_some()).count();
        assert_eq!(told, if of == 1 { 0 } else { of as usize });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outside_the_slice_is_read_healed_or_closed() {
    let (world, objects) = World::healthy(40).await;
    let slice = Slice::new(2, 3).unwrap();
    let inside = objects.iter().find(|object| slice.contains(&object.digest)).unwrap();
    let outside = objects.iter().find(|object| !slice.contains(&object.digest)).unwrap();
    world.remove(&inside.key);
    world.remove(&outside.key);
    assert_eq!(world.audit().await.findings.len(), 2);
    let sliced = Request { slice, ..request(Command::Heal) };
    let report = world.try_heal(&sliced).await.unwrap();
    assert_eq!((exit(&report), report.summary.healed), (0, 1));
    assert!(world.get(&inside.key).is_some() && world.get(&outside.key).is_none());
    let standing = world.open_ledger().await.findings(9).await.unwrap();
    assert!(standing.iter().any(|finding| finding.digest == Some(outside.digest)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deep_slice_lists_everything_and_reads_only_its_own_objects() {
    let (world, objects) = World::healthy(40).await;
    for object in &objects {
        world.put(&object.key, &flipped(object));
    }
    let mut corrupt = 0;
    for index in 1..=3 {
        let slice = Slice::new(index, 3).unwrap();
        let own = objects.iter().filter(|object| slice.contains(&object.digest)).count();
        let deep = Request { deep: Some(slice), ..request(Command::Audit) };
        let report = world.try_audit(&deep).await.unwrap();
        corrupt += own;
        assert_eq!(report.summary.store_requests.get, own as u64);
        assert_eq!(count(&report, FindingKind::Corrupt), corrupt, "those found earlier stand");
        assert_eq!(counts(&report)[0], 40);
        assert_eq!(report.summary.slice, None);
    }
    assert_eq!(corrupt, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slice_of_more_than_2000_suspicions_lists_again_only_itself() {
    let (world, store, _) = in_memory(1).await;
    let absent: Vec<_> = (1..4_600).map(Object::nth).collect();
    fill(&world, &absent).await;
    store.fail(Operation::Probe, "", 1, StoreFault::Timeout);
    let slice = Slice::new(1, 2).unwrap();
    let report = world.try_audit(&Request { slice, ..request(Command::Audit) }).await.unwrap();
    let own = absent.iter().filter(|object| slice.contains(&object.digest)).count();
    assert!(own > 2_000);
    assert_eq!(counts(&report)[2], own as u64);
    assert_eq!(report.summary.store_requests.list, 3, "a check, and two listings");
}
