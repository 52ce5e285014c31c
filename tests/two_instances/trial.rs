//! Two instances on one ledger, one of which is struck down again and again, and what must be true
//! of ledger and store afterwards.

use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use restock::ledger::{self, Ledger};

use crate::databases::{Database, Engine};
use crate::outsider::{Outsider, Taken};
use crate::place::{CONFIGURATION, Place, wait};
use crate::running::Running;
use crate::support::http_server::Answer;
use crate::support::world::Object;
use crate::watch::{Holding, Watch};

const OBJECTS: u32 = 40;

/// Passes without a pause, and hardly any back-off.
const SETTINGS: &str = "
[audit]
schedule = \"* * * * * *\"
grace = \"0s\"
[deep]
schedule = \"never\"
[breaker]
missing_share = 1.0
[heal]
retry_after = \"1s\"
retry_at_most = \"1s\"
";

const PATIENCE: Duration = Duration::from_mins(2);

/// How long the spare may take.
const TAKE_OVER_AT_MOST: Duration = Duration::from_mins(1);

const ACTIVE: &str = "this instance works on the store from here on";
const SPARE: &str = "waits, as a spare";

/// What befalls the active instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blow {
    /// `kill -9`.
    Kill,
    /// It stands still until another has taken over, and then goes on.
    Freeze,
}

pub(crate) struct Trial {
    place: Place,
    objects: Vec<Object>,
    ledger: String,
    /// Where the lease can be looked at, if there is one.
    server: Option<(Engine, String)>,
    started: usize,
}

impl Trial {
    /// On a database of a server.
    pub(crate) fn on(database: &Database) -> Self {
        let engine = database.engine();
        let plain = match engine {
            Engine::MariaDb => "ssl-mode=DISABLED",
            Engine::Postgres => "sslmode=disable",
        };
        let looks = format!("{}?{plain}", database.url());
        Self::with(database.url().to_owned(), Some((engine, looks)))
    }

    /// On a `SQLite` file.
    pub(crate) fn on_a_file() -> Self {
        Self::with("sqlite://ledger.db".to_owned(), None)
    }

    fn with(ledger: String, server: Option<(Engine, String)>) -> Self {
        let (place, objects) = Place::healthy(OBJECTS);
        let configuration = CONFIGURATION.replace("sqlite://ledger.db", &ledger);
        place.configure(&format!("{configuration}{SETTINGS}"));
        for (at, object) in objects.iter().enumerate() {
            // Every third source fails every other time.
            let fails = (at % 3 == 0).then(|| Answer::status(503));
            let whole = Answer::ok(object.bytes.clone());
            let pair = fails.into_iter().chain([whole]).collect::<Vec<_>>();
            place.world.answer(object, pair.into_iter().cycle().take(200));
        }
        Self { place, objects, ledger, server, started: 0 }
    }

    /// Goes on for so long at least, and tells how long each take-over took.
    pub(crate) fn run(mut self, blows: &[Blow], least: Duration) -> Vec<Duration> {
        let began = Instant::now();
        let mut active = self.start();
        says(&active, ACTIVE);
        let watch = self.server.clone().map(|(engine, url)| Watch::start(engine, &url));
        let outsider = Outsider::start(&self.place.world, &self.objects);
        let mut spare = self.start();
        says(&spare, SPARE);
        let mut took = Vec::new();
        let mut expected = vec![active.id()];
        for (n, blow) in blows.iter().enumerate() {
            // Somewhere in the midst of its work.
            let passes = active.said("last pass") + 2;
            until("passes", || active.said("last pass") >= passes);
            std::thread::park_timeout(Duration::from_millis(rand::random_range(0..1_500)));
            assert_eq!(spare.said(ACTIVE), 0, "there are two");
            took.push(strike(&mut active, &spare, *blow));
            println!("{blow:?} {}: taken over after {:?}", n + 1, took.last().unwrap());
            active = std::mem::replace(&mut spare, self.start());
            expected.push(active.id());
            says(&spare, SPARE);
        }
        let passes = active.said("last pass") + 2;
        until("the time to be over", || {
            began.elapsed() > least && active.said("last pass") > passes
        });
        let taken = outsider.stop();
        until("everything to be healed", || {
            self.objects.iter().all(|object| self.place.world.get(&object.key).is_some())
        });
        // The pass that healed the last one is to be written down.
        let passes = active.said("last pass");
        until("the end of the pass", || active.said("last pass") > passes + 1);
        let ended_in_order = active.id();
        active.signal("TERM");
        says(&spare, ACTIVE);
        assert_eq!(active.exit_code(), Some(0), "{}", active.log());
        expected.push(spare.id());
        // It may end sooner than the next look.
        until("its holding to be seen", || {
            watch.as_ref().is_none_or(|watch| watch.sees(spare.id()))
        });
        spare.signal("TERM");
        assert_eq!(spare.exit_code(), Some(0), "{}", spare.log());
        let holdings = watch.map(|watch| watch.stop(ended_in_order));
        wait(self.check(&taken, holdings.as_deref(), &expected));
        took
    }

    fn start(&mut self) -> Running {
        self.started += 1;
        Running::start(&self.place, &format!("instance-{}", self.started))
    }

    async fn check(&self, taken: &[Taken], holdings: Option<&[Holding]>, expected: &[u32]) {
        let store = self.place.world.open_store().await;
        let dir: &Path = self.place.dir();
        let ledger = ledger::open(&self.ledger, store.identity(), dir).await.unwrap();
        let mut spans = Vec::new();
        let passes = ledger.passes(100_000).await.unwrap();
        spans.extend(passes.iter().map(|pass| (pass.started_at, pass.finished_at)));
        spans.sort();
        for (one, next) in spans.iter().zip(spans.iter().skip(1)) {
            assert!(one.1 <= next.0, "two passes at once: {one:?}, {next:?}");
        }
        let repaired = repairs(&*ledger, taken).await;
        let times: usize = taken.iter().map(|taken| taken.times).sum();
        println!(
            "{} passes; {times} objects taken away, {} repairs written down",
            passes.len(),
            repaired.len()
        );
        assert!(times > 20, "too little happened");
        assert_eq!(ledger.uploads().await.unwrap(), []);
        assert_eq!(ledger.publishings().await.unwrap(), []);
        let Some(holdings) = holdings else { return };
        let pids: Vec<_> = holdings.iter().map(|holding| holding.pid).collect();
        assert_eq!(pids, expected, "who held it, one after the other");
        // What was written belongs to one holding each.
        let holding_at = |time: DateTime<Utc>| {
            holdings.iter().rposition(|holding| holding.since <= time).unwrap()
        };
        for (start, end) in spans {
            assert_eq!(holding_at(start), holding_at(end), "a pass of two: {start}, {end}");
        }
    }
}

/// When each repair was written down. What the store shows healed must be among them.
async fn repairs(ledger: &dyn Ledger, taken: &[Taken]) -> Vec<DateTime<Utc>> {
    let mut all = Vec::new();
    for Taken { object, times, last } in taken {
        let repairs = ledger.repairs(&object.digest, 10_000).await.unwrap();
        let successes: Vec<_> = repairs
            .iter()
            .filter(|(_, repair)| repair.result.is_success())
            .map(|(at, _)| *at)
            .collect();
        let recorded = successes.iter().any(|at| at > last);
        assert!(recorded, "{} was healed after {last}, {times} times: {repairs:#?}", object.key);
        all.extend(successes);
    }
    all
}

/// Strikes the active one down, and tells how long it takes until the spare has taken over.
fn strike(active: &mut Running, spare: &Running, blow: Blow) -> Duration {
    let struck = Instant::now();
    match blow {
        Blow::Kill => {
            active.signal("KILL");
            active.exit_code();
        }
        Blow::Freeze => active.signal("STOP"),
    }
    says(spare, ACTIVE);
    let took = struck.elapsed();
    assert!(took < TAKE_OVER_AT_MOST, "{took:?}");
    if blow == Blow::Freeze {
        active.signal("CONT");
        assert_eq!(active.exit_code(), Some(1), "{}", active.log());
        assert_eq!(active.said("the lock was lost"), 1, "{}", active.log());
    }
    took
}

#[track_caller]
fn says(instance: &Running, text: &str) {
    until(&format!("`{text}`"), || instance.said(text) > 0);
}

#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}
