//! What is told of a store that is written down wrongly, is not there, or does not let one in.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::string_slice,
    reason = "a broken test should stop"
)]

#[path = "support/http_server.rs"]
#[expect(dead_code, unreachable_pub, reason = "the server serves other tests too")]
mod http_server;
#[path = "support/s3.rs"]
#[expect(dead_code, reason = "the servers serve other tests too")]
mod s3;
#[path = "support/scripted_bucket.rs"]
#[expect(dead_code, reason = "the bucket serves other tests too")]
mod scripted_bucket;

use std::net::TcpListener;
use std::time::Duration;

use restock::store::{OpenError, OptionValue, Probe, StoreFault, StoreOptions, open};
use tokio::time::Instant;

use http_server::{Answer, HttpServer};
use s3::Server;
use scripted_bucket::{KEY, error_answer, listed, store, store_at, told};

#[tokio::test]
async fn a_dead_endpoint_is_told_within_ten_seconds() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let started = Instant::now();
    let error = store_at(&format!("http://{free}"), &[]).await.check().await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(error.fault, StoreFault::Unreachable);
    let told = told(&error);
    assert!(told.contains("refused") && told.contains("aws_endpoint"), "{told}");
}

#[tokio::test]
async fn a_silent_endpoint_is_told_within_ten_seconds() {
    let server = HttpServer::start();
    server.route("/b", [Answer::raw("").then_stall()]);
    let started = Instant::now();
    let error = store(&server).await.check().await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(error.fault, StoreFault::Timeout);
    assert!(told(&error).contains("aws_endpoint"), "{}", told(&error));
}

#[tokio::test]
async fn missing_credentials_are_told_within_ten_seconds_and_named() {
    let server = HttpServer::start();
    for metadata in [server.url(""), "http://127.0.0.1:1".to_owned()] {
        // Answers 501 to whatever asks for a role, or nothing at all.
        let mut options = StoreOptions { url: "s3://b/s".to_owned(), ..StoreOptions::default() };
        for (key, value) in [
            ("aws_endpoint", server.url("")),
            ("aws_allow_http", "true".to_owned()),
            ("aws_metadata_endpoint", metadata),
        ] {
            options.options.insert(key.to_owned(), OptionValue::Text(value));
        }
        let store = open(&options, "/".as_ref()).await.unwrap();
        let started = Instant::now();
        let error = store.check().await.unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(10));
        assert_eq!(error.fault, StoreFault::AccessDenied, "{}", told(&error));
        assert!(told(&error).contains("AWS_ACCESS_KEY_ID"), "{}", told(&error));
        assert!(matches!(store.probe(KEY).await, Probe::Unknown(_)));
        assert_eq!(store.requests().list, 0, "nothing was sent to the store");
    }
}

#[tokio::test]
async fn what_a_refusal_says_leads_to_what_to_do() {
    for (answer, says) in [
        (error_answer(403, "AccessDenied"), "s3:ListBucket"),
        (error_answer(403, "InvalidAccessKeyId"), "access key"),
        (error_answer(403, "SignatureDoesNotMatch"), "secret"),
        (error_answer(403, "RequestTimeTooSkewed"), "clock"),
        (error_answer(400, "AuthorizationHeaderMalformed"), "aws_region"),
        (error_answer(301, "PermanentRedirect"), "aws_region"),
    ] {
        let server = HttpServer::start();
        server.route("/b", [answer]);
        let error = store(&server).await.check().await.unwrap_err();
        assert!(told(&error).contains(says), "{says}: {}", told(&error));
    }
}

async fn open_error(url: &str, options: &[(&str, &str)]) -> OpenError {
    let pairs = options
        .iter()
        .map(|(key, value)| ((*key).to_owned(), OptionValue::Text((*value).to_owned())));
    let options =
        StoreOptions { url: url.to_owned(), options: pairs.collect(), ..StoreOptions::default() };
    open(&options, "/nowhere".as_ref()).await.err().expect("it opens")
}

#[tokio::test]
async fn what_is_written_wrongly_is_told_apart_from_what_is_not_there() {
    for (url, options, says) in [
        ("s3://b", vec![("aws_endpiont", "http://h")], "`aws_endpoint`"),
        ("s3://b", vec![("region_name", "x"), ("nonsense", "y")], "unknown key `nonsense`"),
        ("s3://b", vec![("aws_bucket", "c")], "store.url"),
        ("s3://b", vec![("aws_endpoint", "http://h")], "aws_allow_http"),
        ("s3://b", vec![("aws_endpoint", "h:9000")], "no https: or http: URL"),
        ("s3://b", vec![("aws_access_key_id", "k")], "Secret"),
        ("s3://b//p", vec![], "double slash"),
        ("gs://b", vec![], "not supported in this version"),
        ("data", vec![("aws_region", "x")], "`aws_region`"),
    ] {
        let error = open_error(url, &options).await;
        assert!(matches!(error, OpenError::Configuration { .. }), "{url}: {error}");
        let told = error.to_string();
        assert!(told.to_lowercase().contains(&says.to_lowercase()), "{url}: {told}");
    }
    let error = open_error("data", &[]).await;
    let OpenError::Unavailable(error) = error else { panic!("{error}") };
    assert_eq!(error.fault, StoreFault::NoSuchStore);
    assert!(told(&error).contains("/nowhere/data"), "{}", told(&error));
}

#[tokio::test]
async fn an_identity_names_the_place_and_no_secret() {
    let store = store_at("http://user:hidden-word@127.0.0.1:9/", &[]).await;
    assert_eq!(store.identity(), "s3+http://127.0.0.1:9/b/s");
    let options = StoreOptions { url: "s3://b".to_owned(), ..StoreOptions::default() };
    let store = open(&options, "/".as_ref()).await.unwrap();
    assert_eq!(store.identity(), "s3+https://s3.amazonaws.com/b");
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("link")).unwrap();
    let options = StoreOptions { url: "link".to_owned(), ..StoreOptions::default() };
    let store = open(&options, folder.path()).await.unwrap();
    assert_eq!(
        store.identity(),
        format!("file://{}", folder.path().canonicalize().unwrap().display())
    );
}

#[tokio::test]
async fn a_bucket_that_is_absent_is_told_and_not_taken_for_an_empty_one() {
    for server in [Server::Moto, Server::JuiceFs] {
        let Some(bucket) = server.bucket() else { continue };
        let mut options = bucket.options();
        options.url = "s3://no-such-bucket/p".to_owned();
        let store = open(&options, "/".as_ref()).await.unwrap();
        assert_eq!(store.check().await.unwrap_err().fault, StoreFault::NoSuchStore);
        let error = listed(store.as_ref()).await.unwrap_err();
        assert_eq!(error.fault, StoreFault::NoSuchStore, "{error}");
        assert!(error.to_string().contains("no bucket `no-such-bucket`"), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_secret_is_told_and_makes_every_probe_unknown() {
    let Some(bucket) = Server::JuiceFs.bucket() else { return };
    let mut options = bucket.options();
    let wrong = OptionValue::Text("wrong".to_owned());
    options.options.insert("aws_secret_access_key".to_owned(), wrong);
    let store = open(&options, "/".as_ref()).await.unwrap();
    let error = store.check().await.unwrap_err();
    assert_eq!(error.fault, StoreFault::AccessDenied);
    assert!(error.to_string().contains("secret is wrong"), "{error}");
    let probe = store.probe(KEY).await;
    assert!(
        matches!(&probe, Probe::Unknown(e) if e.fault == StoreFault::AccessDenied),
        "{probe:?}"
    );
}
