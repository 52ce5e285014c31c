//! A directory as a store, below one handle that no key leads out of. All of its work blocks, and
//! runs on threads made for that.

mod place;
mod publish;
mod read;
mod remove;
mod root;
mod stage;
mod walk;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::mpsc;

use self::root::{Root, blocking};
use super::counters::Counters;
use super::keys::KeyRange;
use super::open::OpenError;
use super::{
    HealStore, ListRequest, ListedPage, OperationHook, Probe, Reading, RemovingStore, Staged,
    Store, StoreError, UploadJournal,
};
use crate::model::{ObjectMeta, OperationKind, StoreRequests, Upload};

/// Pages that wait for the consumer.
const PAGES_WAITING: usize = 4;

/// A directory that was there when it was opened.
#[derive(Debug, Clone)]
pub(super) struct DirectoryStore {
    root: Arc<Root>,
    counters: Arc<Counters>,
}

impl DirectoryStore {
    /// Opens the directory; it has to be there.
    pub(super) async fn open(path: PathBuf, hook: OperationHook) -> Result<Self, OpenError> {
        let root = blocking("open the store", move || Root::open(path)).await?;
        Ok(Self { root: Arc::new(root), counters: Arc::new(Counters::new(hook)) })
    }
}

#[async_trait]
impl Store for DirectoryStore {
    fn identity(&self) -> &str {
        &self.root.identity
    }

    async fn check(&self) -> Result<(), StoreError> {
        let root = Arc::clone(&self.root);
        blocking("look at the store", move || root.check()).await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'_, Result<ListedPage, StoreError>> {
        let (out, pages) = mpsc::channel(PAGES_WAITING);
        let (root, counters) = (Arc::clone(&self.root), Arc::clone(&self.counters));
        // The walk ends when the stream is dropped: it cannot hand on its next page then.
        let walk = tokio::task::spawn_blocking(move || {
            let range = KeyRange::of(&request.layout, request.slice);
            walk::walk(&root, request.layout.prefix(), &range, &counters, &out);
        });
        stream::unfold((pages, Some(walk)), |(mut pages, walk)| async move {
            if let Some(page) = pages.recv().await {
                return Some((page, (pages, walk)));
            }
            // A walk that panicked has handed on a part, which must not look like the whole.
            let error = walk?.await.err()?;
            Some((Err(root::task_failed("list the store", &error)), (pages, None)))
        })
        .boxed()
    }

    async fn probe(&self, key: &str) -> Probe {
        let asked = self.counters.ask(OperationKind::Head);
        let (root, key) = (Arc::clone(&self.root), key.to_owned());
        let action = format!("probe {key}");
        match asked.ended(blocking(&action, move || place::find(&root, &key)).await) {
            Ok(Some(meta)) => Probe::Present(meta),
            Ok(None) => Probe::Absent,
            Err(error) => Probe::Unknown(error),
        }
    }

    async fn read(&self, key: &str) -> Result<Reading, StoreError> {
        let asked = self.counters.ask(OperationKind::Get);
        asked.ended(read::read(Arc::clone(&self.root), key).await)
    }

    fn requests(&self) -> StoreRequests {
        self.counters.read()
    }
}

#[async_trait]
impl HealStore for DirectoryStore {
    async fn stage(
        &self,
        key: &str,
        _size: Option<u64>,
        journal: Arc<dyn UploadJournal>,
    ) -> Result<Box<dyn Staged>, StoreError> {
        let asked = self.counters.ask(OperationKind::Put);
        let staged = stage::StagedFile::begin(Arc::clone(&self.root), key, journal).await;
        Ok(Box::new(asked.ended(staged)?))
    }

    async fn set_aside(&self, key: &str, to: &str) -> Result<(), StoreError> {
        let asked = self.counters.ask(OperationKind::Put);
        let (root, key, to) = (Arc::clone(&self.root), key.to_owned(), to.to_owned());
        let action = format!("copy {key} to {to}");
        asked.ended(blocking(&action, move || publish::set_aside(&root, &key, &to)).await)
    }

    async fn sweep(&self, upload: &Upload) -> Result<(), StoreError> {
        let asked = self.counters.ask(OperationKind::Put);
        let (root, id) = (Arc::clone(&self.root), upload.id.clone());
        let action = format!("throw away an upload of {}", upload.key);
        asked.ended(blocking(&action, move || publish::sweep(&root, &id)).await)
    }
}

#[async_trait]
impl RemovingStore for DirectoryStore {
    async fn remove(&self, key: &str, version: &ObjectMeta) -> Result<(), StoreError> {
        let asked = self.counters.ask(OperationKind::Put);
        let (root, key, version) = (Arc::clone(&self.root), key.to_owned(), version.clone());
        let action = format!("remove {key}");
        asked.ended(blocking(&action, move || remove::remove(&root, &key, &version)).await)
    }

    async fn remove_empty_folders(&self, below: &str) -> Result<(), StoreError> {
        let (root, below) = (Arc::clone(&self.root), below.to_owned());
        let action = format!("clear up below {below}");
        blocking(&action, move || remove::remove_empty_folders(&root, &below)).await
    }
}
