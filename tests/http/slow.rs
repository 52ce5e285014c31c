//! Clients that are slow, that never end, that send too much, and that are too many.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use tokio::time::Instant;

use crate::client::{Reply, Request, connect, get, post};
use crate::place::{CONFIGURATION, Place};
use crate::running::NEVER;
use crate::served::{ALL, Served, TOKEN};
use crate::support::http_server::Answer;

/// Connections over TCP that the daemon has at once, as `docs/http.md` says.
const CONNECTIONS: usize = 256;

/// Sends a byte every now and then, until the daemon has had enough.
fn trickle(mut stream: TcpStream, bytes: &[u8]) -> (Option<Reply>, Duration) {
    let began = Instant::now();
    stream.set_read_timeout(Some(Duration::from_millis(250))).unwrap();
    let (mut answer, mut part, mut bytes) = (Vec::new(), [0; 4096], bytes.iter().cycle());
    loop {
        // Whether this arrives is seen by what is read.
        drop(stream.write_all(&[*bytes.next().unwrap()]));
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(n) => answer.extend_from_slice(&part[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
        assert!(began.elapsed() < Duration::from_mins(1), "it waits for ever");
    }
    (Reply::read(&mut std::io::Cursor::new(answer)), began.elapsed())
}

#[test]
fn a_head_that_trickles_is_cut_off() {
    let (served, _) = Served::start(1, ALL);
    let head = format!("GET / HTTP/1.1\r\nHost: {}\r\nX-Slow: ", served.address);
    let mut stream = connect(served.address);
    stream.write_all(head.as_bytes()).unwrap();
    let (answer, took) = trickle(stream, b"a");
    assert!(answer.is_none_or(|answer| answer.status == 408), "a head that never ended");
    assert!(took > Duration::from_secs(2), "{took:?}");
}

#[test]
fn a_connection_that_asks_nothing_is_cut_off() {
    let (served, _) = Served::start(1, ALL);
    assert!(Reply::read(&mut connect(served.address)).is_none());
    // Also after it has asked something.
    let mut stream = connect(served.address);
    let request = get("/livez").with("Connection", "keep-alive").bytes("127.0.0.1");
    stream.write_all(&request).unwrap();
    Reply::read(&mut stream).unwrap().is(200);
}

#[test]
fn a_body_that_trickles_is_cut_off() {
    let (served, _) = Served::start(1, ALL);
    let order = post("/api/v1/heal/pause", "")
        .with("Authorization", &format!("Bearer {TOKEN}"))
        .with("Content-Length", "16000");
    let mut stream = connect(served.address);
    stream.write_all(&order.bytes("127.0.0.1")).unwrap();
    let (answer, _) = trickle(stream, b" ");
    answer.unwrap().tells(408, "did not come");
    assert_eq!(served.status()["daemon"]["paused"], false);
}

/// Before any token is shown, nothing of a body is waited for.
#[test]
fn a_body_without_a_token_is_not_read() {
    let (served, _) = Served::start(1, ALL);
    let order = post("/api/v1/heal/pause", "").with("Content-Length", "99999999");
    let mut stream = connect(served.address);
    stream.write_all(&order.bytes("127.0.0.1")).unwrap();
    Reply::read(&mut stream).unwrap().is(401);
}

#[test]
fn heads_are_bounded() {
    let (served, _) = Served::start(1, ALL);
    let many = (0..80).fold(get("/livez"), |request, n| request.with(&format!("X-{n}"), "x"));
    let long = get("/livez").with("X-Long", &"x".repeat(100_000));
    let target = get(&format!("/livez?{}", "x".repeat(100_000)));
    for request in [many, long, target] {
        let mut stream = connect(served.address);
        // It may be cut off while it still sends.
        drop(stream.write_all(&request.bytes("127.0.0.1")));
        let answer = Reply::read(&mut stream);
        let refused = |status| matches!(status, 400 | 414 | 431);
        assert!(answer.as_ref().is_none_or(|answer| refused(answer.status)), "{answer:?}");
    }
    let few = (0..40).fold(get("/livez"), |request, n| request.with(&format!("X-{n}"), "x"));
    served.ask(&few).is(200);
}

#[test]
fn what_is_no_http_is_answered_or_cut_off_and_hurts_nobody() {
    let (served, _) = Served::start(1, ALL);
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\nContent-Length: 5\r\n\r\n",
        &[0; 5_000],
    ] {
        let mut stream = connect(served.address);
        drop(stream.write_all(bytes));
        drop(stream.shutdown(std::net::Shutdown::Write));
        let answer = Reply::read(&mut stream);
        assert!(answer.as_ref().is_none_or(|answer| answer.status < 500), "{answer:?}");
    }
    served.get("/livez").is(200);
    assert_eq!(served.metric("restock_panics_total"), Some(0.0));
}

/// Files that a process has open.
fn files(served: &Served) -> usize {
    let folder = format!("/proc/{}/fd", served.daemon.child.id());
    std::fs::read_dir(folder).unwrap().count()
}

/// Nobody keeps others from asking whether the daemon lives, by heads that do not end. Each of them
/// has five seconds, and so many would take four times as long one after the other.
#[test]
fn heads_that_do_not_end_keep_nobody_out() {
    let (served, _) = Served::start(1, ALL);
    let head = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\nX-Slow: ", served.address);
    let slow: Vec<_> = (0..CONNECTIONS * 3)
        .map(|_| {
            let mut stream = connect(served.address);
            // Whether it has lost its seat already does not matter.
            drop(stream.write_all(head.as_bytes()));
            stream
        })
        .collect();
    let asked = Instant::now();
    served.get("/livez").is(200);
    served.get("/metrics").is(200);
    served.ask_socket(&get("/livez")).is(200);
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
    drop(slow);
}

/// Nor do questions that take long: a part of the seats is for those who ask whether it lives.
#[test]
fn questions_that_take_long_keep_nobody_from_asking_whether_it_lives() {
    let (place, objects) = Place::with_daemon(1, "");
    let store = format!(
        "url = \"s3://b/p\"\n[store.options]\naws_endpoint = \"{}\"\naws_allow_http = true\n\
         aws_region = \"us-east-1\"\naws_access_key_id = \"x\"\naws_secret_access_key = \"y\"",
        place.world.http.url("")
    );
    let configuration = CONFIGURATION.replace("url = \"store\"", &store);
    place.configure(&format!("{configuration}{NEVER}{ALL}"));
    let listing = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    place.world.http.route("/b", [Answer::ok(listing)]);
    let served = Served::over(place);
    served.place.world.http.route("/b", [Answer::raw("").then_stall()]);
    let question = get(&format!("/api/v1/objects/{}", objects[0].digest)).bytes("127.0.0.1");
    let asking: Vec<_> = (0..CONNECTIONS + 50)
        .map(|_| {
            let mut stream = connect(served.address);
            // Who waits for a turn may have lost the seat already.
            drop(stream.write_all(&question));
            stream
        })
        .collect();
    let asked = Instant::now();
    served.get("/livez").is(200);
    served.get("/metrics").is(200);
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    drop(asking);
}

#[test]
fn those_beyond_the_limit_cost_nothing() {
    let (served, _) = Served::start(1, ALL);
    // The daemon opens and closes files of its own meanwhile.
    let own = 20;
    let before = files(&served);
    let idle: Vec<_> = (0..CONNECTIONS + 150).map(|_| connect(served.address)).collect();
    // The socket has seats of its own.
    served.ask_socket(&get("/livez")).is(200);
    served.order("/api/v1/passes", "").is(202);
    crate::binary::until("a pass", || served.passes() == 2);
    let mut late = connect(served.address);
    late.write_all(&get("/livez").bytes("127.0.0.1")).unwrap();
    let waiting = std::thread::spawn(move || Reply::read(&mut late));
    let mut most = 0;
    while !waiting.is_finished() {
        most = most.max(files(&served));
        std::thread::park_timeout(Duration::from_millis(5));
    }
    // Those who ask nothing lose their seats.
    waiting.join().unwrap().unwrap().is(200);
    assert!(most > before + 32, "{most} of {before}: they were let in");
    assert!(most <= before + CONNECTIONS + own, "{most} of {before}: too many were let in");
    drop(idle);
    crate::binary::until("the files to be closed", || files(&served) <= before + own);
}

/// Nor does the end of the daemon wait for them.
#[test]
fn clients_that_do_not_read_do_not_keep_the_daemon() {
    let (mut served, _) = Served::start(1, ALL);
    let request = get("/metrics").with("Connection", "keep-alive").bytes("127.0.0.1");
    let mut deaf = Vec::new();
    for _ in 0..20 {
        let mut stream = connect(served.address);
        stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
        // So many that neither side's buffers hold what is asked for.
        while stream.write_all(&request).is_ok() {}
        deaf.push(stream);
    }
    served.get("/livez").is(200);
    served.order("/api/v1/passes", "").is(202);
    crate::binary::until("a pass", || served.passes() == 2);
    let told = Instant::now();
    served.daemon.signal("TERM");
    assert_eq!(served.daemon.exit_code(), Some(0));
    assert!(told.elapsed() < Duration::from_secs(30), "{:?}", told.elapsed());
    drop(deaf);
}

/// HTTP/1.1 as clients of all kinds speak it.
#[test]
fn requests_may_share_a_connection() {
    let (served, _) = Served::start(1, ALL);
    let mut stream = connect(served.address);
    let kept = get("/livez").with("Connection", "keep-alive").bytes("127.0.0.1");
    let last = Request::new("GET", "/readyz").bytes("127.0.0.1");
    stream.write_all(&[&kept[..], &kept, &last].concat()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 3, "{text}");
}
