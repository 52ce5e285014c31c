//! A database server that one test has for itself, to be stopped, killed and started again.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;
use url::Url;

use super::{Database, Engine};

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server with its own data directory, which lasts from one start to the next.
#[derive(Debug)]
pub(crate) struct DatabaseServer {
    engine: Engine,
    /// Where somebody who may do everything connects to.
    url: Url,
    templates: String,
    settings: Vec<String>,
    running: Option<Running>,
    // After what runs in it.
    folder: TempDir,
}

#[derive(Debug)]
struct Running {
    child: Child,
    /// Ends with the last process of the server, and gives all that they said.
    log: JoinHandle<String>,
}

impl DatabaseServer {
    pub(super) fn start(
        engine: Engine,
        mut url: Url,
        templates: String,
        settings: &[&str],
    ) -> Self {
        url.set_port(Some(free_port())).unwrap();
        // As root, the server is another user, who has to get to its directory.
        let passable = std::fs::Permissions::from_mode(0o711);
        let folder = tempfile::Builder::new().permissions(passable).tempdir().unwrap();
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        let mut server = Self { engine, url, templates, settings, running: None, folder };
        server.restart();
        server
    }

    /// For somebody who may do everything.
    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
    }

    /// A new database on it.
    pub(crate) async fn fresh(&self) -> Database {
        Database::create(self.engine, self.url.clone(), false).await
    }

    /// Stops it as an administrator does: connections are closed, what was committed is kept.
    pub(crate) fn stop(&mut self) {
        let signal = match self.engine {
            Engine::MariaDb => "TERM",
            // Waits for no client.
            Engine::Postgres => "INT",
        };
        self.end(signal, |child| vec![child]);
    }

    /// Ends it like a failing machine: each of its processes by `kill -9`.
    pub(crate) fn kill(&mut self) {
        // PostgreSQL's first process comes first, for it would start the others again.
        self.end("KILL", |child| [vec![child], children(child)].concat());
    }

    /// Starts it again where it was, with the same data, and waits until it takes connections.
    pub(crate) fn restart(&mut self) {
        assert!(self.running.is_none(), "the server is still running");
        let kind = match self.engine {
            Engine::MariaDb => "mariadb",
            Engine::Postgres => "postgres",
        };
        let mut child = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/database"))
            .args(["serve", kind])
            .arg(self.folder.path().join("data"))
            .arg(self.url.port().unwrap().to_string())
            .args(&self.settings)
            .env("RESTOCK_TEST_DATABASE_TEMPLATES", &self.templates)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = child.stderr.take().unwrap();
        let (ready, is_ready) = mpsc::channel();
        let log = std::thread::spawn(move || listen(said, &ready));
        let started = is_ready.recv_timeout(PATIENCE);
        self.running = Some(Running { child, log });
        if let Err(error) = started {
            let log = self.end("KILL", |child| [vec![child], children(child)].concat());
            panic!("{kind} does not start: {error}; it said:\n{log}");
        }
    }

    /// Sends a signal to some of its processes and waits until all are gone.
    fn end(&mut self, signal: &str, to: impl Fn(u32) -> Vec<u32>) -> String {
        let Some(Running { mut child, log }) = self.running.take() else { return String::new() };
        let pids = to(child.id()).into_iter().map(|pid| pid.to_string());
        // A process may be gone before its signal comes.
        let line = r#"kill -s "$0" "$@" 2>/dev/null"#;
        Command::new("sh").args(["-c", line, signal]).args(pids).status().unwrap();
        child.wait().unwrap();
        log.join().unwrap()
    }
}

impl Drop for DatabaseServer {
    fn drop(&mut self) {
        // PostgreSQL takes its shared memory along with this one.
        let signal = match self.engine {
            Engine::MariaDb => "KILL",
            Engine::Postgres => "QUIT",
        };
        self.end(signal, |child| vec![child]);
    }
}

/// Reads a server's log to its end, and tells when it takes connections.
fn listen(said: ChildStderr, ready: &Sender<()>) -> String {
    let mut log = String::new();
    for line in BufReader::new(said).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        let phrases = ["ready for connections", "ready to accept connections"];
        if phrases.iter().any(|phrase| line.contains(phrase)) {
            // Nobody listens once it was told.
            _ = ready.send(());
        }
        log.push_str(&line);
        log.push('\n');
    }
    log
}

/// The processes that a process has started.
fn children(pid: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    children.split_whitespace().map(|child| child.parse().unwrap()).collect()
}

/// A port that no one gets by asking for any: a server that is down for a while finds it free.
pub(super) fn free_port() -> u16 {
    let mut candidates = std::iter::repeat_with(|| rand::random_range(20_000..30_000_u16));
    candidates.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}
