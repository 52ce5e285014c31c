//! Sources that are silent, slow or too many: what they cost the objects of others, and their own.

use std::sync::Arc;
use std::time::Duration;

use restock::model::{Command, FailureReason, FindingKind, RepairResult, Span};
use restock::observe::{Metrics, Observer};
use restock::pass::PassReport;

use crate::support::http_server::{Answer, Gate};
use crate::support::world::{Object, Row, World, count, repair, request, result};

/// A world in which all of these are lost: the first `silent` at a host that answers nobody, the
/// rest at another one.
async fn lost(silent: usize, others: usize) -> (World, Vec<Object>) {
    let (mut world, objects) = World::healthy(u32::try_from(silent + others).unwrap()).await;
    world.settings.breaker.missing_share = 1.0;
    world.source_options.tries = 1;
    for (n, object) in objects.iter().enumerate() {
        if n < silent {
            world.answer(object, [Answer::raw("").then_stall()]);
        } else {
            name_host(&world, object, "localhost").await;
        }
        world.remove(&object.key);
    }
    (world, objects)
}

/// Lets the row of an object name its source by another host.
async fn name_host(world: &World, object: &Object, host: &str) {
    let digest = object.digest;
    let set = format!("UPDATE packages SET url = replace(url, '127.0.0.1', '{host}')");
    world.sql(&format!("{set} WHERE sha256 = '{digest}'")).await;
}

/// Waits until a source is asked.
async fn asked(world: &World) {
    while world.http.requests().is_empty() {
        tokio::task::yield_now().await;
    }
}

fn held(report: &PassReport, objects: &[Object]) -> usize {
    let is_held = |object: &&Object| {
        let repair = repair(report, object);
        repair.result == RepairResult::Held && repair.reason == Some(FailureReason::HostSilent)
    };
    objects.iter().filter(is_held).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_objects_at_a_silent_host_take_five_time_outs_and_the_rest_is_held() {
    let (mut world, objects) = lost(30, 6).await;
    world.source_options.read_timeout = Span(Duration::from_millis(300));
    let report = world.heal().await;
    let (silent, others) = objects.split_at(30);
    let asked = world.http.requests();
    let of_silent =
        |path: &str| silent.iter().any(|object| path.contains(&object.digest.to_string()));
    let asked = asked.iter().filter(|request| of_silent(&request.target)).count();
    assert_eq!(asked, 5);
    let failed = silent.iter().filter(|object| result(&report, object) == RepairResult::Failed);
    assert_eq!((failed.count(), held(&report, silent)), (5, 25));
    assert!(others.iter().all(|object| result(&report, object) == RepairResult::Restored));
    assert_eq!((report.summary.healed, report.summary.held), (6, 25));

    // Only what was asked has failed; what was held is not even told to wait.
    let ledger = world.open_ledger().await;
    let digests: Vec<_> = silent.iter().map(|object| object.digest).collect();
    assert_eq!(ledger.attempts(&digests).await.unwrap().len(), 5);
    for object in silent {
        world.serve(object);
    }
    let report = world.heal().await;
    assert_eq!((report.summary.healed, report.summary.exit_code), (30, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_that_are_left_are_not_spent_on_a_silent_host() {
    let (mut world, objects) = lost(4, 0).await;
    world.source_options.tries = 3;
    world.source_options.read_timeout = Span(Duration::from_millis(200));
    let report = world.heal().await;
    assert_eq!(world.http.requests().len(), 5, "four objects had three tries each");
    assert!(held(&report, &objects) >= 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_its_next_try_holds_no_place() {
    let (mut world, objects) = lost(1, 8).await;
    let busy = Answer::status(503).header("retry-after", "60");
    world.answer(&objects[0], [busy, Answer::ok(objects[0].bytes.clone())]);
    world.source_options.tries = 2;
    world.settings.heal.concurrency = 1;
    let watching = async {
        while objects[1..].iter().any(|object| world.get(&object.key).is_none()) {
            tokio::task::yield_now().await;
        }
        world.cancel.cancel();
    };
    let request = request(Command::Heal);
    let (healed, ()) = tokio::join!(world.try_heal(&request), watching);
    assert!(healed.is_err(), "it was cut off");
    assert!(world.get(&objects[0].key).is_none(), "the others waited for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_a_fast_host_finish_while_those_of_a_slow_one_wait() {
    let (mut world, objects) = lost(30, 12).await;
    world.source_options.read_timeout = Span(Duration::from_mins(10));
    world.settings.heal.concurrency = 4;
    let others = &objects[30..];
    let watching = async {
        while others.iter().any(|object| world.get(&object.key).is_none()) {
            tokio::task::yield_now().await;
        }
        world.cancel.cancel();
    };
    let request = request(Command::Heal);
    let (healed, ()) = tokio::join!(world.try_heal(&request), watching);
    assert!(healed.is_err(), "it was cut off");
    assert!(objects[..30].iter().all(|object| world.get(&object.key).is_none()));
}

/// A world in which all of these are lost: `led` of them are led from the fast host of the others to
/// `localhost`, which answers so.
async fn led_away(led: usize, others: usize, answer: &Answer) -> (World, Vec<Object>) {
    let (world, objects) = lost(0, led + others).await;
    world.sql("UPDATE packages SET url = replace(url, 'localhost', '127.0.0.1')").await;
    for object in &objects[..led] {
        let far = format!("/far/{}", object.digest);
        world.answer(object, [Answer::redirect(world.http.url_as("localhost", &far))]);
        world.http.route(&far, [answer.clone()]);
    }
    (world, objects)
}

fn asked_far(world: &World) -> usize {
    world.http.requests().iter().filter(|request| request.target.starts_with("/far/")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fast_host_that_leads_to_a_slow_one_does_not_wait_for_it() {
    let (mut world, objects) = led_away(20, 12, &Answer::raw("").then_stall()).await;
    world.source_options.read_timeout = Span(Duration::from_mins(10));
    world.settings.heal.concurrency = 4;
    let others = &objects[20..];
    let watching = async {
        while others.iter().any(|object| world.get(&object.key).is_none()) {
            tokio::task::yield_now().await;
        }
        world.cancel.cancel();
    };
    let request = request(Command::Heal);
    let (healed, ()) = tokio::join!(world.try_heal(&request), watching);
    assert!(healed.is_err(), "it was cut off");
    assert!(asked_far(&world) <= 2, "and no more were there than have a place");
}

/// Each answer is never silent, and the whole of it would take an hour and more.
#[tokio::test(flavor = "multi_thread")]
async fn sources_that_drip_fail_one_after_the_other_while_fast_ones_heal() {
    let (mut world, objects) = lost(4, 8).await;
    world.source_options.read_timeout = Span(Duration::from_millis(500));
    world.source_options.pace.slow_window = Duration::from_secs(1);
    world.settings.heal.concurrency = 4;
    let (dripping, others) = objects.split_at(4);
    for (object, bytes) in dripping.iter().zip([20, 30, 40, 40]) {
        // 200 to 400 bytes a second.
        let drip = Answer::ok(vec![b'x'; bytes]).saying_length(1 << 20);
        world.answer(object, [drip.dripping(Duration::from_millis(100))]);
    }
    let report = world.heal().await;
    for object in dripping {
        let repair = repair(&report, object);
        assert_eq!(repair.result, RepairResult::Failed, "{repair:?}");
        assert_eq!(repair.reason, Some(FailureReason::SourceUnavailable));
        assert!(repair.detail.contains("too slow: ") && repair.detail.contains(" bytes in 1s"));
        assert!((1..2_000).contains(&repair.bytes), "{repair:?}");
        assert!(world.get(&object.key).is_none());
    }
    assert!(others.iter().all(|object| result(&report, object) == RepairResult::Restored));
    assert_eq!((report.summary.healed, report.summary.heal_failed), (8, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_behind_a_redirect_is_that_of_the_host_behind_it() {
    let (mut world, objects) = led_away(30, 6, &Answer::raw("").then_stall()).await;
    world.source_options.read_timeout = Span(Duration::from_millis(300));
    let report = world.heal().await;
    let (led, others) = objects.split_at(30);
    assert_eq!(asked_far(&world), 5);
    let failed = led.iter().filter(|object| result(&report, object) == RepairResult::Failed);
    assert_eq!((failed.count(), held(&report, led)), (5, 25));
    let detail = &repair(&report, &led[29]).detail;
    assert!(detail.contains("localhost was silent too often"), "{detail}");
    assert!(others.iter().all(|object| result(&report, object) == RepairResult::Restored));
    assert_eq!((report.summary.healed, report.summary.held), (6, 25));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_that_waited_too_long_for_its_turn_is_asked_for_again() {
    let holds = Duration::from_millis(100);
    let (mut world, objects) = led_away(2, 0, &Answer::status(403)).await;
    world.source_options.pace.redirect_holds = holds;
    world.source_options.per_host = 1;
    let gate = Gate::closed();
    for object in &objects {
        // Signed for a while: the second answer is as good as the first one was.
        let to = |sign: &str| {
            let path = format!("/far/{}/{sign}", object.digest);
            (Answer::redirect(world.http.url_as("localhost", &path)), path)
        };
        let ((first, early), (second, late)) = (to("early"), to("late"));
        world.answer(object, [first, second]);
        let answer = Answer::ok("").then_wait(&gate, object.bytes.clone());
        world.http.route(&early, [answer.clone(), Answer::status(403)]);
        world.http.route(&late, [answer]);
    }
    let watching = async {
        while world.http.requests().len() < 3 {
            tokio::task::yield_now().await;
        }
        let led = tokio::time::Instant::now();
        while led.elapsed() <= holds {
            tokio::task::yield_now().await;
        }
        gate.open();
    };
    let (report, ()) = tokio::join!(world.heal(), watching);
    assert_eq!((report.summary.healed, report.summary.exit_code), (2, 0));
    let targets: Vec<_> = world.http.requests().into_iter().map(|r| r.target).collect();
    let count = |end| targets.iter().filter(|target| target.ends_with(end)).count();
    assert_eq!((targets.len(), count("/early"), count("/late")), (5, 1, 1), "{targets:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_with_another_source_does_not_wait_for_a_silent_host() {
    let (mut world, objects) = lost(12, 0).await;
    world.source_options.read_timeout = Span(Duration::from_millis(200));
    world.source_options.per_host = 1;
    for object in &objects {
        world.http.route(&format!("/again/{}", object.digest), [Answer::ok(object.bytes.clone())]);
        let url = world.http.url_as("localhost", &format!("/again/{}", object.digest));
        world.row(&Row { url: Some(url), ..world.row_of(object) }).await;
    }
    let report = world.heal().await;
    assert_eq!((report.summary.healed, report.summary.exit_code), (12, 0));
    let stalled = world.http.requests().iter().filter(|r| !r.target.starts_with("/again")).count();
    assert_eq!(stalled, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_sources_twenty_are_asked_and_the_others_have_their_turn_in_the_next_pass() {
    let (world, objects) = World::healthy(6).await;
    let object = &objects[0];
    world.remove(&object.key);
    world.sql(&format!("DELETE FROM packages WHERE sha256 = '{}'", object.digest)).await;
    for n in 0..45 {
        let path = format!("/{n}");
        let last = if n == 44 { Answer::ok(object.bytes.clone()) } else { Answer::status(404) };
        world.http.route(&path, [last]);
        let url = Some(world.http.url(&path));
        world.row(&Row { url, ..world.row_of(object) }).await;
    }
    let mut begins = Vec::new();
    for asked in [20, 20, 5] {
        let before = world.http.requests().len();
        let report = world.heal().await;
        let requests = world.http.requests().split_off(before);
        assert_eq!(requests.len(), asked, "{}", repair(&report, object).detail);
        begins.push(requests[0].target.clone());
    }
    assert_eq!(begins, ["/0", "/20", "/40"]);
    assert!(world.get(&object.key).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_pass_found_is_recorded_and_exported_before_it_heals() {
    let (mut world, objects) = World::healthy(8).await;
    let object = objects[2].clone();
    world.remove(&object.key);
    let gate = Gate::closed();
    let first = Answer::ok(object.bytes[..1].to_vec());
    world.answer(&object, [first.then_wait(&gate, object.bytes[1..].to_vec())]);
    let metrics = Arc::new(Metrics::new("s", world.clock.now()).unwrap());
    let observer: Arc<dyn Observer> = Arc::<Metrics>::clone(&metrics);
    world.observer = observer;
    let shown = |line: &str| metrics.render().unwrap().lines().any(|own| own == line);
    let ledger = world.open_ledger().await;
    let watching = async {
        asked(&world).await;
        let found = ledger.findings(10).await.unwrap();
        assert_eq!((found.len(), found[0].kind), (1, FindingKind::Missing));
        let passes = ledger.passes(10).await.unwrap();
        assert_eq!((passes.len(), passes[0].missing, passes[0].healed), (1, Some(1), 0));
        assert!(shown("restock_objects{state=\"missing\",store=\"s\"} 1"));
        assert!(shown("restock_pass_in_progress{depth=\"shallow\",store=\"s\"} 1"));
        gate.open();
    };
    let (report, ()) = tokio::join!(world.heal(), watching);
    assert_eq!((report.summary.healed, count(&report, FindingKind::Missing)), (1, 0));
    assert!(ledger.findings(10).await.unwrap().is_empty(), "repairs close what they mend");
    let passes = ledger.passes(10).await.unwrap();
    assert_eq!((passes.len(), passes[0].missing, passes[0].healed), (1, Some(0), 1));
    assert_eq!(ledger.pass_totals().await.unwrap()[0].runs, 1, "it is one pass");
    assert!(shown("restock_objects{state=\"missing\",store=\"s\"} 0"));
    assert!(shown("restock_pass_runs_total{depth=\"shallow\",store=\"s\"} 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_that_is_cut_off_while_it_heals_leaves_what_it_found() {
    let (world, objects) = lost(1, 0).await;
    tokio::select! {
        report = world.heal() => assert!(report.repairs.is_empty(), "its source is silent"),
        // As a kill does: nothing is written on the way out.
        () = asked(&world) => {}
    }
    let found = world.open_ledger().await.findings(10).await.unwrap();
    assert_eq!(found[0].digest, Some(objects[0].digest));
}
