//! Plays a history: one step after the other on simulated time, and after each of them everything
//! that restock owes is looked at.

use std::collections::BTreeMap;

use restock::model::Digest;
use restock::plan::{Disposal, Plan};
use tokio::time::Duration;

use crate::case::Lies;
use crate::fate::Seen;
use crate::orphans::Then;
use crate::step::{Happening, History, Step};
use crate::things::digest_of;
use crate::world::World;

/// What playing a history came to.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// The step at which something was wrong, and what.
    pub(crate) wrong: Option<(usize, Vec<String>)>,
    pub(crate) reached: BTreeMap<&'static str, u64>,
    pub(crate) steps: u64,
    pub(crate) passes: u64,
    pub(crate) log: Vec<String>,
}

/// Plays it from its beginning to its end, and then until everything is well again.
pub(crate) fn play(seed: u64, history: &History, logs: bool) -> Played {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(async {
        let mut player = Player::new(seed, history, logs);
        for (at, step) in history.steps.iter().enumerate() {
            player.step(step).await;
            if player.is_wrong(at) {
                return player.played;
            }
        }
        player.settle().await;
        player.is_wrong(history.steps.len());
        player.played
    })
}

pub(crate) struct Player {
    pub(crate) world: World,
    pub(crate) paused: bool,
    /// By how much restock's clock was set back in all, between passes and in them.
    pub(crate) set_back: chrono::TimeDelta,
    pub(crate) plan: Option<Plan>,
    pub(crate) wrong: Vec<String>,
    pub(crate) played: Played,
    /// The digest of each version that ever lay under a key, by the store's tag of it.
    pub(crate) versions: BTreeMap<(String, String), Digest>,
}

impl Player {
    fn new(seed: u64, history: &History, logs: bool) -> Self {
        let mut player = Self {
            world: World::new(seed, history.settings, logs),
            paused: false,
            set_back: history.set_back(),
            plan: None,
            wrong: Vec::new(),
            played: Played::default(),
            versions: BTreeMap::new(),
        };
        player.altered();
        player
    }

    fn is_wrong(&mut self, at: usize) -> bool {
        self.gather();
        let wrong = std::mem::take(&mut self.wrong);
        if wrong.is_empty() {
            return false;
        }
        self.played.wrong = Some((at, wrong));
        true
    }

    /// What was seen since this was called last goes into the sum.
    pub(crate) fn gather(&mut self) -> Seen {
        let seen = self.world.fate.take_seen();
        self.wrong.extend(seen.wrong.iter().cloned());
        for (what, n) in &seen.reached {
            *self.played.reached.entry(what).or_default() += n;
        }
        self.played.log.extend(seen.log.iter().cloned());
        seen
    }

    pub(crate) async fn step(&mut self, step: &Step) {
        self.played.steps += 1;
        self.world.fate.log(|| format!("-- {step:?}"));
        match step {
            Step::Happens(what) => self.happen(*what),
            Step::Wait(minutes) => {
                tokio::time::sleep(Duration::from_mins(u64::from(*minutes))).await;
            }
            Step::Pass(pass) => Box::pin(self.pass(pass)).await,
            Step::Both(one, other) => Box::pin(self.both(one, other)).await,
            Step::Acknowledge(right) => self.acknowledge(*right).await,
            Step::Accept(n) => self.accept(*n).await,
            Step::Pause(paused) => self.paused = *paused,
            Step::Probe(n, faults) => self.probe(*n, faults).await,
            Step::Orphans { delete, restore, faults, meanwhile } => {
                let then = if *restore { Then::Restore } else { Then::Leave };
                let disposal = if *delete { Disposal::Delete } else { Disposal::Quarantine };
                Box::pin(self.orphans(disposal, then, faults, meanwhile)).await;
            }
        }
        self.is_true_what_is_remembered().await;
    }

    pub(crate) fn happen(&mut self, what: Happening) {
        self.world.hands.happen(what);
    }

    /// What lay under keys since this was asked last.
    pub(crate) fn altered(&mut self) -> Vec<(String, Lies)> {
        let altered = self.world.hands.store.take_altered();
        for one in &altered {
            if let Some((bytes, meta)) = &one.now {
                let tag = meta.etag.clone().unwrap_or_default();
                self.versions.insert((one.key.clone(), tag), digest_of(bytes));
            }
        }
        altered.into_iter().map(|one| (one.key, one.now)).collect()
    }
}
