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
        assert_eq!(error.fault, StoreFault::Credentials, "{}", told(&error));
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
        (
            "s3://b",
            vec![("region_name", "x"), ("nonsense", "y")],
            "`nonsense` in [store.options] is no option",
        ),
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
    assert_eq!(error.fault, StoreFault::Credentials);
    assert!(error.to_string().contains("secret is wrong"), "{error}");
    let probe = store.probe(KEY).await;
    assert!(
        matches!(&probe, Probe::Unknown(e) if e.fault == StoreFault::AccessDenied),
        "{probe:?}"
    );
}

#[tokio::test]
async fn white_space_around_a_value_is_no_part_of_it() {
    let server = HttpServer::start();
    server.route("/b", [scripted_bucket::page(&[KEY], None)]);
    let endpoint = format!(" {}/\n", server.url(""));
    let around = [
        ("aws_access_key_id", "AKIAX\n"),
        ("aws_secret_access_key", "\tsecret\r\n"),
        ("aws_session_token", "token\n\n"),
        ("aws_region", "eu-central-1\n"),
        ("aws_allow_http", "true\n"),
        ("user_agent", ""),
    ];
    let store = store_at(&endpoint, &around).await;
    store.check().await.unwrap();
    let request = &server.requests()[0];
    let signed = request.header("authorization").unwrap();
    assert!(
        signed.contains("Credential=AKIAX/") && signed.contains("/eu-central-1/s3/"),
        "{signed}"
    );
    assert_eq!(request.header("x-amz-security-token"), Some("token"));
    assert_eq!(store.identity(), format!("s3+{}/b/s", server.url("")));
}

/// A role's, as the metadata service of a machine gives them.
#[tokio::test]
async fn credentials_that_are_looked_up_are_trimmed_or_told_and_no_library_panics() {
    for (key, is_one) in [("AKIAX\\n", true), ("AKI\\nAX", false)] {
        let server = HttpServer::start();
        let role = "/latest/meta-data/iam/security-credentials/";
        let given = format!(
            "{{\"AccessKeyId\": \"{key}\", \"SecretAccessKey\": \" hidden-word\\n\", \
             \"Token\": \"token\\r\\n\", \"Expiration\": \"2099-01-01T00:00:00Z\"}}"
        );
        server.route("/latest/api/token", [Answer::ok("t")]).route(role, [Answer::ok("r")]);
        server.route(&format!("{role}r"), [Answer::ok(given)]);
        server.route("/b", [scripted_bucket::page(&[KEY], None)]);
        let mut options = StoreOptions { url: "s3://b/s".to_owned(), ..StoreOptions::default() };
        for (key, value) in [
            ("aws_endpoint", server.url("")),
            ("aws_allow_http", "true".to_owned()),
            ("aws_metadata_endpoint", server.url("")),
        ] {
            options.options.insert(key.to_owned(), OptionValue::Text(value));
        }
        let checked = open(&options, "/".as_ref()).await.unwrap().check().await;
        if !is_one {
            let error = checked.unwrap_err();
            assert_eq!(error.fault, StoreFault::Credentials);
            assert!(told(&error).contains("holds characters that none has"), "{}", told(&error));
            continue;
        }
        checked.unwrap();
        let requests = server.requests();
        let listing = requests.last().unwrap();
        assert!(listing.header("authorization").unwrap().contains("Credential=AKIAX/"));
        assert_eq!(listing.header("x-amz-security-token"), Some("token"));
    }
}

/// Values on which libraries stumble: in headers, in URLs, as numbers and as durations.
const NASTY: &[&str] = &[
    "a\nb",
    "a b",
    "\u{0}",
    "ключ",
    "http://[::1",
    "http://h:99999/",
    "http://1.2.3.4.5/",
    "http://xn--a/",
    "99999999999999999999",
    "99999999999999999999y",
];

#[tokio::test]
async fn no_value_of_an_option_makes_a_library_panic() {
    for key in [
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        "aws_region",
        "aws_default_region",
        "aws_endpoint",
        "aws_endpoint_url_s3",
        "aws_virtual_hosted_style_request",
        "aws_s3_express",
        "aws_unsigned_payload",
        "aws_checksum_algorithm",
        "aws_conditional_put",
        "aws_request_payer",
        "aws_server_side_encryption",
        "aws_sse_kms_key_id",
        "aws_sse_customer_key_base64",
        "connect_timeout",
        "read_timeout",
        "timeout",
        "proxy_url",
        "proxy_ca_certificate",
        "proxy_excludes",
        "pool_idle_timeout",
        "pool_max_idle_per_host",
        "user_agent",
        "default_content_type",
        "http2_max_frame_size",
    ] {
        for value in NASTY {
            let mut options =
                StoreOptions { url: "s3://b/s".to_owned(), ..StoreOptions::default() };
            for (own, text) in [
                ("aws_endpoint", "http://127.0.0.1:1"),
                ("aws_allow_http", "true"),
                ("aws_access_key_id", "key"),
                ("aws_secret_access_key", "hidden-word"),
                ("connect_timeout", "1s"),
                // Reading the machine's certificates takes its time.
                ("disable_system_certificates", "true"),
                (key, value),
            ] {
                options.options.insert(own.to_owned(), OptionValue::Text(text.to_owned()));
            }
            match open(&options, "/".as_ref()).await {
                Err(error) => {
                    let told = error.to_string();
                    assert!(matches!(error, OpenError::Configuration { .. }), "{key}: {told}");
                    assert!(!told.contains("hidden-word"), "{told}");
                }
                // Nobody answers there: what counts is that a request is made without a panic.
                Ok(store) => {
                    let probed =
                        tokio::time::timeout(Duration::from_millis(50), store.probe(KEY)).await;
                    assert!(!matches!(probed, Ok(Probe::Present(_) | Probe::Absent)), "{key}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_value_that_cannot_be_used_is_told_by_its_name_and_not_shown() {
    for (key, value, says) in [
        ("aws_access_key_id", "AKIA\nhidden-word", "no credential has"),
        ("aws_session_token", "hidden word", "no credential has"),
        ("aws_region", "eu central", "no region's name"),
        ("aws_endpoint", "https://h:99999", "no https: or http: URL"),
        ("user_agent", "a\nb", "line break"),
        ("default_content_type", "ключ\u{1}", "control character"),
        ("read_timeout", "99999999999999999999y", "no duration"),
        ("aws_skip_signature", "perhaps", "true or false"),
        ("aws_checksum_algorithm", "md5", "crc64nvme"),
    ] {
        let error = open_error("s3://b", &[(key, value)]).await;
        assert!(matches!(error, OpenError::Configuration { .. }), "{error}");
        let told = error.to_string();
        assert!(told.contains(&format!("`{key}`")) && told.contains(says), "{told}");
        assert!(!told.contains("hidden"), "{told}");
    }
}
