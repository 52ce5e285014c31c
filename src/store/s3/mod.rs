//! A bucket as a store, through `object_store`. LIST answers are checked beneath it, listings run
//! in parallel, and its defaults are set for objects of many gigabytes and for a quick no.

mod answer;
mod answers;
mod build;
mod credentials;
mod faults;
mod listing;
mod options;
mod page;
mod patience;
mod progress;
mod ranges;
mod read;
mod remove;
mod sending;
mod stage;
mod values;
mod writes;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use object_store::list::{PaginatedListOptions, PaginatedListResult, PaginatedListStore};
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{GetOptions, ObjectStore, ObjectStoreExt};

use self::build::Clients;
pub use self::options::judge as judge_option;
use super::open::OpenError;
use super::{
    HealStore, ListRequest, ListedPage, OperationHook, OptionValue, Probe, Reading, RemovingStore,
    Staged, Store, StoreError, StoreFault, UploadJournal,
};
use crate::model::{FOREIGN_BYTES, ObjectMeta, StoreRequests, Upload};

/// How long [`Store::check`] may take, retries included: a command has to say within 10 s that
/// nobody answers, and has to start and to end as well, perhaps on a busy machine.
const CHECK_TIME: Duration = Duration::from_secs(7);

/// The largest object that one server-side copy takes, in bytes.
const COPY_MAX_BYTES: u64 = 5 << 30;

/// A bucket, or what lies under a prefix of one.
#[derive(Debug, Clone)]
pub(super) struct S3Store {
    bucket: Arc<Bucket>,
}

/// What all operations share.
#[derive(Debug)]
struct Bucket {
    clients: Clients,
    /// Empty, or with its trailing slash.
    prefix: String,
    identity: String,
    copy_max_bytes: u64,
}

impl S3Store {
    /// A store on a bucket; `prefix` is empty or ends in `/`. Nothing is sent yet.
    pub(super) fn new(
        bucket: &str,
        prefix: &str,
        options: &BTreeMap<String, OptionValue>,
        hook: OperationHook,
    ) -> Result<Self, OpenError> {
        Ok(Self::with_clients(build::clients(bucket, options, hook)?, prefix))
    }

    fn with_clients(clients: Clients, prefix: &str) -> Self {
        let identity = format!("s3+{}/{}/{prefix}", clients.at.endpoint, clients.at.bucket);
        let bucket = Bucket {
            clients,
            prefix: prefix.to_owned(),
            identity: identity.trim_end_matches('/').to_owned(),
            copy_max_bytes: COPY_MAX_BYTES,
        };
        Self { bucket: Arc::new(bucket) }
    }
}

impl Bucket {
    /// The key as `object_store` has to be told it: byte for byte, or not at all.
    fn path(&self, key: &str) -> Result<Path, StoreError> {
        let full = format!("{}{key}", self.prefix);
        match Path::parse(&full) {
            Ok(path) if path.as_ref() == full && !key.is_empty() => Ok(path),
            _ => Err(StoreError {
                fault: StoreFault::Other,
                action: format!("address {}", super::keys::printable(key)),
                hint: Some("no object can be reached under such a key".to_owned()),
                source: None,
            }),
        }
    }

    fn error(&self, action: impl Into<String>, error: &object_store::Error) -> StoreError {
        faults::store_error(action, error, &self.clients.at)
    }

    async fn list_page(
        &self,
        prefix: &str,
        options: PaginatedListOptions,
    ) -> Result<PaginatedListResult, StoreError> {
        let full = format!("{}{prefix}", self.prefix);
        let asked = (!full.is_empty()).then_some(full.as_str());
        self.clients.reads.list_paginated(asked, options).await.map_err(|error| {
            let error = self.error(format!("list {}/{full}", self.clients.at.bucket), &error);
            faults::of_the_bucket(error, &self.clients.at)
        })
    }

    async fn head(&self, key: &str) -> Result<ObjectMeta, StoreError> {
        let path = self.path(key)?;
        let options = GetOptions::new().with_head(true);
        let answer = self.clients.reads.get_opts(&path, options).await;
        answer.map(|got| meta(got.meta)).map_err(|error| self.error(format!("probe {key}"), &error))
    }

    /// Copies within the bucket; what is too large for one request goes through a staged upload.
    async fn copy(self: &Arc<Self>, key: &str, to: &str, size: u64) -> Result<(), StoreError> {
        if size > self.copy_max_bytes {
            return stage::copy_in_parts(self, key, to, size).await;
        }
        let (from, to) = (self.path(key)?, self.path(to)?);
        let copied = self.clients.writes.copy(&from, &to).await;
        copied.map_err(|error| self.error(format!("copy {key} to {to}"), &error))
    }
}

#[async_trait]
impl Store for S3Store {
    fn identity(&self) -> &str {
        &self.bucket.identity
    }

    async fn check(&self) -> Result<(), StoreError> {
        let options = PaginatedListOptions { max_keys: Some(1), ..Default::default() };
        let listed = tokio::time::timeout(CHECK_TIME, self.bucket.list_page("", options)).await;
        if let Ok(answer) = listed {
            return answer.map(|_| ());
        }
        let at = &self.bucket.clients.at;
        Err(StoreError {
            fault: StoreFault::Timeout,
            action: format!("list {}", at.bucket),
            hint: Some(format!(
                "no answer from {} within {} s: check aws_endpoint in [store.options] and the \
                 network",
                at.endpoint,
                CHECK_TIME.as_secs()
            )),
            source: None,
        })
    }

    fn list(&self, request: ListRequest) -> BoxStream<'_, Result<ListedPage, StoreError>> {
        listing::list(Arc::clone(&self.bucket), request)
    }

    async fn probe(&self, key: &str) -> Probe {
        match self.bucket.head(key).await {
            Ok(meta) => Probe::Present(meta),
            Err(error) if error.fault == StoreFault::NotFound => Probe::Absent,
            Err(error) => Probe::Unknown(error),
        }
    }

    async fn read(&self, key: &str) -> Result<Reading, StoreError> {
        read::read(Arc::clone(&self.bucket), key).await
    }

    fn requests(&self) -> StoreRequests {
        self.bucket.clients.counters.read()
    }
}

#[async_trait]
impl HealStore for S3Store {
    async fn stage(
        &self,
        key: &str,
        size: Option<u64>,
        journal: Arc<dyn UploadJournal>,
    ) -> Result<Box<dyn Staged>, StoreError> {
        Ok(Box::new(stage::StagedUpload::new(Arc::clone(&self.bucket), key, size, journal)?))
    }

    async fn set_aside(&self, key: &str, to: &str) -> Result<(), StoreError> {
        let size = self.bucket.head(key).await?.size;
        self.bucket.copy(key, to, size).await?;
        let copy = self.bucket.head(to).await?;
        if copy.size == size {
            return Ok(());
        }
        Err(StoreError {
            fault: StoreFault::Server,
            action: format!("copy {key} to {to}"),
            hint: Some(format!("the copy has {} bytes instead of {size}", copy.size)),
            source: None,
        })
    }

    async fn sweep(&self, upload: &Upload) -> Result<(), StoreError> {
        let path = self.bucket.path(&upload.key)?;
        match self.bucket.clients.writes.abort_multipart(&path, &upload.id).await {
            Ok(()) => Ok(()),
            Err(error) => {
                let error = self.bucket.error(format!("abort an upload of {}", upload.key), &error);
                if error.fault == StoreFault::NotFound { Ok(()) } else { Err(error) }
            }
        }
    }
}

#[async_trait]
impl RemovingStore for S3Store {
    async fn remove(&self, key: &str, version: &ObjectMeta) -> Result<(), StoreError> {
        remove::remove(&self.bucket, key, version).await
    }
}

/// What an answer tells of an object; a header that was absent is `None`, not 1970 and not "". A tag
/// cannot be cut, since it goes back as a condition: one that is too long to be kept is none.
fn meta(meta: object_store::ObjectMeta) -> ObjectMeta {
    let modified: DateTime<Utc> = meta.last_modified;
    ObjectMeta {
        size: meta.size,
        etag: meta
            .e_tag
            .filter(|etag| !etag.trim_matches('"').is_empty() && etag.len() <= FOREIGN_BYTES),
        modified: (modified != DateTime::UNIX_EPOCH).then_some(modified),
    }
}

#[cfg(test)]
#[path = "copy_tests.rs"]
mod tests;
