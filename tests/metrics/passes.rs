//! The state of a store in gauges: the same as in the report and in the ledger.

use std::sync::Arc;

use restock::clock::{Clock, ManualClock};
use restock::model::{Depth, FindingKind, Summary, Unhealable};
use restock::observe::{Event, Metrics, Observer};
use restock::pass::remembered;

use crate::shown::Shown;
use crate::support::http_server::Answer;
use crate::support::promtool;
use crate::support::world::{Object, World};

fn watched(world: &mut World) -> Arc<Metrics> {
    let metrics = Arc::new(Metrics::new("default", world.clock.now()).unwrap());
    world.observer = metrics.clone();
    metrics
}

fn state(shown: &Shown, metric: &str, label: &str, value: &str) -> f64 {
    // Labels are written in the order of their names.
    let mut labels = [format!("{label}=\"{value}\""), "store=\"default\"".to_owned()];
    labels.sort();
    shown.get(&format!("{metric}{{{}}}", labels.join(",")))
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "small counts")]
fn number(count: Option<u64>) -> f64 {
    count.unwrap() as f64
}

/// Gauges equal the report of the last full pass.
#[track_caller]
fn agree(shown: &Shown, summary: &Summary) {
    let verified = state(shown, "restock_objects", "state", "verified");
    let present = state(shown, "restock_objects", "state", "present");
    assert_eq!(verified + present, number(summary.present));
    for (name, count) in
        [("missing", summary.missing), ("corrupt", summary.corrupt), ("unknown", summary.unknown)]
    {
        assert_eq!(state(shown, "restock_objects", "state", name), number(count), "{name}");
    }
    let sum = |name: &str| shown.of_metric(name).iter().map(|(_, value)| value).sum::<f64>();
    assert_eq!(sum("restock_objects"), number(summary.expected));
    assert_eq!(sum("restock_orphans"), number(summary.orphans));
    assert_eq!(
        state(shown, "restock_orphans", "state", "flagged"),
        number(summary.orphans_flagged)
    );
    assert_eq!(sum("restock_orphan_bytes"), number(summary.orphan_bytes));
    assert_eq!(sum("restock_foreign_objects"), number(summary.foreign));
    assert_eq!(sum("restock_at_risk_objects"), number(summary.at_risk));
}

/// A world with something wrong of every kind: 8 objects, of which 2 are gone, one of them for
/// good, 1 is corrupt, 1 has no source; with an orphan and a foreign key.
async fn damaged() -> (World, Vec<Object>) {
    let (world, objects) = World::healthy(8).await;
    world.remove(&objects[0].key);
    world.remove(&objects[1].key);
    world.answer(&objects[1], [Answer::status(404)]);
    world.put(&objects[2].key, b"");
    world
        .sql(&format!("UPDATE packages SET url = NULL WHERE sha256 = '{}'", objects[3].digest))
        .await;
    world.sql(&format!("INSERT INTO packages (sha256) VALUES ('{}')", objects[4].digest)).await;
    let orphan = Object::nth(100);
    world.put(&orphan.key, &orphan.bytes);
    world.put("software-installers/README", b"?");
    (world, objects)
}

#[tokio::test]
async fn gauges_report_and_ledger_agree_before_and_after_a_heal_and_a_restart() {
    let (mut world, _) = damaged().await;
    let metrics = watched(&mut world);
    let audit = world.audit().await;
    let shown = Shown::of(&metrics);
    agree(&shown, &audit.summary);
    assert_eq!(shown.get("restock_records{store=\"default\"}"), 9.0);
    assert_eq!(state(&shown, "restock_at_risk_objects", "reason", "no_source"), 1.0);
    assert_eq!(shown.get("restock_heal_pending{store=\"default\"}"), 3.0);
    assert_eq!(shown.get("restock_corruptions_detected_total{store=\"default\"}"), 1.0);
    assert_ne!(shown.get("restock_oldest_unhealthy_timestamp_seconds{store=\"default\"}"), 0.0);

    let heal = world.heal().await;
    assert_eq!(heal.summary.healed, 2);
    let shown = Shown::of(&metrics);
    agree(&shown, &heal.summary);
    assert_eq!(state(&shown, "restock_unhealable_objects", "reason", "source_gone"), 1.0);
    assert_eq!(shown.get("restock_heal_pending{store=\"default\"}"), 0.0);
    assert_eq!(
        heal.findings.iter().filter(|f| f.unhealable == Some(Unhealable::SourceGone)).count(),
        1
    );
    assert_eq!(shown.get("restock_pass_runs_total{depth=\"shallow\",store=\"default\"}"), 2.0);
    promtool::check(&metrics.render().unwrap());

    // A second process over the same ledger.
    let ledger = world.open_ledger().await;
    let restarted = Metrics::new("default", world.clock.now()).unwrap();
    restarted.restore(&remembered(&*ledger).await.unwrap(), world.clock.now());
    let again = Shown::of(&restarted);
    for name in [
        "restock_records",
        "restock_objects",
        "restock_unhealable_objects",
        "restock_at_risk_objects",
        "restock_accepted_objects",
        "restock_oldest_unhealthy_timestamp_seconds",
        "restock_orphans",
        "restock_orphan_bytes",
        "restock_foreign_objects",
        "restock_heal_pending",
        "restock_heal_paused",
        "restock_pass_last_start_timestamp_seconds",
        "restock_pass_last_completion_timestamp_seconds",
        "restock_pass_last_success_timestamp_seconds",
        "restock_pass_last_duration_seconds",
    ] {
        assert_eq!(again.of_metric(name), shown.of_metric(name), "{name}");
    }
}

#[tokio::test]
async fn only_complete_passes_over_everything_move_the_gauges() {
    let (mut world, objects) = damaged().await;
    let metrics = watched(&mut world);
    let named = world.heal_named(&[objects[0].digest]).await;
    assert_eq!(named.summary.healed, 1);
    assert_eq!(Shown::of(&metrics).of_metric("restock_objects"), [], "nothing is known yet");
    world.audit().await;
    let before = Shown::of(&metrics);

    // The store is gone: the pass fails.
    std::fs::rename(world.dir.path().join("store"), world.dir.path().join("elsewhere")).unwrap();
    std::fs::create_dir(world.dir.path().join("store")).unwrap();
    std::fs::write(world.dir.path().join("store/software-installers"), "a file").unwrap();
    let failed = world.audit().await;
    assert_eq!(failed.summary.outcome, restock::model::Outcome::Failed);
    let shown = Shown::of(&metrics);
    let restarted = Metrics::new("default", world.clock.now()).unwrap();
    restarted.restore(&remembered(&*world.open_ledger().await).await.unwrap(), world.clock.now());
    let again = Shown::of(&restarted);
    for name in ["restock_objects", "restock_pass_last_success_timestamp_seconds"] {
        assert_eq!(again.of_metric(name), before.of_metric(name), "the failed pass is no success");
    }
    let sample = |name: &str| format!("restock_pass_{name}{{depth=\"shallow\",store=\"default\"}}");
    let changed = shown.changed_since(&before);
    for name in ["restock_objects", "restock_orphans", "restock_records", "restock_heal_pending"] {
        assert!(!changed.iter().any(|sample| sample.starts_with(name)), "{changed:?}");
    }
    assert!(!changed.contains(&sample("last_success_timestamp_seconds")), "{changed:?}");
    assert_eq!(shown.get(&sample("runs_total")), 2.0);
    let reason =
        "restock_pass_failures_total{depth=\"shallow\",reason=\"store\",store=\"default\"}";
    assert_eq!((shown.get(reason), shown.get("restock_store_up{store=\"default\"}")), (1.0, 0.0));
    assert_eq!(shown.get(&sample("in_progress")), 0.0);
}

#[tokio::test]
async fn a_corruption_that_stands_is_detected_once_however_often_it_is_read() {
    let (mut world, objects) = World::healthy(3).await;
    let metrics = watched(&mut world);
    world.put(&objects[0].key, b"other bytes");
    let count = || Shown::of(&metrics).get("restock_corruptions_detected_total{store=\"default\"}");
    world.audit_deep().await;
    assert_eq!(count(), 1.0);
    world.audit_deep().await;
    world.audit().await;
    assert_eq!(count(), 1.0);
    // Another version of it, also wrong.
    world.put(&objects[0].key, b"yet other bytes");
    let report = world.audit_deep().await;
    assert_eq!(crate::support::world::count(&report, FindingKind::Corrupt), 1);
    assert_eq!(count(), 2.0);
    let runs = "restock_pass_runs_total{depth=\"deep\",store=\"default\"}";
    assert_eq!(Shown::of(&metrics).get(runs), 3.0);
}

#[tokio::test]
async fn verified_objects_are_taken_from_the_present_ones() {
    let (mut world, _) = World::healthy(5).await;
    let metrics = watched(&mut world);
    metrics.notice(&Event::Verification { objects: 9, oldest: chrono::DateTime::UNIX_EPOCH });
    assert_eq!(Shown::of(&metrics).of_metric("restock_objects"), []);
    let audit = world.audit().await;
    agree(&Shown::of(&metrics), &audit.summary);
    assert_eq!(state(&Shown::of(&metrics), "restock_objects", "state", "verified"), 5.0);
    let oldest = audit.summary.started_at;
    metrics.notice(&Event::Verification { objects: 2, oldest });
    let shown = Shown::of(&metrics);
    assert_eq!(state(&shown, "restock_objects", "state", "verified"), 2.0);
    assert_eq!(state(&shown, "restock_objects", "state", "present"), 3.0);
    assert_eq!(audit.summary.depth, Depth::Shallow);
}

#[tokio::test]
async fn the_store_is_asked_as_often_as_the_report_says() {
    let (mut world, _) = damaged().await;
    let metrics = watched(&mut world);
    let report = world.heal_deep().await;
    let shown = Shown::of(&metrics);
    let requests = report.summary.store_requests;
    let of = |kind| state(&shown, "restock_store_operations_total", "operation", kind);
    // The healer of a test opens the store by itself, and reads back the two that it restored.
    for (kind, count) in [("list", requests.list), ("get", requests.get + 2)] {
        assert_eq!(of(kind), number(Some(count)), "{kind}");
    }
    assert!(of("put") >= 2.0 && of("head") >= 2.0);
    assert_eq!(report.repairs.len(), 3);
}

/// Sets the clock back when a pass has read rows.
struct SetsBack(Arc<ManualClock>);

impl Observer for SetsBack {
    fn notice(&self, event: &Event<'_>) {
        if let Event::Rows(_) = event {
            self.0.set_by(chrono::TimeDelta::hours(-5));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_pass_ends_before_it_began_though_the_clock_is_set_back_meanwhile() {
    let (mut world, _) = World::healthy(3).await;
    let clock = world.stop_the_clock();
    let began = clock.now();
    world.observer = Arc::new(SetsBack(Arc::clone(&clock)));
    let summary = world.audit().await.summary;
    assert!(clock.now() < began);
    assert_eq!((summary.started_at, summary.finished_at), (began, began));
    assert_eq!(world.open_ledger().await.passes(1).await.unwrap(), [summary]);
}

/// A clock that was ahead by hours, and is right again.
#[tokio::test]
async fn a_clock_that_was_set_back_leaves_nothing_in_the_future() {
    let (mut world, objects) = damaged().await;
    let clock = world.stop_the_clock();
    let metrics = watched(&mut world);
    let early = world.audit().await;
    clock.set_by(chrono::TimeDelta::hours(-5));
    let now = clock.now();
    metrics.notice(&Event::ClockSet { now });
    let success =
        "restock_pass_last_success_timestamp_seconds{depth=\"shallow\",store=\"default\"}";
    let seconds = |at: chrono::DateTime<chrono::Utc>| {
        std::time::Duration::from_millis(at.timestamp_millis().try_into().unwrap()).as_secs_f64()
    };
    let latest = |metrics: &Metrics| Shown::of(metrics).get(success);
    assert_eq!(latest(&metrics), seconds(now), "it grows old from now on");
    let ledger = world.open_ledger().await;
    let restarted = Metrics::new("default", now).unwrap();
    restarted.restore(&remembered(&*ledger).await.unwrap(), now);
    assert_eq!(latest(&restarted), seconds(now));

    // The next pass is the newest, though the one before it ended in the future.
    clock.advance(chrono::TimeDelta::minutes(1));
    let next = world.audit().await;
    assert_eq!(latest(&metrics), seconds(next.summary.finished_at));
    let passes: Vec<_> = ledger.passes(9).await.unwrap().into_iter().map(|p| p.pass_id).collect();
    assert_eq!(passes, [next.summary.pass_id.clone(), early.summary.pass_id]);
    assert_eq!(ledger.last_full().await.unwrap().unwrap().pass_id, next.summary.pass_id);
    let totals = &ledger.pass_totals().await.unwrap()[0];
    assert_eq!((totals.runs, totals.finished_at), (2, next.summary.finished_at));
    let found = ledger.findings(99).await.unwrap();
    assert!(found.len() >= objects.len().min(2));
    assert!(found.iter().all(|finding| finding.first_seen <= next.summary.finished_at));
}
