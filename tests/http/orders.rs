//! Orders over HTTP, and what comes of them.

use crate::binary::until;
use crate::client::post;
use crate::place::{CONFIGURATION, Place};
use crate::running::NEVER;
use crate::served::{ALL, Served};

#[test]
fn a_pass_runs_when_it_is_asked_for() {
    // What is due of the rotation is told by its schedule.
    let settings = format!("\n[audit]\nschedule = \"never\"\ngrace = \"0s\"\n{ALL}");
    let (place, objects) = Place::with_daemon(12, &settings);
    let served = Served::over(place);
    served.place.lose(&objects[..1]);
    let accepted = served.order("/api/v1/passes", "").is(202);
    assert_eq!(accepted.header("location"), Some("/api/v1/status"));
    assert_eq!(accepted.json()["status"], "accepted");
    served.daemon.says("1 healed");
    assert_eq!(served.status()["passes"][0]["depth"], "shallow");
    served.order("/api/v1/passes", "{\"depth\": \"deep\"}").is(202);
    until("a deep pass", || served.status()["passes"][0]["depth"] == "deep");
}

#[test]
fn what_cannot_be_read_is_no_order() {
    let (served, _) = Served::start(3, ALL);
    for (target, body) in [
        ("/api/v1/passes", "{"),
        ("/api/v1/passes", "{\"depth\": \"bottomless\"}"),
        ("/api/v1/passes", "{\"dept\": \"deep\"}"),
        ("/api/v1/passes", "[]x"),
        ("/api/v1/heal/pause", "{\"for\": 1}"),
        ("/-/reload", "null"),
        ("/api/v1/breaker/ack", ""),
        ("/api/v1/breaker/ack", "{}"),
        ("/api/v1/breaker/ack", "{\"expect_missing\": 1, \"expect_records\": 1}"),
        ("/api/v1/breaker/ack", "{\"expect_missing\": -1}"),
        ("/api/v1/breaker/ack", "{\"expect_missing\": \"1\"}"),
    ] {
        served.order(target, body).tells(400, "");
    }
    let long = format!("{{\"depth\": \"deep\"{}}}", " ".repeat(20_000));
    served.order("/api/v1/passes", &long).tells(413, "more than 16384 bytes");
    let says_less = post("/api/v1/passes", "").with("Content-Length", "99999999");
    served.ask_socket(&says_less).tells(413, "more than");
    assert_eq!(served.passes(), 1);
    assert_eq!(served.status()["daemon"]["paused"], false);
}

#[test]
fn healing_pauses_until_it_is_resumed_also_across_a_restart() {
    let (mut served, objects) = Served::start(12, ALL);
    served.order("/api/v1/heal/pause", "{}").is(202);
    until("the pause", || served.status()["daemon"]["paused"] == true);
    served.daemon.says("healing was paused: nothing is healed until it is resumed");
    served.place.lose(&objects[..1]);
    served.pass();
    let operator = "restock_heal_paused{reason=\"operator\",store=\"default\"}";
    assert_eq!(served.metric(operator), Some(1.0));
    assert!(served.get("/").is(200).text().contains("Healing is paused"));
    served.daemon.signal("TERM");
    assert_eq!(served.daemon.exit_code(), Some(0));
    let served = Served::over(served.place);
    assert_eq!(served.status()["daemon"]["paused"], true);
    assert_eq!(served.daemon.said("healing is still paused"), 1, "{}", served.daemon.log());
    assert_eq!(served.metric(operator), Some(1.0));
    assert!(served.place.world.get(&objects[0].key).is_none());
    served.order("/api/v1/heal/resume", "").is(202);
    served.daemon.says("healing was resumed");
    served.daemon.says("1 healed");
    until("the metric", || served.metric(operator) == Some(0.0));
}

#[test]
fn the_breaker_takes_the_right_number_alone() {
    let (served, objects) = Served::start(20, ALL);
    served.order("/api/v1/breaker/ack", "{\"expect_missing\": 8}").tells(409, "closed");
    served.place.lose(&objects[..8]);
    served.pass();
    let page = served.get("/").is(200);
    assert!(page.text().contains("Healing stopped: 8 of 20 expected objects missing or corrupt"));
    assert!(page.text().contains("restock breaker ack --expect-missing 8"), "{}", page.text());
    served.order("/api/v1/breaker/ack", "{\"expect_missing\": 7}").tells(409, "8");
    served.order("/api/v1/breaker/ack", "{\"expect_records\": 8}").tells(409, "");
    assert_eq!(served.daemon.said("8 healed"), 0);
    assert_eq!(served.daemon.said("the breaker opened: 8 of 20"), 1);
    assert_eq!(served.daemon.said("acknowledged with"), 0);
    served.order("/api/v1/breaker/ack", "{\"expect_missing\": 8}").is(202);
    served.daemon.says("8 healed");
    assert_eq!(served.daemon.said("the breaker was acknowledged with 8"), 1);
}

#[test]
fn a_reload_says_whether_the_configuration_holds() {
    let (served, _) = Served::start(3, ALL);
    let loaded = "restock_config_last_reload_successful";
    let done = served.order("/-/reload", "").is(202);
    assert_eq!(done.json()["status"], "done");
    assert_eq!(served.metric(loaded), Some(1.0));
    let with = |more: &str| served.place.configure(&format!("{CONFIGURATION}{NEVER}{more}"));
    with(&format!("{ALL}[heal]\nenabeld = false\n"));
    served.order("/-/reload", "").tells(409, "enabeld");
    until("the metric", || served.metric(loaded) == Some(0.0));
    let status = served.status();
    assert!(status["daemon"]["reload_problem"].as_str().unwrap().contains("enabeld"), "{status:#}");
    let page = served.get("/").is(200);
    assert!(page.text().contains("The configuration was changed, and cannot be used"));
    assert!(served.get("/readyz?verbose").is(200).text().contains("[-]config"));
    with(&format!("{ALL}api = \"off\"\n"));
    served.order("/-/reload", "").tells(409, "`http` cannot change while restock runs");
    served.get("/api/v1/status").is(200);
    with(ALL);
    served.order("/-/reload", "").is(202);
    until("the metric", || served.metric(loaded) == Some(1.0));
    assert_eq!(served.status()["daemon"]["reload_problem"], serde_json::Value::Null);
}
