//! What the service manager hears, over a socket like its own.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::binary::{command, until};
use crate::place::Place;
use crate::running::{NEVER, Running};
use crate::support::http_server::{Answer, Gate};

#[test]
fn the_service_manager_hears_of_start_life_reload_and_end() {
    let (place, _) = Place::with_daemon(12, NEVER);
    let socket = place.path("notify");
    let heard = UnixDatagram::bind(&socket).unwrap();
    heard.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let next = || {
        let mut message = [0; 4096];
        let n = heard.recv(&mut message).unwrap();
        String::from_utf8(message[..n].to_vec()).unwrap()
    };
    let wait_for = |what: &str| {
        let mut so_far = Vec::new();
        loop {
            let message = next();
            if message.contains(what) {
                return message;
            }
            so_far.push(message);
            assert!(so_far.len() < 100, "`{what}` is not among {so_far:?}");
        }
    };
    let mut run = command(place.dir(), "run --log-format text");
    run.env("NOTIFY_SOCKET", &socket);
    let mut daemon = Running::start_as(&place, "run", run);
    wait_for("READY=1");
    wait_for("STATUS=last pass clean: 12 expected");
    wait_for("WATCHDOG=1");
    daemon.signal("HUP");
    let reloading = wait_for("RELOADING=1");
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    wait_for("READY=1");
    daemon.signal("TERM");
    wait_for("STOPPING=1");
    assert_eq!(daemon.exit_code(), Some(0));
}

/// A sign of life comes from the loop, which hears ticks also while a pass waits for a source.
#[test]
fn the_loop_is_alive_while_a_pass_is_slow() {
    let (place, objects) = Place::with_daemon(12, NEVER);
    place.lose(&objects[..1]);
    let gate = Gate::closed();
    let slow = Answer::ok(objects[0].bytes[..1].to_vec());
    place.world.answer(&objects[0], [slow.then_wait(&gate, objects[0].bytes[1..].to_vec())]);
    let socket = place.path("notify");
    let heard = UnixDatagram::bind(&socket).unwrap();
    heard.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut run = command(place.dir(), "run --log-format text");
    run.env("NOTIFY_SOCKET", &socket);
    let daemon = Running::start_as(&place, "run", run);
    until("the download", || !place.world.http.requests().is_empty());
    let mut message = [0; 4096];
    let mut alive = 0;
    while alive < 3 {
        let n = heard.recv(&mut message).unwrap();
        alive += usize::from(message[..n].starts_with(b"WATCHDOG=1"));
    }
    assert_eq!(daemon.said("last pass"), 0, "the pass still waits");
    gate.open();
    daemon.says("1 healed");
}
