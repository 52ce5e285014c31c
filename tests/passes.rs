//! Audits and heals of small real worlds: each breaks one thing and expects what follows.

mod support;

use restock::model::{FindingKind, Outcome, RepairResult, Unhealable};
use support::world::{Object, World, briefly, count, repair, result, unhealable};

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_world_has_no_findings_and_an_audit_touches_nothing() {
    let (world, objects) = World::healthy(30).await;
    let (store, catalog) = (world.store_content(), std::fs::read(world.catalog_file()).unwrap());
    let report = world.audit_deep().await;
    assert_eq!(briefly(&report), []);
    let summary = &report.summary;
    assert_eq!((summary.outcome, summary.exit_code), (Outcome::Clean, 0));
    assert_eq!(
        (summary.expected, summary.present, summary.verified),
        (Some(30), Some(30), Some(30))
    );
    assert_eq!(summary.at_risk, Some(0));
    let bytes: usize = objects.iter().map(|object| object.bytes.len()).sum();
    assert_eq!(usize::try_from(summary.bytes_verified).unwrap(), bytes);
    assert_eq!(world.store_content(), store);
    assert_eq!(std::fs::read(world.catalog_file()).unwrap(), catalog);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_object_is_found_fetched_and_put_back() {
    let (world, objects) = World::healthy(10).await;
    world.remove(&objects[3].key);
    let report = world.audit().await;
    assert_eq!(briefly(&report), [(FindingKind::Missing, objects[3].key.clone(), None)]);
    let finding = &report.findings[0];
    assert_eq!(finding.detail, format!("package not found with hash {}", objects[3].digest));
    assert_eq!((finding.healable, finding.unhealable), (Some(true), None));
    assert_eq!((finding.names.clone(), finding.rows), (vec![objects[3].name.clone()], 1));
    assert_eq!(report.summary.exit_code, 2);
    assert_eq!(report.plan.actions.len(), 1);

    let report = world.heal().await;
    assert_eq!(result(&report, &objects[3]), RepairResult::Restored, "{:?}", report.repairs);
    assert_eq!((report.findings.len(), report.summary.exit_code), (0, 0));
    assert_eq!(world.get(&objects[3].key).unwrap(), objects[3].bytes);
    assert_eq!(world.audit_deep().await.summary.exit_code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_object_is_set_aside_and_replaced() {
    let (world, objects) = World::healthy(10).await;
    let mut bytes = objects[1].bytes.clone();
    bytes[0] ^= 1;
    world.put(&objects[1].key, &bytes);
    assert_eq!(world.audit().await.summary.exit_code, 0, "a listing cannot see it");
    let report = world.heal_deep().await;
    assert_eq!(result(&report, &objects[1]), RepairResult::Restored, "{:?}", report.repairs);
    assert_eq!(world.get(&objects[1].key).unwrap(), objects[1].bytes);
    let aside = format!("restock-quarantine/{}/{}", report.summary.pass_id, objects[1].key);
    assert_eq!(world.get(&aside).unwrap(), bytes, "{:?}", world.store_content().keys());
    assert_eq!(briefly(&world.audit_deep().await), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn strays_are_told_and_left_alone() {
    let (world, _) = World::healthy(5).await;
    let orphan = Object::of("nobody wants me", "x");
    world.put(&orphan.key, &orphan.bytes);
    world.put("software-installers/README.txt", b"hello");
    world.put("software-installers-old/x", b"not ours to see");
    let report = world.heal_deep().await;
    assert_eq!(count(&report, FindingKind::Orphan), 1);
    assert_eq!(count(&report, FindingKind::Foreign), 1);
    assert_eq!(report.findings.len(), 2);
    assert_eq!(report.summary.exit_code, 0, "neither decides the exit code by default");
    assert!(world.get(&orphan.key).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_of_being_unhealable_is_named() {
    let (world, objects) = World::healthy(40).await;
    for object in &objects[..4] {
        world.remove(&object.key);
    }
    world.answer(&objects[0], [support::http_server::Answer::status(404)]);
    world.answer(&objects[1], [support::http_server::Answer::ok("something else")]);
    world
        .sql(&format!("UPDATE packages SET url = NULL WHERE sha256 = '{}'", objects[2].digest))
        .await;
    world
        .sql(&format!(
            "UPDATE packages SET url = 'ftp://h/x' WHERE sha256 = '{}'",
            objects[3].digest
        ))
        .await;
    let report = world.heal().await;
    let results: Vec<_> = objects[..4].iter().map(|o| result(&report, o)).collect();
    assert_eq!(
        results,
        [
            RepairResult::SourceGone,
            RepairResult::SourceDrifted,
            RepairResult::Failed,
            RepairResult::Refused
        ]
    );
    let why: Vec<_> = objects[..4].iter().map(|o| unhealable(&report, o).unwrap()).collect();
    let expected = [
        Unhealable::SourceGone,
        Unhealable::SourceDrifted,
        Unhealable::NoSource,
        Unhealable::PolicyBlocked,
    ];
    assert_eq!(why, expected);
    let again = world.audit().await;
    let why: Vec<_> = objects[..4].iter().map(|o| unhealable(&again, o).unwrap()).collect();
    assert_eq!(why, expected, "the next audit knows it without asking");
    let asked = world.http.requests().len();
    let third = world.heal().await;
    assert_eq!(result(&third, &objects[1]), RepairResult::SourceDrifted);
    assert!(repair(&third, &objects[1]).detail.contains("not asked again"));
    assert_eq!(world.http.requests().len(), asked + 1, "only the gone source is asked again");
}
