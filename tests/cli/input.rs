//! Bad input: what is wrong is said in words that help, with the exit code that scripts look for.

use std::net::TcpListener;
use std::time::Duration;

use tokio::time::Instant;

use crate::binary::{command, run};
use crate::place::{CONFIGURATION, Place};
use crate::support::http_server::Answer;
use crate::support::world::Object;

#[test]
fn an_unknown_key_is_told_with_the_near_one() {
    let (place, _) = Place::healthy(1);
    place.configure_with("tries = 1", "trise = 1");
    place
        .run("audit")
        .exits(78)
        .says("unknown key `source.trise` at restock.toml:")
        .says("did you mean `tries`?");
}

#[test]
fn a_malformed_digest_argument_is_a_usage_error() {
    let (place, _) = Place::healthy(1);
    for line in ["probe abc", "show abc", "heal abc", "heal --dry-run zz"] {
        let ran = place.run(line).exits(64);
        assert!(ran.stderr.contains("64 hex digits"), "{line}: {}", ran.stderr);
    }
}

#[test]
fn an_unknown_collection_is_a_usage_error_that_names_the_known() {
    let (place, objects) = Place::healthy(1);
    let digest = objects[0].digest;
    for line in [
        "audit --collection icons",
        "heal --collection icons",
        &format!("probe {digest} --collection icons"),
    ] {
        let ran = place.run(line).exits(64);
        assert!(ran.stderr.contains("no collection `icons`"), "{line}: {}", ran.stderr);
        assert!(ran.stderr.contains("`software-installers`"), "{line}: {}", ran.stderr);
    }
}

#[test]
fn an_absent_catalog_fails_the_run_and_is_not_made() {
    let (place, _) = Place::healthy(2);
    std::fs::remove_file(place.path("catalog.db")).unwrap();
    for line in ["audit", "heal", "audit --output json"] {
        place.run(line).exits(1).says("catalog.db");
    }
    assert!(!place.path("catalog.db").exists());
}

#[test]
fn a_catalog_that_is_no_database_is_told_and_left_alone() {
    let (place, _) = Place::healthy(1);
    let garbage = "no database at all, but rather long for one. ".repeat(20);
    std::fs::write(place.path("catalog.db"), &garbage).unwrap();
    place.run("audit").exits(1).says("catalog.db").says("no SQLite database");
    assert_eq!(std::fs::read_to_string(place.path("catalog.db")).unwrap(), garbage);
}

#[test]
fn queries_that_cannot_serve_are_configuration_errors() {
    let (place, _) = Place::healthy(2);
    let query = "SELECT sha256 AS digest, url AS source_url, filename AS name, size_bytes AS size, \
                 updated_at, id AS ref FROM packages";
    for (bad, said) in [
        ("SELECT sha256 FROM packages", "digest"),
        ("SELEC sha256 AS digest FROM packages", "it begins with `SELEC`"),
        ("SELECT sha256 AS digest FORM packages", "syntax error"),
        ("SELECT sha256 AS digest FROM parcels", "parcels"),
        ("SELECT sha265 AS digest FROM packages", "sha265"),
        ("SELECT sha256 AS digest FROM packages; DELETE FROM packages", "`;`"),
        ("DELETE FROM packages RETURNING sha256 AS digest", "SELECT"),
        ("", "query"),
    ] {
        place.configure_with(query, bad);
        let ran = place.run("audit").exits(78);
        assert!(ran.stderr.contains(said), "{bad}: {}", ran.stderr);
        let named = ["software-installers", "collection[0]"].iter().any(|n| ran.stderr.contains(n));
        assert!(named, "{bad}: {}", ran.stderr);
    }
    place.configure(CONFIGURATION);
    place.run("audit").exits(0);
}

#[test]
fn an_absent_store_directory_fails_the_run() {
    let (place, objects) = Place::healthy(2);
    std::fs::rename(place.path("store"), place.path("elsewhere")).unwrap();
    let probe = format!("probe {}", objects[0].digest);
    for line in ["audit", "heal", probe.as_str()] {
        let ran = place.run(line).exits(1);
        assert!(ran.stderr.contains("store"), "{line}: {}", ran.stderr);
        assert!(!format!("{ran:?}").contains("not found with hash"), "{line}: {ran:?}");
    }
    assert!(!place.path("store").exists(), "it is not made");
}

#[test]
fn a_dead_endpoint_is_told_within_ten_seconds() {
    let (place, objects) = Place::healthy(1);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    place.configure_with(
        "url = \"store\"",
        &format!(
            "url = \"s3://bucket/p\"\n[store.options]\naws_endpoint = \"http://{closed}\"\n\
             aws_allow_http = true\naws_region = \"us-east-1\"\naws_access_key_id = \"x\"\n\
             aws_secret_access_key = \"CANARY\""
        ),
    );
    for (line, code) in [("audit", 1), (&*format!("probe {}", objects[0].digest), 3)] {
        let began = Instant::now();
        let ran = place.run(line).exits(code);
        assert!(began.elapsed() < Duration::from_secs(10), "{line}: {:?}", began.elapsed());
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert!(told.contains(&closed.to_string()), "{line}: {told}");
        assert!(!told.contains("CANARY"), "{line}: {told}");
    }
}

#[test]
fn a_line_break_in_a_key_of_the_environment_is_trimmed_or_told_and_no_panic() {
    let (place, objects) = Place::healthy(1);
    place.configure_with(
        "url = \"store\"",
        "url = \"s3://bucket/p\"\n[store.options]\naws_endpoint = \"http://127.0.0.1:1\"\n\
         aws_allow_http = true",
    );
    let with = |line: &str, key: &str| {
        run(command(&place.path("."), line)
            .env("AWS_ACCESS_KEY_ID", key)
            .env("AWS_SECRET_ACCESS_KEY", "CANARY\n"))
    };
    let probe = format!("probe {}", objects[0].digest);
    for (line, code) in [("config check", 0), ("audit", 1), (&*probe, 3)] {
        let ran = with(line, "AKIA\n").exits(code);
        assert!(!format!("{ran:?}").contains("CANARY"), "{line}: {ran:?}");
        let ran = with(line, "AKIA\nCANARY").exits(78).says("AWS_ACCESS_KEY_ID");
        assert!(!format!("{ran:?}").contains("CANARY"), "{line}: {ran:?}");
    }
}

#[test]
fn an_object_is_not_present_because_a_proxy_answers_200_to_everything() {
    let (place, objects) = Place::healthy(1);
    let (http, digest) = (&place.world.http, objects[0].digest);
    let html = || Answer::ok("<html><body>Sign in to continue</body></html>").header("etag", "e");
    http.route("/b", [html()]);
    http.route(&format!("/b/p/{}", objects[0].key), [html()]);
    let endpoint = http.url("");
    place.configure_with(
        "url = \"store\"",
        &format!(
            "url = \"s3://b/p\"\n[store.options]\naws_endpoint = \"{endpoint}\"\n\
             aws_allow_http = true\naws_region = \"us-east-1\"\naws_access_key_id = \"x\"\n\
             aws_secret_access_key = \"y\""
        ),
    );
    std::fs::write(
        place.path("app.yml"),
        format!("software:\n  packages:\n    - hash_sha256: {digest}\n"),
    )
    .unwrap();
    for (line, code) in [
        (format!("probe {digest}"), 3),
        (format!("show {digest}"), 0),
        ("preflight app.yml".to_owned(), 3),
    ] {
        let ran = place.run(&line).exits(code);
        assert!(ran.stdout.contains("unknown"), "{line}: {ran:?}");
        assert!(ran.stdout.contains("is no S3 listing"), "{line}: {ran:?}");
        assert!(!ran.stdout.contains("present "), "{line}: {ran:?}");
    }
}

#[test]
fn a_missing_bucket_fails_the_run() {
    let variable = |name| std::env::var_os(name).map(|value| value.into_string().unwrap());
    let Some(endpoint) = variable("RESTOCK_TEST_MOTO") else {
        assert_ne!(variable("CI").as_deref(), Some("true"), "no RESTOCK_TEST_MOTO: use tests/run");
        eprintln!("not tested: RESTOCK_TEST_MOTO is not set; `tests/run` starts the server");
        return;
    };
    let (place, objects) = Place::healthy(2);
    place.configure_with(
        "url = \"store\"",
        &format!(
            "url = \"s3://no-such-bucket-anywhere\"\n[store.options]\naws_endpoint = \"{endpoint}\"\n\
             aws_allow_http = true\naws_region = \"us-east-1\"\naws_access_key_id = \"x\"\n\
             aws_secret_access_key = \"y\""
        ),
    );
    for line in ["audit", "heal", &format!("probe {}", objects[0].digest)] {
        let ran = place.run(line).exits(1);
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert!(told.contains("no-such-bucket-anywhere"), "{line}: {told}");
        assert!(!told.contains("not found with hash"), "{line}: {told}");
    }
}

#[test]
fn a_ledger_that_cannot_be_is_told_and_nothing_is_done_without_it() {
    let (place, objects) = Place::healthy(5);
    place.lose(&objects[..1]);
    std::fs::write(place.path("file"), "").unwrap();
    for url in ["sqlite:///proc/restock/ledger.db", "sqlite://file/ledger.db"] {
        place.configure_with("sqlite://ledger.db", url);
        for line in ["audit", "heal", "status"] {
            let ran = place.run(line).exits(1);
            assert!(ran.stderr.contains("ledger"), "{line}: {}", ran.stderr);
        }
    }
    place.configure(CONFIGURATION);
    let garbage = "no database at all, but rather long for one. ".repeat(20);
    std::fs::write(place.path("ledger.db"), &garbage).unwrap();
    for line in ["audit", "heal", "status"] {
        place.run(line).exits(1).says("ledger.db").says("no SQLite database");
    }
    assert_eq!(std::fs::read_to_string(place.path("ledger.db")).unwrap(), garbage);
    assert!(place.world.get(&objects[0].key).is_none(), "no heal without a ledger");
}

#[test]
fn hostile_keys_in_the_store_are_foreign_and_stop_nothing() {
    let (place, objects) = Place::healthy(3);
    for key in ["a b.txt", "größe", "..odd", "...", "x\u{1b}[31m\n", "%2e%2e", "~", "UPPER"] {
        place.world.put(&format!("software-installers/{key}"), b"?");
    }
    let digest = objects[0].digest.to_string();
    place.world.put(&format!("software-installers/{}", digest.to_uppercase()), b"?");
    place.world.put(&format!("software-installers/deeper/{digest}"), b"?");
    place.world.put(&format!("software-installers-old/{digest}"), b"?");
    let ran = place.run("audit").exits(0);
    assert!(!ran.stdout.contains('\u{1b}'), "{}", ran.stdout);
    let report = place.run("audit --output json").json();
    assert_eq!(report["summary"]["foreign"], 10, "{report:#}");
    assert_eq!(report["summary"]["present"], 3);
}

#[test]
fn rows_that_cannot_be_right_are_told_and_stop_nothing() {
    let (place, _) = Place::healthy(2);
    place.sql(
        "INSERT INTO packages (sha256, filename) VALUES \
         ('../../etc/passwd', 'dots.pkg'), ('', 'empty.pkg'), (NULL, 'null.pkg'), (42, 'n.pkg')",
    );
    let ran = place.run("audit").exits(2);
    for name in ["dots.pkg", "empty.pkg", "n.pkg"] {
        assert!(ran.stdout.contains(name), "{}", ran.stdout);
    }
    assert!(!ran.stdout.contains("null.pkg"), "NULL wants nothing: {}", ran.stdout);
    place.run("audit --fail-on missing").exits(0).prints("invalid");
}

#[test]
fn an_uppercase_or_binary_digest_is_the_same_object() {
    let (place, objects) = Place::healthy(1);
    let Object { digest, .. } = &objects[0];
    place.sql(&format!(
        "INSERT INTO packages (sha256) VALUES ('{}'), (x'{digest}')",
        digest.to_string().to_uppercase()
    ));
    let summary = place.run("audit --output json").exits(0).json()["summary"].clone();
    assert_eq!((summary["expected"].as_u64(), summary["present"].as_u64()), (Some(1), Some(1)));
}
