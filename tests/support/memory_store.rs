//! A store in memory that fails as it is told to. For faults alone: what a store does when all is
//! well is tested on real ones.

#[path = "memory_removing.rs"]
mod removing;
#[path = "memory_unreadable.rs"]
mod unreadable;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream, StreamExt};
use restock::model::{ObjectMeta, StoreRequests, Upload, is_temporary};
use restock::store::{
    BoxError, Condition, HealStore, ListRequest, ListedPage, Observed, Probe, Reading, Staged,
    Store, StoreError, StoreFault, UploadJournal,
};

/// What may be told to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Check,
    List,
    Probe,
    Read,
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

/// A closure that runs once, in the middle of something.
type Hook = Box<dyn FnOnce(&MemoryStore) + Send>;

#[derive(Default)]
struct State {
    objects: BTreeMap<String, (Bytes, ObjectMeta)>,
    unaddressable: Vec<String>,
    odd: unreadable::Odd,
    uploads: BTreeMap<String, String>,
    faults: Vec<(Operation, String, usize, StoreFault)>,
    pages_before_break: Option<usize>,
    changes: Vec<Change>,
    requests: StoreRequests,
    versions: u64,
    after_listing: Option<Hook>,
    after_chunk: Option<Hook>,
    after_removal: Option<Hook>,
}

/// The store; clones share what is in it.
#[derive(Clone)]
pub(crate) struct MemoryStore {
    state: Arc<Mutex<State>>,
    identity: String,
    order: Order,
    page_keys: usize,
    now: DateTime<Utc>,
}

impl MemoryStore {
    pub(crate) fn new() -> Self {
        Self {
            state: Arc::default(),
            identity: "memory://test".to_owned(),
            order: Order::Shuffled,
            page_keys: 100,
            now: "2026-01-02T03:04:05Z".parse().unwrap(),
        }
    }

    /// The same, listed in another order and with other pages.
    pub(crate) fn listed(mut self, order: Order, page_keys: usize) -> Self {
        (self.order, self.page_keys) = (order, page_keys);
        self
    }

    /// Puts an object there behind everybody's back.
    pub(crate) fn put(&self, key: &str, bytes: impl Into<Bytes>) {
        let now = self.now;
        self.put_modified(key, bytes, now);
    }

    pub(crate) fn put_modified(&self, key: &str, bytes: impl Into<Bytes>, at: DateTime<Utc>) {
        let (mut state, bytes) = (self.state(), bytes.into());
        state.versions += 1;
        let meta = ObjectMeta {
            size: bytes.len() as u64,
            etag: Some(format!("v{}", state.versions)),
            modified: Some(at),
        };
        state.objects.insert(key.to_owned(), (bytes, meta));
    }

    pub(crate) fn remove(&self, key: &str) {
        self.state().objects.remove(key);
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
        state.pages_before_break = None;
    }

    /// Runs once, right after a listing came to its end.
    pub(crate) fn after_listing(&self, hook: impl FnOnce(&Self) + Send + 'static) {
        self.state().after_listing = Some(Box::new(hook));
    }

    /// Runs once, after the first chunk that a heal writes.
    pub(crate) fn after_chunk(&self, hook: impl FnOnce(&Self) + Send + 'static) {
        self.state().after_chunk = Some(Box::new(hook));
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

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
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
        let state = self.state();
        let inside = |key: &&String| key.starts_with(request.layout.prefix());
        let mut keys: Vec<&String> = state.objects.keys().filter(inside).collect();
        keys.retain(|key| !key.ends_with('/') && !is_temporary(key));
        if self.order == Order::Shuffled {
            keys.sort_by_key(|key| scrambled(key));
        }
        let observed = |key: &&String| {
            let meta = &state.objects[*key].1;
            let archived = state.odd.archived.contains(*key);
            Observed { key: (*key).clone(), size: meta.size, modified: meta.modified, archived }
        };
        let mut pages: Vec<_> = keys
            .chunks(self.page_keys)
            .map(|keys| ListedPage {
                objects: keys.iter().map(observed).collect(),
                date: Some(self.now),
                ..ListedPage::default()
            })
            .collect();
        pages.push(ListedPage {
            unaddressable: state.unaddressable.iter().filter(inside).cloned().collect(),
            date: Some(self.now),
            ..ListedPage::default()
        });
        let mut pages: Vec<_> = pages.into_iter().map(Ok).collect();
        if let Some(whole) = state.pages_before_break {
            pages.truncate(whole);
            pages.push(Err(error(StoreFault::Server, Operation::List, request.layout.prefix())));
        }
        pages
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
        self.fault(Operation::Check, "")
    }

    fn list(&self, request: ListRequest) -> BoxStream<'_, Result<ListedPage, StoreError>> {
        self.state().requests.list += 1;
        if let Err(error) = self.fault(Operation::List, request.layout.prefix()) {
            return stream::iter([Err(error)]).boxed();
        }
        let pages = stream::iter(self.pages(&request));
        let end = stream::once(async {
            let hook = self.state().after_listing.take();
            if let Some(hook) = hook {
                hook(self);
            }
            Ok(ListedPage::default())
        });
        pages.chain(end).boxed()
    }

    async fn probe(&self, key: &str) -> Probe {
        self.state().requests.head += 1;
        if let Err(error) = self.fault(Operation::Probe, key) {
            return Probe::Unknown(error);
        }
        match self.state().objects.get(key) {
            Some((_, meta)) => Probe::Present(meta.clone()),
            None => Probe::Absent,
        }
    }

    async fn read(&self, key: &str) -> Result<Reading, StoreError> {
        self.state().requests.get += 1;
        self.fault(Operation::Read, key)?;
        let found = self.state().objects.get(key).cloned();
        let found = found.filter(|_| !self.state().odd.unreadable.contains(key));
        let (bytes, meta) = found.ok_or_else(|| absent(Operation::Read, key))?;
        let chunks: Vec<_> = bytes.chunks(64 << 10).map(Bytes::copy_from_slice).map(Ok).collect();
        Ok(Reading { meta, body: stream::iter(chunks).boxed() })
    }

    fn requests(&self) -> StoreRequests {
        self.state().requests
    }
}

#[async_trait]
impl HealStore for MemoryStore {
    async fn stage(
        &self,
        key: &str,
        _size: Option<u64>,
        journal: Arc<dyn UploadJournal>,
    ) -> Result<Box<dyn Staged>, StoreError> {
        self.fault(Operation::Stage, key)?;
        let id = {
            let mut state = self.state();
            state.requests.put += 1;
            state.versions += 1;
            format!("upload-{}", state.versions)
        };
        let upload = Upload { key: key.to_owned(), id };
        journal.begun(&upload).await.map_err(|source| unwritten(key, source))?;
        let mut state = self.state();
        state.uploads.insert(upload.id.clone(), upload.key.clone());
        state.changes.push(Change::Staged(key.to_owned()));
        drop(state);
        let store = self.clone();
        Ok(Box::new(StagedBytes { store, upload, journal, bytes: BytesMut::new() }))
    }

    async fn set_aside(&self, key: &str, to: &str) -> Result<(), StoreError> {
        self.fault(Operation::SetAside, key)?;
        let bytes = self.get(key).ok_or_else(|| absent(Operation::SetAside, key))?;
        self.put(to, bytes);
        let mut state = self.state();
        state.requests.put += 1;
        state.changes.push(Change::SetAside { key: key.to_owned(), to: to.to_owned() });
        Ok(())
    }

    async fn sweep(&self, upload: &Upload) -> Result<(), StoreError> {
        self.fault(Operation::Sweep, &upload.key)?;
        let mut state = self.state();
        state.requests.put += 1;
        if state.uploads.remove(&upload.id).is_some() {
            state.changes.push(Change::Swept(upload.clone()));
        }
        Ok(())
    }
}

fn unwritten(key: &str, source: BoxError) -> StoreError {
    StoreError { source: Some(source), ..error(StoreFault::Other, Operation::Stage, key) }
}

struct StagedBytes {
    store: MemoryStore,
    upload: Upload,
    journal: Arc<dyn UploadJournal>,
    bytes: BytesMut,
}

impl StagedBytes {
    async fn end(&self, change: Change) -> Result<(), StoreError> {
        {
            let mut state = self.store.state();
            state.uploads.remove(&self.upload.id);
            state.changes.push(change);
        }
        self.journal.ended(&self.upload).await.map_err(|e| unwritten(&self.upload.key, e))
    }
}

#[async_trait]
impl Staged for StagedBytes {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.store.fault(Operation::Write, &self.upload.key)?;
        self.bytes.extend_from_slice(&bytes);
        let hook = self.store.state().after_chunk.take();
        if let Some(hook) = hook {
            hook(&self.store);
        }
        Ok(())
    }

    async fn seal(&mut self) -> Result<(), StoreError> {
        self.store.fault(Operation::Seal, &self.upload.key)
    }

    async fn publish(mut self: Box<Self>, condition: Condition) -> Result<(), StoreError> {
        let key = self.upload.key.clone();
        self.store.fault(Operation::Publish, &key)?;
        let now = self.store.state().objects.get(&key).map(|(_, meta)| meta.clone());
        let holds = match (&condition, &now) {
            (Condition::Absent, now) => now.is_none(),
            (Condition::Replaces(read), Some(now)) => read.etag.is_none() || read.etag == now.etag,
            (Condition::Replaces(_), None) => false,
        };
        if !holds {
            self.end(Change::Discarded(key.clone())).await?;
            return Err(error(StoreFault::Conflict, Operation::Publish, &key));
        }
        self.store.arrives(&key, self.bytes.split());
        self.store.state().requests.put += 1;
        self.end(Change::Published(key.clone())).await?;
        self.store.fault(Operation::PublishAnswer, &key)
    }

    async fn discard(self: Box<Self>) -> Result<(), StoreError> {
        self.end(Change::Discarded(self.upload.key.clone())).await
    }
}
