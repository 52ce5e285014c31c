//! Plans: data that is made, kept, checked against the world again, and only then carried out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use restock::model::{Cause, Command, Outcome, RepairResult};
use restock::pass::PassReport;
use restock::plan::{Hold, Plan, Step};

use crate::helper::{ack, codes, exit, flipped, forget_row, restock};
use crate::memory_store::MemoryStore;
use crate::support::http_server::Answer;
use crate::support::world::{Object, World, repair, request, result};

async fn heal_from(world: &World, plan: &Plan) -> PassReport {
    let healer = world.healer().await;
    world.auditor().await.heal_from(plan, &request(Command::Heal), &healer).await.unwrap()
}

/// What a plan file holds after it was written and read.
fn through_a_file(plan: &Plan) -> Plan {
    serde_json::from_str(&serde_json::to_string(plan).unwrap()).unwrap()
}

/// Two lost objects and a corrupt one of ten, and the plan of a deep audit.
async fn planned() -> (World, Vec<Object>, Plan) {
    let (world, objects) = World::healthy(15).await;
    world.remove(&objects[0].key);
    world.remove(&objects[1].key);
    world.put(&objects[2].key, &flipped(&objects[2]));
    let plan = through_a_file(&world.audit_deep().await.plan);
    assert_eq!(plan.actions.len(), 3);
    assert!(plan.actions.iter().all(|action| action.step == Step::Restore));
    (world, objects, plan)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_carried_out_as_it_was_made_and_nothing_beside_it() {
    let (world, objects, plan) = planned().await;
    world.remove(&objects[3].key);
    let report = heal_from(&world, &plan).await;
    assert_eq!((exit(&report), report.summary.healed), (0, 3));
    for object in &objects[..3] {
        assert_eq!(world.get(&object.key).unwrap(), object.bytes);
    }
    assert!(world.get(&objects[3].key).is_none(), "it was lost after the plan was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_for_another_store_or_catalog_is_refused() {
    let (mut world, _, plan) = planned().await;
    let before = world.store_content();
    let store = world.store.replace(Arc::new(MemoryStore::new()));
    let report = heal_from(&world, &plan).await;
    assert_eq!((report.summary.outcome, exit(&report)), (Outcome::Refused, 4));
    assert_eq!((codes(&report), report.repairs.len()), (vec!["plan_misfit"], 0));
    let message = &report.summary.errors[0].message;
    assert!(message.contains("memory://test") && message.contains("file://"), "{message}");
    world.store = store;
    let mut elsewhere = plan.clone();
    elsewhere.identity.catalog = "sqlite:///elsewhere.db".to_owned();
    assert_eq!(exit(&heal_from(&world, &elsewhere).await), 4);
    let mut newer = plan.clone();
    newer.schema = "restock.plan/v2".to_owned();
    assert_eq!(exit(&heal_from(&world, &newer).await), 4);
    assert_eq!((world.store_content(), world.http.requests().len()), (before, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_no_longer_fit_are_held_and_the_others_are_carried_out() {
    let (world, objects, mut plan) = planned().await;
    world.put(&objects[0].key, &objects[0].bytes);
    forget_row(&world, &objects[1]).await;
    world.remove(&objects[3].key);
    let mut strange = plan.actions[0].clone();
    strange.target.key = "software-installers/elsewhere".to_owned();
    strange.target.digest = objects[3].digest;
    plan.actions.push(strange);
    let report = heal_from(&world, &plan).await;
    for object in &objects[..2] {
        assert_eq!(result(&report, object), RepairResult::Held);
        assert!(repair(&report, object).detail.contains("no longer fits"));
    }
    assert_eq!(result(&report, &objects[2]), RepairResult::Restored);
    assert_eq!(result(&report, &objects[3]), RepairResult::Held, "its key is another now");
    assert_eq!((report.summary.held, report.summary.healed), (3, 1));
    assert!(world.get(&objects[1].key).is_none() && world.get(&objects[3].key).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_whose_cause_has_changed_no_longer_fits() {
    let (world, objects, plan) = planned().await;
    world.put(&objects[0].key, &flipped(&objects[0]));
    world.remove(&objects[2].key);
    let before = world.store_content();
    let report = heal_from(&world, &plan).await;
    assert_eq!(result(&report, &objects[0]), RepairResult::Held, "it is corrupt now");
    assert_eq!(result(&report, &objects[1]), RepairResult::Restored);
    assert_eq!(result(&report, &objects[2]), RepairResult::Held, "it is missing now");
    assert_eq!(repair(&report, &objects[0]).cause, Cause::Missing);
    let after = world.store_content();
    assert_eq!(after.len(), before.len() + 1);
    assert_eq!(exit(&report), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plan_holds_is_held_when_it_is_carried_out() {
    let (mut world, objects) = World::healthy(10).await;
    world.remove(&objects[0].key);
    world.settings.heal.enabled = false;
    let plan = through_a_file(&world.audit().await.plan);
    assert_eq!(plan.actions[0].step, Step::Hold(Hold::HealingOff));
    assert_eq!(result(&world.heal().await, &objects[0]), RepairResult::Held);
    world.settings.heal.enabled = true;
    let report = heal_from(&world, &plan).await;
    assert_eq!((exit(&report), result(&report, &objects[0])), (2, RepairResult::Held));
    assert!(world.get(&objects[0].key).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_breaker_refuses_a_plan_too() {
    let (world, objects, plan) = planned().await;
    objects[3..7].iter().for_each(|object| world.remove(&object.key));
    assert_eq!(exit(&world.audit().await), 2);
    let report = heal_from(&world, &plan).await;
    assert_eq!((exit(&report), report.summary.held), (4, 3));
    assert_eq!(world.http.requests().len(), 0);
    ack(&world, restock::model::BreakerReason::MassMissing, 7).await.unwrap();
    assert_eq!(heal_from(&world, &plan).await.summary.healed, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_made_under_an_open_breaker_is_carried_out_once_it_is_answered() {
    let (world, objects) = World::healthy(25).await;
    objects[..6].iter().for_each(|object| world.remove(&object.key));
    let plan = through_a_file(&world.audit().await.plan);
    assert!(plan.actions.iter().all(|action| action.step == Step::Hold(Hold::Breaker)));
    assert_eq!(exit(&heal_from(&world, &plan).await), 4);
    ack(&world, restock::model::BreakerReason::MassMissing, 6).await.unwrap();
    let report = heal_from(&world, &plan).await;
    assert_eq!((exit(&report), report.summary.healed, report.summary.observed), (0, 6, Some(6)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_honours_remembered_drift_since_nobody_named_its_objects() {
    let (world, objects, plan) = planned().await;
    world.answer(&objects[0], [Answer::ok("another release")]);
    assert_eq!(result(&world.heal().await, &objects[0]), RepairResult::SourceDrifted);
    let asked = world.http.requests().len();
    let report = heal_from(&world, &plan).await;
    assert_eq!(result(&report, &objects[0]), RepairResult::SourceDrifted);
    assert!(repair(&report, &objects[0]).detail.contains("not asked again"));
    assert_eq!(world.http.requests().len(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_plan_does_nothing() {
    let (world, objects, mut plan) = planned().await;
    plan.actions.clear();
    let report = heal_from(&world, &plan).await;
    assert_eq!((exit(&report), report.repairs.len(), report.findings.len()), (0, 0, 0));
    assert!(world.get(&objects[0].key).is_none());
}

/// Every file of the store, and the catalog, to the byte.
fn everything(world: &World) -> (BTreeMap<PathBuf, Vec<u8>>, Vec<u8>) {
    (world.store_content(), std::fs::read(world.catalog_file()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_and_a_written_plan_change_nothing_and_exit_as_an_audit_does() {
    let (world, objects, _) = planned().await;
    let before = everything(&world);
    let file: &Path = &world.dir.path().join("plan.json");
    for line in ["heal --dry-run", "heal --plan plan.json", "audit"] {
        let ran = restock(&world, line);
        assert_eq!(ran.code, 2, "{line}: {}", ran.stderr);
        assert_eq!(everything(&world), before, "{line}");
    }
    assert_eq!(world.http.requests().len(), 0);
    let plan: Plan = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert!(plan.actions.iter().any(|action| action.target.digest == objects[0].digest));
    assert_eq!(restock(&world, "heal --from-plan plan.json").code, 0);
    assert_eq!(world.get(&objects[0].key).unwrap(), objects[0].bytes);
}
