//! [`World`]: catalog, store, sources, ledger and clocks, and what happens to them.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use restock::clock::Clock;
use restock::heal::Healer;
use restock::model::{Size, Span};
use restock::observe::{Event, Observer};
use restock::pass::{Auditor, Settings};
use restock::plan::{BreakerOptions, HealOptions, OrphanOptions};
use restock::removal::Remover;
use restock::sorter::SorterOptions;
use restock::store::Archived;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::ear::Ear;
use crate::fate::Fate;
use crate::hands::{Hands, answer};
use crate::memory_catalog::MemoryCatalog;
use crate::memory_ledger::MemoryLedger;
use crate::memory_source::MemorySource;
use crate::memory_store::MemoryStore;
use crate::step::{Age, Gives, Happening, RowKind, Setting, Size as RowSize};
use crate::things::{collections, things};

/// When every history begins.
const BEGIN: i64 = 1_790_000_000;

/// The folder of copies.
pub(crate) const QUARANTINE: &str = "restock-quarantine";

/// How young a row is left alone.
pub(crate) const GRACE: Duration = Duration::from_mins(10);

/// A clock that goes with simulated time, and that people set.
pub(crate) struct SimClock {
    began: Instant,
    set_by: Mutex<TimeDelta>,
}

impl SimClock {
    fn new() -> Arc<Self> {
        Arc::new(Self { began: Instant::now(), set_by: Mutex::default() })
    }

    pub(crate) fn set(&self, by: TimeDelta) {
        *self.set_by.lock().unwrap() += by;
    }
}

impl Clock for SimClock {
    fn now(&self) -> DateTime<Utc> {
        let begin = DateTime::from_timestamp(BEGIN, 0).unwrap();
        let now = begin + TimeDelta::from_std(self.elapsed()).unwrap();
        (now + *self.set_by.lock().unwrap()).trunc_subsecs(3)
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

/// A world, and restock in it.
pub(crate) struct World {
    pub(crate) hands: Hands,
    pub(crate) fate: Arc<Fate>,
    pub(crate) ledger: MemoryLedger,
    pub(crate) setting: Setting,
}

/// Hears what restock tells, and puts it into the log.
struct Told(Weak<Fate>);

impl Observer for Told {
    fn notice(&self, event: &Event<'_>) {
        let Some(fate) = self.0.upgrade() else { return };
        match event {
            Event::Notice(line) => fate.log(|| format!("notice: {line}")),
            Event::Warning(line) => fate.log(|| format!("warning: {line}")),
            Event::Repaired { repair, .. } => {
                let result = repair.result.as_str();
                fate.log(|| format!("repair: {} {result}: {}", repair.key, repair.detail));
            }
            Event::Found(_) => fate.reach("a pass told what it found before it healed"),
            Event::BreakerTurned(_) => fate.reach("the breaker turned"),
            _ => {}
        }
    }
}

/// What is larger is not restored.
pub(crate) const MAX_OBJECT: usize = 4096;

impl World {
    /// A world at its start: some things are wanted, there, and to be had again.
    pub(crate) fn new(seed: u64, setting: Setting, logs: bool) -> Self {
        let fate = Fate::new(seed, logs, setting);
        let clocks = [SimClock::new(), SimClock::new(), SimClock::new()];
        let store = MemoryStore::new().listed(crate::memory_store::Order::Shuffled, 4);
        let catalog = MemoryCatalog::new(collections(setting.icons_heal), clocks[2].clone());
        let ear = |who| Arc::new(Ear { fate: Arc::downgrade(&fate), who });
        let hands = Hands {
            store: store.meddled(clocks[1].clone(), ear(0)),
            catalog,
            source: MemorySource::default(),
            clocks,
            rows: Arc::default(),
            versions: Arc::default(),
            fate: Arc::downgrade(&fate),
        };
        fate.give_hands(hands.clone());
        for (n, thing) in things().iter().enumerate() {
            for url in 0..2 {
                hands.source.serve(&thing.urls[url], answer(thing, Gives::Right));
            }
            if n < setting.begun {
                let kind = RowKind { age: Age::Old, size: RowSize::Right, url: Some(n % 2) };
                hands.happen(Happening::Row(n, kind));
                hands.happen(Happening::Upload(n));
            }
        }
        let ledger = MemoryLedger::new();
        let world = Self { hands, fate, ledger, setting };
        world.fate.take_seen();
        world
    }

    fn ear(&self, who: usize) -> Arc<Ear> {
        Arc::new(Ear { fate: Arc::downgrade(&self.fate), who })
    }

    pub(crate) fn store(&self, who: usize) -> Arc<MemoryStore> {
        let store = self.hands.store.clone();
        Arc::new(store.meddled(self.hands.clocks[1].clone(), self.ear(who)))
    }

    pub(crate) fn catalog(&self, who: usize) -> Arc<MemoryCatalog> {
        Arc::new(self.hands.catalog.clone().hindered(self.ear(who)))
    }

    fn source(&self, who: usize) -> Arc<MemorySource> {
        Arc::new(self.hands.source.clone().hindered(self.ear(who)))
    }

    pub(crate) fn ledger(&self, who: usize) -> Arc<MemoryLedger> {
        Arc::new(self.ledger.met_by(Ear { fate: Arc::downgrade(&self.fate), who }))
    }

    fn observer(&self) -> Arc<dyn Observer> {
        Arc::new(Told(Arc::downgrade(&self.fate)))
    }

    pub(crate) fn clock(&self) -> Arc<SimClock> {
        self.hands.clocks[0].clone()
    }

    fn heal_options(&self) -> HealOptions {
        HealOptions {
            replace_corrupt: self.setting.replace_corrupt,
            concurrency: self.setting.concurrency,
            max_object_size: Size(MAX_OBJECT as u64),
            verify_up_to: Size(if self.setting.verify { 16 << 20 } else { 0 }),
            quarantine: self.quarantine(),
            ..HealOptions::default()
        }
    }

    fn quarantine(&self) -> String {
        if self.setting.quarantine { QUARANTINE.to_owned() } else { String::new() }
    }

    pub(crate) fn breaker_options(&self) -> BreakerOptions {
        if self.setting.breaker {
            return BreakerOptions::default();
        }
        BreakerOptions { missing_share: 1.0, shrunk_share: 1.0, ..BreakerOptions::default() }
    }

    pub(crate) fn auditor(&self, who: usize) -> Auditor {
        let archived =
            if self.setting.archived_is_present { Archived::Present } else { Archived::Unknown };
        Auditor {
            catalog: self.catalog(who),
            store: self.store(who),
            source: self.source(who),
            ledger: self.ledger(who),
            clock: self.clock(),
            observer: self.observer(),
            settings: Settings {
                grace: GRACE,
                concurrency: self.setting.concurrency,
                deep_concurrency: self.setting.concurrency,
                bandwidth: None,
                heal: self.heal_options(),
                breaker: self.breaker_options(),
                orphans: OrphanOptions { grace: Span::seconds(48 * 3600), sightings: 3 },
                archived,
                accepted: Vec::new(),
                retain: Duration::from_hours(90 * 24),
                sorter: SorterOptions::default(),
            },
            cancel: CancellationToken::new(),
        }
    }

    pub(crate) fn healer(&self, who: usize) -> Healer {
        Healer {
            catalog: self.catalog(who),
            store: self.store(who),
            source: self.source(who),
            ledger: self.ledger(who),
            clock: self.clock(),
            observer: self.observer(),
            options: self.heal_options(),
            tries: 2,
            chance: || 0.5,
            cancel: CancellationToken::new(),
        }
    }

    pub(crate) fn remover(&self, who: usize) -> Remover {
        Remover {
            catalog: self.catalog(who),
            store: self.store(who),
            ledger: self.ledger(who),
            clock: self.clock(),
            observer: self.observer(),
            quarantine: QUARANTINE.to_owned(),
            cancel: CancellationToken::new(),
        }
    }
}
