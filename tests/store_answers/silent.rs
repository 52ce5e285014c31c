//! Uploads to servers that fall silent, on real connections: what the system itself takes of an
//! upload that nobody reads is part of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use restock::model::ObjectMeta;
use restock::store::{Condition, StoreError, StoreFault};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, sink};
use tokio::net::TcpSocket;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::scripted_bucket::{KEY, store_at, told};
use crate::uploads::Ledger;

const PART: u64 = 8 << 20;
/// What a server reads at once.
const AT_ONCE: u64 = 64 << 10;

/// How a server takes an upload: so many bytes of it, with a pause after each [`AT_ONCE`]; then it
/// answers, or it does not.
#[derive(Debug, Clone, Copy)]
struct Taking {
    bytes: u64,
    pause: Duration,
    answers: bool,
}

impl Taking {
    const fn no_more_than(bytes: u64) -> Self {
        Self { bytes, pause: Duration::ZERO, answers: false }
    }

    const fn all(pause: Duration) -> Self {
        Self { bytes: PART, pause, answers: true }
    }
}

/// A running server, and how many connections it got.
struct Server {
    url: String,
    accepted: Arc<AtomicUsize>,
}

/// A server that takes one upload so, if it is told, and all others in another way.
fn server(mut once: Option<Taking>, others: Taking, tls: Option<TlsAcceptor>) -> Server {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 << 10).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(16).unwrap();
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}", listener.local_addr().unwrap());
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    drop(tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let (taking, tls) = (once.take().unwrap_or(others), tls.clone());
            drop(tokio::spawn(async move {
                match tls {
                    Some(tls) => take(tls.accept(stream).await.unwrap(), taking).await,
                    None => take(stream, taking).await,
                }
            }));
        }
    }));
    Server { url, accepted }
}

/// With a certificate that nobody trusts.
fn tls() -> TlsAcceptor {
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = own.signing_key.serialize_der().try_into().unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    Arc::new(config).into()
}

async fn take(mut stream: impl AsyncRead + AsyncWrite + Unpin, taking: Taking) {
    let mut left = taking.bytes;
    if taking.answers {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
    }
    while left > 0 {
        let some = left.min(AT_ONCE);
        if copy(&mut (&mut stream).take(some), &mut sink()).await.unwrap_or(0) < some {
            return;
        }
        left -= some;
        sleep(taking.pause).await;
    }
    if taking.answers {
        let answer = "HTTP/1.1 200 OK\r\netag: \"e\"\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
    }
    std::future::pending::<()>().await;
}

/// Uploads a full part in one request.
async fn upload(url: &str, silence: &str) -> Result<(), StoreError> {
    let options = [("read_timeout", silence), ("allow_invalid_certificates", "true")];
    let store = store_at(url, &options).await;
    let mut staged = store.stage(KEY, None, Arc::new(Ledger)).await?;
    staged.write(vec![7; usize::try_from(PART).unwrap()].into()).await?;
    staged.publish(Condition::Replaces(ObjectMeta::default())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_part_that_nobody_takes_or_answers_is_a_timeout_soon_after_the_silence() {
    for (taken, says) in [(0, "nothing went"), (1 << 20, "nothing went"), (PART, "no answer")] {
        let server = server(None, Taking::no_more_than(taken), None);
        let uploaded = timeout(Duration::from_secs(20), upload(&server.url, "400ms")).await;
        let error = uploaded.expect("it is waited for by its size").unwrap_err();
        assert_eq!(error.fault, StoreFault::Timeout, "{taken}: {error}");
        assert!(told(&error).contains(says), "{taken}: {}", told(&error));
        assert_eq!(server.accepted.load(Ordering::SeqCst), 3, "an attempt and two more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_part_that_is_taken_slowly_and_steadily_is_not_cut() {
    let slow = Taking::all(Duration::from_millis(20));
    for tls in [None, Some(tls())] {
        let server = server(None, slow, tls);
        let began = Instant::now();
        upload(&server.url, "800ms").await.unwrap();
        let took = began.elapsed();
        assert!(
            took > Duration::from_secs(2),
            "{}: only {took:?}, which proves nothing",
            server.url
        );
        assert_eq!(server.accepted.load(Ordering::SeqCst), 1, "{}", server.url);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_was_given_up_is_sent_again_whole() {
    let once = Taking::no_more_than(1 << 20);
    let server = server(Some(once), Taking::all(Duration::ZERO), None);
    upload(&server.url, "400ms").await.unwrap();
    assert_eq!(server.accepted.load(Ordering::SeqCst), 2);
}
