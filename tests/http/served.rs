//! [`Served`]: a daemon that answers.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::Value;

use crate::binary::{command, until};
use crate::client::{Reply, Request, get, post};
use crate::place::Place;
use crate::running::{NEVER, Running};
use crate::support::world::Object;

/// A token that is long enough.
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Everything may be asked: over TCP with the token, over the socket by us.
pub(crate) const ALL: &str =
    "\n[http]\nadmin_token_file = \"admin.token\"\nadmin_socket = \"admin.sock\"\n";

/// A daemon, in a place.
pub(crate) struct Served {
    pub(crate) place: Place,
    pub(crate) daemon: Running,
    pub(crate) address: SocketAddr,
}

impl Served {
    /// A daemon over a healthy world of `n` objects, with these settings, after its first pass.
    pub(crate) fn start(n: u32, settings: &str) -> (Self, Vec<Object>) {
        let (place, objects) = Place::with_daemon(n, &format!("{NEVER}{settings}"));
        (Self::over(place), objects)
    }

    /// The daemon of a place, after its first pass.
    pub(crate) fn over(place: Place) -> Self {
        let served = Self::begun(place);
        served.daemon.says("last pass");
        served
    }

    /// The daemon of a place, as soon as it listens.
    pub(crate) fn begun(place: Place) -> Self {
        std::fs::write(place.path("admin.token"), format!("{TOKEN}\n")).unwrap();
        let daemon = Running::start(&place, "run");
        let address = address(&daemon);
        Self { place, daemon, address }
    }

    /// Asks over TCP.
    pub(crate) fn ask(&self, request: &Request) -> Reply {
        let reply = request.over_tcp(self.address);
        reply.is_guarded();
        reply
    }

    /// Gets over TCP.
    pub(crate) fn get(&self, target: &str) -> Reply {
        self.ask(&get(target))
    }

    /// Asks over the admin socket.
    pub(crate) fn ask_socket(&self, request: &Request) -> Reply {
        let reply = request.over_socket(&self.socket());
        reply.is_guarded();
        reply
    }

    /// Gives an order over the admin socket.
    pub(crate) fn order(&self, target: &str, body: &str) -> Reply {
        self.ask_socket(&post(target, body))
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.place.path("admin.sock")
    }

    /// What the daemon says of itself.
    pub(crate) fn status(&self) -> Value {
        self.ask_socket(&get("/api/v1/status")).is(200).json()
    }

    /// Passes that it has ended.
    pub(crate) fn passes(&self) -> usize {
        self.daemon.said("last pass")
    }

    /// The value of a line of `/metrics`; `None` where there is none.
    pub(crate) fn metric(&self, line: &str) -> Option<f64> {
        let metrics = self.get("/metrics").is(200);
        let text = metrics.text().to_owned();
        let value = text.lines().find_map(|own| own.strip_prefix(line)?.strip_prefix(' '));
        value.map(|value| value.parse().unwrap())
    }

    /// Has it run a pass, and waits for the end.
    pub(crate) fn pass(&self) {
        let before = self.passes();
        self.order("/api/v1/passes", "").is(202);
        until("the pass", || self.passes() > before);
    }
}

/// Where a daemon answers, once it does.
pub(crate) fn address(daemon: &Running) -> SocketAddr {
    daemon.says("answers on http://");
    let log = daemon.log();
    let (_, rest) = log.split_once("answers on http://").unwrap();
    let end = rest.find(|c: char| !c.is_ascii_graphic()).unwrap_or(rest.len());
    rest[..end].parse().unwrap()
}

/// `restock run` with these settings, which must not start: its exit code and what it said.
pub(crate) fn refused(place: &Place, settings: &str) -> (i32, String) {
    place.configure(&format!("{}{NEVER}{settings}", crate::place::CONFIGURATION));
    let mut command = command(place.dir(), "run --log-format text");
    if !settings.contains("listen") {
        command.env("RESTOCK_HTTP__LISTEN", "127.0.0.1:0");
    }
    let ran = crate::binary::run(&mut command);
    (ran.code, ran.stderr)
}
