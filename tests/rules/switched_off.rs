//! Healing that is switched off: what could be healed is told as it is, and what would be done is
//! held.

use std::sync::Arc;

use restock::inspect::Inspector;
use restock::model::{Finding, FindingKind, RepairResult, Unhealable};
use restock::pass::PassReport;
use restock::plan::{Hold, Step};

use crate::helper::{exit, flipped};
use crate::support::world::{Object, Row, World, repair, result, unhealable};

/// Twelve objects: one lost, one lost without a source, one corrupt, one there without a source.
async fn damaged() -> (World, Vec<Object>) {
    let (world, objects) = World::healthy(8).await;
    let more: Vec<_> = (8..12).map(Object::nth).collect();
    for object in &more {
        world.put(&object.key, &object.bytes);
        world.row(&Row { url: None, ..world.row_of(object) }).await;
    }
    for lost in [&objects[0], &more[0]] {
        world.remove(&lost.key);
    }
    world.put(&objects[1].key, &flipped(&objects[1]));
    (world, objects.into_iter().chain(more).collect())
}

/// Key, whether it is healable, and why not.
type Chance = (String, Option<bool>, Option<Unhealable>);

/// What a report says of each damaged object's chances, and of those at risk.
fn chances(report: &PassReport) -> (Vec<Chance>, Option<u64>) {
    let chance = |f: &Finding| (f.key.clone().unwrap(), f.healable, f.unhealable);
    let damaged = |f: &&Finding| matches!(f.kind, FindingKind::Missing | FindingKind::Corrupt);
    (report.findings.iter().filter(damaged).map(chance).collect(), report.summary.at_risk)
}

/// Why `show` says that an object is held.
async fn held(world: &World, object: &Object) -> Option<String> {
    let inspector = Inspector {
        catalog: world.open_catalog().await,
        store: world.open_store().await,
        ledger: world.open_ledger().await,
        clock: Arc::clone(&world.clock),
        heal: world.settings.heal.clone(),
    };
    inspector.object(object.digest).await.unwrap().held
}

fn steps(report: &PassReport) -> Vec<Step> {
    report.plan.actions.iter().map(|action| action.step).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_healing_off_an_audit_says_what_could_be_healed_and_its_plan_holds_all_of_it() {
    let (mut world, objects) = damaged().await;
    let on = world.audit_deep().await;
    assert_eq!(unhealable(&on, &objects[0]), None);
    assert_eq!((on.summary.at_risk, steps(&on)), (Some(3), vec![Step::Restore; 3]));
    world.settings.heal.enabled = false;
    for report in [world.audit_deep().await, world.audit().await] {
        assert_eq!(chances(&report), chances(&on));
        assert_eq!(unhealable(&report, &objects[8]), Some(Unhealable::NoSource));
        assert_eq!(steps(&report), vec![Step::Hold(Hold::HealingOff); 3]);
        assert!(report.plan.is_switched_off());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_healing_off_a_heal_holds_everything_and_counts_as_an_audit_does() {
    let (mut world, objects) = damaged().await;
    let on = world.audit_deep().await;
    world.settings.heal.enabled = false;
    let before = world.store_content();
    let report = world.heal_deep().await;
    assert_eq!((exit(&report), report.summary.held, report.summary.heal_failed), (2, 3, 0));
    assert_eq!(chances(&report), chances(&on));
    assert!(report.repairs.iter().all(|repair| repair.result == RepairResult::Held));
    assert_eq!(repair(&report, &objects[0]).detail, "healing is off for it");
    assert_eq!((world.store_content(), world.http.requests().len()), (before, 0));
    let named = world.heal_named(&[objects[0].digest, objects[9].digest]).await;
    assert_eq!((unhealable(&named, &objects[0]), named.summary.at_risk), (None, Some(1)));
    assert_eq!(result(&named, &objects[0]), RepairResult::Held);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_corrupt_and_not_to_be_replaced_is_healable_and_held() {
    let (mut world, objects) = damaged().await;
    world.settings.heal.replace_corrupt = false;
    let report = world.audit_deep().await;
    assert_eq!(unhealable(&report, &objects[1]), None);
    let report = world.heal_deep().await;
    assert_eq!(unhealable(&report, &objects[1]), None);
    assert_eq!(result(&report, &objects[1]), RepairResult::Held);
    assert_eq!(result(&report, &objects[0]), RepairResult::Restored);
    assert_eq!(world.get(&objects[1].key).unwrap(), flipped(&objects[1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_collection_that_does_not_heal_is_called_disabled() {
    let (mut world, objects) = damaged().await;
    world.collections[0].heal = false;
    for enabled in [true, false] {
        world.settings.heal.enabled = enabled;
        let report = world.heal_deep().await;
        assert_eq!(report.summary.at_risk, Some(9), "all that is there");
        assert_eq!(unhealable(&report, &objects[0]), Some(Unhealable::Disabled));
        assert_eq!(result(&report, &objects[0]), RepairResult::Held);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_says_of_itself_that_healing_is_off_for_it() {
    let (mut world, objects) = damaged().await;
    world.audit_deep().await;
    let why = Some("healing is off for it".to_owned());
    assert_eq!(held(&world, &objects[1]).await, None);
    world.settings.heal.replace_corrupt = false;
    assert_eq!(
        (held(&world, &objects[1]).await, held(&world, &objects[0]).await),
        (why.clone(), None)
    );
    world.settings.heal.enabled = false;
    assert_eq!(held(&world, &objects[0]).await, why);
}
