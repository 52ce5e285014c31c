//! Only the digest decides.

use restock::model::{FindingKind, RepairResult, reason};

use crate::between::change_before_rows;
use crate::helper::{counts, exit, fill, flipped, in_memory};
use crate::memory_catalog::Cell;
use crate::support::http_server::Answer;
use crate::support::world::{Object, World, briefly, repair, result};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_size_in_the_catalog_over_healthy_bytes_is_an_invalid_record() {
    let (world, objects) = World::healthy(6).await;
    let digest = objects[2].digest;
    world.sql(&format!("UPDATE packages SET size_bytes = 7 WHERE sha256 = '{digest}'")).await;
    let before = world.store_content();
    let report = world.audit().await;
    let reason = Some(reason::SIZE_MISMATCH.to_owned());
    assert_eq!(briefly(&report), [(FindingKind::InvalidRecord, objects[2].key.clone(), reason)]);
    let finding = &report.findings[0];
    let size = objects[2].bytes.len() as u64;
    assert_eq!((finding.expected_size, finding.observed_size), (Some(7), Some(size)));
    assert_eq!((finding.names.len(), finding.refs.clone()), (1, vec!["3".to_owned()]));
    assert_eq!((counts(&report), exit(&report)), ([6, 6, 0, 0, 0, 0], 2));
    assert_eq!((report.summary.invalid_records, report.summary.verified), (Some(1), Some(1)));

    let report = world.heal_deep().await;
    assert_eq!((exit(&report), report.repairs.len()), (2, 0));
    assert_eq!((world.store_content(), world.http.requests().len()), (before, 0));
    let report = world.heal_named(&[digest]).await;
    assert_eq!((exit(&report), report.repairs.len()), (2, 0), "also where it is named");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_size_of_0_or_null_says_nothing() {
    let (world, objects) = World::healthy(4).await;
    let set = |size: &str, object: &Object| {
        format!("UPDATE packages SET size_bytes = {size} WHERE sha256 = '{}'", object.digest)
    };
    world.sql(&set("0", &objects[0])).await;
    world.sql(&set("NULL", &objects[1])).await;
    let report = world.audit().await;
    assert_eq!((exit(&report), briefly(&report)), (0, vec![]));
    assert_eq!(report.summary.store_requests.get, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_rows_with_different_sizes_the_bytes_tell_that_one_is_wrong() {
    let (world, objects) = World::healthy(4).await;
    let mut row = world.row_of(&objects[1]);
    row.size = Some(10_000);
    world.row(&row).await;
    for report in [world.audit().await, world.audit_deep().await] {
        let reason = Some(reason::SIZE_MISMATCH.to_owned());
        let expected = [(FindingKind::InvalidRecord, objects[1].key.clone(), reason)];
        assert_eq!(briefly(&report), expected);
        assert_eq!((report.findings[0].rows, counts(&report)), (2, [4, 4, 0, 0, 0, 0]));
    }
    let report = world.heal_named(&[objects[1].digest]).await;
    assert_eq!((exit(&report), report.summary.invalid_records), (2, Some(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_no_bytes_is_corrupt_unless_its_digest_is_that_of_no_bytes() {
    let (world, objects) = World::healthy(8).await;
    let nothing = Object::of("", "empty.pkg");
    world.add(&nothing).await;
    assert_eq!(exit(&world.audit().await), 0);
    world.sql("UPDATE packages SET size_bytes = NULL").await;
    world.put(&objects[5].key, b"");
    let report = world.audit().await;
    let reason = Some(reason::DIGEST_MISMATCH.to_owned());
    assert_eq!(briefly(&report), [(FindingKind::Corrupt, objects[5].key.clone(), reason)]);
    let finding = &report.findings[0];
    let observed = (finding.observed_size, finding.observed_digest);
    assert_eq!(observed, (Some(0), Some(nothing.digest)));
    let report = world.heal().await;
    assert_eq!(result(&report, &objects[5]), RepairResult::Restored);
    assert_eq!(world.get(&objects[5].key).unwrap(), objects[5].bytes);

    world.put(&nothing.key, b"not nothing");
    let report = world.heal().await;
    assert_eq!(result(&report, &nothing), RepairResult::Restored);
    assert_eq!(world.get(&nothing.key).unwrap(), b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heal_replaces_only_what_it_read_and_found_wrong() {
    let (world, objects) = World::healthy(8).await;
    world.put(&objects[0].key, &flipped(&objects[0]));
    let before = world.store_content();
    let report = world.heal().await;
    assert_eq!((exit(&report), report.repairs.len()), (0, 0), "a shallow one did not read it");
    assert_eq!(world.store_content(), before);
    assert_eq!(world.audit_deep().await.summary.corrupt, Some(1));
    world.put(&objects[0].key, &objects[0].bytes);
    let report = world.heal().await;
    assert_eq!((exit(&report), report.repairs.len()), (0, 0), "it was put right meanwhile");
    assert_eq!(report.summary.store_requests.get, 1, "it was read to know");
    assert_eq!(world.http.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_after_it_was_read_is_not_replaced() {
    let (world, store, objects) = in_memory(8).await;
    store.put(&objects[0].key, flipped(&objects[0]));
    let key = objects[0].key.clone();
    store.after_chunk(move |store| store.put(&key, "somebody else's repair"));
    let report = world.heal_deep().await;
    assert_eq!(result(&report, &objects[0]), RepairResult::Held);
    assert!(repair(&report, &objects[0]).detail.contains("changed since it was read"));
    assert_eq!(store.get(&objects[0].key).unwrap(), "somebody else's repair");
    assert_eq!((exit(&report), store.open_uploads()), (2, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_object_whose_sources_are_all_down_stays_as_it_is_to_the_byte() {
    let (world, objects) = World::healthy(8).await;
    let mut row = world.row_of(&objects[0]);
    row.url = Some(world.http.url("/another"));
    world.row(&row).await;
    world.http.route("/another", [Answer::status(404)]);
    world.answer(&objects[0], [Answer::status(503)]);
    world.put(&objects[0].key, &flipped(&objects[0]));
    let before = world.store_content();
    for _ in 0..2 {
        let report = world.heal_deep().await;
        assert_eq!(result(&report, &objects[0]), RepairResult::SourceGone, "the best of the two");
        assert_eq!((exit(&report), report.summary.corrupt), (2, Some(1)));
        assert_eq!(world.store_content(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_mended_in_mid_pass_is_no_invalid_record() {
    let (mut world, objects) = World::healthy(3).await;
    let (right, digest) = (objects[1].bytes.len(), objects[1].digest);
    world.sql(&format!("UPDATE packages SET size_bytes = 7 WHERE sha256 = '{digest}'")).await;
    change_before_rows(&mut world, move |rows| {
        let mended = rows.iter_mut().filter(|row| row.digest == Cell::Digest(digest));
        mended.for_each(|row| row.size = Some(right as u64));
    })
    .await;
    let report = world.audit().await;
    assert_eq!((exit(&report), briefly(&report)), (0, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_world_of_many_objects_is_read_only_by_deep_passes() {
    let (world, store, objects) = in_memory(300).await;
    let more: Vec<_> = (300..310).map(Object::nth).collect();
    for object in &more {
        store.put(&object.key, object.bytes.clone());
    }
    fill(&world, &more).await;
    let report = world.audit().await;
    assert_eq!((exit(&report), counts(&report)), (0, [310, 310, 0, 0, 0, 0]));
    assert_eq!((report.summary.verified, report.summary.store_requests.get), (Some(0), 0));
    let report = world.audit_deep().await;
    assert_eq!((report.summary.verified, report.summary.store_requests.get), (Some(310), 310));
    assert_eq!(objects.len(), 300);
}
