//! The lock: at most one instance changes a store.
//!
//! An OS file lock beside the ledger, one for each store. It dies with its holder, however that
//! ends, so it needs no time-out and nobody to break it. The file stays: who removed it would let
//! the next one lock another file under the same name.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::place::{self, OpenError};
use crate::model::Digest;

/// How often a waiting instance tries again.
const POLL: Duration = Duration::from_millis(100);

/// Digits of the store's hash in the file's name: enough for the stores of one ledger.
const HASH_DIGITS: usize = 16;

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The process, as its own machine or container counts them.
    pub pid: u32,
    /// Since when, by the clock of the file system.
    pub since: DateTime<Utc>,
}

/// Why the lock is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another instance holds it: exit code 5.
    #[error(
        "another restock {}works on this store: {} is locked; wait with --wait-lock, or stop it",
        described(holder.as_ref()),
        path.display()
    )]
    Busy {
        /// The lock's file.
        path: PathBuf,
        /// Who holds it, where that could be read.
        holder: Option<Holder>,
    },
    /// The ledger's URL names no file.
    #[error("cannot lock the ledger {ledger}")]
    Place {
        /// The ledger, redacted.
        ledger: String,
        /// The cause.
        #[source]
        source: OpenError,
    },
    /// The file cannot be made, locked or written.
    #[error("cannot {action} the lock file {}; its folder must be writable by restock", path.display())]
    File {
        /// The lock's file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

fn described(holder: Option<&Holder>) -> String {
    holder.map_or_else(String::new, |holder| {
        let since = holder.since.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        format!("(process {}, since {since}) ", holder.pid)
    })
}

/// The lock of one store, held as long as this value lives.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    /// Closing the file gives the lock back.
    _file: File,
}

impl Lock {
    /// Takes the lock of the store with this identity, beside the ledger at `url` (relative paths
    /// start at `base`). If another holds it, tries again for as long as `wait` says, and not at
    /// all without.
    pub async fn acquire(
        url: &str,
        store_identity: &str,
        base: &Path,
        wait: Option<Duration>,
    ) -> Result<Self, LockError> {
        let ledger = place::file_of(url, base)
            .map_err(|source| LockError::Place { ledger: place::shown(url), source })?;
        let path = lock_file(&ledger, store_identity);
        let asked_at = Instant::now();
        loop {
            if let Some(lock) = try_acquire(&path)? {
                return Ok(lock);
            }
            let left = wait.unwrap_or_default().saturating_sub(asked_at.elapsed());
            if left.is_zero() {
                return Err(LockError::Busy { holder: holder_of(&path), path });
            }
            tokio::time::sleep(left.min(POLL)).await;
        }
    }

    /// The lock's file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// `<ledger>.<hash of the identity>.lock`.
fn lock_file(ledger: &Path, store_identity: &str) -> PathBuf {
    let hash = Sha256::digest(store_identity.as_bytes());
    let mut hex = Digest::new(hash.into()).to_string();
    hex.truncate(HASH_DIGITS);
    let mut path = ledger.as_os_str().to_owned();
    path.push(format!(".{hex}.lock"));
    path.into()
}

fn try_acquire(path: &Path) -> Result<Option<Lock>, LockError> {
    let failed = |action| move |source| LockError::File { path: path.to_owned(), action, source };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(failed("open"))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(source)) => return Err(failed("lock")(source)),
    }
    sign(&mut file).map_err(failed("write"))?;
    Ok(Some(Lock { path: path.to_owned(), _file: file }))
}

/// Leaves our process id for those that come after; when we did is the file's modification time.
fn sign(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// `None` if the holder has not signed yet, or is gone by now.
fn holder_of(path: &Path) -> Option<Holder> {
    let mut file = File::open(path).ok()?;
    let since = file.metadata().ok()?.modified().ok()?.into();
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    Some(Holder { pid: text.trim().parse().ok()?, since })
}
