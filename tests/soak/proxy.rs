//! A proxy in front of the S3 server through which restock alone goes: it passes everything on
//! byte for byte, and writes down what was asked, what was sent, and what came back.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Error, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use percent_encoding::percent_decode_str;
use restock::model::Digest;
use tokio::time::Instant;

use crate::object::digest_of;

/// One request with its answer.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Below the store's prefix; empty for a listing.
    pub(crate) key: String,
    pub(crate) query: String,
    /// What the object consists of from now on, where this wrote one: of a body, or of the parts
    /// that were put together.
    pub(crate) wrote: Option<Digest>,
    /// Whether the server was to copy another object.
    pub(crate) copied: bool,
    /// What came back for a GET of an object.
    pub(crate) got: Option<Digest>,
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
}

/// A running proxy. Its threads end with their connections.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    /// Host and port of the server.
    to: String,
    /// What stands before every key, decoded.
    place: String,
    asked: Mutex<Vec<Asked>>,
    parts: Mutex<HashMap<String, BTreeMap<u32, Vec<u8>>>>,
}

/// A head and a body as they were on the wire.
struct Message {
    first: String,
    head: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Proxy {
    /// In front of the server at this `http:` URL, for the keys below a bucket's prefix.
    pub(crate) fn to(endpoint: &str, bucket: &str, prefix: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            to: endpoint.strip_prefix("http://").unwrap().to_owned(),
            place: format!("/{bucket}/{prefix}/"),
            asked: Mutex::default(),
            parts: Mutex::default(),
        });
        let of_thread = Arc::clone(&shared);
        drop(std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&of_thread);
                // A client that leaves in the middle is no concern of the proxy.
                drop(std::thread::spawn(move || drop(converse(&client, &shared))));
            }
        }));
        Self { address, shared }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything so far, in the order of the answers.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }
}

/// One connection: requests one by one, each with its answer before the next.
fn converse(client: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut server = TcpStream::connect(&shared.to)?;
    server.set_nodelay(true)?;
    client.set_nodelay(true)?;
    let (mut requests, mut back) = (BufReader::new(client.try_clone()?), client.try_clone()?);
    let mut answers = BufReader::new(server.try_clone()?);
    while let Some(request) = Message::read(&mut requests, false)? {
        let began = Instant::now();
        server.write_all(&[request.head.as_bytes(), &request.body].concat())?;
        let has_no_body = request.first.starts_with("HEAD ");
        let Some(answer) = Message::read(&mut answers, has_no_body)? else { break };
        // Before the client can act on it.
        shared.note(&request, &answer, began);
        back.write_all(&[answer.head.as_bytes(), &answer.body].concat())?;
        if answer.header("connection") == Some("close") || answer.first.starts_with("HTTP/1.0") {
            break;
        }
    }
    client.shutdown(std::net::Shutdown::Both)
}

impl Message {
    fn read(from: &mut impl BufRead, has_no_body: bool) -> std::io::Result<Option<Self>> {
        let (mut first, mut head, mut headers) = (String::new(), String::new(), HashMap::new());
        loop {
            let start = head.len();
            if from.read_line(&mut head)? == 0 {
                return Ok(None);
            }
            let line = head[start..].trim_end();
            if start == 0 {
                line.clone_into(&mut first);
            } else if let Some((name, value)) = line.split_once(':') {
                headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
            } else {
                break;
            }
        }
        let mut message = Self { first, head, headers, body: Vec::new() };
        if !has_no_body {
            message.read_body(from)?;
        }
        Ok(Some(message))
    }

    fn read_body(&mut self, from: &mut impl BufRead) -> std::io::Result<()> {
        if let Some(length) = self.header("content-length") {
            let length = length.parse().map_err(Error::other)?;
            if from.take(length).read_to_end(&mut self.body)? as u64 != length {
                return Err(Error::other("it was cut off"));
            }
            return Ok(());
        }
        if self.header("transfer-encoding").is_none() {
            return Ok(());
        }
        loop {
            let mut size = String::new();
            from.read_line(&mut size)?;
            self.body.extend(size.as_bytes());
            let length = u64::from_str_radix(size.trim(), 16).map_err(Error::other)?;
            from.take(length + 2).read_to_end(&mut self.body)?;
            if length == 0 {
                return Ok(());
            }
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

impl Shared {
    fn note(&self, request: &Message, answer: &Message, began: Instant) {
        let mut words = request.first.split(' ');
        let method = words.next().unwrap().to_owned();
        let target = words.next().unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = percent_decode_str(path).decode_utf8().unwrap().into_owned();
        let status = answer.first.split(' ').nth(1).unwrap().parse().unwrap();
        let key = path.strip_prefix(&self.place).unwrap_or_default().to_owned();
        let is_object = method == "GET" && status == 200 && !key.is_empty();
        // An object's bytes come with their length, or not at all.
        assert!(!is_object || answer.header("content-length").is_some(), "{}", answer.head);
        let asked = Asked {
            wrote: self.written(&method, query, request, answer),
            copied: request.header("x-amz-copy-source").is_some(),
            got: is_object.then(|| digest_of(&answer.body)),
            etag: answer.header("etag").map(ToOwned::to_owned),
            query: query.to_owned(),
            method,
            key,
            status,
            began,
            ended: Instant::now(),
        };
        self.asked.lock().unwrap().push(asked);
    }

    /// What a request puts under its key at once, whether or not the server took it.
    fn written(
        &self,
        method: &str,
        query: &str,
        request: &Message,
        answer: &Message,
    ) -> Option<Digest> {
        let parameter = |name: &str| {
            let mut pairs = url::form_urlencoded::parse(query.as_bytes());
            pairs.find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
        };
        let mut parts = self.parts.lock().unwrap();
        match (method, parameter("uploadId")) {
            ("PUT", None) => Some(digest_of(&request.body)),
            ("PUT", Some(id)) => {
                let number = parameter("partNumber").unwrap().parse().unwrap();
                parts.entry(id).or_default().insert(number, request.body.clone());
                None
            }
            ("POST", Some(id)) => {
                let whole = parts.get(&id)?.values().flatten().copied().collect::<Vec<_>>();
                if answer.first.contains(" 200") {
                    parts.remove(&id);
                }
                Some(digest_of(&whole))
            }
            ("DELETE", Some(id)) => {
                parts.remove(&id);
                None
            }
            _ => None,
        }
    }
}
