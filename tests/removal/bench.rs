//! A world with orphans in it, and a plan to take them away.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use restock::catalog::Catalog;
use restock::model::{Removal, RemovalResult};
use restock::observe::Silent;
use restock::plan::{Disposal, OrphanEntry, OrphansPlan, PlanIdentity};
use restock::removal::{Record, RemovalError, Remover};
use restock::store::{Probe, RemovingStore, StoreOptions, open_removing};
use tokio_util::sync::CancellationToken;

use crate::memory_catalog::MemoryCatalog;
use crate::memory_ledger::MemoryLedger;
use crate::memory_store::MemoryStore;
use crate::support::world::{COLLECTION, Object, World};

pub(crate) const QUARANTINE: &str = "restock-quarantine";

/// The world, its orphans, and a plan for them.
pub(crate) struct Bench {
    pub(crate) world: World,
    pub(crate) store: Arc<dyn RemovingStore>,
    /// The double, where there is no directory.
    pub(crate) memory: Option<MemoryStore>,
    pub(crate) orphans: Vec<Object>,
    pub(crate) plan: OrphansPlan,
}

pub(crate) fn orphan(n: u32) -> Object {
    Object::of(format!("nobody wants this {n}"), "orphan.pkg")
}

impl Bench {
    /// Three objects that rows want, and `n` orphans, in memory.
    pub(crate) async fn in_memory(n: u32) -> Self {
        let (mut world, memory) = (World::empty().await, MemoryStore::new());
        world.store = Some(Arc::new(memory.clone()));
        world.ledger = Some(Arc::new(MemoryLedger::new()));
        world.stop_the_clock();
        Self::with(world, Arc::new(memory.clone()), Some(memory), n).await
    }

    /// The same in a directory.
    pub(crate) async fn in_a_directory(n: u32) -> Self {
        let mut world = World::empty().await;
        world.stop_the_clock();
        let options = StoreOptions { url: "store".to_owned(), ..StoreOptions::default() };
        let store = open_removing(&options, world.dir.path()).await.unwrap();
        Self::with(world, store, None, n).await
    }

    async fn with(
        world: World,
        store: Arc<dyn RemovingStore>,
        memory: Option<MemoryStore>,
        n: u32,
    ) -> Self {
        let identity = PlanIdentity {
            catalog: world.open_catalog().await.identity().to_owned(),
            store: store.identity().to_owned(),
        };
        let now = world.clock.now();
        let id = uuid::Uuid::now_v7().to_string();
        let plan = OrphansPlan::new(id, "pass", now, identity, Disposal::Quarantine, Vec::new());
        let orphans: Vec<_> = (0..n).map(orphan).collect();
        let mut bench = Self { world, store, memory, orphans: orphans.clone(), plan };
        for wanted in (0..3).map(Object::nth) {
            bench.put(&wanted.key, &wanted.bytes);
            bench.world.row(&bench.world.row_of(&wanted)).await;
        }
        for orphan in &orphans {
            bench.put(&orphan.key, &orphan.bytes);
            let entry = bench.entry(orphan).await;
            bench.plan.entries.push(entry);
        }
        bench
    }

    /// The entry of an orphan that is there.
    pub(crate) async fn entry(&self, orphan: &Object) -> OrphanEntry {
        let Probe::Present(version) = self.store.probe(&orphan.key).await else { panic!("absent") };
        OrphanEntry {
            collection: COLLECTION.to_owned(),
            key: orphan.key.clone(),
            digest: orphan.digest,
            size: version.size,
            etag: version.etag,
            modified: version.modified,
            first_seen: DateTime::UNIX_EPOCH,
            sightings: 3,
            reason: "flagged".to_owned(),
            detail: String::new(),
        }
    }

    pub(crate) fn put(&self, key: &str, bytes: &[u8]) {
        match &self.memory {
            Some(memory) => memory.put(key, bytes.to_vec()),
            None => self.world.put(key, bytes),
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<Vec<u8>> {
        match &self.memory {
            Some(memory) => memory.get(key).map(|bytes| bytes.to_vec()),
            None => self.world.get(key),
        }
    }

    /// Everything in the store, by key.
    pub(crate) fn content(&self) -> BTreeMap<String, Vec<u8>> {
        if let Some(memory) = &self.memory {
            let pair = |key: String| (key.clone(), memory.get(&key).unwrap().to_vec());
            return memory.keys().into_iter().map(pair).collect();
        }
        let content = self.world.store_content().into_iter();
        content.map(|(path, bytes)| (path.to_str().unwrap().to_owned(), bytes)).collect()
    }

    /// What the store holds with these orphans under their keys, and those under their copies'.
    pub(crate) fn expected(&self, there: &[Object], moved: &[Object]) -> BTreeMap<String, Vec<u8>> {
        let wanted: Vec<_> = (0..3).map(Object::nth).collect();
        let own = wanted.iter().chain(there).map(|object| (object.key.clone(), &object.bytes));
        let aside = moved.iter().map(|object| (self.copy_of(object), &object.bytes));
        own.chain(aside).map(|(key, bytes)| (key, bytes.clone())).collect()
    }

    pub(crate) fn copy_of(&self, orphan: &Object) -> String {
        format!("{QUARANTINE}/orphans/{}/{}", self.plan.plan_id, orphan.key)
    }

    pub(crate) fn record_path(&self) -> PathBuf {
        Record::path_of(&self.world.dir.path().join("plan.json"))
    }

    pub(crate) fn record(&self) -> Record {
        let (path, now) = (self.record_path(), self.world.clock.now());
        Record::open(&path, &self.plan.plan_id, &self.plan.identity, now).unwrap()
    }

    pub(crate) async fn remover(&self, store: Arc<dyn RemovingStore>) -> Remover {
        let catalog = self.world.open_catalog().await;
        self.remover_with(catalog, store).await
    }

    pub(crate) async fn remover_with(
        &self,
        catalog: Arc<dyn Catalog>,
        store: Arc<dyn RemovingStore>,
    ) -> Remover {
        Remover {
            catalog,
            store,
            ledger: self.world.open_ledger().await,
            clock: Arc::clone(&self.world.clock),
            observer: Arc::new(Silent),
            quarantine: QUARANTINE.to_owned(),
            cancel: CancellationToken::new(),
        }
    }

    /// A copy of the catalog, to be changed between two look-ups.
    pub(crate) async fn copy_of_catalog(&self) -> MemoryCatalog {
        MemoryCatalog::copy_of(&*self.world.open_catalog().await, &self.world.clock).await
    }

    pub(crate) async fn try_apply(&self) -> Result<Vec<Removal>, RemovalError> {
        let remover = self.remover(Arc::clone(&self.store)).await;
        remover.apply(&self.plan, self.plan.action, &mut self.record()).await
    }

    /// Carries the plan out, and tells how each entry ended.
    pub(crate) async fn apply(&self) -> Vec<(RemovalResult, String)> {
        briefly(&self.try_apply().await.unwrap())
    }

    /// Puts back what the record says was moved.
    pub(crate) async fn restore(&self) -> Vec<(RemovalResult, String)> {
        let remover = self.remover(Arc::clone(&self.store)).await;
        briefly(&remover.restore(&mut self.record()).await.unwrap())
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.world.clock.now()
    }
}

/// Results and details.
pub(crate) fn briefly(removals: &[Removal]) -> Vec<(RemovalResult, String)> {
    removals.iter().map(|removal| (removal.result, removal.detail.clone())).collect()
}

/// The results alone.
pub(crate) fn results(ended: &[(RemovalResult, String)]) -> Vec<RemovalResult> {
    ended.iter().map(|(result, _)| *result).collect()
}
