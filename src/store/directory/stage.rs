//! A file that is written beside its place under a temporary name, and moved there when it is
//! whole and on disk.

use std::io::Write;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use cap_std::fs::{File, OpenOptions, OpenOptionsExt};
use uuid::Uuid;

use super::place::{check_key, folder};
use super::publish;
use super::root::{Root, blocking, io_error};
use crate::model::{TEMPORARY_MARK, Upload};
use crate::store::keys::printable;
use crate::store::{BoxError, Condition, Staged, StoreError, StoreFault, UploadJournal};

/// Bytes that are gathered for one hop to another thread, and one `write` there: sources send chunks
/// of any size, and a server may make them a byte long.
const BUFFER_BYTES: usize = 1 << 20;

/// A temporary file on its way to a key.
pub(super) struct StagedFile {
    root: Arc<Root>,
    upload: Upload,
    journal: Arc<dyn UploadJournal>,
    action: String,
    /// `None` only while it is away on another thread, or where that failed.
    file: Option<File>,
    buffer: BytesMut,
}

impl StagedFile {
    /// Takes the upload down, then makes the file.
    pub(super) async fn begin(
        root: Arc<Root>,
        key: &str,
        journal: Arc<dyn UploadJournal>,
    ) -> Result<Self, StoreError> {
        check_key(key)?;
        let action = format!("write {}", printable(key));
        let upload = Upload { key: key.to_owned(), id: temporary(key) };
        journal.begun(&upload).await.map_err(|error| journal_error(&action, error))?;
        let (there, id, named) = (Arc::clone(&root), upload.id.clone(), action.clone());
        let made = blocking(&action, move || create(&there, &id, &named)).await;
        let file = match made {
            Ok(file) => file,
            Err(error) => {
                // Nothing was made; should this fail as well, a sweep finds nothing to do.
                journal.ended(&upload).await.map_err(|also| journal_error(&action, also))?;
                return Err(error);
            }
        };
        Ok(Self { root, upload, journal, action, file: Some(file), buffer: BytesMut::new() })
    }

    /// Writes what is buffered, and does `then` on the same hop.
    async fn flush(
        &mut self,
        then: impl FnOnce(&File) -> std::io::Result<()> + Send + 'static,
    ) -> Result<(), StoreError> {
        let (gathered, action) = (self.buffer.split(), self.action.clone());
        let Some(mut file) = self.file.take() else {
            return Err(StoreError {
                fault: StoreFault::Other,
                action,
                hint: Some("an earlier write of it failed".to_owned()),
                source: None,
            });
        };
        let named = action.clone();
        let written = blocking(&action, move || {
            let write = || {
                file.write_all(&gathered)?;
                then(&file)
            };
            write().map_err(|error| io_error(named, error))?;
            Ok(file)
        });
        self.file = Some(written.await?);
        Ok(())
    }

    async fn ended(&self) -> Result<(), StoreError> {
        let ended = self.journal.ended(&self.upload).await;
        ended.map_err(|error| journal_error(&self.action, error))
    }

    async fn remove(&self) -> Result<(), StoreError> {
        let (root, id) = (Arc::clone(&self.root), self.upload.id.clone());
        blocking(&self.action, move || publish::sweep(&root, &id)).await?;
        self.ended().await
    }
}

#[async_trait]
impl Staged for StagedFile {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.buffer.extend_from_slice(&bytes);
        if self.buffer.len() < BUFFER_BYTES {
            return Ok(());
        }
        self.flush(|_| Ok(())).await
    }

    async fn seal(&mut self) -> Result<(), StoreError> {
        self.flush(File::sync_all).await
    }

    async fn publish(mut self: Box<Self>, condition: Condition) -> Result<(), StoreError> {
        let published = match self.seal().await {
            Ok(()) => {
                let (root, upload) = (Arc::clone(&self.root), self.upload.clone());
                blocking(&self.action, move || {
                    publish::publish(&root, &upload.id, &upload.key, &condition)
                })
                .await
            }
            Err(error) => Err(error),
        };
        match published {
            Ok(()) => self.ended().await,
            Err(error) => {
                self.remove().await?;
                Err(error)
            }
        }
    }

    async fn discard(self: Box<Self>) -> Result<(), StoreError> {
        self.remove().await
    }
}

/// A temporary name in the key's own folder, so that moving it stays within one file system.
pub(super) fn temporary(key: &str) -> String {
    let name = format!("{TEMPORARY_MARK}{}", Uuid::now_v7());
    match folder(key) {
        Some(folder) => format!("{folder}/{name}"),
        None => name,
    }
}

/// Makes a new file, and the folders above it where they are absent.
pub(super) fn create(root: &Root, path: &str, action: &str) -> Result<File, StoreError> {
    root.check()?;
    let failed = |error| io_error(action, error);
    if let Some(folder) = folder(path) {
        publish::make_folders(root, folder).map_err(failed)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o644);
    root.dir.open_with(path, &options).map_err(failed)
}

fn journal_error(action: &str, source: BoxError) -> StoreError {
    StoreError {
        fault: StoreFault::Other,
        action: action.to_owned(),
        hint: Some("the ledger did not take down the upload".to_owned()),
        source: Some(source),
    }
}
