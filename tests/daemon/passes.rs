//! When passes run, and that they run one at a time.

use crate::binary::until;
use crate::place::{CONFIGURATION, Place};
use crate::running::{EACH_SECOND, NEVER, Running};
use crate::support::http_server::{Answer, Gate};

#[test]
fn after_a_start_one_pass_runs_at_once_and_heals() {
    let (place, objects) = Place::with_daemon(12, NEVER);
    place.lose(&objects[..2]);
    let daemon = Running::start(&place, "run");
    daemon.says("last pass clean: 12 expected, 0 missing, 0 corrupt, 2 healed");
    assert!(objects.iter().all(|object| place.world.get(&object.key).is_some()));
}

#[test]
fn what_vanishes_later_is_healed_on_schedule() {
    let (place, objects) = Place::with_daemon(12, EACH_SECOND);
    let daemon = Running::start(&place, "run");
    daemon.says("last pass clean: 12 expected");
    place.lose(&objects[3..5]);
    until("the heal", || objects.iter().all(|object| place.world.get(&object.key).is_some()));
    daemon.says("2 healed");
}

/// The scheduler would start a long job beside itself.
#[test]
fn a_long_pass_is_alone_and_what_fell_into_it_becomes_one() {
    let (place, objects) = Place::with_daemon(12, EACH_SECOND);
    place.lose(&objects[..1]);
    let gate = Gate::closed();
    let slow = Answer::ok(objects[0].bytes[..1].to_vec());
    place.world.answer(&objects[0], [slow.then_wait(&gate, objects[0].bytes[1..].to_vec())]);
    let daemon = Running::start(&place, "run");
    until("the download", || !place.world.http.requests().is_empty());
    let passes = |place: &Place| place.run("status --output json").json()["passes"].clone();
    // Four seconds of activations fall into the first pass.
    let asked = tokio::time::Instant::now();
    until("some seconds", || asked.elapsed().as_secs() >= 4);
    assert_eq!(place.world.http.requests().len(), 1, "{}", daemon.log());
    assert_eq!(daemon.said("last pass"), 0, "{}", daemon.log());
    gate.open();
    daemon.says("1 healed");
    until("more passes", || daemon.said("last pass") >= 3);
    let passes = passes(&place);
    let mut spans: Vec<_> = passes
        .as_array()
        .unwrap()
        .iter()
        .map(|pass| (pass["started_at"].to_string(), pass["finished_at"].to_string()))
        .collect();
    spans.sort();
    for pair in spans.windows(2) {
        assert!(pair[0].1 <= pair[1].0, "two passes at once: {spans:?}");
    }
    let at_once = spans.iter().filter(|(start, _)| start[..20] == spans[1].0[..20]).count();
    assert!(at_once <= 2, "missed activations were made up for one by one: {spans:?}");
}

#[test]
fn an_object_that_cannot_be_healed_is_left_alone_for_a_while() {
    let (place, objects) = Place::with_daemon(12, EACH_SECOND);
    place.lose(&objects[..1]);
    place.world.answer(&objects[0], [Answer::status(500)]);
    let daemon = Running::start(&place, "run");
    until("four passes", || daemon.said("last pass") >= 4);
    assert_eq!(place.world.http.requests().len(), 1, "{}", daemon.log());
    daemon.says("12 expected, 1 missing");
}

#[test]
fn a_catalog_that_is_away_ends_no_daemon() {
    let (place, objects) = Place::with_daemon(12, EACH_SECOND);
    let mut daemon = Running::start(&place, "run");
    daemon.says("last pass clean");
    std::fs::rename(place.path("catalog.db"), place.path("away.db")).unwrap();
    daemon.says("does not exist");
    std::fs::rename(place.path("away.db"), place.path("catalog.db")).unwrap();
    place.lose(&objects[..1]);
    daemon.says("1 healed");
    assert!(daemon.runs());
}

#[test]
fn a_reload_takes_effect_and_an_invalid_one_does_not() {
    let (place, objects) = Place::with_daemon(12, NEVER);
    let mut daemon = Running::start(&place, "run");
    daemon.says("last pass clean");
    place.configure(&format!("{CONFIGURATION}\n[audit]\nschedule = \"nonsense\"\n"));
    daemon.signal("HUP");
    daemon.says("the configuration was not taken over: `audit.schedule`");
    place.configure(&CONFIGURATION.replace("url = \"store\"", "url = \"other\""));
    daemon.signal("HUP");
    daemon.says("`store.url` cannot change while restock runs");
    place.lose(&objects[..1]);
    place.configure(&format!("{CONFIGURATION}{EACH_SECOND}"));
    daemon.signal("HUP");
    daemon.says("the configuration was read again");
    daemon.says("1 healed");
    assert!(daemon.runs());
}
