//! The lock beside a ledger in a file: an OS file lock, one for each store. It dies with its
//! holder, however that ends, so it needs no time-out and nobody to break it. The file stays: who
//! removed it would let the next one lock another file under the same name.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::{Holder, LockError, Waiting};
use crate::files::open_own;
use crate::model::Digest;

/// How often a waiting instance tries again.
const POLL: Duration = Duration::from_millis(100);

/// Digits of the store's hash in the file's name: enough for the stores of one ledger.
const HASH_DIGITS: usize = 16;

/// Nobody else has business with it.
const MODE: u32 = 0o600;

/// The longest that a lock file holds: a process id and the end of its line.
const SIGNED_BYTES: u64 = 16;

/// A file that is locked.
#[derive(Debug)]
pub(super) struct FileLock {
    pub(super) path: PathBuf,
    /// Closing the file gives the lock back.
    _file: File,
}

impl FileLock {
    pub(super) async fn acquire(
        ledger: &Path,
        store_identity: &str,
        wait: Option<Duration>,
    ) -> Result<Self, LockError> {
        let path = lock_file(ledger, store_identity);
        let waiting = Waiting::of(wait, POLL);
        loop {
            if let Some(lock) = try_acquire(&path)? {
                return Ok(lock);
            }
            if !waiting.again().await {
                let holder = written_in(&path);
                return Err(LockError::Busy { place: path.display().to_string(), holder });
            }
        }
    }

    /// Who holds the lock now.
    pub(super) fn holder(ledger: &Path, store_identity: &str) -> Result<Option<Holder>, LockError> {
        let path = lock_file(ledger, store_identity);
        let file = match open_own(&path, None) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(failed(&path, "open", source)),
        };
        // Shared, so that two who only ask do not take each other for the holder.
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(written_in(&path)),
            Err(TryLockError::Error(source)) => Err(failed(&path, "lock", source)),
        }
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

fn try_acquire(path: &Path) -> Result<Option<FileLock>, LockError> {
    let mut file = open_own(path, Some(MODE)).map_err(|source| failed(path, "open", source))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(source)) => return Err(failed(path, "lock", source)),
    }
    sign(&mut file).map_err(|source| failed(path, "write", source))?;
    Ok(Some(FileLock { path: path.to_owned(), _file: file }))
}

/// Leaves our process id for those that come after; when we did is the file's modification time.
/// What holds anything but such an id is somebody else's, and left as it is.
fn sign(file: &mut File) -> io::Result<()> {
    let mut found = Vec::new();
    Read::by_ref(file).take(SIGNED_BYTES + 1).read_to_end(&mut found)?;
    let is_signature = |byte: &u8| byte.is_ascii_digit() || *byte == b'\n';
    if found.len() > usize::try_from(SIGNED_BYTES).unwrap_or(0) || !found.iter().all(is_signature) {
        return Err(io::Error::new(ErrorKind::InvalidData, "it holds something else than a lock"));
    }
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// `None` if the holder has not signed yet, or is gone by now.
fn written_in(path: &Path) -> Option<Holder> {
    let mut file = open_own(path, None).ok()?;
    let since = file.metadata().ok()?.modified().ok()?.into();
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    Some(Holder { host: None, pid: text.trim().parse().ok()?, since, expires_in: None })
}

fn failed(path: &Path, action: &'static str, source: io::Error) -> LockError {
    LockError::File { path: path.to_owned(), action, source }
}
