//! Brings one file into the store: hashed, staged, hashed again on the way, published.

use std::io::{self, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use sha2::{Digest as _, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::model::Digest;
use crate::observe::{Event, Observer};
use crate::store::{
    self, Condition, HealStore, Probe, Staged, StoreError, StoreFault, UploadJournal,
};

use super::Stored;

/// Bytes read from a file at once.
const CHUNK_BYTES: usize = 1 << 20;

/// The store side of an import.
pub(super) struct Storing {
    pub(super) store: Arc<dyn HealStore>,
    pub(super) journal: Arc<dyn UploadJournal>,
    pub(super) observer: Arc<dyn Observer>,
}

/// An open file that was hashed.
pub(super) struct Hashed {
    file: File,
    pub(super) digest: Digest,
    /// Size in bytes.
    pub(super) size: u64,
}

impl Storing {
    /// Reads a file and hashes it; a problem completes "FILE: …".
    pub(super) async fn hash(&self, path: &Path) -> Result<Hashed, String> {
        let unreadable = |error: io::Error| format!("cannot be read: {error}");
        let mut file = File::open(path).await.map_err(unreadable)?;
        let (mut hasher, mut size) = (Sha256::new(), 0);
        while let Some(bytes) = chunk(&mut file).await.map_err(unreadable)? {
            hasher.update(&bytes);
            size += length(&bytes);
            self.observer.notice(&Event::Verified { bytes: length(&bytes), done: false });
        }
        self.observer.notice(&Event::Verified { bytes: 0, done: true });
        Ok(Hashed { file, digest: Digest::new(hasher.finalize().into()), size })
    }

    /// Stores a file under its key, unless an object of its size is there.
    pub(super) async fn store(&self, mut hashed: Hashed, key: &str) -> Result<Stored, String> {
        if self.is_there(key, hashed.size).await? {
            return Ok(Stored::AlreadyThere);
        }
        let not_stored = |error: StoreError| not_stored(key, &error);
        let journal = Arc::clone(&self.journal);
        let staged = self.store.stage(key, Some(hashed.size), journal).await;
        let mut staged = staged.map_err(not_stored)?;
        if let Err(problem) = send(&mut hashed, &mut *staged).await {
            return Err(match staged.discard().await {
                Ok(()) => problem,
                Err(error) => format!("{problem}; {}", not_stored(error)),
            });
        }
        // Somebody else may have written it while it was sent: nothing is replaced.
        match self.is_there(key, hashed.size).await {
            Ok(false) => {}
            there => {
                staged.discard().await.map_err(not_stored)?;
                there?;
                self.is_right(key, &hashed.digest).await?;
                return Ok(Stored::AlreadyThere);
            }
        }
        let published = staged.publish(Condition::Absent).await;
        // Whatever the answer was: only what lies there says what happened.
        match (self.is_there(key, hashed.size).await?, published) {
            (true, Ok(())) => Ok(Stored::Stored),
            (true, Err(error)) => {
                self.is_right(key, &hashed.digest).await?;
                let conflict = error.fault == StoreFault::Conflict;
                Ok(if conflict { Stored::AlreadyThere } else { Stored::Stored })
            }
            (false, Ok(())) => Err(format!("was sent to the store, which does not show `{key}`")),
            (false, Err(error)) => Err(not_stored(error)),
        }
    }

    /// Reads an object that came while the file was sent, perhaps from somebody else.
    async fn is_right(&self, key: &str, wanted: &Digest) -> Result<(), String> {
        let read = match self.store.read(key).await {
            Ok(reading) => store::hash(reading, key, |_| ()).await,
            Err(error) => Err(error),
        };
        match read {
            Ok((digest, _)) if digest == *wanted => Ok(()),
            Ok((digest, _)) => Err(format!(
                "was not stored: somebody else wrote other bytes to `{key}`, with digest {digest}"
            )),
            Err(error) => Err(not_stored(key, &error)),
        }
    }

    /// Whether an object of this size is there; one of another size is a problem for `heal`.
    async fn is_there(&self, key: &str, size: u64) -> Result<bool, String> {
        match self.store.probe(key).await {
            Probe::Absent => Ok(false),
            Probe::Present(meta) if meta.size == size => Ok(true),
            Probe::Present(meta) => Err(format!(
                "was not stored: `{key}` is there with {} bytes in place of {size}; move that \
                 away, and import the file again",
                meta.size
            )),
            Probe::Unknown(error) => Err(not_stored(key, &error)),
        }
    }
}

/// Sends a hashed file; refused where it is not the one that was hashed any more.
async fn send(hashed: &mut Hashed, staged: &mut dyn Staged) -> Result<(), String> {
    let unreadable = |error: io::Error| format!("cannot be read again: {error}");
    let unsent = |error: StoreError| format!("was not stored: {}", with_causes(&error));
    hashed.file.seek(SeekFrom::Start(0)).await.map_err(unreadable)?;
    let mut sent = Sha256::new();
    while let Some(bytes) = chunk(&mut hashed.file).await.map_err(unreadable)? {
        sent.update(&bytes);
        staged.write(bytes).await.map_err(unsent)?;
    }
    if Digest::new(sent.finalize().into()) != hashed.digest {
        return Err("changed while it was imported; import it again".to_owned());
    }
    staged.seal().await.map_err(unsent)
}

async fn chunk(file: &mut File) -> io::Result<Option<Bytes>> {
    let mut buffer = BytesMut::with_capacity(CHUNK_BYTES);
    while buffer.len() < CHUNK_BYTES && file.read_buf(&mut buffer).await? > 0 {}
    Ok((!buffer.is_empty()).then(|| buffer.freeze()))
}

fn length(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn not_stored(key: &str, error: &StoreError) -> String {
    format!("was not stored as `{key}`: {}", with_causes(error))
}

/// An error with its causes, without secrets.
fn with_causes(error: &StoreError) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let message = causes.fold(error.to_string(), |message, cause| format!("{message}: {cause}"));
    crate::model::redact_urls_in(&message)
}
