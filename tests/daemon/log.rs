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
