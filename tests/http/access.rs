//! Who is refused. Of each order that is refused nothing happens.

use crate::client::{Reply, Request, connect, get, post};
use crate::served::{ALL, Served, TOKEN};

use std::io::Write as _;

const ORDERS: [(&str, &str); 5] = [
    ("/api/v1/passes", ""),
    ("/api/v1/heal/pause", ""),
    ("/api/v1/heal/resume", ""),
    ("/api/v1/breaker/ack", "{\"expect_missing\": 1}"),
    ("/-/reload", ""),
];

const PROBES: [&str; 3] = ["/metrics", "/livez", "/readyz"];
const READ_ONLY: [&str; 5] =
    ["/", "/api/v1/status", "/api/v1/findings", "/api/v1/passes", "/api/v1/objects/00"];

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn with_token(request: Request) -> Request {
    request.with("Authorization", &bearer(TOKEN))
}

/// Asserts that nothing came of what was refused.
#[track_caller]
fn nothing_happened(served: &Served, passes: usize) {
    let status = served.status();
    assert_eq!(status["daemon"]["paused"], false);
    assert_eq!(status["daemon"]["activity"]["state"], "idle");
    assert_eq!(status["passes"].as_array().unwrap().len(), passes);
    assert_eq!(served.daemon.said("was read again"), 0);
}

#[test]
fn without_a_token_orders_exist_on_the_socket_alone() {
    let (served, _) = Served::start(3, "\n[http]\nadmin_socket = \"admin.sock\"\n");
    for (target, body) in ORDERS {
        served.ask(&post(target, body)).tells(404, "no such route");
        served.ask(&with_token(post(target, body))).tells(404, "no such route");
    }
    nothing_happened(&served, 1);
    served.order("/api/v1/heal/pause", "").is(202);
}

#[test]
fn an_order_over_tcp_needs_the_whole_token_and_nothing_that_looks_like_it() {
    let (served, _) = Served::start(3, ALL);
    for (target, body) in ORDERS {
        let refused = served.ask(&post(target, body)).tells(401, "bearer token is needed");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer realm=\"restock\""));
    }
    for wrong in [
        bearer(&TOKEN[1..]),
        bearer(&format!("{TOKEN}0")),
        bearer(&TOKEN.to_uppercase()),
        format!("Basic {TOKEN}"),
        TOKEN.to_owned(),
        "Bearer".to_owned(),
    ] {
        let request = post("/api/v1/heal/pause", "").with("Authorization", &wrong);
        let refused = served.ask(&request).tells(401, "this is not the token");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer realm=\"restock\""));
        assert!(!refused.text().contains(&wrong));
    }
    let in_the_query = format!("/api/v1/heal/pause?token={TOKEN}&access_token={TOKEN}");
    served.ask(&post(&in_the_query, "")).tells(401, "needed");
    let twice = with_token(with_token(post("/api/v1/heal/pause", "")));
    served.ask(&twice).tells(401, "needed");
    nothing_happened(&served, 1);
    served.ask(&with_token(post("/api/v1/heal/pause", ""))).is(202);
    let lower = post("/api/v1/heal/resume", "").with("Authorization", &format!("bearer  {TOKEN}"));
    served.ask(&lower).is(202);
}

#[test]
fn the_right_token_is_no_use_to_a_page_elsewhere() {
    let (served, _) = Served::start(3, ALL);
    let own = format!("http://{}", served.address);
    for (name, value) in [
        ("Host", "evil.example.com"),
        ("Host", "127.0.0.1.evil.example.com"),
        ("Host", "127.0.0.1@evil.example.com"),
        ("Host", ""),
        ("Host", "(none)"),
        ("Origin", "http://evil.example.com"),
        ("Origin", "null"),
        ("Origin", "http://127.0.0.1:1"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Site", ""),
    ] {
        for (target, body) in ORDERS {
            let order = with_token(post(target, body)).with(name, value);
            let reply = order.over_tcp(served.address);
            assert!(matches!(reply.status, 400 | 403), "{name}: {value}: {reply:?}");
        }
    }
    // What a form may send without asking first.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "(none)"]
    {
        let order = with_token(post("/api/v1/heal/pause", "")).without("Content-Type");
        served.ask(&order.with("Content-Type", kind)).tells(415, "application/json");
    }
    let navigation = with_token(post("/api/v1/heal/pause", ""))
        .with("Sec-Fetch-Site", "cross-site")
        .with("Sec-Fetch-Mode", "navigate")
        .with("Sec-Fetch-Dest", "document");
    served.ask(&navigation).tells(403, "elsewhere");
    nothing_happened(&served, 1);
    let own = with_token(post("/api/v1/heal/pause", ""))
        .with("Origin", &own)
        .with("Sec-Fetch-Site", "same-origin");
    served.ask(&own).is(202);
}

/// Prometheus scrapes by address, and kubelet probes by it.
#[test]
fn other_hosts_are_refused_but_never_where_machines_ask() {
    let allowed = format!("{ALL}allowed_hosts = [\"restock.example.com\"]\n");
    let (served, _) = Served::start(3, &allowed);
    for host in ["evil.example.com", "10.0.0.5:9847", "127.evil.example.com"] {
        for target in READ_ONLY {
            let refused = served.ask(&get(target).with("Host", host)).is(403);
            assert!(refused.json()["error"].as_str().unwrap().contains("allowed_hosts"));
        }
        for target in PROBES {
            served.ask(&get(target).with("Host", host)).is(200);
            served.ask(&get(target).with("Origin", "http://evil.example.com")).is(200);
        }
    }
    for host in
        ["localhost", "127.0.0.1", "[::1]:1", "restock.example.com", "Restock.Example.com:8"]
    {
        served.ask(&get("/api/v1/status").with("Host", host)).is(200);
    }
    let absolute = get("http://evil.example.com/api/v1/status");
    served.ask(&absolute).is(403);
    let two = get("/api/v1/status").with("Host", "127.0.0.1").with("Host", "127.0.0.1");
    assert!(matches!(two.over_tcp(served.address).status, 400 | 403));
    let mut stream = connect(served.address);
    stream.write_all(b"GET /api/v1/status HTTP/1.0\r\n\r\n").unwrap();
    Reply::read(&mut stream).unwrap().is(403);
    // Names are no matter on a socket that only its owner may open.
    served.ask_socket(&get("/api/v1/status").with("Host", "evil.example.com")).is(200);
}

#[test]
fn a_page_elsewhere_sees_nothing_and_a_link_leads_to_the_page() {
    let (served, _) = Served::start(3, ALL);
    for target in READ_ONLY {
        served.ask(&get(target).with("Origin", "http://evil.example.com")).is(403);
        served.ask(&get(target).with("Sec-Fetch-Site", "cross-site")).is(403);
        let frame = get(target)
            .with("Sec-Fetch-Site", "cross-site")
            .with("Sec-Fetch-Mode", "navigate")
            .with("Sec-Fetch-Dest", "iframe");
        served.ask(&frame).is(403);
    }
    let link = get("/")
        .with("Sec-Fetch-Site", "cross-site")
        .with("Sec-Fetch-Mode", "navigate")
        .with("Sec-Fetch-Dest", "document");
    served.ask(&link).is(200);
    served.ask(&get("/").with("Sec-Fetch-Site", "none")).is(200);
    served.ask(&get("/").with("Sec-Fetch-Site", "same-origin")).is(200);
}

#[test]
fn the_api_may_ask_for_the_token_too() {
    let (served, objects) = Served::start(3, &format!("{ALL}api = \"token\"\n"));
    let object = format!("/api/v1/objects/{}", objects[0].digest);
    for target in ["/", "/api/v1/status", "/api/v1/findings", "/api/v1/passes", &object] {
        served.get(target).is(401);
        served.ask(&get(target).with("Authorization", "Bearer nonsense")).is(401);
        served.ask(&with_token(get(target))).is(200);
        served.ask(&with_token(get(target)).with("Host", "evil.example.com")).is(403);
        served.ask_socket(&get(target)).is(200);
    }
    for target in PROBES {
        served.get(target).is(200);
    }
}

#[test]
fn the_api_may_be_off_and_is_still_there_for_the_owner_of_the_socket() {
    let (served, objects) = Served::start(3, &format!("{ALL}api = \"off\"\n"));
    let object = format!("/api/v1/objects/{}", objects[0].digest);
    for target in ["/", "/api/v1/status", "/api/v1/findings", "/api/v1/passes", &object] {
        served.get(target).is(404);
        served.ask(&with_token(get(target))).is(404);
        served.ask_socket(&get(target)).is(200);
    }
    for target in PROBES {
        served.get(target).is(200);
    }
    served.ask(&with_token(post("/api/v1/heal/pause", ""))).is(202);
}

#[test]
fn whoever_guesses_has_to_wait_and_others_do_not() {
    let (served, _) = Served::start(3, ALL);
    let guess = |n: u32| {
        let guess = post("/api/v1/heal/pause", "").with("Authorization", &bearer(&n.to_string()));
        served.ask(&guess).status
    };
    let guesses: Vec<_> = (0..30).map(guess).collect();
    // One more is forgiven every few seconds, while we guess.
    let wrong = guesses.iter().filter(|status| **status == 401).count();
    assert!((10..20).contains(&wrong), "{guesses:?}");
    assert!(guesses[10..].contains(&429), "{guesses:?}");
    let _until_there_is_none_left = (0..30).map(|n| guess(100 + n)).find(|status| *status == 429);
    let right = served.ask(&with_token(post("/api/v1/heal/pause", "")));
    let right = right.tells(429, "too many");
    assert!((1..60).contains(&right.header("retry-after").unwrap().parse::<u32>().unwrap()));
    served.get("/api/v1/status").is(200);
    served.get("/metrics").is(200);
    nothing_happened(&served, 1);
    served.order("/api/v1/heal/pause", "").is(202);
}
