//! What `docs/http.md` says of routes, limits and `[http]` is what there is.

use std::collections::BTreeSet;

use restock::http::HttpOptions;
use serde_json::Value;

use crate::client::{Request, get, post};
use crate::schema::follows;
use crate::served::{ALL, Served};
use crate::support::http_server::Answer;

/// As the contract with other programs has them.
const ROUTES: [(&str, &str); 13] = [
    ("GET", "/"),
    ("GET", "/metrics"),
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/api/v1/status"),
    ("GET", "/api/v1/findings"),
    ("GET", "/api/v1/objects/{digest}"),
    ("GET", "/api/v1/passes"),
    ("POST", "/api/v1/passes"),
    ("POST", "/api/v1/heal/pause"),
    ("POST", "/api/v1/heal/resume"),
    ("POST", "/api/v1/breaker/ack"),
    ("POST", "/-/reload"),
];

fn read(path: &str) -> String {
    std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The first cells of the tables of a document, without their ticks.
fn first_cells(document: &str) -> Vec<(&str, &str)> {
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    rows.map(|(cell, rest)| (cell, rest.split(" | ").next().unwrap().trim_matches('`'))).collect()
}

#[test]
fn routes_are_those_of_the_contract_and_documented() {
    let contract: BTreeSet<_> =
        ROUTES.iter().map(|(method, path)| format!("{method} {path}")).collect();
    let document = read("docs/http.md");
    let cells = first_cells(&document);
    let told = cells.iter().map(|(cell, _)| (*cell).to_owned());
    let told: BTreeSet<_> = told.filter(|cell| cell.contains(' ')).collect();
    assert_eq!(told, contract);
    for (cell, who) in cells.iter().filter(|(cell, _)| cell.contains(' ')) {
        let probe = ["/metrics", "/livez", "/readyz"].iter().any(|path| cell.ends_with(path));
        let expected = match (cell.starts_with("POST"), probe) {
            (true, _) => "admin",
            (false, true) => "everybody",
            (false, false) => "as `api` says",
        };
        assert_eq!(*who, expected.trim_matches('`'), "{cell}");
    }
    // What the code leads anywhere.
    let code = read("src/http/routes.rs");
    let wired: BTreeSet<_> =
        code.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let paths: BTreeSet<_> = ROUTES.iter().map(|(_, path)| *path).collect();
    assert_eq!(wired, paths);
}

#[test]
fn each_route_is_asked_by_its_method_and_no_other() {
    let (served, objects) = Served::start(3, ALL);
    let digest = objects[0].digest.to_string();
    for path in ROUTES.iter().map(|(_, path)| path).collect::<BTreeSet<_>>() {
        let target = path.replace("{digest}", &digest);
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
            let request = if method == "POST" {
                // No order that is carried out.
                post(&target, "{\"nonsense\": 1}")
            } else {
                Request::new(method, &target)
            };
            let status = served.ask_socket(&request).status;
            let exists = ROUTES.contains(&(method, path));
            let expected = match (exists, method) {
                (false, _) => 405,
                (true, "POST") => 400,
                (true, _) => 200,
            };
            assert_eq!(status, expected, "{method} {target}");
        }
    }
    assert_eq!(served.ask_socket(&get("/api/v2/status")).status, 404);
}

#[test]
fn settings_are_documented_with_their_defaults() {
    let document = read("docs/http.md");
    let cells = first_cells(&document);
    let schema = serde_json::to_value(schemars::schema_for!(HttpOptions)).unwrap();
    let keys = schema["properties"].as_object().unwrap().keys();
    let keys: BTreeSet<_> = keys.map(String::as_str).collect();
    let told: BTreeSet<_> =
        cells.iter().map(|(cell, _)| *cell).filter(|cell| !cell.contains(' ')).collect();
    assert_eq!(told, keys);
    let defaults = serde_json::to_value(HttpOptions::default()).unwrap();
    for (key, default) in cells.iter().filter(|(cell, _)| !cell.contains(' ')) {
        let known = defaults.get(*key).map_or_else(|| "none".to_owned(), Value::to_string);
        assert_eq!(*default, known, "{key}");
    }
    // The example at the top can be used as it is.
    let (_, example) = document.split_once("```toml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let read: toml::Table = example.parse().unwrap();
    let read: HttpOptions = read["http"].clone().try_into().unwrap();
    assert_eq!(read, HttpOptions::default());
}

/// Those that `slow` and `orders` try.
#[test]
fn limits_are_told() {
    let document = read("docs/http.md");
    for said in ["256 connections", "16 on the admin socket", "64 lines", "16 KiB", "30 seconds"] {
        assert!(document.contains(said), "{said}");
    }
}

#[test]
fn what_the_api_answers_follows_the_published_schemas() {
    let (served, objects) = Served::start(12, ALL);
    served.place.lose(&objects[..1]);
    served.place.world.answer(&objects[0], vec![Answer::status(404); 9]);
    served.place.world.put("software-installers/stray", b"x");
    served.pass();
    let (lost, there) = (objects[0].digest, objects[1].digest);
    for (target, status) in [
        ("/api/v1/status".to_owned(), 200),
        ("/api/v1/findings".to_owned(), 200),
        ("/api/v1/findings?limit=1".to_owned(), 200),
        ("/api/v1/passes".to_owned(), 200),
        (format!("/api/v1/objects/{there}"), 200),
        (format!("/api/v1/objects/{lost}"), 404),
    ] {
        let answer = served.get(&target).is(status);
        follows(&answer.json());
    }
    let absent = served.get(&format!("/api/v1/objects/{lost}")).is(404).json();
    assert_eq!(absent["error"], format!("package not found with hash {lost}"));
    let document = read("docs/http.md");
    for id in ["status", "findings", "object", "passes"] {
        assert!(document.contains(&format!("`restock.{id}/v1`")), "{id}");
    }
}
