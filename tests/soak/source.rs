//! The HTTP source: honest about two times of three, until it is told to be honest always.

use std::collections::{BTreeMap, HashMap};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A running source.
pub(crate) struct Source {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    /// By digest, whatever stands before it in the path.
    files: Mutex<HashMap<String, Arc<[u8]>>>,
    honest: AtomicBool,
    random: Mutex<StdRng>,
    told: Mutex<BTreeMap<Answer, usize>>,
}

/// How a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Answer {
    Honest,
    /// The right bytes, in a second and in pieces.
    Slow,
    ServerError,
    Busy,
    Reset,
    Truncated,
    WrongBytes,
    WebPage,
    NotFound,
    NoHttp,
}

/// Of thirty answers ten are faults, and two are slow.
const ANSWERS: [(Answer, u32); 10] = [
    (Answer::Honest, 18),
    (Answer::Slow, 2),
    (Answer::ServerError, 2),
    (Answer::Busy, 1),
    (Answer::Reset, 2),
    (Answer::Truncated, 1),
    (Answer::WrongBytes, 1),
    (Answer::WebPage, 1),
    (Answer::NotFound, 1),
    (Answer::NoHttp, 1),
];

impl Source {
    /// Listens at a free port of loopback; its tasks end with the runtime.
    pub(crate) fn start(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            files: Mutex::default(),
            honest: AtomicBool::new(false),
            random: Mutex::new(StdRng::seed_from_u64(seed)),
            told: Mutex::default(),
        });
        let of_task = Arc::clone(&shared);
        drop(tokio::spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let shared = Arc::clone(&of_task);
                // A client that leaves early ends it.
                drop(tokio::spawn(async move { converse(stream, &shared).await }));
            }
        }));
        Self { address, shared }
    }

    /// Has these bytes from now on, at the URL of any version.
    pub(crate) fn serve(&self, digest: &str, bytes: &[u8]) {
        self.shared.files.lock().unwrap().insert(digest.to_owned(), bytes.into());
    }

    pub(crate) fn url(&self, digest: &str, version: u32) -> String {
        format!("http://{}/v{version}/{digest}", self.address)
    }

    /// Does no wrong any more.
    pub(crate) fn be_honest(&self) {
        self.shared.honest.store(true, Ordering::SeqCst);
    }

    /// How often it answered how.
    pub(crate) fn told(&self) -> BTreeMap<Answer, usize> {
        self.shared.told.lock().unwrap().clone()
    }
}

impl Shared {
    fn choose(&self) -> Answer {
        if self.honest.load(Ordering::SeqCst) {
            return Answer::Honest;
        }
        let total = ANSWERS.iter().map(|(_, weight)| weight).sum();
        let mut at = self.random.lock().unwrap().random_range(0..total);
        let chosen = ANSWERS.iter().find(|(_, weight)| {
            let found = at < *weight;
            at = at.saturating_sub(*weight);
            found
        });
        chosen.unwrap().0
    }
}

async fn converse(mut stream: TcpStream, shared: &Shared) -> Option<()> {
    let mut lines = BufReader::new(&mut stream).lines();
    let first = lines.next_line().await.ok()??;
    while !lines.next_line().await.ok()??.is_empty() {}
    let digest = first.split(' ').nth(1)?.rsplit('/').next()?.to_owned();
    let file = shared.files.lock().unwrap().get(&digest).cloned();
    // A file that nobody ever had is a mistake of this test.
    let file = file.unwrap_or_else(|| panic!("the source was asked: {first}"));
    let answer = shared.choose();
    *shared.told.lock().unwrap().entry(answer).or_default() += 1;
    let head = |status: &str, kind: &str, length: usize| {
        format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: {kind}\r\n\
             content-length: {length}\r\n\r\n"
        )
    };
    let whole = head("200 OK", "application/octet-stream", file.len());
    let half = &file[..file.len() / 2];
    match answer {
        Answer::Honest => send(&mut stream, &[whole.as_bytes(), &file]).await?,
        Answer::Slow => {
            send(&mut stream, &[whole.as_bytes()]).await?;
            for piece in file.chunks(file.len() / 10 + 1) {
                tokio::time::sleep(Duration::from_millis(100)).await;
                send(&mut stream, &[piece]).await?;
            }
        }
        Answer::ServerError => {
            send(&mut stream, &[head("500 Oh", "text/plain", 0).as_bytes()]).await?;
        }
        Answer::Busy => {
            let later = head("503 Busy", "text/plain", 0)
                .replacen("\r\n", "\r\nretry-after: 1\r\n", 1);
            send(&mut stream, &[later.as_bytes()]).await?;
        }
        Answer::NotFound => {
            send(&mut stream, &[head("404 No", "text/plain", 0).as_bytes()]).await?;
        }
        Answer::Reset => {
            send(&mut stream, &[whole.as_bytes(), half]).await?;
            stream.set_zero_linger().ok()?;
            return Some(());
        }
        Answer::Truncated => send(&mut stream, &[whole.as_bytes(), half]).await?,
        Answer::WrongBytes => {
            let mut wrong = file.to_vec();
            wrong[0] ^= 1;
            send(&mut stream, &[whole.as_bytes(), &wrong]).await?;
        }
        Answer::WebPage => {
            let page = b"<!DOCTYPE html><html><body>Please sign in</body></html>";
            send(&mut stream, &[head("200 OK", "text/html", page.len()).as_bytes(), page]).await?;
        }
        Answer::NoHttp => send(&mut stream, &[b"SSH-2.0-thing\r\n"]).await?,
    }
    stream.shutdown().await.ok()
}

async fn send(stream: &mut TcpStream, parts: &[&[u8]]) -> Option<()> {
    stream.write_all(&parts.concat()).await.ok()
}
