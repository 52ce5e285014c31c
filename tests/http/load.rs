//! Ten thousand who ask at once, and slow ones beside them: a pass runs through all the same, and
//! memory stays bounded.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::binary::until;
use crate::client::{connect, get};
use crate::served::{ALL, Served};

const REQUESTS: usize = 10_000;

/// Clients that hold a seat, and send a byte now and then.
const SLOW: usize = 100;

/// After which a client asks again.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the daemon may take for it, in a build that is not optimized.
const MEMORY_BYTES: u64 = 64 << 20;

const TARGETS: [&str; 6] =
    ["/metrics", "/api/v1/status", "/api/v1/findings", "/", "/api/v1/passes", "/livez"];

/// What people ask while others work, in a thread of its own.
struct Load {
    answered: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Load {
    /// Begins, and holds on until it is told to end.
    fn on(address: SocketAddr) -> Self {
        let (answered, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let told = (Arc::clone(&answered), Arc::clone(&stop));
        let asking = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(ask_all(address, &told.0, &told.1));
        });
        let slow = Arc::clone(&stop);
        let slow = std::thread::spawn(move || hold_seats(address, &slow));
        Self { answered, stop, threads: vec![asking, slow] }
    }

    fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
    }
}

/// All at once, as far as this process may have files open; then again, until it is told to end.
async fn ask_all(address: SocketAddr, answered: &Arc<AtomicUsize>, stop: &AtomicBool) {
    let seats = Arc::new(Semaphore::new(REQUESTS.min(files_at_most().saturating_sub(300))));
    let mut asked = 0;
    while !stop.load(Ordering::Relaxed) {
        let turn =
            tokio::time::timeout(Duration::from_millis(100), Arc::clone(&seats).acquire_owned());
        let Ok(seat) = turn.await else { continue };
        let answered = Arc::clone(answered);
        let target = TARGETS[asked % TARGETS.len()];
        asked += 1;
        tokio::spawn(async move {
            // Whom the system's own queue does not take is turned away by it, and asks again.
            while !is_answered(address, target).await {}
            answered.fetch_add(1, Ordering::Relaxed);
            drop(seat);
        });
    }
    // Those who still ask go with the runtime.
}

/// Asks once. Whoever is let in gets the whole answer.
async fn is_answered(address: SocketAddr, target: &str) -> bool {
    let mut head = [0; 15];
    // With the queue full, the system may let a client believe for minutes that it is in it.
    let asked = tokio::time::timeout(PATIENCE, async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(&get(target).bytes(&address.to_string())).await?;
        stream.read_exact(&mut head).await?;
        Ok::<_, std::io::Error>(stream)
    });
    let Ok(Ok(mut stream)) = asked.await else { return false };
    assert_eq!(&head, b"HTTP/1.1 200 OK", "{target}");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    true
}

fn files_at_most() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    line.split_whitespace().nth(3).unwrap().parse().unwrap_or(usize::MAX)
}

fn hold_seats(address: SocketAddr, stop: &AtomicBool) {
    let begun = || {
        let mut stream = connect(address);
        stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        drop(stream.write_all(b"GET / HTTP/1.1\r\nX-Slow: "));
        stream
    };
    let mut streams: Vec<_> = (0..SLOW).map(|_| begun()).collect();
    while !stop.load(Ordering::Relaxed) {
        for stream in &mut streams {
            let sent = stream.write_all(b"a").is_ok();
            // Who was cut off begins again.
            if !sent || matches!(stream.read(&mut [0; 1]), Ok(0)) {
                *stream = begun();
            }
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

/// Memory of a process, and the most that it ever had.
fn memory(served: &Served) -> (u64, u64) {
    let text =
        std::fs::read_to_string(format!("/proc/{}/status", served.daemon.child.id())).unwrap();
    let value = |name: &str| -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().split(' ').next().unwrap().parse().unwrap()
    };
    (value("VmRSS:") << 10, value("VmHWM:") << 10)
}

#[test]
fn ten_thousand_requests_and_slow_clients_do_not_keep_a_pass_from_its_end() {
    let (served, objects) = Served::start(300, ALL);
    for n in 0..400 {
        served.place.world.put(&format!("software-installers/stranger {n}"), b"?");
    }
    let timed = |lost: &[_]| {
        served.place.lose(lost);
        let began = Instant::now();
        served.pass();
        began.elapsed()
    };
    let alone = timed(&objects[..20]);
    let (before, _) = memory(&served);
    let load = Load::on(served.address);
    until("the first answers", || load.answered() > 200);
    let answered = load.answered();
    let loaded = timed(&objects[20..40]);
    let during = load.answered();
    assert_eq!(served.daemon.said("20 healed"), 2, "{}", served.daemon.log());
    until_all(&load);
    let (_, most) = memory(&served);
    load.end();
    eprintln!(
        "a pass took {alone:?} alone, and {loaded:?} beside {} requests; memory {} MiB, then at \
         most {} MiB",
        during - answered,
        before >> 20,
        most >> 20
    );
    assert!(most < before + MEMORY_BYTES, "from {before} to {most} bytes");
    assert_eq!(served.metric("restock_panics_total"), Some(0.0));
    served.pass();
}

/// The pass may end long before all are answered.
fn until_all(load: &Load) {
    let began = Instant::now();
    while load.answered() < REQUESTS {
        assert!(began.elapsed() < Duration::from_mins(5), "{} answered", load.answered());
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
