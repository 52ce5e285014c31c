//! What a daemon logs: a line an event, and the id of the pass in each of its lines.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::Value;

use crate::binary::{command, until};
use crate::place::Place;
use crate::running::{NEVER, Running};
use crate::support::http_server::Answer;

fn lines(daemon: &Running) -> Vec<Value> {
    let log = daemon.log();
    log.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect()
}

#[test]
fn every_line_of_a_pass_carries_its_id() {
    let (place, objects) = Place::with_daemon(12, NEVER);
    place.lose(&objects[..3]);
    place.world.answer(&objects[2], vec![Answer::status(404); 9]);
    let daemon = Running::start_as(&place, "run", command(place.dir(), "run"));
    daemon.says("last pass findings");
    let told = place.run("status --output json").json();
    let id = &told["passes"][0]["pass_id"];
    let of_pass: Vec<_> = lines(&daemon).into_iter().filter(|l| &l["pass_id"] == id).collect();
    let results: Vec<_> = of_pass.iter().filter_map(|line| line["result"].as_str()).collect();
    assert_eq!(results.iter().filter(|r| **r == "restored").count(), 2, "{of_pass:?}");
    assert_eq!(results.iter().filter(|r| **r == "source_gone").count(), 1, "{of_pass:?}");
    let found: Vec<_> = of_pass.iter().filter(|line| line["kind"] == "missing").collect();
    assert_eq!(found.len(), 3, "what is found is told before it is healed: {of_pass:?}");
    assert!(found.iter().any(|line| line["key"].as_str() == Some(objects[2].key.as_str())));
    assert!(found.iter().all(|line| line["level"] == "warn"));
    assert!(of_pass.iter().any(|l| l["message"].as_str().unwrap().starts_with("last pass")));
    let about_objects = lines(&daemon).into_iter().filter(|line| line["key"].is_string());
    assert_eq!(
        about_objects.map(|l| l["pass_id"].clone()).collect::<Vec<_>>(),
        vec![id.clone(); 6]
    );
}

#[test]
fn what_is_known_already_is_not_told_again() {
    let (place, objects) = Place::with_daemon(12, crate::running::EACH_SECOND);
    place.lose(&objects[..1]);
    place.world.answer(&objects[0], vec![Answer::status(404); 99]);
    let daemon = Running::start_as(&place, "run", command(place.dir(), "run"));
    until("three passes", || daemon.said("last pass findings") >= 3);
    let found: Vec<_> =
        lines(&daemon).into_iter().filter(|line| line["kind"] == "missing").collect();
    assert_eq!(found.len(), 1, "{found:?}");
    let ids: BTreeSet<_> = lines(&daemon)
        .iter()
        .filter(|line| line["message"].as_str().unwrap().starts_with("last pass"))
        .map(|line| line["pass_id"].as_str().unwrap().to_owned())
        .collect();
    assert!(ids.len() >= 3, "each pass has an id of its own: {ids:?}");
}

/// systemd tells a service device and inode of the stream that its stderr is.
#[test]
fn where_the_journal_reads_stderr_lines_have_its_priorities() {
    use std::os::unix::fs::MetadataExt;
    let (place, _) = Place::with_daemon(1, NEVER);
    let log = place.path("journal.log");
    let file = std::fs::File::create(&log).unwrap();
    let meta = file.metadata().unwrap();
    let mut run = command(place.dir(), "run");
    run.env("JOURNAL_STREAM", format!("{}:{}", meta.dev(), meta.ino()));
    run.env("RESTOCK_HTTP__LISTEN", "").stdout(Stdio::null()).stderr(file);
    let mut child = run.spawn().unwrap();
    let text = || std::fs::read_to_string(&log).unwrap();
    until("a pass", || text().contains("last pass clean"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(text().lines().all(|line| line.starts_with("<6>")), "{}", text());
}

/// Whoever answers, and from where: the daemon's log has one warning for each turn.
#[test]
fn the_breaker_is_logged_when_it_opens_is_answered_and_closes() {
    let (place, objects) = Place::with_daemon(20, crate::running::EACH_SECOND);
    place.lose(&objects[..8]);
    let daemon = Running::start_as(&place, "run", command(place.dir(), "run"));
    daemon.says("the breaker opened: 8 of 20 expected objects are missing or corrupt");
    let ran = place.run("breaker ack --expect-missing 8").exits(0);
    assert!(ran.stderr.contains("the breaker was acknowledged with 8"), "{}", ran.stderr);
    daemon.says("the breaker was acknowledged with 8");
    daemon.says("the breaker closed");
    let turns: Vec<_> = lines(&daemon)
        .into_iter()
        .filter(|line| line["message"].as_str().unwrap().starts_with("the breaker "))
        .collect();
    assert_eq!(turns.len(), 3, "{turns:?}");
    for turn in &turns {
        let (level, missing) = (&turn["level"], &turn["expected"]);
        assert_eq!(
            (level, missing, &turn["reason"]),
            (&"warn".into(), &20.into(), &"mass_missing".into())
        );
    }
    assert_eq!(turns[1]["acknowledged"], 8);
}

#[test]
fn a_daemon_that_begins_under_an_open_breaker_says_so() {
    let (place, objects) = Place::with_daemon(20, NEVER);
    place.lose(&objects[..8]);
    let ran = place.run("audit").exits(2);
    assert!(ran.stderr.contains("the breaker opened: 8 of 20"), "{}", ran.stderr);
    let daemon = Running::start_as(&place, "run", command(place.dir(), "run"));
    daemon.says("last pass");
    assert_eq!(daemon.said("the breaker has been open since "), 1, "{}", daemon.log());
    assert_eq!(daemon.said("the breaker opened"), 0);
}

#[test]
fn a_corruption_is_logged_when_it_is_found_and_when_it_is_healed() {
    let (place, objects) = Place::with_daemon(4, NEVER);
    place.world.put(&objects[0].key, b"other bytes");
    let ran = place.run("audit --deep").exits(2);
    let found: Value = serde_json::from_str(ran.stderr.lines().next().unwrap()).unwrap();
    let daemon = Running::start_as(&place, "run", command(place.dir(), "run"));
    daemon.says("last pass");
    let logged = lines(&daemon);
    let healed = logged.iter().find(|line| line["quarantine_key"].is_string()).unwrap();
    for line in [&found, healed] {
        assert_eq!(line["level"], "warn", "{line}");
        assert_eq!(line["key"].as_str(), Some(objects[0].key.as_str()));
        assert_eq!(line["digest"], objects[0].digest.to_string());
        assert_eq!(line["observed_size"], 11);
        let digest = crate::support::object::digest_of(b"other bytes").to_string();
        assert_eq!(line["observed_digest"], digest);
    }
    let copy = healed["quarantine_key"].as_str().unwrap();
    assert_eq!(place.world.get(copy).unwrap(), b"other bytes");
    place
        .run(&format!("show {}", objects[0].digest))
        .exits(0)
        .prints("WAS CORRUPT")
        .prints(found["observed_digest"].as_str().unwrap())
        .prints(copy);
}

/// With the corruption its last trace would go.
#[test]
fn a_corruption_that_somebody_else_mended_is_logged() {
    let (place, objects) = Place::with_daemon(4, NEVER);
    place.world.put(&objects[0].key, b"other bytes");
    place.run("audit --deep").exits(2);
    place.world.put(&objects[0].key, &objects[0].bytes);
    let daemon = Running::start_as(&place, "run", command(place.dir(), "run"));
    daemon.says("last pass clean");
    let told = "was corrupt and is right again, but restock did not heal it";
    let logged = lines(&daemon);
    let line = logged.iter().find(|line| line["message"].as_str().unwrap().contains(told)).unwrap();
    assert_eq!(line["level"], "warn", "{line}");
    let digest = crate::support::object::digest_of(b"other bytes").to_string();
    assert!(line["message"].as_str().unwrap().contains(&digest), "{line}");
}
