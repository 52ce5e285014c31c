//! What `/metrics` shows of a store: the same as the ledger and the reports, also after a restart.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use restock::clock::{Clock, SystemClock};

use crate::binary::until;
use crate::place::{CONFIGURATION, Place, wait};
use crate::running::{NEVER, Running};
use crate::support::http_server::{Answer, Gate};

/// The samples of the daemon that logs there.
fn samples(daemon: &Running) -> BTreeMap<String, f64> {
    daemon.says("answers on http://");
    let log = daemon.log();
    let address =
        log.split("answers on http://").nth(1).unwrap().split_whitespace().next().unwrap();
    let mut connection = TcpStream::connect(address).unwrap();
    write!(connection, "GET /metrics HTTP/1.0\r\nHost: {address}\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let lines = body.lines().filter(|line| !line.starts_with('#'));
    let parsed = lines.map(|line| line.rsplit_once(' ').unwrap());
    parsed.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

/// Those that tell of the store and not of a process.
fn state(samples: &BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    let of_state = |name: &str| {
        let told =
            ["objects{", "orphan", "records{", "foreign", "oldest_unhealthy", "heal_pending"];
        let one = |told: &&str| name.strip_prefix("restock_").unwrap_or("").contains(*told);
        told.iter().any(one) && !name.contains("_total")
    };
    samples.iter().filter(|(name, _)| of_state(name)).map(|(n, v)| (n.clone(), *v)).collect()
}

#[test]
fn gauges_say_what_the_report_says_and_survive_a_restart_into_an_outage() {
    let (place, objects) = Place::with_daemon(12, NEVER);
    place.lose(&objects[..2]);
    place.sql(&format!("UPDATE packages SET url = NULL WHERE sha256 = '{}'", objects[0].digest));
    place.world.put("software-installers/unknown.tmp", b"foreign");
    let before = {
        let mut daemon = Running::start(&place, "run");
        daemon.says("last pass findings");
        until("the gauges", || !state(&samples(&daemon)).is_empty());
        let shown = samples(&daemon);
        daemon.signal("TERM");
        assert_eq!(daemon.exit_code(), Some(0));
        state(&shown)
    };
    let objects_of =
        |state: &str| before[&format!("restock_objects{{state=\"{state}\",store=\"default\"}}")];
    assert_eq!(
        ["verified", "present", "missing", "corrupt"].map(objects_of),
        [0.0, 11.0, 1.0, 0.0]
    );
    assert_eq!(before["restock_unhealable_objects{reason=\"no_source\",store=\"default\"}"], 1.0);
    assert_eq!(before["restock_records{store=\"default\"}"], 12.0);
    assert_eq!(before["restock_foreign_objects{store=\"default\"}"], 1.0);
    let audit = place.run("audit --output json").json();
    assert_eq!(
        (&audit["summary"]["present"], &audit["summary"]["missing"]),
        (&11.into(), &1.into())
    );

    // The catalog is away when it comes back: nothing new is known, and nothing is forgotten.
    place.configure(&CONFIGURATION.replace("catalog.db", "away.db"));
    let daemon = Running::start(&place, "again");
    daemon.says("no pass:");
    until("the outage", || samples(&daemon).contains_key("restock_catalog_up{store=\"default\"}"));
    let after = samples(&daemon);
    assert_eq!(state(&after), before);
    assert_eq!(after["restock_catalog_up{store=\"default\"}"], 0.0);
}

#[test]
fn reading_makes_objects_verified_and_a_restart_does_not_forget_it() {
    let settings = "\n[audit]\nschedule = \"* * * * * *\"\ngrace = \"0s\"\n\
                    [deep]\nschedule = \"* * * * * *\"\ncycle = \"2s\"\n";
    let (place, _) = Place::with_daemon(12, settings);
    let verified = "restock_objects{state=\"verified\",store=\"default\"}";
    let oldest = "restock_oldest_verification_timestamp_seconds{store=\"default\"}";
    let mut daemon = Running::start(&place, "run");
    until("a whole cycle", || samples(&daemon).get(verified) == Some(&12.0));
    let shown = samples(&daemon);
    let now = SystemClock.now().timestamp();
    let age = f64::from(u32::try_from(now).unwrap()) - shown[oldest];
    assert!((-1.0..60.0).contains(&age), "read {age} s ago");
    daemon.signal("TERM");
    assert_eq!(daemon.exit_code(), Some(0));

    // A longer cycle, so that what was read still counts, and no further pass but one that looks.
    place.configure(&format!("{CONFIGURATION}\n[deep]\nschedule = \"never\"\n"));
    let again = Running::start(&place, "again");
    again.says("last pass clean");
    until("the gauges", || samples(&again).get(verified) == Some(&12.0));
    assert!(samples(&again)[oldest] >= shown[oldest]);
}

/// What a daemon noted before its clock was set back is of the present for the next one.
#[test]
fn times_of_the_ledger_that_have_not_come_yet_stop_no_reading_and_are_shown_as_now() {
    let deep = "\n[audit]\nschedule = \"never\"\n[deep]\nschedule = \"* * * * * *\"\n\
                cycle = \"2s\"\n";
    let (place, _) = Place::with_daemon(12, deep);
    let verified = "restock_verified_bytes_total{store=\"default\"}";
    let read = |daemon: &Running| samples(daemon).get(verified).is_some_and(|bytes| *bytes > 0.0);
    let mut daemon = Running::start(&place, "run");
    until("a slice", || read(&daemon));
    daemon.signal("TERM");
    assert_eq!(daemon.exit_code(), Some(0));
    wait(async {
        let ledger = place.world.open_ledger().await;
        let year = SystemClock.now().format("\"%Y-").to_string();
        for name in ["rotation", "gauges"] {
            let note = ledger.note(name).await.unwrap().unwrap();
            assert!(note.contains(&year), "{note}");
            ledger.set_note(name, Some(&note.replace(&year, "\"2099-"))).await.unwrap();
        }
    });
    // Nothing can be looked at.
    place.configure(&(CONFIGURATION.replace("catalog.db", "away.db") + deep));
    let shut = Running::start(&place, "shut");
    shut.says("no pass:");
    let last = "restock_pass_last_success_timestamp_seconds{depth=\"deep\",store=\"default\"}";
    let now = f64::from(u32::try_from(SystemClock.now().timestamp()).unwrap());
    assert!((samples(&shut)[last] - now).abs() < 60.0, "{:?}", samples(&shut));
    drop(shut);
    place.configure(&(CONFIGURATION.to_owned() + deep));
    let again = Running::start(&place, "again");
    until("another slice", || read(&again));
}

#[test]
fn what_a_pass_found_is_logged_and_shown_before_it_heals() {
    let (place, objects) = Place::with_daemon(12, NEVER);
    place.lose(&objects[..1]);
    let gate = Gate::closed();
    let slow = Answer::ok(objects[0].bytes[..1].to_vec());
    place.world.answer(&objects[0], [slow.then_wait(&gate, objects[0].bytes[1..].to_vec())]);
    let daemon = Running::start(&place, "run");
    until("the download", || !place.world.http.requests().is_empty());
    let missing = || {
        let shown = samples(&daemon);
        shown.get("restock_objects{state=\"missing\",store=\"default\"}").copied()
    };
    daemon.says("package not found with hash");
    daemon.says("1 missing, 0 corrupt; healing begins");
    assert_eq!((missing(), daemon.said("last pass")), (Some(1.0), 0), "{}", daemon.log());
    gate.open();
    daemon.says("1 healed");
    until("the gauges", || missing() == Some(0.0));
    assert_eq!(daemon.said("package not found with hash"), 1, "it is news once");
}
