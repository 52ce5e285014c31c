//! Where the HTTP source connects to and where it does not, and what it tells to whom.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod support;

use std::path::Path;

use restock::source::{
    Decoding, FetchError, HostOptions, HttpSource, Source, SourceError, SourceOptions,
};
use support::fetching::{CANARY, fetched, loopback_options, loopback_source, refused};
use support::http_server::{Answer, HttpServer};

const BYTES: &[u8] = b"the bytes of an object";

fn policy(error: FetchError) -> String {
    let FetchError::Policy(refusal) = error else {
        panic!("a refusal by policy was expected: {error:?}")
    };
    refusal
}

fn permanent(error: FetchError) -> String {
    let FetchError::Permanent(message) = error else { panic!("permanent was expected: {error:?}") };
    message
}

/// A server whose `/a` answers with bytes.
fn serving() -> HttpServer {
    let server = HttpServer::start();
    server.route("/a", [Answer::ok(BYTES)]);
    server
}

/// A source that may use plain http but connects to public addresses only.
fn public_source() -> HttpSource {
    let options = SourceOptions { allow_private: Vec::new(), ..loopback_options() };
    HttpSource::new(&options).unwrap()
}

/// An entry that allows plain http.
fn host(name: &str, token_file: Option<&Path>) -> HostOptions {
    let bearer_token_file = token_file.map(Path::to_owned);
    HostOptions { name: name.to_owned(), allow_http: true, bearer_token_file }
}

#[tokio::test]
async fn a_private_address_is_not_connected_to_however_it_is_spelled() {
    let server = serving();
    let source = public_source();
    for host in [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "0x7f000001",
        "0x7f.1",
        "2130706433",
        "017700000001",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "good.example@127.0.0.1",
    ] {
        let url = server.url_as(host, &format!("/a?token={CANARY}"));
        let refusal = policy(refused(&source, &url).await);
        assert!(refusal.contains("127.0.0.1 is loopback"), "{host}: {refusal}");
        assert_eq!(source.permits(&url).unwrap_err(), refusal, "{host}");
    }
    assert_eq!(server.accepted(), 0);

    // The same server answers where the address is allowed, so that the zero above means it.
    let allowed = loopback_source();
    for host in ["127.1", "2130706433", "127.0.0.1.", "good.example@127.0.0.1"] {
        assert_eq!(fetched(&allowed, &server.url_as(host, "/a")).await, BYTES, "{host}");
    }
    assert_eq!(server.accepted(), 4);
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_not_connected_to() {
    let server = serving();
    for host in ["localhost", "LOCALHOST"] {
        let url = server.url_as(&format!("user:{CANARY}@{host}"), "/a");
        assert_eq!(public_source().permits(&url), Ok(()), "a name says nothing by itself");
        let refusal = policy(refused(&public_source(), &url).await);
        assert!(refusal.to_lowercase().starts_with("localhost"), "{refusal}");
        assert!(refusal.contains("is loopback"), "{refusal}");
    }
    assert_eq!(server.accepted(), 0);
    assert_eq!(fetched(&loopback_source(), &server.url_as("localhost", "/a")).await, BYTES);
}

#[tokio::test]
async fn plain_http_is_not_spoken_unless_the_host_allows_it() {
    let server = serving();
    let closed = SourceOptions { allow_http: false, ..loopback_options() };
    let url = server.url_as("localhost", &format!("/a?token={CANARY}"));
    let refusal = policy(refused(&HttpSource::new(&closed).unwrap(), &url).await);
    assert!(refusal.starts_with("plain http is not allowed for localhost"), "{refusal}");
    assert_eq!(server.accepted(), 0);

    let hosts = vec![host("LocalHost.", None)];
    let open = HttpSource::new(&SourceOptions { host: hosts, ..closed }).unwrap();
    assert_eq!(fetched(&open, &url).await, BYTES);
    policy(refused(&open, &server.url("/a")).await);
}

#[tokio::test]
async fn what_is_no_url_is_refused_without_showing_its_secrets() {
    for text in [
        format!("no url?{CANARY}"),
        format!("http://user:{CANARY}@[bad/a"),
        format!("ftp://user:{CANARY}@files.example/a"),
        format!("data:text/plain,?{CANARY}"),
        "/etc/passwd".to_owned(),
        String::new(),
    ] {
        let source = loopback_source();
        let refusal = policy(refused(&source, &text).await);
        assert_eq!(source.permits(&text).unwrap_err(), refusal);
    }
}

#[tokio::test]
async fn a_redirect_is_followed_with_its_query_and_without_the_old_user_info() {
    let (first, second) = (serving(), serving());
    first.route("/old", [Answer::redirect(second.url_as("localhost", "/a?v=2#part"))]);
    first.route("/moved", [Answer::status(308).header("location", "old")]);
    let url = first.url_as(&format!("user:{CANARY}@127.0.0.1"), "/moved");
    assert_eq!(fetched(&loopback_source(), &url).await, BYTES);
    let targets: Vec<_> = first.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(targets, ["/moved", "/old"]);
    let asked = second.requests();
    assert_eq!(asked[0].target, "/a?v=2");
    assert_eq!(asked[0].header("authorization"), None);
    assert_eq!(asked[0].header("referer"), None);
    assert!(first.requests()[0].header("authorization").unwrap().starts_with("Basic "));
}

#[tokio::test]
async fn a_redirect_loop_is_permanent() {
    let server = HttpServer::start();
    server.route("/a", [Answer::redirect(format!("/b?token={CANARY}"))]);
    server.route("/b", [Answer::redirect(format!("/a?token={CANARY}"))]);
    let url = server.url(&format!("/a?token={CANARY}"));
    let message = permanent(refused(&loopback_source(), &url).await);
    assert!(message.starts_with("redirect loop: http://127.0.0.1:"), "{message}");
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn redirects_are_counted() {
    let server = serving();
    for (path, next) in [("/1", "/2"), ("/2", "/3"), ("/3", "/4"), ("/4", "/a")] {
        server.route(path, [Answer::redirect(format!("{next}?token={CANARY}"))]);
    }
    let source = loopback_source();
    assert_eq!(fetched(&source, &server.url("/2")).await, BYTES, "three redirects are allowed");
    let message = permanent(refused(&source, &server.url("/1")).await);
    assert!(message.starts_with("more than 3 redirects"), "{message}");
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_not_followed() {
    let server = HttpServer::start();
    let hidden = HttpServer::start_at("127.0.0.2");
    hidden.route("/a", [Answer::ok(BYTES)]);
    server.route("/a", [Answer::redirect(hidden.url(&format!("/a?token={CANARY}")))]);
    let refusal = policy(refused(&loopback_source(), &server.url("/a")).await);
    assert!(refusal.starts_with(&format!("redirect to {}: ", hidden.url("/a"))), "{refusal}");
    assert_eq!((server.accepted(), hidden.accepted()), (1, 0));

    let allow_private = vec!["127.0.0.0/8".parse().unwrap()];
    let open = SourceOptions { allow_private, ..loopback_options() };
    assert_eq!(fetched(&HttpSource::new(&open).unwrap(), &server.url("/a")).await, BYTES);
    assert_eq!(hidden.accepted(), 1);
}

#[tokio::test]
async fn a_redirect_to_a_name_that_resolves_to_a_private_address_is_not_followed() {
    let hidden = serving();
    let server = HttpServer::start_at("127.0.0.2");
    server.route("/a", [Answer::redirect(hidden.url_as("localhost", "/a"))]);
    let allow_private = vec!["127.0.0.2/32".parse().unwrap()];
    let options = SourceOptions { allow_private, ..loopback_options() };
    let source = HttpSource::new(&options).unwrap();
    policy(refused(&source, &server.url("/a")).await);
    assert_eq!((server.accepted(), hidden.accepted()), (1, 0));
}

#[tokio::test]
async fn a_redirect_to_another_scheme_is_not_followed() {
    let server = HttpServer::start();
    for location in ["file:///etc/passwd", "ftp://files.example/a", "gopher://127.0.0.1/a"] {
        server.route("/a", [Answer::redirect(location)]);
        policy(refused(&loopback_source(), &server.url("/a")).await);
    }
}

#[tokio::test]
async fn a_bearer_token_goes_to_its_own_host_only() {
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, format!("{CANARY}\n")).unwrap();
    let server = serving();
    let other = serving();
    let named = format!("LocalHost:{}", server.port());
    let hosts = vec![host(&named, Some(&token_file)), host("127.0.0.1", None)];
    let source = HttpSource::new(&SourceOptions { host: hosts, ..loopback_options() }).unwrap();
    server.route("/away", [Answer::redirect(other.url("/a"))]);
    other.route("/home", [Answer::redirect(server.url_as("localhost", "/a"))]);
    let token = format!("Bearer {CANARY}");
    let tokens = |server: &HttpServer| -> Vec<Option<String>> {
        let requests = server.requests();
        requests.iter().map(|asked| asked.header("authorization").map(str::to_owned)).collect()
    };

    fetched(&source, &server.url_as("localhost", "/a")).await;
    fetched(&source, &server.url_as("user:password@localhost", "/away")).await;
    fetched(&source, &other.url("/home")).await;
    assert_eq!(tokens(&server), vec![Some(token); 3]);
    assert_eq!(tokens(&other), vec![None; 2]);
    server.route("/a", [Answer::status(401)]);
    refused(&source, &server.url_as("localhost", "/a")).await;
}

#[tokio::test]
async fn a_bearer_token_goes_to_no_other_port_of_its_host() {
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, CANARY).unwrap();
    let (own, other) = (serving(), serving());
    own.route("/away", [Answer::redirect(other.url("/a"))]);
    let authorized = |server: &HttpServer| -> Vec<bool> {
        server.requests().iter().map(|asked| asked.header("authorization").is_some()).collect()
    };

    // Without a port, the token is for the scheme's own, which nobody serves here.
    let of_host = host("127.0.0.1", Some(&token_file));
    let options = SourceOptions { host: vec![of_host], ..loopback_options() };
    assert_eq!(fetched(&HttpSource::new(&options).unwrap(), &own.url("/a")).await, BYTES);
    assert_eq!(authorized(&own), [false]);

    let of_port = host(&format!("127.0.0.1:{}", own.port()), Some(&token_file));
    let options = SourceOptions { host: vec![of_port], ..loopback_options() };
    let source = HttpSource::new(&options).unwrap();
    assert_eq!(fetched(&source, &own.url("/a")).await, BYTES);
    assert_eq!(fetched(&source, &own.url("/away")).await, BYTES);
    assert_eq!((authorized(&own), authorized(&other)), (vec![false, true, true], vec![false]));
}

#[tokio::test]
async fn a_denied_network_is_not_connected_to_by_address_by_name_or_by_a_redirect() {
    let (server, hidden) = (serving(), HttpServer::start_at("127.0.0.2"));
    server.route("/away", [Answer::redirect(hidden.url("/a"))]);
    let options = SourceOptions {
        allow_private: vec!["127.0.0.0/8".parse().unwrap()],
        deny: vec!["127.0.0.2/32".parse().unwrap()],
        ..loopback_options()
    };
    let source = HttpSource::new(&options).unwrap();
    assert_eq!(fetched(&source, &server.url("/a")).await, BYTES);
    for url in [hidden.url("/a"), server.url("/away")] {
        let refusal = policy(refused(&source, &url).await);
        assert!(refusal.ends_with("127.0.0.2 lies in a network of source.deny"), "{refusal}");
    }
    let deny = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
    let source = HttpSource::new(&SourceOptions { deny, ..options }).unwrap();
    let refusal = policy(refused(&source, &server.url_as("localhost", "/a")).await);
    assert!(refusal.ends_with("lies in a network of source.deny"), "{refusal}");
    assert_eq!((server.accepted(), hidden.accepted()), (2, 0));
}

#[tokio::test]
async fn a_redirect_to_a_host_that_is_not_listed_is_not_followed() {
    let (server, other) = (serving(), serving());
    server.route("/away", [Answer::redirect(other.url_as("localhost", "/a"))]);
    let allow_hosts = vec!["127.0.0.1".to_owned()];
    let source = HttpSource::new(&SourceOptions { allow_hosts, ..loopback_options() }).unwrap();
    assert_eq!(fetched(&source, &server.url("/a")).await, BYTES);
    let refusal = policy(refused(&source, &server.url("/away")).await);
    assert!(refusal.ends_with("localhost is not among source.allow_hosts"), "{refusal}");
    assert_eq!(other.accepted(), 0);
}

#[tokio::test]
async fn a_redirect_to_the_port_of_another_service_is_not_followed() {
    let server = serving();
    server.route("/away", [Answer::redirect("http://127.0.0.1:25/a")]);
    let refusal = policy(refused(&loopback_source(), &server.url("/away")).await);
    assert!(refusal.contains("port 25 is not allowed"), "{refusal}");
}

#[tokio::test]
async fn what_a_stranger_writes_is_cut_and_a_url_that_is_too_long_is_not_asked() {
    let server = serving();
    let long = "x".repeat(300_000);
    server.route("/long", [Answer::redirect(format!("/{long}"))]);
    let message = permanent(refused(&loopback_source(), &server.url("/long")).await);
    assert!(message.ends_with("with a Location of 300001 bytes"), "{message}");
    for location in [format!("/{}", "x".repeat(8_000)), format!("/y?{}", "x".repeat(8_000))] {
        server.route("/moved", [Answer::redirect(location.clone())]);
        let path = location.split('?').next().unwrap();
        server.route(path, [Answer::redirect("/moved")]);
        let message = permanent(refused(&loopback_source(), &server.url("/moved")).await);
        assert!(message.len() < 2_500, "{} bytes: {message}", message.len());
    }
    let asked = server.accepted();
    let url = server.url(&format!("/{long}"));
    let refusal = policy(refused(&loopback_source(), &url).await);
    assert!(refusal.ends_with("bytes is too long: 8192 are allowed"), "{refusal}");
    assert_eq!(loopback_source().permits(&url).unwrap_err(), refusal);
    assert_eq!(server.accepted(), asked);

    server.route("/tagged", [Answer::ok(BYTES).header("etag", "t".repeat(100_000))]);
    let digest = restock::model::Digest::new([7; 32]);
    let source = loopback_source();
    let answer = source.fetch(&server.url("/tagged"), &digest, Decoding::AsSent, 1 << 20).await;
    assert_eq!(answer.unwrap().etag.unwrap().len(), 1024);
}

#[tokio::test]
async fn a_bearer_token_is_not_sent_in_plain_text_by_a_general_permission() {
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, CANARY).unwrap();
    let server = serving();
    let host = HostOptions {
        name: format!("localhost:{}", server.port()),
        allow_http: false,
        bearer_token_file: Some(token_file),
    };
    let options = SourceOptions { host: vec![host], ..loopback_options() };
    let source = HttpSource::new(&options).unwrap();
    assert_eq!(fetched(&source, &server.url_as("localhost", "/a")).await, BYTES);
    assert_eq!(server.requests()[0].header("authorization"), None);
}

#[test]
fn a_bad_host_or_token_file_is_told_when_the_source_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let made = |name: &str, bearer_token_file| {
        let host = HostOptions { name: name.to_owned(), allow_http: false, bearer_token_file };
        let options = SourceOptions { host: vec![host], ..SourceOptions::default() };
        HttpSource::new(&options).map(|_| ()).unwrap_err()
    };
    let error = made("https://files.example", None);
    assert!(matches!(error, SourceError::Host { .. }), "{error}");
    let error = made("files.example", Some(path.clone()));
    assert!(error.to_string().starts_with(&format!("cannot read {}", path.display())), "{error}");
    for text in ["", "\n", "two words", "two\nlines", "schlüssel"] {
        std::fs::write(&path, text).unwrap();
        let error = made("files.example", Some(path.clone()));
        assert!(matches!(error, SourceError::Token { .. }), "{text:?}: {error}");
    }
}
