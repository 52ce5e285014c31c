//! A client that sends exactly what a test wants to be sent, also what no library would.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

/// Longer than the daemon ever takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// A request as it goes over the wire, without what makes it end.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// A stream to the daemon.
pub(crate) trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

pub(crate) fn get(target: &str) -> Request {
    Request::new("GET", target)
}

/// An order, as the admin routes want it.
pub(crate) fn post(target: &str, body: &str) -> Request {
    let request = Request::new("POST", target).with("Content-Type", "application/json");
    Request { body: body.as_bytes().to_vec(), ..request }
}

impl Request {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        let (method, target) = (method.to_owned(), target.to_owned());
        Self { method, target, headers: Vec::new(), body: Vec::new() }
    }

    /// With a header more.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without a header.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self
    }

    /// As it is sent; `host` is asked unless it names another.
    pub(crate) fn bytes(&self, host: &str) -> Vec<u8> {
        let has = |name: &str| self.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
        let line = |name: &str, value: &str| format!("{name}: {value}\r\n");
        let mut lines = vec![format!("{} {} HTTP/1.1\r\n", self.method, self.target)];
        if !has("host") {
            lines.push(line("Host", host));
        }
        let given = self.headers.iter().filter(|(_, value)| value != "(none)");
        lines.extend(given.map(|(name, value)| line(name, value)));
        if !has("connection") {
            lines.push(line("Connection", "close"));
        }
        if !self.body.is_empty() && !has("content-length") {
            lines.push(line("Content-Length", &self.body.len().to_string()));
        }
        [lines.concat().as_bytes(), b"\r\n", &self.body].concat()
    }

    /// Over TCP.
    pub(crate) fn over_tcp(&self, address: SocketAddr) -> Reply {
        let mut stream = connect(address);
        stream.write_all(&self.bytes(&address.to_string())).unwrap();
        Reply::read(&mut stream).unwrap_or_else(|| panic!("no answer to {self:?}"))
    }

    /// Over the admin socket.
    pub(crate) fn over_socket(&self, path: &Path) -> Reply {
        let mut stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&self.bytes("restock")).unwrap();
        Reply::read(&mut stream).unwrap_or_else(|| panic!("no answer to {self:?}"))
    }
}

/// A connection that waits for long, and not for ever.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

impl Reply {
    /// Reads until the daemon closes; `None` where it says nothing. What it said before a client
    /// that went on sending was cut off counts.
    pub(crate) fn read(stream: &mut dyn Stream) -> Option<Self> {
        let (mut bytes, mut part) = (Vec::new(), [0; 8192]);
        while let Ok(n @ 1..) = stream.read(&mut part) {
            bytes.extend_from_slice(&part[..n]);
        }
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let at = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..at]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        });
        Some(Self { status, headers: headers.collect(), body: bytes[at + 4..].to_vec() })
    }

    /// A header that may stand there once.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found: Vec<_> = self.headers.iter().filter(|(own, _)| own == name).collect();
        assert!(found.len() <= 1, "{found:?}");
        found.first().map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts the status, and shows everything where it is another.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?} {}", self.headers, self.text());
        self
    }

    /// Asserts that this problem is told, as RFC 9457 has it.
    #[track_caller]
    pub(crate) fn tells(self, status: u16, detail: &str) -> Self {
        let reply = self.is(status);
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
        let problem = reply.json();
        assert_eq!(problem["status"], status);
        assert!(problem["title"].is_string() && problem["type"].is_string(), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
        reply
    }

    /// Asserts what every answer says, whatever it answers.
    #[track_caller]
    pub(crate) fn is_guarded(&self) {
        let policy = self.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("default-src 'none'"), "{self:?}");
        assert!(policy.contains("frame-ancestors 'none'"), "{self:?}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(self.header(name), Some(value), "{self:?}");
        }
        for name in ["access-control-allow-origin", "set-cookie", "server"] {
            assert_eq!(self.header(name), None, "{self:?}");
        }
        assert!(self.header("content-type").is_some(), "{self:?}");
    }
}
