//! The end of each history: nothing fails any more, every source is good, a person answers the
//! breaker; then everything that is wanted has to be right again (invariant I4).

use restock::ledger::Ledger as _;

use crate::memory_catalog::{Cell, Written};
use crate::play::Player;
use crate::step::{Depth, Gives, Happening, Kind, Pass, Step};
use crate::things::{ICONS, digest_of, things};

/// Passes until the longest back-off is over, one an hour.
const PASSES: usize = 26;

impl Player {
    pub(crate) async fn settle(&mut self) {
        self.make_well();
        for at in 0..PASSES {
            self.step(&Step::Acknowledge(true)).await;
            let deep = if at % 8 == 1 { Depth::Whole } else { Depth::Shallow };
            self.step(&Step::Pass(calm(Kind::Daemon, deep))).await;
            self.step(&Step::Wait(60)).await;
            if self.is_done(at).await {
                break;
            }
        }
        self.step(&Step::Pass(calm(Kind::Audit, Depth::Whole))).await;
        self.all_is_right();
    }

    /// Whether two passes in a row found nothing to heal: then nothing more happens.
    async fn is_done(&self, at: usize) -> bool {
        at > 1 && self.world.ledger.breaker().await.unwrap().is_none() && self.missing() == 0
    }

    fn make_well(&mut self) {
        self.paused = false;
        self.happen(Happening::Mangle(false));
        self.happen(Happening::MendRows);
        for n in 0..things().len() {
            self.happen(Happening::Readable(n));
            for url in 0..2 {
                self.happen(Happening::Source(n, url, Gives::Right));
            }
        }
        // The person who mended the sources saved the rows.
        let now = restock::clock::Clock::now(&*self.world.hands.clocks[2]);
        let mut rows = self.world.hands.catalog.rows();
        for row in rows.iter_mut() {
            let Cell::Digest(digest) = row.digest else { continue };
            let Some(thing) = crate::model::thing_of(&digest) else { continue };
            row.written = Written::At(now - chrono::TimeDelta::hours(1));
            row.sources = restock::model::Sources::of_url(&thing.urls[0]);
            row.size = None;
        }
    }

    /// How many things are wanted, could be healed, and are not right.
    fn missing(&self) -> usize {
        self.not_right().len()
    }

    fn not_right(&self) -> Vec<String> {
        let rows = self.world.hands.catalog.rows().clone();
        let objects = self.world.hands.store.objects();
        let setting = self.world.setting;
        let is_wanted = |thing: &&crate::things::Thing| {
            !crate::model::rows_of(thing, &rows).is_empty()
                && (thing.collection != ICONS || setting.icons_heal)
        };
        let is_wrong = |thing: &&crate::things::Thing| match objects.get(&thing.key) {
            None => true,
            Some((bytes, _)) => digest_of(bytes) != thing.digest && setting.replace_corrupt,
        };
        let wrong = things().iter().filter(is_wanted).filter(is_wrong);
        wrong.map(|thing| thing.key.clone()).collect()
    }

    fn all_is_right(&mut self) {
        for key in self.not_right() {
            self.wrong.push(format!("I4: {key} was not healed although nothing failed any more"));
        }
    }
}

fn calm(kind: Kind, deep: Depth) -> Pass {
    Pass {
        kind,
        deep,
        slice: (1, 1),
        installers_only: false,
        faults: Vec::new(),
        meanwhile: Vec::new(),
        crash: None,
    }
}
