//! Reads the lease again and again while instances come and go: who held it, from when to when, by
//! the server's own clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::databases::Engine;
use crate::place::wait;

/// From one look to the next.
const PAUSE: Duration = Duration::from_millis(20);

/// The lease as it once was, its times in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    fence: i64,
    pid: u32,
    since: i64,
    /// 0 where it was given back.
    expires: i64,
    holder: String,
}

/// One holding of the lease.
#[derive(Debug, Clone)]
pub(crate) struct Holding {
    pub(crate) pid: u32,
    pub(crate) since: DateTime<Utc>,
}

pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    /// Who held it at the last look.
    last_pid: Arc<AtomicU32>,
    thread: JoinHandle<Vec<Look>>,
}

impl Watch {
    pub(crate) fn start(engine: Engine, url: &str) -> Self {
        let (stop, url) = (Arc::new(AtomicBool::new(false)), url.to_owned());
        let stopped = Arc::clone(&stop);
        let last_pid = Arc::new(AtomicU32::new(0));
        let last = Arc::clone(&last_pid);
        let thread = std::thread::spawn(move || {
            let mut looks = Vec::new();
            while !stopped.load(Ordering::SeqCst) {
                let now = look(engine, &url);
                last.store(now.as_ref().map_or(0, |look| look.pid), Ordering::SeqCst);
                looks.extend(now);
                std::thread::park_timeout(PAUSE);
            }
            looks
        });
        Self { stop, last_pid, thread }
    }

    /// Whether the last look found it in these hands.
    pub(crate) fn sees(&self, pid: u32) -> bool {
        self.last_pid.load(Ordering::SeqCst) == pid
    }

    /// Proves that no two ever held it, and gives who did, one after the other. Who ended in order
    /// gave it back, which may have been between two looks.
    pub(crate) fn stop(self, ended_in_order: u32) -> Vec<Holding> {
        self.stop.store(true, Ordering::SeqCst);
        let looks = self.thread.join().unwrap();
        println!("the lease was looked at {} times", looks.len());
        let mut holdings = Vec::new();
        let mut before: Option<Look> = None;
        for now in looks {
            match before {
                Some(before) if before.fence == now.fence => {
                    let same = (&before.since, before.pid) == (&now.since, now.pid);
                    assert!(same, "two under one number: {before:?}, {now:?}");
                    let given_back = now.expires == 0 && now.holder.is_empty();
                    assert!(given_back || now.holder == before.holder, "{before:?}, {now:?}");
                }
                Some(before) => {
                    assert_eq!(now.fence, before.fence + 1, "{before:?}, {now:?}");
                    let ended = before.expires <= now.since || before.pid == ended_in_order;
                    assert!(ended, "two at once: {before:?}, {now:?}");
                    holdings.push(holding(&now));
                }
                None => holdings.push(holding(&now)),
            }
            before = Some(now);
        }
        holdings
    }
}

fn holding(look: &Look) -> Holding {
    Holding { pid: look.pid, since: DateTime::from_timestamp_millis(look.since).unwrap() }
}

/// `None` before anybody held it.
fn look(engine: Engine, url: &str) -> Option<Look> {
    let sql = "SELECT CAST(CONCAT_WS('|', fence, pid, since_ms, expires_ms, holder) AS CHAR(200)) \
               FROM leases";
    let rows = wait(engine.query(url, sql)).unwrap();
    let mut parts = rows.first()?.trim_end().split('|');
    let mut number = || parts.next().unwrap().parse::<i64>().unwrap();
    let (fence, pid, since, expires) = (number(), number(), number(), number());
    let holder = parts.next().unwrap().to_owned();
    (fence > 0).then(|| Look { fence, pid: u32::try_from(pid).unwrap(), since, expires, holder })
}
