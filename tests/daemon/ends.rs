//! How the daemon ends, and who goes on.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use tokio::time::Instant;

use crate::binary::until;
use crate::place::Place;
use crate::running::{EACH_SECOND, NEVER, Running};
use crate::support::http_server::{Answer, Gate};

#[test]
fn told_to_end_it_drains_and_that_is_a_success() {
    for name in ["TERM", "INT"] {
        let (place, _) = Place::with_daemon(12, EACH_SECOND);
        let mut daemon = Running::start(&place, name);
        daemon.says("last pass clean");
        daemon.signal(name);
        assert_eq!(daemon.exit_code(), Some(0), "{}", daemon.log());
    }
}

/// The scheduler's own shutdown waits for nothing.
#[test]
fn told_to_end_in_a_heal_it_leaves_nothing_behind() {
    let (place, objects) = Place::with_daemon(12, NEVER);
    place.lose(&objects[..1]);
    let before = place.world.store_content();
    let slow = Answer::ok(objects[0].bytes[..3].to_vec());
    let slow = slow.then_wait(&Gate::closed(), objects[0].bytes[3..].to_vec());
    place.world.answer(&objects[0], [slow]);
    let mut daemon = Running::start(&place, "run");
    until("a download", || !place.world.http.requests().is_empty());
    daemon.signal("TERM");
    assert_eq!(daemon.exit_code(), Some(0), "{}", daemon.log());
    assert_eq!(place.world.store_content(), before);
    assert_eq!(place.run("status --output json").json()["uploads"], 0);
}

/// A configuration on a dead mount, read again by the loop that hears of the end.
#[test]
fn told_to_end_while_a_reload_waits_for_a_file_it_ends() {
    let (place, _) = Place::with_daemon(3, NEVER);
    let mut daemon = Running::start(&place, "run");
    daemon.says("last pass clean");
    let path = place.path("restock.toml");
    instead(&path);
    daemon.signal("HUP");
    let held = read_by_now(&path);
    daemon.signal("TERM");
    until("its end", || !daemon.runs());
    assert_eq!(daemon.exit_code(), Some(0), "{}", daemon.log());
    drop(held);
}

#[test]
fn a_reload_that_waits_for_a_file_is_given_up_and_passes_go_on() {
    let (place, _) = Place::with_daemon(3, EACH_SECOND);
    let daemon = Running::start(&place, "run");
    daemon.says("last pass clean");
    let path = place.path("restock.toml");
    instead(&path);
    daemon.signal("HUP");
    let held = read_by_now(&path);
    daemon.says("cannot be read within 10 s");
    let passes = daemon.said("last pass clean");
    until("another pass", || daemon.said("last pass clean") > passes);
    drop(held);
}

/// A token on a dead mount, which each pass reads.
#[test]
fn told_to_end_while_a_pass_waits_for_a_file_it_ends() {
    let host = "\n[[source.host]]\nname = \"files.example\"\nbearer_token_file = \"token\"\n";
    let (place, _) = Place::with_daemon(3, &format!("{EACH_SECOND}{host}"));
    let path = place.path("token");
    fs::write(&path, "secret").unwrap();
    let mut daemon = Running::start(&place, "run");
    daemon.says("last pass clean");
    instead(&path);
    let held = read_by_now(&path);
    daemon.signal("TERM");
    until("its end", || !daemon.runs());
    assert_eq!(daemon.exit_code(), Some(0), "{}", daemon.log());
    drop(held);
}

/// Puts a pipe in place of a file.
fn instead(path: &Path) {
    fs::remove_file(path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// The other end of a pipe, once somebody reads from it.
fn read_by_now(path: &Path) -> File {
    let mut held = None;
    until("a reader", || {
        held = OpenOptions::new().write(true).custom_flags(0o4000).open(path).ok();
        held.is_some()
    });
    held.unwrap()
}

#[test]
fn a_spare_waits_and_takes_over_within_seconds_of_a_crash() {
    let (place, objects) = Place::with_daemon(12, EACH_SECOND);
    let mut active = Running::start(&place, "active");
    active.says("last pass clean");
    let mut spare = Running::start(&place, "spare");
    spare.says("waits, as a spare");
    place.run("audit").exits(0);
    place.run("heal").exits(5).says(&format!("process {}", active.id()));
    place.lose(&objects[..1]);
    active.says("1 healed");
    assert_eq!(spare.said("last pass"), 0);
    active.signal("KILL");
    active.exit_code();
    let died = Instant::now();
    place.lose(&objects[1..2]);
    spare.says("1 healed");
    assert!(died.elapsed().as_secs() < 60);
    spare.signal("TERM");
    assert_eq!(spare.exit_code(), Some(0), "{}", spare.log());
}

#[test]
fn a_spare_that_is_told_to_end_ends() {
    let (place, _) = Place::with_daemon(1, NEVER);
    let active = Running::start(&place, "active");
    active.says("last pass clean");
    let mut spare = Running::start(&place, "spare");
    spare.says("waits, as a spare");
    spare.signal("TERM");
    assert_eq!(spare.exit_code(), Some(0), "{}", spare.log());
}
