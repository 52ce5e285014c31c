//! A failed heal and the next one: a one-shot ignores back-off, honours remembered drift, and a
//! changed row clears both.

use restock::model::{RepairResult, Unhealable};

use crate::helper::exit;
use crate::support::http_server::Answer;
use crate::support::world::{Object, World, repair, result, unhealable};

async fn one_lost() -> (World, Object) {
    let (world, objects) = World::healthy(8).await;
    world.remove(&objects[2].key);
    (world, objects[2].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_heal_right_after_a_failed_one_tries_again() {
    let (world, object) = one_lost().await;
    world.answer(&object, [Answer::status(403)]);
    for failures in 1..=3 {
        let report = world.heal().await;
        assert_eq!((exit(&report), result(&report, &object)), (2, RepairResult::Failed));
        let ledger = world.open_ledger().await;
        let attempts = ledger.attempts(&[object.digest]).await.unwrap();
        assert_eq!(attempts[0].1.failures, failures, "finished failures are counted");
    }
    world.serve(&object);
    let report = world.heal().await;
    assert_eq!((exit(&report), result(&report, &object)), (0, RepairResult::Restored));
    let ledger = world.open_ledger().await;
    assert_eq!(ledger.attempts(&[object.digest]).await.unwrap(), []);
}

/// A world whose lost object has drifted, and was asked for once.
async fn drifted() -> (World, Object) {
    let (world, object) = one_lost().await;
    world.answer(&object, [Answer::ok("another release")]);
    let report = world.heal().await;
    assert_eq!((exit(&report), result(&report, &object)), (2, RepairResult::SourceDrifted));
    world.serve(&object);
    (world, object)
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_is_remembered_and_its_source_is_not_asked_again() {
    let (world, object) = drifted().await;
    let asked = world.http.requests().len();
    let report = world.heal().await;
    assert_eq!(result(&report, &object), RepairResult::SourceDrifted);
    assert!(repair(&report, &object).detail.contains("not asked again"));
    assert_eq!(unhealable(&report, &object), Some(Unhealable::SourceDrifted));
    assert_eq!((world.http.requests().len(), world.get(&object.key)), (asked, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heal_that_names_the_object_asks_a_drifted_source_all_the_same() {
    let (world, object) = drifted().await;
    let report = world.heal_named(&[object.digest]).await;
    assert_eq!((exit(&report), result(&report, &object)), (0, RepairResult::Restored));
    assert_eq!(world.open_ledger().await.verdicts().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_row_clears_drift_and_back_off() {
    let (world, object) = drifted().await;
    let touch = "UPDATE packages SET updated_at = '2026-01-02 03:04:05'";
    world.sql(touch).await;
    let report = world.audit().await;
    assert_eq!(unhealable(&report, &object), None, "an audit knows it already");
    assert_eq!(world.open_ledger().await.attempts(&[object.digest]).await.unwrap(), []);
    let report = world.heal().await;
    assert_eq!((exit(&report), result(&report, &object)), (0, RepairResult::Restored));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_source_clears_drift_and_back_off() {
    let (world, object) = drifted().await;
    world.http.route("/moved", [Answer::ok(object.bytes.clone())]);
    let url = world.http.url("/moved");
    let set = format!("UPDATE packages SET url = '{url}' WHERE sha256 = '{}'", object.digest);
    world.sql(&set).await;
    let report = world.heal().await;
    assert_eq!((exit(&report), result(&report, &object)), (0, RepairResult::Restored));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_digest_that_no_row_wants_is_told_and_a_healthy_one_is_left_alone() {
    let (world, objects) = World::healthy(4).await;
    let nobody = Object::of("nobody wants me", "x");
    let report = world.heal_named(&[objects[0].digest]).await;
    assert_eq!((exit(&report), report.summary.verified, report.repairs.len()), (0, Some(1), 0));
    let report = world.heal_named(&[nobody.digest]).await;
    assert_eq!(crate::helper::codes(&report), ["no_such_row"]);
    assert_eq!((exit(&report), world.http.requests().len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_object_at_risk_is_counted_as_in_any_pass() {
    let (world, objects) = World::healthy(4).await;
    world
        .sql(&format!("UPDATE packages SET url = '' WHERE sha256 = '{}'", objects[1].digest))
        .await;
    assert_eq!(world.audit().await.summary.at_risk, Some(1));
    assert_eq!(world.heal_named(&[objects[1].digest]).await.summary.at_risk, Some(1));
    assert_eq!(world.heal_named(&[objects[0].digest]).await.summary.at_risk, Some(0));
}
