//! What the service manager hears, over a socket like its own.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::binary::command;
use crate::place::Place;
use crate::running::{NEVER, Running};

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
