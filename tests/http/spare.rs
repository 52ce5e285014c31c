//! A spare answers like the active instance, takes no orders, and then takes over.

use crate::binary::{command, until};
use crate::client::{get, post};
use crate::place::CONFIGURATION;
use crate::running::{NEVER, Running};
use crate::served::{ALL, Served, TOKEN, address};

#[test]
fn a_spare_answers_and_leaves_orders_to_the_active_one() {
    let (mut active, objects) = Served::start(12, ALL);
    let text = format!("{CONFIGURATION}{NEVER}[http]\nadmin_token_file = \"admin.token\"\n");
    std::fs::write(active.place.path("spare.toml"), &text).unwrap();
    let spare = command(active.place.dir(), "run -c spare.toml --log-format text");
    let spare = Running::start_as(&active.place, "spare", spare);
    let there = address(&spare);
    spare.says("waits, as a spare");
    assert_eq!(get("/livez").over_tcp(there).status, 200);
    let ready = get("/readyz?verbose").over_tcp(there).is(200);
    assert!(ready.text().contains("[-]lock"), "{}", ready.text());
    let metrics = get("/metrics").over_tcp(there).is(200);
    assert!(metrics.text().contains("restock_lock_held{store=\"default\"} 0"));
    let status = get("/api/v1/status").over_tcp(there).is(200).json();
    assert_eq!(status["daemon"]["activity"]["state"], "standby");
    assert_eq!(status["passes"].as_array().unwrap().len(), 1, "it reads the same ledger");
    assert!(get("/").over_tcp(there).is(200).text().contains("This instance is a spare"));
    get("/api/v1/findings").over_tcp(there).is(200);
    let authorization = format!("Bearer {TOKEN}");
    let order = |target: &str, body: &str| {
        post(target, body).with("Authorization", &authorization).over_tcp(there)
    };
    for (target, body) in [
        ("/api/v1/passes", ""),
        ("/api/v1/heal/pause", ""),
        ("/api/v1/heal/resume", ""),
        ("/api/v1/breaker/ack", "{\"expect_missing\": 1}"),
    ] {
        order(target, body).tells(409, "ask the one that holds the lock");
    }
    order("/-/reload", "").is(202);
    spare.says("the configuration was read again");
    assert_eq!(active.passes(), 1);
    active.place.lose(&objects[..1]);
    active.daemon.signal("KILL");
    active.daemon.exit_code();
    spare.says("1 healed");
    until("the lock", || get("/readyz?verbose").over_tcp(there).text().contains("[+]lock ok"));
    order("/api/v1/passes", "").is(202);
    until("a pass more", || spare.said("last pass") == 2);
}
