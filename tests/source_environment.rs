//! What the HTTP source takes from the environment: no proxies, but the certificates to trust.
//!
//! The environment belongs to a whole process, so each test runs itself once more as a child.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::process::Command;

use restock::source::{FetchError, HostOptions, HttpSource, SourceOptions};
use support::fetching::{fetched, loopback_options, loopback_source, refused};
use support::http_server::{Answer, HttpServer};

const BYTES: &[u8] = b"the bytes of an object";

/// Set in a child, to the URL that it asks.
const CHILD: &str = "RESTOCK_TEST_CHILD_URL";

/// Runs this program's test `name` as a child that asks `url`, and wants it to pass.
fn run_child(name: &str, url: &str, environment: &[(&str, &str)]) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([name, "--exact", "--nocapture"]).env(CHILD, url);
    for unwanted in ["NO_PROXY", "no_proxy", "SSL_CERT_DIR"] {
        child.env_remove(unwanted);
    }
    let output = child.envs(environment.iter().copied()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("1 passed"), "the child ran the test: {told}");
}

fn child_url() -> Option<String> {
    std::env::var_os(CHILD).map(|url| url.into_string().unwrap())
}

#[tokio::test]
async fn proxies_of_the_environment_are_ignored() {
    if let Some(url) = child_url() {
        assert_eq!(fetched(&loopback_source(), &url).await, BYTES);
        return;
    }
    let server = HttpServer::start();
    server.route("/a", [Answer::ok(BYTES)]);
    let proxy = HttpServer::start();
    let address = format!("http://{}", proxy.address());
    let names =
        ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    run_child(
        "proxies_of_the_environment_are_ignored",
        &server.url("/a"),
        &names.map(|name| (name, address.as_str())),
    );
    assert_eq!((server.accepted(), proxy.accepted()), (1, 0));
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts_is_permanent() {
    let (server, _) = HttpServer::start_tls();
    server.route("/a", [Answer::ok(BYTES)]);
    let error = refused(&loopback_source(), &server.url("/a")).await;
    let FetchError::Permanent(message) = error else { panic!("permanent: {error:?}") };
    assert!(message.contains("certificate"), "{message}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn plain_text_where_tls_is_expected_may_pass() {
    let server = HttpServer::start();
    let url = server.url("/a").replace("http:", "https:");
    let error = refused(&loopback_source(), &url).await;
    assert!(matches!(error, FetchError::Transient { .. }), "{error:?}");
}

#[tokio::test]
async fn a_redirect_from_https_to_http_is_followed_only_where_http_is_allowed() {
    if let Some(url) = child_url() {
        let closed = SourceOptions { allow_http: false, ..loopback_options() };
        let error = refused(&HttpSource::new(&closed).unwrap(), &url).await;
        assert!(matches!(error, FetchError::Policy(_)), "{error:?}");
        let name = "127.0.0.1".to_owned();
        let host = HostOptions { name, allow_http: true, bearer_token_file: None };
        let open = HttpSource::new(&SourceOptions { host: vec![host], ..closed }).unwrap();
        assert_eq!(fetched(&open, &url).await, BYTES);
        return;
    }
    let plain = HttpServer::start();
    plain.route("/a", [Answer::ok(BYTES)]);
    let (server, certificate) = HttpServer::start_tls();
    server.route("/a", [Answer::redirect(plain.url("/a"))]);
    let folder = tempfile::tempdir().unwrap();
    let trusted = folder.path().join("ca.pem");
    std::fs::write(&trusted, certificate).unwrap();
    run_child(
        "a_redirect_from_https_to_http_is_followed_only_where_http_is_allowed",
        &server.url_as("localhost", "/a"),
        &[("SSL_CERT_FILE", trusted.to_str().unwrap())],
    );
    assert_eq!((server.requests().len(), plain.accepted()), (2, 1));
}
