//! A scripted HTTP server on loopback: for each path a sequence of answers, sent byte for byte.
//!
//! It runs on a thread of its own, so that tests with and without a runtime can use it. Each
//! connection carries one request. Requests and accepted connections are logged.

#[path = "http_request.rs"]
mod http_request;

use std::collections::{HashMap, VecDeque};
use std::fmt::Write;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};
use tokio_rustls::TlsAcceptor;

use http_request::read_request;

/// A running server; it stops when it is dropped.
pub struct HttpServer {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    headers: Vec<(String, String)>,
}

/// What is sent for one request, and how it ends.
#[derive(Debug, Clone)]
pub struct Answer {
    head: Head,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    said_length: Option<u64>,
    then: Then,
}

/// Holds answers back until it is opened.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Semaphore>);

#[derive(Debug, Clone)]
enum Head {
    Status(u16),
    Raw,
}

#[derive(Debug, Clone)]
enum Then {
    Close,
    Stall,
    Reset,
    Repeat,
    Drip(Duration),
    Wait(Gate, Vec<u8>),
    Generate(Generated),
}

/// A body that nobody holds in memory.
#[derive(Debug, Clone)]
struct Generated {
    chunks: u64,
    chunk: fn(u64) -> Vec<u8>,
    /// Before which chunk a gate stands.
    held: Option<(u64, Gate)>,
}

#[derive(Default)]
struct Shared {
    routes: Mutex<HashMap<String, VecDeque<Answer>>>,
    requests: Mutex<Vec<Request>>,
    accepted: AtomicUsize,
}

impl HttpServer {
    /// A server at a free port of 127.0.0.1.
    pub fn start() -> Self {
        Self::start_at("127.0.0.1")
    }

    /// The same at another loopback address, such as 127.0.0.2.
    pub fn start_at(address: &str) -> Self {
        Self::serve("http", address, None)
    }

    /// The same with TLS and a fresh certificate for `localhost` and 127.0.0.1 that nobody
    /// trusts; returned in PEM.
    pub fn start_tls() -> (Self, String) {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let own = rcgen::generate_simple_self_signed(names).unwrap();
        let key = own.signing_key.serialize_der().try_into().unwrap();
        let config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        (
            Self::serve("https", "127.0.0.1", Some(TlsAcceptor::from(Arc::new(config)))),
            own.cert.pem(),
        )
    }

    fn serve(scheme: &'static str, address: &str, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let (stop, stopped) = oneshot::channel();
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = accept_all(listener, tls, of_thread) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, scheme, shared, stop: Some(stop), thread: Some(thread) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The URL of a path (with its leading slash) by the literal address.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// The URL of a path under another spelling of the host.
    pub fn url_as(&self, host: &str, path: &str) -> String {
        format!("{}://{host}:{}{path}", self.scheme, self.port())
    }

    /// Answers `path` (a query in requests is ignored) with these in turn; the last one repeats.
    /// A path without a route is answered with 501.
    pub fn route(&self, path: &str, answers: impl IntoIterator<Item = Answer>) -> &Self {
        let answers = answers.into_iter().collect();
        self.shared.routes.lock().unwrap().insert(path.to_owned(), answers);
        self
    }

    /// All requests so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// How many connections were accepted, whether or not a request came.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed; a second one while unwinding would abort.
            drop(thread.join());
        }
    }
}

impl Answer {
    /// An answer of this status, without a body.
    pub fn status(status: u16) -> Self {
        Self {
            head: Head::Status(status),
            headers: Vec::new(),
            body: Vec::new(),
            said_length: None,
            then: Then::Close,
        }
    }

    /// 200 with a body and its length.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::status(200).body(body)
    }

    /// 302 to `location`.
    pub fn redirect(location: impl Into<String>) -> Self {
        Self::status(302).header("location", location)
    }

    /// Exactly these bytes, head included.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { head: Head::Raw, ..Self::status(0) }.body(bytes)
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Says another Content-Length than the body has.
    pub fn saying_length(mut self, length: u64) -> Self {
        self.said_length = Some(length);
        self
    }

    /// Keeps the connection open and silent after the body, until the client leaves.
    pub fn then_stall(mut self) -> Self {
        self.then = Then::Stall;
        self
    }

    /// Resets the connection after the body.
    pub fn then_reset(mut self) -> Self {
        self.then = Then::Reset;
        self
    }

    /// Sends the body again and again, without an end or a length.
    pub fn endless(mut self) -> Self {
        self.then = Then::Repeat;
        self
    }

    /// Sends the body again and again, with a pause after each.
    pub fn dripping(mut self, pause: Duration) -> Self {
        self.then = Then::Drip(pause);
        self
    }

    /// Waits for the gate after the body, then sends the rest and closes; both count for the
    /// Content-Length.
    pub fn then_wait(mut self, gate: &Gate, rest: impl Into<Vec<u8>>) -> Self {
        self.then = Then::Wait(gate.clone(), rest.into());
        self
    }

    /// 200 with a body of so many chunks of the same length, each made when it is its turn.
    pub fn generated(chunks: u64, chunk: fn(u64) -> Vec<u8>) -> Self {
        let length = chunks * u64::try_from(chunk(0).len()).unwrap();
        let then = Then::Generate(Generated { chunks, chunk, held: None });
        Self { then, ..Self::status(200) }.saying_length(length)
    }

    /// Sends only so many of the generated chunks before it waits for the gate.
    pub fn held_after(mut self, chunks: u64, gate: &Gate) -> Self {
        if let Then::Generate(generated) = &mut self.then {
            generated.held = Some((chunks, gate.clone()));
        }
        self
    }

    fn head_bytes(&self) -> Vec<u8> {
        let Head::Status(status) = self.head else { return Vec::new() };
        let mut head = format!("HTTP/1.1 {status} Scripted\r\nconnection: close\r\n");
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        let rest = if let Then::Wait(_, rest) = &self.then { rest.len() } else { 0 };
        let length = self.said_length.unwrap_or((self.body.len() + rest).try_into().unwrap());
        if !matches!(self.then, Then::Repeat) || self.said_length.is_some() {
            write!(head, "content-length: {length}\r\n").unwrap();
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}

impl Generated {
    async fn send(&self, stream: &mut (impl AsyncWrite + Unpin)) -> Option<()> {
        for n in 0..self.chunks {
            if let Some((_, gate)) = self.held.as_ref().filter(|(after, _)| *after == n) {
                gate.pass().await;
            }
            stream.write_all(&(self.chunk)(n)).await.ok()?;
        }
        stream.shutdown().await.ok()
    }
}

impl Gate {
    pub fn closed() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets everybody through, now and later.
    pub fn open(&self) {
        self.0.close();
    }

    async fn pass(&self) {
        // Opening is closing the semaphore, so that the wait always ends in an error.
        drop(self.0.acquire().await);
    }
}

async fn accept_all(
    listener: tokio::net::TcpListener,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        shared.accepted.fetch_add(1, Ordering::SeqCst);
        drop(tokio::spawn(converse(stream, tls.clone(), Arc::clone(&shared))));
    }
}

/// One connection. A client that leaves early ends it, whatever was still to be said.
async fn converse(stream: TcpStream, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let Some(acceptor) = tls else {
        let mut stream = stream;
        if exchange(&mut stream, &shared).await == Some(End::Reset) {
            stream.set_zero_linger().unwrap();
        }
        return;
    };
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    if exchange(&mut stream, &shared).await == Some(End::Reset) {
        stream.get_ref().0.set_zero_linger().unwrap();
    }
}

/// How a connection ends.
#[derive(PartialEq, Eq)]
enum End {
    Close,
    Reset,
}

/// One request and its answer; `None` where the client left before the end.
async fn exchange<S>(stream: &mut S, shared: &Shared) -> Option<End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request = read_request(stream).await?;
    let path = request.target.split('?').next().unwrap_or("").to_owned();
    let is_head = request.method == "HEAD";
    shared.requests.lock().unwrap().push(request);
    let answer = next_answer(shared, &path);
    stream.write_all(&answer.head_bytes()).await.ok()?;
    if is_head && matches!(answer.head, Head::Status(_)) {
        stream.shutdown().await.ok()?;
        return Some(End::Close);
    }
    stream.write_all(&answer.body).await.ok()?;
    stream.flush().await.ok()?;
    finish(stream, answer).await
}

async fn finish(stream: &mut (impl AsyncWrite + Unpin), answer: Answer) -> Option<End> {
    match answer.then {
        Then::Close => stream.shutdown().await.ok()?,
        Then::Stall => std::future::pending().await,
        Then::Reset => return Some(End::Reset),
        Then::Repeat => loop {
            stream.write_all(&answer.body).await.ok()?;
        },
        Then::Drip(pause) => loop {
            tokio::time::sleep(pause).await;
            stream.write_all(&answer.body).await.ok()?;
            stream.flush().await.ok()?;
        },
        Then::Wait(gate, rest) => {
            gate.pass().await;
            stream.write_all(&rest).await.ok()?;
            stream.shutdown().await.ok()?;
        }
        Then::Generate(generated) => generated.send(stream).await?,
    }
    Some(End::Close)
}

fn next_answer(shared: &Shared, path: &str) -> Answer {
    let mut routes = shared.routes.lock().unwrap();
    let Some(answers) = routes.get_mut(path) else { return Answer::status(501) };
    if answers.len() > 1 {
        return answers.pop_front().unwrap();
    }
    answers.front().cloned().unwrap_or_else(|| Answer::status(501))
}
