//! What lies in the quarantine, and taking away what has lain there for long.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt;

use crate::clock::Clock;
use crate::ledger::Ledger;
use crate::model::{KeyTemplate, RemovalResult, Slice, error_chain};
use crate::observe::Event;
use crate::plan::{Aside, AsideKind};
use crate::store::{ListRequest, Probe, Store};

use super::{RemovalError, Removed, Remover};

/// What was found in the quarantine.
#[derive(Debug)]
pub struct Quarantine {
    /// Everything in it, by key.
    pub objects: Vec<Aside>,
    /// The time against which ages are taken, by the store's clock.
    pub now: DateTime<Utc>,
    folder: String,
}

/// What became of something that was to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned {
    /// What it was.
    pub aside: Aside,
    /// Why it is still there; `None` where it is gone.
    pub left: Option<String>,
}

impl Quarantine {
    /// Lists the folder, which is not empty.
    pub async fn list(
        store: &dyn Store,
        ledger: &dyn Ledger,
        clock: &dyn Clock,
        folder: &str,
    ) -> Result<Self, RemovalError> {
        let removals = ledger.removals(u32::MAX).await?;
        let moved: HashMap<_, _> = removals
            .into_iter()
            .filter(|removal| removal.result == RemovalResult::Moved)
            .filter_map(|removal| Some((removal.to?, removal.at)))
            .collect();
        let layout = KeyTemplate::below(folder);
        let mut pages = store.list(ListRequest { layout, slice: Slice::WHOLE, concurrency: 1 });
        let (mut objects, mut now) = (Vec::new(), None);
        while let Some(page) = pages.try_next().await? {
            now = now.or(page.date);
            for object in page.objects {
                let mut aside = Aside::parse(folder, &object.key, object.size);
                aside.witnessed(object.modified);
                aside.witnessed(moved.get(&object.key).copied());
                objects.push(aside);
            }
            objects.extend(
                page.unaddressable
                    .into_iter()
                    .map(|key| Aside { kind: AsideKind::Foreign, ..Aside::parse(folder, &key, 0) }),
            );
        }
        objects.sort();
        objects.dedup();
        let now = now.map_or_else(|| clock.now(), |told| told.min(clock.now()));
        Ok(Self { objects, now, folder: folder.to_owned() })
    }

    /// What restock put there longer ago than this.
    pub fn older(&self, than: TimeDelta) -> Vec<Aside> {
        let older = self.objects.iter().filter(|aside| aside.is_older(than, self.now));
        older.cloned().collect()
    }
}

impl Remover {
    /// Removes what has lain in the quarantine for longer than this, and nothing else.
    pub async fn prune(
        &self,
        quarantine: &Quarantine,
        older_than: TimeDelta,
    ) -> Result<Vec<Pruned>, RemovalError> {
        let doomed = quarantine.older(older_than);
        self.observer.notice(&Event::Phase {
            name: "pruning",
            total_objects: u64::try_from(doomed.len()).ok(),
            total_bytes: None,
        });
        let mut pruned = Vec::with_capacity(doomed.len());
        for mut aside in doomed {
            if self.cancel.is_cancelled() {
                break;
            }
            let left = self.prune_one(&mut aside, quarantine, older_than).await;
            self.observer.notice(&Event::Confirmed(1));
            pruned.push(Pruned { aside, left });
        }
        if pruned.iter().any(|pruned| pruned.left.is_none()) {
            self.store.remove_empty_folders(&quarantine.folder).await?;
        }
        Ok(pruned)
    }

    async fn prune_one(
        &self,
        aside: &mut Aside,
        quarantine: &Quarantine,
        older_than: TimeDelta,
    ) -> Option<String> {
        let inside = format!("{}/", quarantine.folder);
        if !aside.key.starts_with(&inside) {
            return Some("it does not lie in the quarantine".to_owned());
        }
        let now = match self.store.probe(&aside.key).await {
            Probe::Absent => return None,
            Probe::Unknown(error) => return Some(error_chain(&error)),
            Probe::Present(now) => now,
        };
        aside.witnessed(now.modified);
        if !aside.is_older(older_than, quarantine.now) {
            return Some("it was written again meanwhile".to_owned());
        }
        match self.remove(&aside.key, &now).await {
            Removed::Gone => None,
            Removed::Stays(why) => Some(why),
            Removed::Unknown(error) => Some(error_chain(&error)),
        }
    }
}
