//! A relay in front of a server: passes HTTP requests on byte for byte, remembers what was asked,
//! and lets no more through than it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// How long a test waits for a request before it says that there was none.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running relay. Its threads end with their connections.
pub(crate) struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    /// Host and port of the server.
    to: String,
    /// Requests that pass; the next ones are taken and never answered.
    passing: AtomicUsize,
    asked: Mutex<Vec<String>>,
    changed: Condvar,
}

impl Shared {
    fn passing(&self) -> usize {
        self.passing.load(Ordering::SeqCst)
    }
}

impl Relay {
    /// A relay to the server at this `http:` URL.
    pub(crate) fn to(endpoint: &str) -> Self {
        Self::passing(endpoint, usize::MAX)
    }

    /// The same for the first requests; those that follow are taken and never answered.
    pub(crate) fn passing(endpoint: &str, requests: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            to: endpoint.strip_prefix("http://").unwrap().to_owned(),
            passing: AtomicUsize::new(requests),
            asked: Mutex::default(),
            changed: Condvar::new(),
        });
        let of_thread = Arc::clone(&shared);
        drop(std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&of_thread);
                // A client that leaves in the middle is no concern of the relay.
                drop(std::thread::spawn(move || drop(converse(&client, &shared))));
            }
        }));
        Self { address, shared }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets everything through from now on.
    pub(crate) fn open(&self) {
        self.shared.passing.store(usize::MAX, Ordering::SeqCst);
    }

    /// Lets so many more through from now on, and no others.
    pub(crate) fn pass_only(&self, requests: usize) {
        let asked = self.shared.asked.lock().unwrap();
        self.shared.passing.store(asked.len() + requests, Ordering::SeqCst);
    }

    /// The first line of each request so far, without its protocol: `HEAD /bucket/key`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// The methods of all requests so far, each once, sorted.
    pub(crate) fn methods(&self) -> Vec<String> {
        let method = |line: String| line.split(' ').next().unwrap().to_owned();
        let mut methods: Vec<_> = self.asked().into_iter().map(method).collect();
        methods.sort();
        methods.dedup();
        methods
    }

    /// Waits for a request that `wanted` knows, or for `over` to become true; tells which.
    pub(crate) fn wait_for(
        &self,
        wanted: impl Fn(&str) -> bool,
        over: impl FnMut() -> bool,
    ) -> bool {
        self.wait(|asked| asked.iter().any(|line| wanted(line)), over)
    }

    /// Waits for the first request that does not pass, or for `over`; tells which.
    pub(crate) fn wait_for_the_end(&self, over: impl FnMut() -> bool) -> bool {
        self.wait(|asked| asked.len() > self.shared.passing(), over)
    }

    fn wait(&self, done: impl Fn(&[String]) -> bool, mut over: impl FnMut() -> bool) -> bool {
        let begun = Instant::now();
        let mut asked = self.shared.asked.lock().unwrap();
        while !done(&asked) {
            if over() {
                return false;
            }
            assert!(begun.elapsed() < PATIENCE, "nothing within {PATIENCE:?}: {asked:#?}");
            let waited = self.shared.changed.wait_timeout(asked, Duration::from_millis(20));
            asked = waited.unwrap().0;
        }
        true
    }
}

/// One connection: requests are read one by one, answers flow back as they come.
fn converse(client: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut server = TcpStream::connect(&shared.to)?;
    let (mut answers, mut back) = (server.try_clone()?, client.try_clone()?);
    drop(std::thread::spawn(move || {
        let copied = std::io::copy(&mut answers, &mut back);
        // Whether the server ended it or the client: the other one has to learn of it.
        drop((copied, back.shutdown(Shutdown::Both)));
    }));
    let mut requests = BufReader::new(client.try_clone()?);
    while let Some((head, length)) = read_head(&mut requests)? {
        let line = head.split(" HTTP/").next().unwrap_or("").to_owned();
        let passes = {
            let mut asked = shared.asked.lock().unwrap();
            asked.push(line);
            shared.changed.notify_all();
            asked.len() <= shared.passing()
        };
        if !passes {
            // The client waits until it is killed or loses patience.
            std::io::copy(&mut requests, &mut std::io::sink())?;
            break;
        }
        server.write_all(head.as_bytes())?;
        std::io::copy(&mut requests.by_ref().take(length), &mut server)?;
    }
    server.shutdown(Shutdown::Both)
}

/// The head of a request up to its empty line, and the length of its body; `None` at the end.
fn read_head(requests: &mut impl BufRead) -> std::io::Result<Option<(String, u64)>> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let start = head.len();
        if requests.read_line(&mut head)? == 0 {
            return Ok(None);
        }
        let line = head[start..].trim_end().to_ascii_lowercase();
        assert!(!line.starts_with("transfer-encoding:"), "the relay knows lengths only: {line}");
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            return Ok(Some((head, length)));
        }
    }
}
