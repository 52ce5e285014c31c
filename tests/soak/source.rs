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
use tokio::sync::mpsc;

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
    /// Hears of each slow answer, before it has ended.
    slow: mpsc::UnboundedSender<Slow>,
}

/// Whose bytes are under way, and will be for a second.
pub(crate) struct Slow {
    pub(crate) digest: String,
    pub(crate) file: Arc<[u8]>,
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

/// Of thirty answers ten are faults, and eight are slow.
const ANSWERS: [(Answer, u32); 10] = [
    (Answer::Honest, 12),
    (Answer::Slow, 8),
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
    /// Listens at a free port of loopback; its tasks end with the runtime. Gives word of its slow
    /// answers.
    pub(crate) fn start(seed: u64) -> (Self, mpsc::UnboundedReceiver<Slow>) {
        let (slow, heard) = mpsc::unbounded_channel();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            files: Mutex::default(),
            honest: AtomicBool::new(false),
            random: Mutex::new(StdRng::seed_from_u64(seed)),
            told: Mutex::default(),
            slow,
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
        (Self { address, shared }, heard)
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
    if answer == Answer::Slow {
        // Nobody listens any more at the end.
        drop(shared.slow.send(Slow { digest, file: Arc::clone(&file) }));
    }
    for part in answer.parts(&file) {
        stream.write_all(&part).await.ok()?;
        if answer == Answer::Slow {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    if answer == Answer::Reset {
        stream.set_zero_linger().ok()?;
        return Some(());
    }
    stream.shutdown().await.ok()
}

impl Answer {
    /// What is sent, one part after the other.
    fn parts(self, file: &[u8]) -> Vec<Vec<u8>> {
        let whole = head("200 OK", "application/octet-stream", file.len());
        let half = &file[..file.len() / 2];
        match self {
            Self::Honest => vec![whole, file.to_vec()],
            Self::Slow => {
                let pieces = file.chunks(file.len() / 10 + 1).map(<[u8]>::to_vec);
                std::iter::once(whole).chain(pieces).collect()
            }
            Self::ServerError => vec![head("500 Oh", "text/plain", 0)],
            Self::Busy => vec![head("503 Busy\r\nretry-after: 1", "text/plain", 0)],
            Self::NotFound => vec![head("404 No", "text/plain", 0)],
            Self::Reset | Self::Truncated => vec![whole, half.to_vec()],
            Self::WrongBytes => {
                let mut wrong = file.to_vec();
                wrong[0] ^= 1;
                vec![whole, wrong]
            }
            Self::WebPage => {
                let page = b"<!DOCTYPE html><html><body>Please sign in</body></html>";
                vec![head("200 OK", "text/html", page.len()), page.to_vec()]
            }
            Self::NoHttp => vec![b"SSH-2.0-thing\r\n".to_vec()],
        }
    }
}

fn head(status: &str, kind: &str, length: usize) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: {kind}\r\n\
         content-length: {length}\r\n\r\n"
    )
    .into_bytes()
}
