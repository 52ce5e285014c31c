//! A store in memory that fails as it is told to, or as a meddler wants. For faults and simulation
//! alone: what a store does when all is well is tested on real ones.

#![allow(dead_code, reason = "each test takes some of it")]

#[path = "memory_hooks.rs"]
mod hooks;
#[path = "memory_meddler.rs"]
mod meddler;
#[path = "memory_removing.rs"]
mod removing;
#[path = "memory_staged.rs"]
mod staged;
#[path = "memory_unreadable.rs"]
mod unreadable;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use restock::clock::Clock;
use restock::model::{ObjectMeta, StoreRequests, Upload, is_temporary};
use restock::store::{
    ListRequest, ListedPage, Observed, Probe, Reading, Store, StoreError, StoreFault,
};

pub(crate) use meddler::{Meddler, Moment};

/// What may be told to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Check,
    List,
    /// One page of a listing.
    Page,
    Probe,
    Read,
    /// One chunk of an object that is read.
    Chunk,
    Stage,
    Write,
    Seal,
    /// Fails, and nothing is published.
    Publish,
    /// Publishes, and answers an error all the same.
    PublishAnswer,
    SetAside,
    Sweep,
    /// Fails, and nothing is removed.
    Remove,
    /// Removes, and answers an error all the same.
    RemoveAnswer,
}

/// The order in which a listing hands out its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Ascending,
    Shuffled,
}

/// Something that changed the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Staged(String),
    Published(String),
    Discarded(String),
    SetAside { key: String, to: String },
    Swept(Upload),
    Removed(String),
}

/// What lies under a key from now on, whoever put it there or took it away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Altered {
    pub(crate) key: String,
    pub(crate) now: Option<(Bytes, ObjectMeta)>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, (Bytes, ObjectMeta)>,
    unaddressable: Vec<String>,
    odd: unreadable::Odd,
    uploads: BTreeMap<String, String>,
    faults: Vec<(Operation, String, usize, StoreFault)>,
    pages_before_break: Option<usize>,
    changes: Vec<Change>,
    altered: Vec<Altered>,
    requests: StoreRequests,
    versions: u64,
    reads: BTreeMap<String, u32>,
    hooks: hooks::Hooks,
}

/// The store; clones share what is in it.
#[derive(Clone)]
pub(crate) struct MemoryStore {
    state: Arc<Mutex<State>>,
    identity: String,
    order: Order,
    page_keys: usize,
    now: DateTime<Utc>,
    clock: Option<Arc<dyn Clock>>,
    meddler: Option<Arc<dyn Meddler>>,
}

impl MemoryStore {
    pub(crate) fn new() -> Self {
        Self {
            state: Arc::default(),
            identity: "memory://test".to_owned(),
            order: Order::Shuffled,
            page_keys: 100,
            now: "2026-01-02T03:04:05Z".parse().unwrap(),
            clock: None,
            meddler: None,
        }
    }

    /// The same, dated by a clock of its own, and meddled with.
    pub(crate) fn meddled(mut self, clock: Arc<dyn Clock>, meddler: Arc<dyn Meddler>) -> Self {
        (self.clock, self.meddler) = (Some(clock), Some(meddler));
        self
    }

    /// What time it is in the store.
    fn now(&self) -> DateTime<Utc> {
        self.clock.as_ref().map_or(self.now, |clock| clock.now())
    }

    /// The same, listed in another order and with other pages.
    pub(crate) fn listed(mut self, order: Order, page_keys: usize) -> Self {
        (self.order, self.page_keys) = (order, page_keys);
        self
    }

    /// Puts an object there behind everybody's back.
    pub(crate) fn put(&self, key: &str, bytes: impl Into<Bytes>) {
        self.put_modified(key, bytes, self.now());
    }

    pub(crate) fn put_modified(&self, key: &str, bytes: impl Into<Bytes>, at: DateTime<Utc>) {
        let (mut state, bytes) = (self.state(), bytes.into());
        state.versions += 1;
        let meta = ObjectMeta {
            size: bytes.len().try_into().unwrap(),
            etag: Some(format!("v{}", state.versions)),
            modified: Some(at),
        };
        state.set(key, Some((bytes, meta)));
    }

    pub(crate) fn remove(&self, key: &str) {
        self.state().set(key, None);
    }

    pub(crate) fn get(&self, key: &str) -> Option<Bytes> {
        self.state().objects.get(key).map(|(bytes, _)| bytes.clone())
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.state().objects.keys().cloned().collect()
    }

    /// The next `times` operations on keys that start with `key` fail; a listing's key is the
    /// prefix that it asks for.
    pub(crate) fn fail(&self, operation: Operation, key: &str, times: usize, fault: StoreFault) {
        self.state().faults.push((operation, key.to_owned(), times, fault));
    }

    /// Listings break off after so many pages, until [`Self::mend`].
    pub(crate) fn break_listings_after(&self, pages: usize) {
        self.state().pages_before_break = Some(pages);
    }

    /// Takes back every fault.
    pub(crate) fn mend(&self) {
        let mut state = self.state();
        state.faults.clear();
        state.odd.frozen.clear();
        state.pages_before_break = None;
    }

    /// How often each key was read.
    pub(crate) fn reads(&self) -> BTreeMap<String, u32> {
        self.state().reads.clone()
    }

    /// Everything that lay under any key at any time, in order, since this was asked last.
    pub(crate) fn take_altered(&self) -> Vec<Altered> {
        std::mem::take(&mut self.state().altered)
    }

    /// What lies there, with what the store says of it.
    pub(crate) fn objects(&self) -> BTreeMap<String, (Bytes, ObjectMeta)> {
        self.state().objects.clone()
    }

    /// What changed the store, in order.
    pub(crate) fn changes(&self) -> Vec<Change> {
        self.state().changes.clone()
    }

    /// Uploads that are neither published nor thrown away.
    pub(crate) fn open_uploads(&self) -> Vec<Upload> {
        let uploads = self.state().uploads.clone();
        uploads.into_iter().map(|(id, key)| Upload { key, id }).collect()
    }

    /// Objects of a simulation are small, and come in several chunks all the same.
    fn chunk_bytes(&self) -> usize {
        if self.meddler.is_some() { 16 } else { 64 << 10 }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Lets the meddler step in, and then whatever a test told.
    async fn meet(&self, operation: Operation, key: &str) -> Result<(), StoreError> {
        self.meddle(Moment::Before, operation, key).await?;
        self.fault(operation, key)
    }

    async fn meddle(
        &self,
        moment: Moment,
        operation: Operation,
        key: &str,
    ) -> Result<(), StoreError> {
        self.run_hook(moment, operation);
        let Some(meddler) = &self.meddler else { return Ok(()) };
        meddler.meet(moment, operation, key).await.map_err(|fault| error(fault, operation, key))
    }

    fn fault(&self, operation: Operation, key: &str) -> Result<(), StoreError> {
        let mut state = self.state();
        let told = state.faults.iter_mut().find(|(known, prefix, times, _)| {
            *known == operation && key.starts_with(prefix.as_str()) && *times > 0
        });
        let Some((_, _, times, fault)) = told else { return Ok(()) };
        *times -= 1;
        Err(error(*fault, operation, key))
    }

    fn pages(&self, request: &ListRequest) -> Vec<Result<ListedPage, StoreError>> {
        let date = Some(self.now());
        let state = self.state();
        let inside = |key: &&String| key.starts_with(request.layout.prefix());
        let mut keys: Vec<&String> = state.objects.keys().filter(inside).collect();
        keys.retain(|key| !key.ends_with('/') && !is_temporary(key));
        if self.order == Order::Shuffled {
            keys.sort_by_key(|key| scrambled(key));
        }
        let observed = |key: &&String| {
            let (_, meta) = state.objects.get(*key)?;
            let archived = state.odd.archived.contains(*key);
            let (key, size, modified) = ((*key).clone(), meta.size, meta.modified);
            Some(Observed { key, size, modified, archived })
        };
        let mut pages: Vec<_> = keys
            .chunks(self.page_keys)
            .map(|keys| ListedPage {
                objects: keys.iter().filter_map(observed).collect(),
                date,
                ..ListedPage::default()
            })
            .collect();
        pages.push(ListedPage {
            unaddressable: state.unaddressable.iter().filter(inside).cloned().collect(),
            date,
            ..ListedPage::default()
        });
        drop(state);
        if let Some(meddler) = &self.meddler {
            let prefix = request.layout.prefix();
            let told = meddler.retell(prefix, pages).into_iter();
            return told
                .map(|page| page.map_err(|fault| error(fault, Operation::List, prefix)))
                .collect();
        }
        let state = self.state();
        let mut pages: Vec<_> = pages.into_iter().map(Ok).collect();
        if let Some(whole) = state.pages_before_break {
            pages.truncate(whole);
            pages.push(Err(error(StoreFault::Server, Operation::List, request.layout.prefix())));
        }
        pages
    }
}

impl State {
    fn set(&mut self, key: &str, now: Option<(Bytes, ObjectMeta)>) {
        match &now {
            Some(object) => self.objects.insert(key.to_owned(), object.clone()),
            None => self.objects.remove(key),
        };
        self.altered.push(Altered { key: key.to_owned(), now });
    }
}

fn scrambled(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

fn error(fault: StoreFault, operation: Operation, key: &str) -> StoreError {
    let action = format!("{operation:?} {key}").to_lowercase();
    StoreError { fault, action, hint: Some("as the test told it".to_owned()), source: None }
}

fn absent(operation: Operation, key: &str) -> StoreError {
    error(StoreFault::NotFound, operation, key)
}

#[async_trait]
impl Store for MemoryStore {
    fn identity(&self) -> &str {
        &self.identity
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.state().requests.list += 1;
        self.meet(Operation::Check, "").await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'_, Result<ListedPage, StoreError>> {
        self.state().requests.list += 1;
        let begin = stream::once(async move {
            let prefix = request.layout.prefix().to_owned();
            self.meet(Operation::List, &prefix).await?;
            let pages = stream::iter(self.pages(&request)).then(move |page| {
                let prefix = prefix.clone();
                async move {
                    self.meet(Operation::Page, &prefix).await?;
                    page
                }
            });
            let end = stream::once(async {
                self.run_hook(Moment::After, Operation::List);
                Ok(ListedPage::default())
            });
            Ok(pages.chain(end))
        });
        begin.try_flatten().boxed()
    }

    async fn probe(&self, key: &str) -> Probe {
        self.state().requests.head += 1;
        if let Err(error) = self.meet(Operation::Probe, key).await {
            return Probe::Unknown(error);
        }
        let truth = self.state().objects.get(key).map(|(_, meta)| meta.clone());
        let told = match &self.meddler {
            Some(meddler) => meddler.probed(key, truth),
            None => truth,
        };
        told.map_or(Probe::Absent, Probe::Present)
    }

    async fn read(&self, key: &str) -> Result<Reading, StoreError> {
        {
            let mut state = self.state();
            state.requests.get += 1;
            *state.reads.entry(key.to_owned()).or_default() += 1;
        }
        self.meet(Operation::Read, key).await?;
        let found = self.state().objects.get(key).cloned();
        let (bytes, meta) = found.ok_or_else(|| absent(Operation::Read, key))?;
        if let Some(fault) = self.refusal(key) {
            return Err(error(fault, Operation::Read, key));
        }
        let chunks: Vec<_> = bytes.chunks(self.chunk_bytes()).map(Bytes::copy_from_slice).collect();
        let (store, key) = (self.clone(), key.to_owned());
        let body = stream::iter(chunks).then(move |chunk| {
            let (store, key) = (store.clone(), key.clone());
            async move { store.meet(Operation::Chunk, &key).await.map(|()| chunk) }
        });
        Ok(Reading { meta, body: body.boxed() })
    }

    fn requests(&self) -> StoreRequests {
        self.state().requests
    }
}
