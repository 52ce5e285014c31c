//! The store port: where the bytes lie. Adapters stand beside this file.
//!
//! An audit gets a [`Store`], which cannot write; a heal gets a [`HealStore`], which cannot delete.
//! Only the commands by which a person takes objects away get a [`RemovingStore`].

mod counters;
mod directory;
mod hash;
mod keys;
mod open;
mod options;
mod prober;
mod s3;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;

use crate::model::{KeyTemplate, ObjectMeta, Slice, StoreRequests, Upload};

pub use counters::OperationHook;
pub use hash::hash;
pub use open::{OpenError, folder_of, open, open_removing, open_told};
pub use options::{Archived, OptionValue, StoreOptions};
pub use prober::{Certainty, Prober};
pub use s3::judge_option;

/// The cause of an error, of whatever library it came from.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// One listed object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// Its key, relative to the store's prefix.
    pub key: String,
    /// Size in bytes.
    pub size: u64,
    /// When it was last modified, by the store's clock.
    pub modified: Option<DateTime<Utc>>,
    /// Whether its storage class is that of an archive.
    pub archived: bool,
}

/// A part of a listing. Pages and the objects in them come in any order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListedPage {
    /// The objects; folder markers and temporary names of restock are left out already.
    pub objects: Vec<Observed>,
    /// Keys that cannot be addressed (`a//b`, `..`, control characters, not UTF-8), fit for
    /// printing; relative to the store's prefix where they start with it.
    pub unaddressable: Vec<String>,
    /// The store's own clock when it answered.
    pub date: Option<DateTime<Utc>>,
}

/// What to list.
#[derive(Debug, Clone)]
pub struct ListRequest {
    /// The collection's key layout: its prefix is listed, and nothing beside it.
    pub layout: KeyTemplate,
    /// The part of the digest space to list. Keys outside it may be handed on all the same.
    pub slice: Slice,
    /// How many slices to list at once.
    pub concurrency: usize,
}

/// The answer of `software_exists`.
#[derive(Debug)]
pub enum Probe {
    /// The object is there.
    Present(ObjectMeta),
    /// The store said that it is not (404).
    Absent,
    /// Nobody can say, and why.
    Unknown(StoreError),
}

/// The closed set of ways in which a store fails; words of it are the `reason` of unknowns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreFault {
    /// 404 of the object itself.
    NotFound,
    /// The bucket or directory itself is not there, or was replaced.
    NoSuchStore,
    /// 401 or 403, or no permission.
    AccessDenied,
    /// The credentials were refused as such: expired, unknown, or wrongly signed with; or there are
    /// none.
    Credentials,
    /// This machine's clock and the store's are too far apart for a signature.
    Clock,
    /// 429, or 503 that asks to slow down.
    Throttled,
    /// No answer in time.
    Timeout,
    /// The store cannot be reached.
    Unreachable,
    /// Another 5xx, or an I/O error.
    Server,
    /// A condition did not hold: somebody else wrote.
    Conflict,
    /// The object lies in an archive, and has to be brought back before it can be read.
    Archived,
    /// An answer that no store of this kind gives, e.g. an HTML page.
    Malformed,
    /// A folder, a pipe or a link that leads nowhere stands where the object would be, or a file
    /// where a folder would be.
    NotAFile,
    /// All else.
    Other,
}

impl StoreFault {
    /// The word that reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::NoSuchStore => "no_such_store",
            Self::AccessDenied => "access_denied",
            Self::Credentials => "credentials",
            Self::Clock => "clock",
            Self::Throttled => "throttled",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Server => "server",
            Self::Conflict => "conflict",
            Self::Archived => "archived",
            Self::Malformed => "malformed_answer",
            Self::NotAFile => "not_a_file",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for StoreFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A store that did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action}: {fault}{}", hint.as_deref().map(|h| format!(" ({h})")).unwrap_or_default())]
pub struct StoreError {
    /// Its class.
    pub fault: StoreFault,
    /// What was tried, e.g. "list software-installers/".
    pub action: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The cause.
    #[source]
    pub source: Option<BoxError>,
}

/// An object being read. Dropping the stream ends the read.
pub struct Reading {
    /// What the store said of the object as it began to send it.
    pub meta: ObjectMeta,
    /// Its bytes in order. All chunks belong to one version of the object, or the stream ends in
    /// an error.
    pub body: BoxStream<'static, Result<Bytes, StoreError>>,
}

/// What an audit may do with a store: list, probe, read.
#[async_trait]
pub trait Store: Send + Sync {
    /// Scheme, endpoint, bucket and prefix: the key of all ledger rows. Holds no secret.
    fn identity(&self) -> &str;

    /// Shows that a store answers and exists, with one cheap request. Only then is an answer to a
    /// probe believed.
    async fn check(&self) -> Result<(), StoreError>;

    /// Lists a collection's prefix. An error ends the stream, and then the whole listing gives no
    /// verdict.
    fn list(&self, request: ListRequest) -> BoxStream<'_, Result<ListedPage, StoreError>>;

    /// `software_exists`: is the object there? A key as [`KeyTemplate::render`] spells it.
    async fn probe(&self, key: &str) -> Probe;

    /// Starts reading an object.
    async fn read(&self, key: &str) -> Result<Reading, StoreError>;

    /// Requests sent so far.
    fn requests(&self) -> StoreRequests;
}

/// Writes down uploads before their first byte leaves, so that a crash leaves nothing unknown.
#[async_trait]
pub trait UploadJournal: Send + Sync {
    /// An upload is about to receive its first part. An error here cancels it.
    async fn begun(&self, upload: &Upload) -> Result<(), BoxError>;
    /// An upload was completed or aborted for good.
    async fn ended(&self, upload: &Upload) -> Result<(), BoxError>;
}

/// What the publisher knows of the key, sent along as a condition where the store takes one.
/// Stores that ignore conditions exist: nothing may hang on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// A probe just found the key absent.
    Absent,
    /// This version was read and found wrong.
    Replaces(ObjectMeta),
}

/// Bytes on their way into a store, visible to nobody until [`Staged::publish`].
#[async_trait]
pub trait Staged: Send {
    /// Takes the next bytes; memory stays within a few parts.
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError>;

    /// Sends what is still buffered, so that only the completion remains.
    async fn seal(&mut self) -> Result<(), StoreError>;

    /// Makes the bytes visible under the key, all at once. [`StoreFault::Conflict`] where the
    /// condition did not hold; after any other error a probe has to say what happened.
    async fn publish(self: Box<Self>, condition: Condition) -> Result<(), StoreError>;

    /// Throws the bytes away.
    async fn discard(self: Box<Self>) -> Result<(), StoreError>;
}

/// What a heal may do beyond that: publish whole objects and copy corrupt ones aside. No delete.
#[async_trait]
pub trait HealStore: Store {
    /// Begins an upload for a key. Nothing is visible under it, also after a crash, until
    /// [`Staged::publish`]. `size` is the expected size in bytes, where it is known.
    async fn stage(
        &self,
        key: &str,
        size: Option<u64>,
        journal: Arc<dyn UploadJournal>,
    ) -> Result<Box<dyn Staged>, StoreError>;

    /// Copies an object to another key and shows that the copy is there with the same size.
    async fn set_aside(&self, key: &str, to: &str) -> Result<(), StoreError>;

    /// Throws away an upload that a crash left behind; one that is gone already is no error.
    async fn sweep(&self, upload: &Upload) -> Result<(), StoreError>;
}

/// What a person's own commands may do beyond that: take an object away. No heal, no audit and no
/// daemon is handed one.
#[async_trait]
pub trait RemovingStore: HealStore {
    /// Removes the object under a key, if a look right before finds it to be this version still.
    /// [`StoreFault::NotFound`] where nothing is there, [`StoreFault::Conflict`] where it is another
    /// version; after any other error a probe has to say what happened.
    async fn remove(&self, key: &str, version: &ObjectMeta) -> Result<(), StoreError>;

    /// Removes what is left of folders below this one where no object lies in them any more. Stores
    /// without folders have nothing to do.
    async fn remove_empty_folders(&self, _below: &str) -> Result<(), StoreError> {
        Ok(())
    }
}
