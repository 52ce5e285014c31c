//! The machine's clock is set while the daemon waits: passes go on, and people are told.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use restock::clock::{Clock, SystemClock};
use restock::daemon::{Daemon, DaemonState, OpenFailure, Opened, Opener, Plan, Side, Timing};
use restock::ledger;
use restock::model::{Schedule, Size, Span, Zone};
use restock::observe::{Event, Observer};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::subscriber::set_default;

/// The machine's clock, of which the time of day can be set.
#[derive(Default)]
struct SetClock(Mutex<TimeDelta>);

impl Clock for SetClock {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + *self.0.lock().unwrap()
    }

    fn elapsed(&self) -> Duration {
        SystemClock.elapsed()
    }
}

/// Has a pass begin each second, lets none go on, and counts them.
struct Shut(watch::Sender<u32>);

#[async_trait]
impl Opener for Shut {
    fn plan(&self) -> Plan {
        let timing =
            |schedule: Schedule| Timing { schedule, zone: Zone::UTC, jitter: Span(Duration::ZERO) };
        Plan {
            shallow: timing("* * * * * *".parse().unwrap()),
            deep: timing(Schedule::never()),
            cycle: Span::seconds(3_600),
            bandwidth: Size(1),
        }
    }

    async fn open(&self) -> Result<Opened, OpenFailure> {
        self.0.send_modify(|n| *n += 1);
        Err(OpenFailure { side: Side::Other, message: "shut".to_owned() })
    }

    async fn reload(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Keeps what the clock was set to.
#[derive(Default)]
struct Heard(Mutex<Vec<DateTime<Utc>>>);

impl Observer for Heard {
    fn notice(&self, event: &Event<'_>) {
        if let Event::ClockSet { now } = event {
            self.0.lock().unwrap().push(*now);
        }
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn passes_go_on_when_the_clock_is_set_back_and_it_is_told_once() {
    let (log, heard, clock) = (Log::default(), Arc::new(Heard::default()), Arc::default());
    let (own, writer) = (Arc::<SetClock>::clone(&clock), log.clone());
    let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
    let _logged = set_default(lines.finish());
    let folder = tempfile::tempdir().unwrap();
    let (passes, mut begun) = watch::channel(0);
    let (_orders, orders) = mpsc::channel(1);
    let cancel = CancellationToken::new();
    let daemon = Daemon {
        opener: Arc::new(Shut(passes)),
        ledger: ledger::open("sqlite://ledger.db", "s3://b", folder.path()).await.unwrap(),
        clock,
        observer: heard.clone(),
        orders,
        state: watch::channel(DaemonState::starting()).0,
        cancel: cancel.clone(),
    };
    let told = || String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let watching = async {
        let mut more = async |n: u32| {
            let before = *begun.borrow_and_update();
            let waits = begun.wait_for(|now| *now >= before + n);
            timeout(Duration::from_secs(30), waits).await.expect("passes go on").unwrap();
        };
        more(2).await;
        assert!(!told().contains("clock was set"), "{}", told());
        *own.0.lock().unwrap() -= TimeDelta::hours(2);
        more(3).await;
        cancel.cancel();
    };
    tokio::join!(daemon.run(), watching);
    assert_eq!(told().matches("the system clock was set back by 2h").count(), 1, "{}", told());
    let heard = heard.0.lock().unwrap();
    let [now] = heard.as_slice() else { panic!("{heard:?}") };
    assert!(SystemClock.now() - *now > TimeDelta::hours(1), "it is the new time");
}
