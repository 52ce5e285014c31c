//! Manifests of maintained apps, from real servers on loopback.

use std::sync::Arc;
use std::time::Duration;

use restock::model::Digest;
use restock::source::{
    Asked, Decoding, FetchError, HttpSource, MaintainedApps, Offer, Route, Source, SourceOptions,
};

use crate::support::fetching::{CANARY, LIMIT, collect, loopback_options};
use crate::support::http_server::{Answer, HttpServer};
use crate::support::world::digest_of;

const BYTES: &[u8] = b"the bytes of an installer";
const SLACK: &str = "maintained-app:slack/darwin";
const PATH: &str = "/m/slack/darwin.json";

pub(crate) fn manifest(sha256: &str, url: &str) -> String {
    let version = format!(
        r#"{{"version": "4.47.65", "queries": {{"exists": "SELECT 1"}},
        "installer_url": "{url}", "install_script_ref": "a", "sha256": "{sha256}"}}"#
    );
    format!(r#"{{"versions": [{version}], "refs": {{"a": "echo"}}, "new": null}}"#)
}

fn digest() -> Digest {
    digest_of(BYTES)
}

fn good(server: &HttpServer) -> Answer {
    Answer::ok(manifest(&digest().to_string(), &server.url("/slack.dmg")))
}

/// A server with the installer, and the apps whose manifests lie below `/m` there.
fn served(answers: impl IntoIterator<Item = Answer>) -> (HttpServer, MaintainedApps) {
    let server = HttpServer::start();
    server.route("/slack.dmg", [Answer::ok(BYTES)]);
    server.route(PATH, answers);
    let apps = apps(&loopback_options(), &[server.url(&format!("/m?key={CANARY}"))]);
    (server, apps)
}

fn apps(options: &SourceOptions, bases: &[String]) -> MaintainedApps {
    MaintainedApps::new(Arc::new(HttpSource::new(options).unwrap()), bases)
}

async fn fetch(apps: &MaintainedApps, digest: &Digest) -> Result<Vec<u8>, FetchError> {
    let fetched = match apps.fetch(SLACK, digest, Decoding::AsSent, LIMIT).await {
        Ok(answer) => collect(answer).await,
        Err(error) => Err(error),
    };
    if let Err(error) = &fetched {
        assert!(!format!("{error} {error:?}").contains(CANARY), "{error:?}");
    }
    fetched
}

async fn refused(apps: &MaintainedApps) -> FetchError {
    fetch(apps, &digest()).await.unwrap_err()
}

fn targets(server: &HttpServer) -> Vec<String> {
    server.requests().into_iter().map(|request| request.target).collect()
}

#[tokio::test]
async fn a_manifest_with_the_digest_leads_to_the_bytes() {
    let (server, apps) = served([]);
    let upper = digest().to_string().to_uppercase();
    server.route(PATH, [Answer::ok(manifest(&upper, &server.url("/slack.dmg")))]);
    assert_eq!(apps.permits(SLACK), Ok(()));
    assert_eq!(fetch(&apps, &digest()).await.unwrap(), BYTES);
    assert_eq!(targets(&server), [format!("{PATH}?key={CANARY}"), "/slack.dmg".to_owned()]);
    assert_eq!(
        apps.offer(SLACK, &digest()).await.unwrap(),
        Offer { length: u64::try_from(BYTES.len()).ok(), page: false }
    );
    let Ok(Asked::There(route)) = apps.offer_at(Route::of(SLACK), &digest()).await else {
        panic!("it names a URL");
    };
    assert_eq!(route.just_named(), Some(&*server.url("/slack.dmg")));
    assert_eq!(apps.host(&route).as_deref(), Some("127.0.0.1"));
}

#[tokio::test]
async fn a_manifest_with_another_digest_or_none_is_never_followed() {
    let other = digest_of(b"another release");
    for (sha256, told) in [
        (other.to_string(), format!("is at version 4.47.65, with digest {other}")),
        ("no_check".to_owned(), "is at version 4.47.65, with `no_check` for a digest".to_owned()),
        (String::new(), "is at version 4.47.65, with `` for a digest".to_owned()),
    ] {
        let (server, apps) = served([]);
        server.route(PATH, [Answer::ok(manifest(&sha256, &server.url("/slack.dmg")))]);
        let error = refused(&apps).await;
        assert!(matches!(error, FetchError::Lacking(_)), "{error:?}");
        assert_eq!(error.to_string(), format!("the manifest of slack/darwin {told}"));
        assert!(matches!(apps.offer(SLACK, &digest()).await, Err(FetchError::Lacking(_))));
        assert!(apps.offer_at(Route::of(SLACK), &digest()).await.is_err());
        assert_eq!(server.requests().len(), 1, "no installer was asked for");
    }
}

#[tokio::test]
async fn the_next_base_is_asked_where_the_first_gives_no_good_manifest() {
    for bad in [
        Answer::status(404),
        Answer::status(500),
        Answer::status(403),
        Answer::ok("<html>busy</html>").header("content-type", "text/html"),
        Answer::ok("{\"versions\": [{\"version\""),
        Answer::ok("{}"),
        Answer::ok("x").saying_length(99),
        Answer::ok([b' '; 4096]).endless(),
        Answer::redirect("http://10.0.0.1/slack.json"),
        Answer::raw("").then_reset(),
    ] {
        let (server, _) = served([bad.clone()]);
        server.route("/second/slack/darwin.json", [good(&server)]);
        let apps = apps(&loopback_options(), &[server.url("/m/"), server.url("/second")]);
        assert_eq!(fetch(&apps, &digest()).await.unwrap(), BYTES, "{bad:?}");
    }
}

#[tokio::test]
async fn where_no_base_gives_one_the_failure_says_whether_it_may_pass() {
    for (answer, is_it, told) in [
        (Answer::status(404), "Lacking", "/m/slack/darwin.json answered 404"),
        (Answer::status(503).header("retry-after", "7"), "Transient", "answered 503"),
        (Answer::raw("").then_reset(), "Transient", "http://127.0.0.1:"),
        (Answer::ok("<html>"), "Permanent", "/m/slack/darwin.json is no manifest: expected"),
        (Answer::ok(vec![b' '; 5 << 20]), "Permanent", "is larger than 4194304 bytes"),
        (Answer::redirect("http://10.0.0.1/m"), "Policy", "address 10.0.0.1 is private"),
    ] {
        let (_server, apps) = served([answer.clone()]);
        let error = refused(&apps).await;
        assert!(format!("{error:?}").starts_with(is_it), "{answer:?}: {error:?}");
        assert!(error.to_string().contains("no manifest of slack/darwin: "), "{error}");
        assert!(error.to_string().contains(told), "{answer:?}: {error}");
        if let FetchError::Transient { retry_after, .. } = error {
            assert!(retry_after.is_none_or(|wish| wish == Duration::from_secs(7)));
        }
    }
}

#[tokio::test]
async fn the_url_that_a_manifest_names_is_held_against_the_policy_and_its_failures_name_it() {
    for (url, is_it, told) in [
        ("http://10.0.0.1/slack.dmg?CANARY-7f3a", "Policy", "address 10.0.0.1 is private"),
        ("file:///etc/passwd", "Policy", "scheme `file`"),
        ("slack.dmg", "Policy", "is no URL"),
        ("LOCAL/gone.dmg", "Lacking", "/gone.dmg, which its manifest names, answered 404"),
        ("LOCAL/down.dmg", "Transient", "/down.dmg answered 500"),
        ("LOCAL/out.dmg", "Policy", "redirect to http://10.0.0.2/"),
    ] {
        let (server, apps) = served([]);
        server.route("/gone.dmg", [Answer::status(404)]);
        server.route("/down.dmg", [Answer::status(500)]);
        server.route("/out.dmg", [Answer::redirect("http://10.0.0.2/")]);
        let url = url.replace("LOCAL", &server.url(""));
        server.route(PATH, [Answer::ok(manifest(&digest().to_string(), &url))]);
        for error in [refused(&apps).await, apps.offer(SLACK, &digest()).await.unwrap_err()] {
            assert!(format!("{error:?}").starts_with(is_it), "{url}: {error:?}");
            assert!(error.to_string().contains(told), "{url}: {error}");
        }
    }
}

#[tokio::test]
async fn a_slug_that_leads_elsewhere_and_bases_that_nobody_may_ask_are_refused_without_network() {
    let (server, with_base) = served([]);
    for slug in ["../slack.dmg", "a/../../slack", "", "a b", "%2e%2e/x", "x?y", "http://h/x"] {
        let source = format!("maintained-app:{slug}");
        let refusal = with_base.permits(&source).unwrap_err();
        assert!(refusal.contains("slug"), "{refusal}");
        let error = with_base.fetch(&source, &digest(), Decoding::AsSent, LIMIT).await.err();
        assert!(matches!(error, Some(FetchError::Policy(_))), "{slug}: {error:?}");
    }
    assert_eq!(server.requests().len(), 0);

    let none = apps(&loopback_options(), &[]);
    assert_eq!(none.permits(SLACK).unwrap_err(), "source.maintained_apps is empty");
    let error = refused(&none).await;
    assert_eq!(error.to_string(), "policy: source.maintained_apps is empty");
    let closed = SourceOptions { allow_http: false, ..loopback_options() };
    let base = format!("http://u:{CANARY}@h.example/m");
    let refusal = apps(&closed, std::slice::from_ref(&base)).permits(SLACK).unwrap_err();
    assert!(refusal.starts_with("source.maintained_apps: plain http is not allowed"), "{refusal}");
    let one_of_two = apps(&closed, &[base, "https://h.example/m".to_owned()]);
    assert_eq!(one_of_two.permits(SLACK), Ok(()));
}

#[tokio::test]
async fn a_manifest_is_asked_for_once_and_a_failure_is_not_kept() {
    let (server, apps) = served([]);
    server.route(PATH, [Answer::status(500), good(&server)]);
    assert!(matches!(refused(&apps).await, FetchError::Transient { .. }));
    let other = digest_of(b"another release");
    let first = digest();
    let asked = futures::future::join_all((0..8).map(|n| {
        let wanted = if n % 2 == 0 { &first } else { &other };
        fetch(&apps, wanted)
    }));
    for (n, fetched) in asked.await.into_iter().enumerate() {
        assert_eq!(fetched.is_ok(), n % 2 == 0, "{fetched:?}");
    }
    let manifests = targets(&server).iter().filter(|path| path.starts_with(PATH)).count();
    assert_eq!(manifests, 2, "the one that failed, and one for all others");
}

#[tokio::test]
async fn a_manifest_of_some_minutes_ago_is_asked_for_again() {
    let (server, apps) = served([]);
    server.route(PATH, [good(&server)]);
    let manifests = || targets(&server).iter().filter(|path| path.starts_with(PATH)).count();
    fetch(&apps, &digest()).await.unwrap();
    for (minutes, asked) in [(4, 1), (2, 2)] {
        // Only while nothing is under way: a paused clock would run time-outs down.
        tokio::time::pause();
        tokio::time::advance(Duration::from_mins(minutes)).await;
        tokio::time::resume();
        fetch(&apps, &digest()).await.unwrap();
        assert_eq!(manifests(), asked, "after {minutes} more minutes");
    }
}

#[tokio::test]
async fn an_older_version_of_the_manifest_serves_too() {
    let (server, apps) = served([]);
    let (new, url) = (digest_of(b"new"), server.url("/slack.dmg"));
    let json = format!(
        r#"{{"versions": [{{"version": "2", "installer_url": "{url}?new", "sha256": "{new}"}},
            {{"version": "1", "installer_url": "{url}", "sha256": "{}"}}]}}"#,
        digest()
    );
    server.route(PATH, [Answer::ok(json)]);
    assert_eq!(fetch(&apps, &digest()).await.unwrap(), BYTES);
    assert_eq!(targets(&server)[1], "/slack.dmg");
}
