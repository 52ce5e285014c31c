//! What each route answers.

use crate::binary::until;
use crate::client::{Request, get};
use crate::place::Place;
use crate::running::EACH_SECOND;
use crate::served::{ALL, Served};
use crate::support::http_server::Answer;
use crate::support::promtool;

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

#[test]
fn every_route_answers_in_its_form_and_with_the_headers_of_all() {
    let (served, objects) = Served::start(3, ALL);
    let object = format!("/api/v1/objects/{}", objects[0].digest);
    for (target, status, kind) in [
        ("/", 200, "text/html; charset=utf-8"),
        ("/metrics", 200, "text/plain; version=0.0.4; charset=utf-8"),
        ("/livez", 200, TEXT),
        ("/readyz", 200, TEXT),
        ("/readyz?verbose", 200, TEXT),
        ("/api/v1/status", 200, JSON),
        ("/api/v1/findings", 200, JSON),
        ("/api/v1/findings?kind=missing", 200, JSON),
        ("/api/v1/passes", 200, JSON),
        (&object, 200, JSON),
        ("/api/v1/objects/xyz", 400, JSON),
        ("/api/v1/objects/%ff", 400, JSON),
        ("/api/v1/findings?kind=lost", 400, JSON),
        ("/api/v1/findings?cursor=xyz", 400, JSON),
        ("/api/v1/findings?limit=0", 400, JSON),
        ("/api/v1/findings?limit=501", 400, JSON),
        ("/?kind=lost", 400, JSON),
        ("/api/v1/passes?cursor=xyz", 400, JSON),
        ("/api/v1/objects/", 404, JSON),
        ("/api/v1/nothing", 404, JSON),
        ("/favicon.ico", 404, JSON),
        ("/-/reload", 405, JSON),
        ("/api/v1/heal/pause", 405, JSON),
    ] {
        let over_tcp = served.get(target);
        assert_eq!(
            (over_tcp.status, over_tcp.header("content-type")),
            (status, Some(kind)),
            "{target}"
        );
        let over_socket = served.ask_socket(&get(target));
        assert_eq!(over_socket.status, status, "{target}");
        let head = served.ask(&Request::new("HEAD", target));
        assert_eq!((head.status, head.body.len()), (status, 0), "HEAD {target}");
        if kind == JSON {
            assert!(over_tcp.json().is_object(), "{target}");
            assert_eq!(over_tcp.json()["error"].is_string(), status != 200, "{target}");
        }
    }
    for (method, target) in [("DELETE", "/"), ("PUT", "/api/v1/passes"), ("OPTIONS", "/metrics")] {
        served.ask(&Request::new(method, target)).is(405);
    }
}

#[test]
fn an_object_is_told_in_full_and_one_that_is_not_there_by_the_words_of_fleet() {
    let (served, objects) = Served::start(6, ALL);
    let (there, lost) = (&objects[0], &objects[1]);
    served.place.world.answer(lost, [Answer::status(404)]);
    served.place.lose(&objects[1..2]);
    served.pass();
    let told = served.get(&format!("/api/v1/objects/{}", there.digest)).is(200).json();
    assert_eq!(told["schema"], "restock.object/v1");
    assert_eq!(told["digest"], there.digest.to_string());
    let shown = served.place.run(&format!("show {} --output json", there.digest)).exits(0).json();
    assert_eq!(told, shown, "the API and `show` say the same");
    let upper = there.digest.to_string().to_uppercase();
    served.get(&format!("/api/v1/objects/{upper}")).is(200);
    let gone = served.get(&format!("/api/v1/objects/{}", lost.digest)).is(404).json();
    assert_eq!(gone["error"], format!("package not found with hash {}", lost.digest));
    assert_eq!(gone["findings"][0]["unhealable"], "source_gone", "{gone:#}");
    let nobody = "0".repeat(64);
    let unknown = served.get(&format!("/api/v1/objects/{nobody}")).is(404).json();
    assert_eq!(unknown["error"], format!("package not found with hash {nobody}"));
}

#[test]
fn metrics_are_what_promtool_likes_and_count_requests_by_route_alone() {
    let (served, objects) = Served::start(3, ALL);
    let digest = objects[0].digest.to_string();
    served.get(&format!("/api/v1/objects/{digest}")).is(200);
    served.get("/api/v1/objects/CANARY").is(400);
    served.get("/CANARY?CANARY").is(404);
    let metrics = served.get("/metrics").is(200);
    promtool::check(metrics.text());
    assert!(!metrics.text().contains("CANARY") && !metrics.text().contains(&digest));
    let scraped = "restock_http_requests_total{code=\"200\",handler=\"/metrics\"}";
    assert_eq!(served.metric(scraped), Some(1.0), "the first one is told by the second");
    for (handler, code, count) in [
        ("/api/v1/objects/{digest}", 200, 1.0),
        ("/api/v1/objects/{digest}", 400, 1.0),
        ("other", 404, 1.0),
    ] {
        let line = format!("restock_http_requests_total{{code=\"{code}\",handler=\"{handler}\"}}");
        assert_eq!(served.metric(&line), Some(count), "{line}");
    }
}

/// Whatever is out would else end in restarts, and take the daemon out of sight.
#[test]
fn what_is_out_is_told_and_makes_the_daemon_neither_dead_nor_unready() {
    let (place, _) = Place::with_daemon(3, &format!("{EACH_SECOND}{ALL}"));
    let served = Served::over(place);
    let all_well = "[+]begun ok\n[+]config ok\n[+]lock ok\n[+]catalog ok\n[+]store ok\nok\n";
    assert_eq!(served.get("/readyz?verbose").is(200).text(), all_well);
    assert_eq!(served.get("/readyz").is(200).text(), "ok\n");
    std::fs::rename(served.place.path("catalog.db"), served.place.path("away.db")).unwrap();
    let told = || served.get("/readyz?verbose").is(200).text().to_owned();
    until("the catalog to be out", || told().contains("[-]catalog not ok: "));
    let line = told().lines().find(|line| line.starts_with("[-]catalog")).unwrap().to_owned();
    assert!(line.contains("catalog.db") && !line.contains("see /"), "the last error: {line}");
    assert!(told().contains("[+]store ok") && told().ends_with("\nok\n"), "{}", told());
    assert_eq!(served.get("/livez").is(200).text(), "ok\n");
    let status = served.status();
    assert_eq!(status["daemon"]["catalog"]["state"], "down", "{status:#}");
    assert!(served.get("/").is(200).text().contains("The catalog does not answer"));
    assert_eq!(served.metric("restock_catalog_up{store=\"default\"}"), Some(0.0));
    std::fs::rename(served.place.path("away.db"), served.place.path("catalog.db")).unwrap();
    until("the catalog to be back", || told() == all_well);
}
