//! A store in a map, for the faults that no real store makes on demand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use restock::model::{ObjectMeta, StoreRequests, Upload};
use restock::store::{
    BoxError, Condition, HealStore, ListRequest, ListedPage, Probe, Reading, Staged, Store,
    StoreError, StoreFault, UploadJournal,
};

type Objects = Arc<Mutex<BTreeMap<String, Bytes>>>;
type Hook = Box<dyn FnOnce() + Send>;

/// Objects by key.
#[derive(Default)]
pub(crate) struct HashMapStore {
    pub(crate) objects: Objects,
    /// Runs when an upload begins.
    pub(crate) at_stage: Mutex<Option<Hook>>,
    /// Runs when an upload is sealed.
    pub(crate) at_seal: Arc<Mutex<Option<Hook>>>,
    /// What every probe answers, in place of the truth.
    pub(crate) probe_fault: Mutex<Option<StoreFault>>,
    /// Whether the store itself is gone.
    pub(crate) gone: Mutex<bool>,
    /// The answer to the next publish gets lost, after it was done.
    pub(crate) lose_answer: Arc<Mutex<bool>>,
    /// Uploads that were neither published nor discarded.
    pub(crate) staged: Arc<Mutex<i32>>,
}

impl HashMapStore {
    pub(crate) fn get(&self, key: &str) -> Option<Bytes> {
        self.objects.lock().unwrap().get(key).cloned()
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.objects.lock().unwrap().keys().cloned().collect()
    }
}

fn fault(fault: StoreFault) -> StoreError {
    StoreError { fault, action: "do as told".to_owned(), hint: None, source: None }
}

#[async_trait]
impl Store for HashMapStore {
    fn identity(&self) -> &'static str {
        "map"
    }

    async fn check(&self) -> Result<(), StoreError> {
        if *self.gone.lock().unwrap() { Err(fault(StoreFault::NoSuchStore)) } else { Ok(()) }
    }

    fn list(&self, _: ListRequest) -> BoxStream<'_, Result<ListedPage, StoreError>> {
        stream::iter([Err(fault(StoreFault::Other))]).boxed()
    }

    async fn probe(&self, key: &str) -> Probe {
        if let Some(kind) = *self.probe_fault.lock().unwrap() {
            return Probe::Unknown(fault(kind));
        }
        self.get(key).map_or(Probe::Absent, |bytes| {
            Probe::Present(ObjectMeta {
                size: bytes.len().try_into().unwrap(),
                ..ObjectMeta::default()
            })
        })
    }

    async fn read(&self, key: &str) -> Result<Reading, StoreError> {
        let bytes = self.get(key).ok_or_else(|| fault(StoreFault::NotFound))?;
        let size = bytes.len().try_into().unwrap();
        let meta = ObjectMeta { size, ..ObjectMeta::default() };
        Ok(Reading { meta, body: stream::iter([Ok(bytes)]).boxed() })
    }

    fn requests(&self) -> StoreRequests {
        StoreRequests::default()
    }
}

#[async_trait]
impl HealStore for HashMapStore {
    async fn stage(
        &self,
        key: &str,
        _: Option<u64>,
        _: Arc<dyn UploadJournal>,
    ) -> Result<Box<dyn Staged>, StoreError> {
        if let Some(hook) = self.at_stage.lock().unwrap().take() {
            hook();
        }
        *self.staged.lock().unwrap() += 1;
        Ok(Box::new(Upcoming {
            key: key.to_owned(),
            bytes: Vec::new(),
            objects: Arc::clone(&self.objects),
            at_seal: Arc::clone(&self.at_seal),
            lose_answer: Arc::clone(&self.lose_answer),
            staged: Arc::clone(&self.staged),
        }))
    }

    async fn set_aside(&self, _: &str, _: &str) -> Result<(), StoreError> {
        Err(fault(StoreFault::Other))
    }

    async fn sweep(&self, _: &Upload) -> Result<(), StoreError> {
        Ok(())
    }
}

struct Upcoming {
    key: String,
    bytes: Vec<u8>,
    objects: Objects,
    at_seal: Arc<Mutex<Option<Hook>>>,
    lose_answer: Arc<Mutex<bool>>,
    staged: Arc<Mutex<i32>>,
}

#[async_trait]
impl Staged for Upcoming {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    async fn seal(&mut self) -> Result<(), StoreError> {
        if let Some(hook) = self.at_seal.lock().unwrap().take() {
            hook();
        }
        Ok(())
    }

    async fn publish(self: Box<Self>, _: Condition) -> Result<(), StoreError> {
        *self.staged.lock().unwrap() -= 1;
        self.objects.lock().unwrap().insert(self.key, self.bytes.into());
        if *self.lose_answer.lock().unwrap() { Err(fault(StoreFault::Timeout)) } else { Ok(()) }
    }

    async fn discard(self: Box<Self>) -> Result<(), StoreError> {
        *self.staged.lock().unwrap() -= 1;
        Ok(())
    }
}

/// Writes nothing down.
pub(crate) struct NoJournal;

#[async_trait]
impl UploadJournal for NoJournal {
    async fn begun(&self, _: &Upload) -> Result<(), BoxError> {
        Ok(())
    }

    async fn ended(&self, _: &Upload) -> Result<(), BoxError> {
        Ok(())
    }
}
