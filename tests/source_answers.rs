//! What the HTTP source makes of each kind of answer, from real servers on loopback.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod support;

use std::time::Duration;

use async_compression::tokio::bufread::{GzipEncoder, ZlibEncoder};
use restock::model::{Digest, Span};
use restock::source::{Decoding, FetchError, HttpSource, Source, SourceOptions};
use support::fetching::{
    CANARY, LIMIT, collect, fetch, fetched, loopback_options, loopback_source, refused,
};
use support::http_server::{Answer, Gate, HttpServer};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

const DIGEST: Digest = Digest::new([7; 32]);

const BYTES: &[u8] = b"the bytes of an object";

/// The URL of `/a` with secrets where URLs have them.
fn secret_url(server: &HttpServer) -> String {
    let host = format!("user:{CANARY}@127.0.0.1");
    server.url_as(&host, &format!("/a?token={CANARY}#{CANARY}"))
}

/// The error of a fetch that is answered so.
async fn error_of(answer: Answer) -> FetchError {
    let server = HttpServer::start();
    server.route("/a", [answer]);
    refused(&loopback_source(), &secret_url(&server)).await
}

fn transient(error: FetchError) -> (String, Option<Duration>) {
    let FetchError::Transient { message, retry_after } = error else {
        panic!("transient was expected: {error:?}")
    };
    (message, retry_after)
}

fn permanent(error: FetchError) -> String {
    let FetchError::Permanent(message) = error else { panic!("permanent was expected: {error:?}") };
    message
}

async fn all_of(mut reader: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test]
async fn a_whole_answer_is_handed_on_with_its_length_and_etag() {
    let server = HttpServer::start();
    server.route("/a", [Answer::ok(BYTES).header("etag", "\"v1\"")]);
    let url = server.url("/a");
    let answer = loopback_source().fetch(&url, &DIGEST, Decoding::AsSent, LIMIT).await.unwrap();
    assert_eq!(answer.length, Some(22));
    assert_eq!(answer.etag.as_deref(), Some("\"v1\""));
    assert!(!answer.encoded);
    assert_eq!(collect(answer).await.unwrap(), BYTES);

    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].method, "GET");
    assert_eq!(requests[0].header("accept-encoding"), Some("identity"));
    let own_name = concat!("restock/", env!("CARGO_PKG_VERSION"));
    assert_eq!(requests[0].header("user-agent"), Some(own_name));
}

#[tokio::test]
async fn an_empty_object_and_a_body_without_a_length_are_whole_too() {
    let server = HttpServer::start();
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    server.route("/empty", [Answer::ok("")]);
    server.route("/chunked", [Answer::raw(chunked)]);
    server.route("/closed", [Answer::raw("HTTP/1.1 200 OK\r\n\r\nabc")]);
    let source = loopback_source();
    assert_eq!(fetched(&source, &server.url("/empty")).await, b"");
    assert_eq!(fetched(&source, &server.url("/chunked")).await, b"abc");
    assert_eq!(fetched(&source, &server.url("/closed")).await, b"abc");
}

#[tokio::test]
async fn an_html_page_with_200_is_an_answer_like_any_other() {
    let server = HttpServer::start();
    let page = "<html>please log in</html>";
    server.route("/a", [Answer::ok(page).header("content-type", "text/html")]);
    assert_eq!(fetched(&loopback_source(), &server.url("/a")).await, page.as_bytes());
}

#[tokio::test]
async fn what_is_not_there_is_gone() {
    for status in [404, 410] {
        let error = error_of(Answer::status(status)).await;
        assert!(matches!(error, FetchError::Gone { status: told } if told == status), "{error:?}");
    }
}

#[tokio::test]
async fn a_refusal_or_a_part_of_an_answer_is_permanent() {
    for status in [401, 403, 451, 204, 206, 304, 302] {
        let message = permanent(error_of(Answer::status(status)).await);
        assert!(message.contains(&format!("/a answered {status}")), "{message}");
    }
}

#[tokio::test]
async fn two_errors_of_a_server_pass_and_the_third_try_succeeds() {
    let server = HttpServer::start();
    server.route("/a", [Answer::status(500), Answer::status(500), Answer::ok(BYTES)]);
    let source = loopback_source();
    for _ in 0..2 {
        let (message, wish) = transient(refused(&source, &secret_url(&server)).await);
        assert!(message.ends_with("/a answered 500 Internal Server Error"), "{message}");
        assert_eq!(wish, None);
    }
    assert_eq!(fetched(&source, &secret_url(&server)).await, BYTES);
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_source_that_asks_for_patience_says_for_how_long() {
    for status in [408, 425, 429, 503] {
        let answer = Answer::status(status).header("retry-after", "7");
        let (_, wish) = transient(error_of(answer).await);
        assert_eq!(wish, Some(Duration::from_secs(7)), "{status}");
    }
    let dated = Answer::status(429)
        .header("date", "Sun, 22 Nov 2026 10:00:00 GMT")
        .header("retry-after", "Sun, 22 Nov 2026 10:01:30 GMT");
    assert_eq!(transient(error_of(dated).await).1, Some(Duration::from_secs(90)));
}

#[tokio::test]
async fn a_truncated_body_is_told_with_what_came() {
    let (message, _) = transient(error_of(Answer::ok(BYTES).saying_length(100)).await);
    assert!(message.contains("/a: cut off after 22 of 100 bytes"), "{message}");
}

#[tokio::test]
async fn a_truncated_chunked_body_is_cut_off_too() {
    let cut = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n5\r\nab";
    let (message, _) = transient(error_of(Answer::raw(cut)).await);
    assert!(message.contains("/a: cut off after 7 bytes"), "{message}");
}

#[tokio::test]
async fn a_body_longer_than_said_ends_where_it_said() {
    let server = HttpServer::start();
    server.route("/a", [Answer::ok(BYTES).saying_length(9)]);
    assert_eq!(fetched(&loopback_source(), &server.url("/a")).await, b"the bytes");
}

#[tokio::test]
async fn a_reset_in_the_middle_may_pass() {
    let (message, _) = transient(error_of(Answer::ok(BYTES).saying_length(100).then_reset()).await);
    assert!(message.contains("/a: cut off after "), "{message}");
    let (message, _) = transient(error_of(Answer::raw("HTTP/1.1 200").then_reset()).await);
    assert!(message.starts_with("http://127.0.0.1:"), "{message}");
}

#[tokio::test]
async fn an_endless_body_ends_at_the_limit() {
    let error = error_of(Answer::ok(vec![b'x'; 4096]).endless()).await;
    assert!(matches!(error, FetchError::TooLarge { limit: LIMIT }), "{error:?}");
}

#[tokio::test]
async fn a_length_beyond_the_limit_is_refused_before_a_byte_is_read() {
    let server = HttpServer::start();
    server.route("/a", [Answer::ok("").saying_length(LIMIT + 1).then_stall()]);
    server.route("/b", [Answer::ok(vec![b'x'; 1 << 20])]);
    let source = loopback_source();
    let error = source.fetch(&server.url("/a"), &DIGEST, Decoding::AsSent, LIMIT).await.err();
    assert!(matches!(error, Some(FetchError::TooLarge { limit: LIMIT })), "{error:?}");
    assert_eq!(fetched(&source, &server.url("/b")).await.len(), 1 << 20);
}

#[tokio::test]
async fn silence_is_given_up_before_the_head_and_in_the_body() {
    let server = HttpServer::start();
    server.route(
        "/a",
        [Answer::raw("").then_stall(), Answer::ok(BYTES).saying_length(100).then_stall()],
    );
    let read_timeout = Span(Duration::from_millis(200));
    let source = HttpSource::new(&SourceOptions { read_timeout, ..loopback_options() }).unwrap();
    let url = secret_url(&server);
    let soon = async || {
        let refusal = timeout(Duration::from_secs(10), refused(&source, &url));
        let error = refusal.await.expect("silence is given up soon");
        let FetchError::Silent { host, message } = error else { panic!("silence: {error:?}") };
        assert_eq!(host, "127.0.0.1");
        message
    };
    let message = soon().await;
    assert!(message.contains("/a: silent for 200ms, no answer"), "{message}");
    let message = soon().await;
    assert!(message.ends_with("/a: silent for 200ms after 22 of 100 bytes"), "{message}");
}

#[tokio::test]
async fn a_host_that_accepts_no_connection_is_silent_too() {
    let listener = TcpSocket::new_v4().unwrap();
    listener.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    // Nobody takes what waits, and there is room for few.
    let listener = listener.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(connected) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await
    {
        waiting.push(connected.unwrap());
    }
    let connect_timeout = Span(Duration::from_millis(200));
    let source = HttpSource::new(&SourceOptions { connect_timeout, ..loopback_options() }).unwrap();
    let error = refused(&source, &format!("http://{address}/a")).await;
    let FetchError::Silent { host, message } = error else { panic!("silence: {error:?}") };
    assert_eq!(host, "127.0.0.1");
    assert!(message.ends_with("/a: no connection in time (source.connect_timeout)"), "{message}");
}

#[tokio::test]
async fn what_is_no_http_may_pass() {
    for noise in ["", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 abc\r\n\r\n"] {
        transient(error_of(Answer::raw(noise)).await);
    }
}

#[tokio::test]
async fn a_closed_port_may_pass() {
    let server = HttpServer::start();
    let url = secret_url(&server);
    drop(server);
    let (message, _) = transient(refused(&loopback_source(), &url).await);
    assert!(message.contains("Connection refused"), "{message}");
}

#[tokio::test]
async fn an_encoded_answer_can_be_had_as_sent_and_decoded() {
    let gzip = all_of(GzipEncoder::new(BYTES)).await;
    let zlib = all_of(ZlibEncoder::new(BYTES)).await;
    let server = HttpServer::start();
    server.route("/gzip", [Answer::ok(gzip.clone()).header("content-encoding", "gzip")]);
    server.route("/zlib", [Answer::ok(zlib.clone()).header("content-encoding", "deflate")]);
    server.route("/same", [Answer::ok(BYTES).header("content-encoding", "identity")]);
    let source = loopback_source();
    for (path, sent, encoded) in
        [("/gzip", gzip.as_slice(), true), ("/zlib", &zlib, true), ("/same", BYTES, false)]
    {
        let url = server.url(path);
        let answer = source.fetch(&url, &DIGEST, Decoding::AsSent, LIMIT).await.unwrap();
        assert_eq!(answer.encoded, encoded, "{path}");
        assert_eq!(collect(answer).await.unwrap(), sent, "{path}");
        let answer = source.fetch(&url, &DIGEST, Decoding::Decoded, LIMIT).await.unwrap();
        assert_eq!(answer.encoded, encoded, "{path}");
        assert_eq!(collect(answer).await.unwrap(), BYTES, "{path}");
    }
}

#[tokio::test]
async fn a_bad_encoding_is_told_by_its_kind() {
    let gzip = all_of(GzipEncoder::new(BYTES)).await;
    let bomb = all_of(GzipEncoder::new(vec![0; 8 << 20].as_slice())).await;
    let server = HttpServer::start();
    let answer = |body: &[u8], coding| Answer::ok(body).header("content-encoding", coding);
    server.route("/br", [answer(BYTES, "br")]);
    server.route("/broken", [answer(&gzip[..gzip.len() / 2], "gzip")]);
    server.route("/cut", [answer(&gzip[..gzip.len() / 2], "gzip").saying_length(100)]);
    server.route("/bomb", [answer(&bomb, "gzip")]);
    let source = loopback_source();
    let error = async |path| {
        let url = server.url_as(&format!("user:{CANARY}@127.0.0.1"), path);
        fetch(&source, &url, Decoding::Decoded).await.unwrap_err()
    };
    let unknown = error("/br").await;
    assert!(matches!(&unknown, FetchError::Encoding(told) if told.contains("`br`")), "{unknown:?}");
    assert!(transient(error("/broken").await).0.contains("/broken: the encoded body is broken"));
    assert!(transient(error("/cut").await).0.contains("/cut: cut off after"));
    assert!(matches!(error("/bomb").await, FetchError::TooLarge { limit: LIMIT }));
}

#[tokio::test]
async fn a_host_gives_no_more_downloads_at_once_than_configured() {
    let server = HttpServer::start();
    let gate = Gate::closed();
    server.route("/a", [Answer::ok("first ").then_wait(&gate, "rest")]);
    server.route("/b", [Answer::ok(BYTES)]);
    let source = loopback_source();
    let first = source.fetch(&server.url("/a"), &DIGEST, Decoding::AsSent, LIMIT).await.unwrap();
    let url = server.url("/b");
    let mut second = std::pin::pin!(source.fetch(&url, &DIGEST, Decoding::AsSent, LIMIT));
    let early = timeout(Duration::from_millis(100), &mut second).await;
    assert!(early.is_err(), "the second download waits for the first");
    assert_eq!(server.accepted(), 1);

    gate.open();
    assert_eq!(collect(first).await.unwrap(), b"first rest");
    assert_eq!(collect(second.await.unwrap()).await.unwrap(), BYTES);

    // A download that is dropped in the middle gives its place back too.
    let dropped = source.fetch(&url, &DIGEST, Decoding::AsSent, LIMIT).await.unwrap();
    drop(dropped);
    assert_eq!(fetched(&source, &url).await, BYTES);
}
