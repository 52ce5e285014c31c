//! Random paths, queries and cursors: always an answer in its form, and never the daemon's fault.

use proptest::prelude::*;

use crate::client::{Reply, get};
use crate::served::{ALL, Served};
use crate::support::http_server::Answer;
use crate::support::world::COLLECTION;

const CASES: u32 = 400;

fn world() -> Served {
    let (served, objects) = Served::start(12, ALL);
    served.place.world.answer(&objects[0], [Answer::status(404)]);
    served.place.lose(&objects[..1]);
    for name in ["a~b", "%7E", "x y", "\u{1f98a}"] {
        served.place.world.put(&format!("{COLLECTION}/{name}"), b"?");
    }
    served.pass();
    served
}

/// Any text, in the ways in which a client may write it into a URL.
fn text() -> impl Strategy<Value = String> {
    let encoded = |bytes: Vec<u8>| {
        let each: Vec<_> = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
        each.concat()
    };
    prop_oneof![
        "[!-~]{0,40}",
        prop::collection::vec(any::<u8>(), 0..40).prop_map(encoded),
        "(%[0-9a-f]{0,2}|[a-z~.+&=;]){0,20}",
        Just(String::new()),
        Just("x".repeat(3_000)),
    ]
}

fn path() -> impl Strategy<Value = String> {
    let route = prop::sample::select(vec![
        "/",
        "/metrics",
        "/livez",
        "/readyz",
        "/api/v1/status",
        "/api/v1/findings",
        "/api/v1/passes",
        "/-/reload",
        "/api/v1/heal/pause",
    ]);
    let hex = "[0-9a-fA-F]{63,65}";
    prop_oneof![
        6 => route.clone().prop_map(str::to_owned),
        2 => (route, text()).prop_map(|(route, more)| format!("{route}{more}")),
        2 => hex.prop_map(|digest| format!("/api/v1/objects/{digest}")),
        2 => text().prop_map(|text| format!("/api/v1/objects/{text}")),
        1 => text().prop_map(|text| format!("/{text}")),
    ]
}

fn value() -> impl Strategy<Value = String> {
    let kind =
        prop::sample::select(vec!["missing", "corrupt", "foreign", "orphan", "invalid_record"]);
    let time = prop::sample::select(vec![
        "2026.2D01.2D01T00.3A00.3A00Z",
        "9999.2D12.2D31T23.3A59.3A60Z",
        "0000.2D01.2D01T00.3A00.3A00Z",
        ".2D262143.2D01.2D01T00.3A00.3A00Z",
        "2026.2D01.2D01T00.3A00.3A00.2E999999999999Z",
    ]);
    prop_oneof![
        text(),
        kind.clone().prop_map(str::to_owned),
        (kind, text(), text()).prop_map(|(kind, a, b)| format!("{kind}~{a}~{b}")),
        (time, text()).prop_map(|(time, id)| format!("{time}~{id}")),
        any::<i128>().prop_map(|n| n.to_string()),
        (0_u32..600).prop_map(|n| n.to_string()),
    ]
}

fn target() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["kind", "cursor", "limit", "verbose", "", "k%69nd"]);
    let pairs = prop::collection::vec((name, value()), 0..4);
    (path(), pairs, any::<bool>()).prop_map(|(path, pairs, raw)| {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let query = if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) };
        let target = format!("{path}{query}");
        // `#` begins what no client sends.
        if raw { target } else { target.replace('#', "%23") }
    })
}

fn judge(target: &str, reply: &Reply) -> Result<(), TestCaseError> {
    prop_assert!(reply.status < 500, "{target}: {reply:?}");
    let Some(kind) = reply.header("content-type") else {
        // What is no HTTP does not come as far as a route.
        prop_assert_eq!(reply.status, 400, "{}", target);
        return Ok(());
    };
    reply.is_guarded();
    let read = serde_json::from_slice::<serde_json::Value>(&reply.body);
    if kind == "application/json" {
        prop_assert!(read.is_ok(), "{target}: {reply:?}");
        let is_error = read.is_ok_and(|read| read["error"].is_string());
        prop_assert_eq!(is_error, reply.status != 200, "{}", target);
    } else {
        prop_assert_eq!(reply.status, 200, "{}", target);
        prop_assert!(kind.starts_with("text/"), "{}", kind);
    }
    Ok(())
}

#[test]
fn whatever_is_asked_gets_an_answer_in_its_form() {
    let served = world();
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..Default::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let ran =
        runner.run(&target(), |target| judge(&target, &get(&target).over_tcp(served.address)));
    ran.unwrap_or_else(|error| panic!("{error}\n{}", served.daemon.log()));
    assert_eq!(served.metric("restock_panics_total"), Some(0.0));
    assert!(!served.daemon.log().contains("panicked"), "{}", served.daemon.log());
    served.pass();
}
