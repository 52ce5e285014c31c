//! [`Daemon`]: `restock run`, asked over HTTP, and when it has healed all that it can.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use restock::model::Digest;
use serde_json::Value;
use tokio::time::Instant;

use crate::binary::{command, run, signal, until};
use crate::gauges::{Gauges, differences};
use crate::object::digest_of;
use crate::place::{Place, Thing};

/// How long healing what is left may take, once nobody does harm any more.
const PATIENCE: Duration = Duration::from_mins(2);

/// The daemon, ended with the value.
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
    url: String,
}

impl Daemon {
    /// Starts it, and waits until it answers.
    pub(crate) fn start(place: &Place) -> Self {
        let log = place.dir.path().join("run.log");
        let file = std::fs::File::create(&log).unwrap();
        let mut command = command(place.dir.path(), "run --log-format text --no-color");
        let child = command.stdout(Stdio::null()).stderr(file).spawn().unwrap();
        let mut daemon = Self { child, log, url: String::new() };
        until("an address", || {
            let log = daemon.log();
            let address = log.split("answers on ").nth(1).and_then(|rest| rest.lines().next());
            address.unwrap_or_default().clone_into(&mut daemon.url);
            !daemon.url.is_empty()
        });
        daemon
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Tells it to end; gives its exit code.
    pub(crate) fn end(&mut self) -> Option<i32> {
        signal(&self.child, "TERM");
        self.child.wait().unwrap().code()
    }

    async fn get(&self, path: &str) -> String {
        let answer = reqwest::get(format!("{}{path}", self.url)).await.unwrap();
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        answer.text().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await).unwrap()
    }

    async fn gauges(&self) -> Gauges {
        Gauges::read(&self.get("/metrics").await)
    }

    /// The digests that are lost and whose source served other bytes: a person has to act.
    async fn drifted(&self) -> Vec<Digest> {
        let mut drifted = Vec::new();
        for kind in ["missing", "corrupt"] {
            let page = self.json(&format!("/api/v1/findings?kind={kind}&limit=500")).await;
            let findings = page["findings"].as_array().unwrap().iter();
            let of_source = findings.filter(|finding| finding["unhealable"] == "source_drifted");
            drifted.extend(of_source.map(|f| f["digest"].as_str().unwrap().parse::<Digest>()));
        }
        drifted.into_iter().map(Result::unwrap).collect()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended long ago.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Waits until all that can be healed is healed and two passes have seen that. Whoever keeps the
/// catalog names another URL for what drifted, as only a person can.
pub(crate) async fn settle(place: &Place, daemon: &Daemon, things: &mut [Thing]) {
    let (since, mut mended) = (Instant::now(), 0);
    let mut left;
    loop {
        left = damage(place, things).await;
        if left.healable.is_empty() {
            break;
        }
        assert!(since.elapsed() < PATIENCE, "not healed: {:#?}\n{}", left.healable, daemon.log());
        for digest in daemon.drifted().await {
            let thing = things.iter_mut().find(|thing| thing.object.digest == digest).unwrap();
            place.change_url(thing).await;
            mended += 1;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    eprintln!("healed after {:?}; {mended} URLs were mended by hand", since.elapsed());
    let mut clean = None;
    loop {
        let gauges = daemon.gauges().await;
        let object = |state: &str| gauges.get("restock_objects", &format!("state={state}"));
        let told = (object("missing"), object("corrupt"));
        let right = told == (Some(left.missing), Some(left.corrupt))
            && gauges.get("restock_orphans", "state=candidate") == Some(0)
            && gauges.get("restock_heal_pending", "") == Some(0);
        let passes = gauges.get("restock_pass_runs_total", "depth=shallow").unwrap();
        clean = right.then(|| clean.unwrap_or(passes));
        if clean.is_some_and(|first| passes >= first + 2) {
            return;
        }
        assert!(
            since.elapsed() < 2 * PATIENCE,
            "{told:?} is told, ({}, {}) is right\n{}",
            left.missing,
            left.corrupt,
            daemon.get("/metrics").await,
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What is wrong with the store, as somebody sees who reads all of it.
#[derive(Debug, Default)]
struct Damage {
    healable: Vec<String>,
    missing: u64,
    corrupt: u64,
}

async fn damage(place: &Place, things: &[Thing]) -> Damage {
    let mut damage = Damage::default();
    for thing in things.iter().filter(|thing| thing.rows > 0) {
        let there = place.bucket.get(&thing.object.key).await.map(|bytes| digest_of(&bytes));
        if there == Some(thing.object.digest) {
            continue;
        }
        if thing.healable() {
            damage.healable.push(thing.object.key.clone());
        }
        match there {
            None => damage.missing += 1,
            Some(_) => damage.corrupt += 1,
        }
    }
    damage
}

/// Asserts that gauges, status and an audit of this moment say the same, and gives the gauges.
pub(crate) async fn agree(place: &Place, daemon: &Daemon) -> Gauges {
    let audit = run(&mut command(place.dir.path(), "audit --output json")).exits(2).json();
    let rows = place.database.values("SELECT CAST(COUNT(*) AS CHAR(20)) FROM packages").await;
    let (gauges, status) = (daemon.gauges().await, daemon.json("/api/v1/status").await);
    let differ = differences(&gauges, &audit, &status, rows[0].trim().parse().unwrap());
    assert_eq!(differ, Vec::<String>::new(), "{}", audit["summary"]);
    let summary = &audit["summary"];
    for name in ["missing", "corrupt", "orphans", "orphans_flagged", "foreign"] {
        assert_ne!(summary[name], 0, "nothing was compared of `{name}`: {summary}");
    }
    gauges
}
