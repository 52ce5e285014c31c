//! Whether a source would give the bytes, asked without downloading them.

use restock::model::Digest;
use restock::source::{FetchError, Offer, Source};

use crate::support::fetching::{CANARY, loopback_source};
use crate::support::http_server::{Answer, HttpServer};

const DIGEST: Digest = Digest::new([7; 32]);

/// What a server that answers so offers, and the methods that it was asked with.
async fn offered(answers: Vec<Answer>) -> (Result<Offer, FetchError>, Vec<String>) {
    let server = HttpServer::start();
    server.route("/a", answers);
    let url = server.url_as(&format!("u:{CANARY}@127.0.0.1"), &format!("/a?t={CANARY}"));
    let offer = loopback_source().offer(&url, &DIGEST).await;
    assert!(!format!("{offer:?}").contains(CANARY), "{offer:?}");
    (offer, server.requests().into_iter().map(|request| request.method).collect())
}

fn of_length(length: u64) -> Offer {
    Offer { length: Some(length), page: false }
}

#[tokio::test]
async fn the_head_is_enough_where_a_server_gives_one() {
    for (answer, offer) in [
        (Answer::ok("").saying_length(5_000_000_000), of_length(5_000_000_000)),
        (Answer::ok(""), of_length(0)),
        (Answer::raw("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"), Offer::default()),
        (
            Answer::ok("x").header("content-type", "text/html"),
            Offer { length: Some(1), page: true },
        ),
        (Answer::ok("x").header("content-encoding", "gzip"), Offer::default()),
    ] {
        let (offered, methods) = offered(vec![answer]).await;
        assert_eq!((offered.unwrap(), methods), (offer, vec!["HEAD".to_owned()]));
    }
}

#[tokio::test]
async fn where_it_gives_none_the_first_byte_is_asked_for() {
    let part = || Answer::status(206).body("x").header("content-range", "bytes 0-0/123");
    for refusal in [401, 403, 404, 405, 410, 501] {
        for (second, offer) in [
            (part(), of_length(123)),
            (Answer::ok("").saying_length(1 << 40).then_stall(), of_length(1 << 40)),
            (Answer::status(206).body("x"), Offer::default()),
        ] {
            let (offered, methods) = offered(vec![Answer::status(refusal), second]).await;
            assert_eq!((offered.unwrap(), methods.join(" ")), (offer, "HEAD GET".to_owned()));
        }
    }
    let server = HttpServer::start();
    server.route("/a", [Answer::status(405), part()]);
    loopback_source().offer(&server.url("/a"), &DIGEST).await.unwrap();
    assert_eq!(server.requests()[1].header("range"), Some("bytes=0-0"));
}

#[tokio::test]
async fn what_both_answers_say_decides() {
    for (status, is_it) in [
        (404, "Gone"),
        (410, "Gone"),
        (403, "Permanent"),
        (500, "Transient"),
        (503, "Transient"),
        (429, "Transient"),
    ] {
        let (offered, _) = offered(vec![Answer::status(status)]).await;
        let shown = format!("{:?}", offered.unwrap_err());
        assert!(shown.starts_with(is_it), "{status}: {shown}");
    }
    let (offered, methods) = offered(vec![Answer::status(503)]).await;
    assert!(matches!(offered, Err(FetchError::Transient { .. })), "{offered:?}");
    assert_eq!(methods, ["HEAD"], "a server in trouble is not asked twice at once");
}

#[tokio::test]
async fn every_hop_is_held_against_the_policy() {
    let server = HttpServer::start();
    server.route("/a", [Answer::redirect("/b")]);
    server.route("/b", [Answer::ok("12345")]);
    server.route("/out", [Answer::redirect("http://10.0.0.1/x")]);
    let source = loopback_source();
    assert_eq!(source.offer(&server.url("/a"), &DIGEST).await.unwrap(), of_length(5));
    for url in [server.url("/out"), "http://10.0.0.1/x".to_owned(), "ftp://h.example/".to_owned()] {
        let error = source.offer(&url, &DIGEST).await.unwrap_err();
        assert!(matches!(error, FetchError::Policy(_)), "{url}: {error:?}");
    }
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_place_in_the_queue_is_given_back() {
    let server = HttpServer::start();
    server.route("/a", [Answer::status(405), Answer::ok("").saying_length(1 << 40).then_stall()]);
    let source = loopback_source();
    // One place a host: each of these waits for the one before.
    for _ in 0..3 {
        source.offer(&server.url("/a"), &DIGEST).await.unwrap();
    }
}
