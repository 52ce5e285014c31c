//! [`Fate`]: what befalls each call of restock, as its pass says; and what was seen of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use restock::model::ObjectMeta;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::dice::Dice;
use crate::hands::Hands;
use crate::memory_store::Operation;
use crate::model::rows_of;
use crate::step::{Deed, Fault, Happening, Setting, What};
use crate::things::{digest_of, thing_at, things};

/// How old an answer of the store may be on which a publish rests (invariant I2).
const PROBE_AT_MOST: Duration = Duration::from_secs(5);

/// What one instance is dealt in a pass.
#[derive(Debug, Default)]
pub(crate) struct Seat {
    calls: u32,
    faults: Vec<Fault>,
    meanwhile: Vec<(u32, Happening)>,
    crash: Option<u32>,
    /// Whether it may write, and whether it may take away.
    pub(crate) writes: bool,
    pub(crate) removes: bool,
    pub(crate) replaces_unreadable: bool,
    /// After how many changes of rows it read some last.
    pub(crate) rows_read_at: u64,
    /// When it asked for a completion last; what the store does with it is the store's own time.
    pub(crate) asked_at: Option<Instant>,
    pub(crate) probes: BTreeMap<String, (Instant, Option<ObjectMeta>)>,
    /// Whether it recorded what it found.
    pub(crate) records: bool,
    /// Which sources of each thing it asked.
    pub(crate) asked: BTreeMap<String, BTreeSet<String>>,
    /// How often in a row each host was silent to it.
    pub(crate) silences: BTreeMap<String, u32>,
    /// Until when each request waits to which a host is silent.
    pub(crate) waits: BTreeMap<String, Vec<Instant>>,
}

/// What was seen while passes ran.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Keys of which something was answered that is not true, or nothing.
    pub(crate) keys: BTreeSet<String>,
    /// Collections whose listing was touched.
    pub(crate) listings: BTreeSet<String>,
    /// Collections whose rows could not be read at some time.
    pub(crate) catalog: BTreeSet<String>,
    /// Whether something failed that is of no single object.
    pub(crate) all: bool,
    pub(crate) ledger: bool,
    /// Keys that a listing hid, or that a HEAD denied.
    pub(crate) hidden: BTreeSet<String>,
    pub(crate) denied: BTreeSet<String>,
    /// Keys that a listing showed, or a HEAD claimed, though nothing was there.
    pub(crate) ghosts: BTreeSet<String>,
    /// Keys whose objects or readability somebody changed.
    pub(crate) changed: BTreeSet<String>,
    /// Hosts that were silent too often to be asked again.
    pub(crate) left_alone: BTreeSet<String>,
    /// Whether rows were changed, or a clock set.
    pub(crate) rows_changed: bool,
    /// Whether a clock was set: a row's age is then another one.
    pub(crate) clock_set: bool,
    /// Whether the store changed bytes on their way in, or took none, at any time.
    pub(crate) mangled: bool,
    /// Keys under which bytes were published.
    pub(crate) published: BTreeSet<String>,
    /// What must not happen, and did.
    pub(crate) wrong: Vec<String>,
    /// What is counted as reached.
    pub(crate) reached: BTreeMap<&'static str, u64>,
    /// Each call in order.
    pub(crate) log: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) seats: [Seat; 2],
    pub(crate) seen: Seen,
    dice: Dice,
    before: BTreeMap<usize, Option<(Bytes, ObjectMeta)>>,
    mangles: bool,
    /// How often rows were changed.
    pub(crate) row_changes: u64,
}

pub(crate) struct Fate {
    state: Mutex<State>,
    /// By which happenings happen.
    hands: OnceLock<Hands>,
    died: [Notify; 2],
    /// Whether each call is written down.
    logs: bool,
    /// Whether one object is healed after the other.
    one_by_one: bool,
}

impl Fate {
    pub(crate) fn new(seed: u64, logs: bool, setting: Setting) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                seats: Default::default(),
                seen: Seen::default(),
                dice: Dice::new(seed ^ 0x5eed),
                before: BTreeMap::new(),
                mangles: false,
                row_changes: 0,
            }),
            hands: OnceLock::new(),
            died: Default::default(),
            logs,
            one_by_one: setting.concurrency == 1,
        })
    }

    pub(crate) fn give_hands(&self, hands: Hands) {
        self.hands.set(hands).ok();
    }

    pub(crate) fn hands(&self) -> Option<&Hands> {
        self.hands.get()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Deals an instance what its next pass meets.
    pub(crate) fn deal(
        &self,
        who: usize,
        faults: &[Fault],
        meanwhile: &[(u32, Happening)],
        crash: Option<u32>,
        may: (bool, bool, bool),
    ) {
        let (writes, removes, replaces_unreadable) = may;
        let mut meanwhile = meanwhile.to_vec();
        meanwhile.sort_by_key(|(at, _)| *at);
        self.state().seats[who] = Seat {
            faults: faults.to_vec(),
            meanwhile,
            crash,
            writes,
            removes,
            replaces_unreadable,
            ..Seat::default()
        };
    }

    /// Comes when an instance is to die.
    pub(crate) async fn death(&self, who: usize) {
        self.died[who].notified().await;
    }

    pub(crate) fn take_seen(&self) -> Seen {
        let mut state = self.state();
        let mangled = state.mangles;
        std::mem::replace(&mut state.seen, Seen { mangled, ..Seen::default() })
    }

    pub(crate) fn reach(&self, what: &'static str) {
        *self.state().seen.reached.entry(what).or_default() += 1;
    }

    pub(crate) fn log(&self, line: impl FnOnce() -> String) {
        if self.logs {
            self.state().seen.log.push(line());
        }
    }

    pub(crate) fn note_clock(&self) {
        self.state().seen.clock_set = true;
    }

    pub(crate) fn set_mangles(&self, mangles: bool) {
        let mut state = self.state();
        state.mangles = mangles;
        state.seen.mangled |= mangles;
    }

    pub(crate) fn note_change(&self, key: Option<&str>) {
        let mut state = self.state();
        if let Some(key) = key {
            state.seen.changed.insert(key.to_owned());
            return;
        }
        state.row_changes += 1;
        state.seen.rows_changed = true;
    }

    /// Lets time go by and things happen; ends an instance whose time has come.
    pub(crate) async fn call(&self, who: usize, what: impl FnOnce() -> String) {
        let (due, dies, nap) = {
            let mut state = self.state();
            if self.logs {
                let line = format!("{who} {}", what());
                state.seen.log.push(line);
            }
            let nap = match state.dice.below(100) {
                0..=89 => None,
                90..=97 => Some(Duration::from_millis(3)),
                _ => Some(Duration::from_secs(1)),
            };
            let seat = &mut state.seats[who];
            seat.calls += 1;
            let calls = seat.calls;
            let split = seat.meanwhile.partition_point(|(at, _)| *at <= calls);
            let due: Vec<_> = seat.meanwhile.drain(..split).collect();
            (due, seat.crash.is_some_and(|at| at <= calls), nap)
        };
        if let Some(hands) = self.hands.get() {
            for (_, happening) in due {
                self.reach("something happened while a pass ran");
                hands.happen(happening);
            }
        }
        if dies {
            self.die(who).await;
        }
        match nap {
            None => tokio::task::yield_now().await,
            Some(nap) => tokio::time::sleep(nap).await,
        }
    }

    /// Ends an instance.
    pub(crate) async fn die(&self, who: usize) {
        self.reach("restock died");
        self.died[who].notify_one();
        std::future::pending::<()>().await;
    }

    /// What happens right before the store does something.
    pub(crate) async fn around(&self, who: usize, operation: Operation, key: &str) {
        let meddles = |what: &What| matches!(what, What::Meddles(of, _) if *of == operation);
        if let Some(What::Meddles(_, deed)) = self.strikes(who, meddles, key)
            && let Some(n) = things().iter().position(|thing| thing.key == key)
            && let Some(hands) = self.hands.get()
        {
            self.reach("somebody did something to the thing at hand");
            hands.happen(match deed {
                Deed::Upload => Happening::Upload(n),
                Deed::Overwrite(wrong) => Happening::Overwrite(n, wrong),
                Deed::Delete => Happening::Delete(n),
                Deed::RemoveRows => Happening::RemoveRows(n),
                Deed::TouchRows => Happening::TouchRows(n),
            });
        }
        if self.strikes(who, |what| *what == What::Slow(operation), key).is_some() {
            self.reach("the store took long");
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        if self.strikes(who, |what| *what == What::Dies(operation), key).is_some() {
            self.reach("restock died before the store did something");
            self.die(who).await;
        }
    }

    /// Whether a fault strikes now.
    pub(crate) fn strikes(
        &self,
        who: usize,
        is_it: impl Fn(&What) -> bool,
        key: &str,
    ) -> Option<What> {
        let mut state = self.state();
        let fault = state.seats[who].faults.iter_mut().find(|fault| {
            let of_it = |n: usize| key.ends_with(things()[n].key.as_str());
            fault.times > 0 && is_it(&fault.what) && fault.thing.is_none_or(of_it)
        })?;
        if fault.after > 0 {
            fault.after -= 1;
            return None;
        }
        fault.times -= 1;
        Some(fault.what)
    }

    pub(crate) fn touch(&self, key: &str) {
        let thing = things().iter().find(|thing| key.ends_with(&thing.key));
        let key = thing.map_or(key, |thing| thing.key.as_str());
        self.state().seen.keys.insert(key.to_owned());
    }

    pub(crate) fn struck(&self, operation: Operation, key: &str) {
        match operation {
            Operation::Check => self.state().seen.all = true,
            Operation::List | Operation::Page => {
                let collection = key.trim_end_matches('/').to_owned();
                self.state().seen.listings.insert(collection);
            }
            _ => self.touch(key),
        }
    }

    pub(crate) fn wrong(&self, what: String) {
        self.state().seen.wrong.push(what);
    }

    /// What is never allowed, whatever happens: a write by an audit, a removal by a heal.
    pub(crate) fn may(&self, who: usize, operation: Operation, key: &str) {
        let state = self.state();
        let (writes, removes) = (state.seats[who].writes, state.seats[who].removes);
        drop(state);
        let is_write = matches!(
            operation,
            Operation::Stage
                | Operation::Write
                | Operation::Seal
                | Operation::Publish
                | Operation::SetAside
                | Operation::Sweep
        );
        if is_write && !writes {
            self.wrong(format!("I12: an audit does {operation:?} on {key}"));
        }
        if operation == Operation::Remove && !removes {
            self.wrong(format!("I2: a heal removes {key}"));
        }
    }

    pub(crate) fn about_to_publish(&self, who: usize, key: &str) {
        let Some(hands) = self.hands.get() else { return };
        let now = hands.object(key);
        self.state().before.insert(who, now);
    }

    /// Bytes were published under a key.
    pub(crate) fn published(&self, who: usize, key: &str) {
        let Some(hands) = self.hands.get() else { return };
        let (Some(thing), Some((bytes, _))) = (thing_at(key), hands.object(key)) else {
            // Copies of orphans come back by a person's word.
            return;
        };
        let mut state = self.state();
        state.seen.published.insert(key.to_owned());
        let before = state.before.remove(&who).flatten();
        let asked_at = state.seats[who].asked_at.unwrap_or_else(Instant::now);
        let (probe, mangles) = (state.seats[who].probes.get(key).cloned(), state.mangles);
        let removes = state.seats[who].removes;
        drop(state);
        if digest_of(&bytes) != thing.digest && !mangles && !removes {
            self.wrong(format!("I1: wrong bytes were published under {key}"));
        }
        let rows = hands.catalog.rows().clone();
        let state = self.state();
        let knew = state.seats[who].rows_read_at == state.row_changes;
        drop(state);
        if rows_of(thing, &rows).is_empty() && !removes && knew && self.one_by_one {
            self.wrong(format!("{key} was published, and no row wants it"));
        }
        let Some((at, told)) = probe else {
            self.wrong(format!("I2: {key} was published without a probe"));
            return;
        };
        let age = asked_at - at;
        if age > PROBE_AT_MOST {
            self.wrong(format!("I2: {key} was published {age:?} after its probe"));
        }
        match before {
            None => self.reach("a hole was filled"),
            Some((old, meta)) => {
                self.reach("an object was replaced");
                let was_right = digest_of(&old) == thing.digest;
                let unreadable = self.state().seats[who].replaces_unreadable;
                if was_right && !unreadable {
                    self.wrong(format!("I2: {key} was right, and was replaced"));
                }
                if told.as_ref() != Some(&meta) && !unreadable {
                    self.wrong(format!("I2: {key} was replaced as another than was probed"));
                }
            }
        }
    }
}

/// How much time a clock was set by.
pub(crate) fn by(seconds: i64) -> TimeDelta {
    TimeDelta::seconds(seconds)
}
