//! The handle of a store's directory, and whether its path still leads to it.

use std::io;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt};
use url::Url;

use crate::store::{StoreError, StoreFault};

/// A directory that was opened once; every key is resolved below this handle.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) dir: Dir,
    pub(super) identity: String,
    /// As it was configured, so that a link that now leads elsewhere is noticed.
    path: PathBuf,
    device_and_inode: (u64, u64),
}

impl Root {
    /// Opens the directory at this path.
    pub(super) fn open(path: PathBuf) -> Result<Self, StoreError> {
        let action = || format!("open the store {}", path.display());
        let absent = |error: io::Error| {
            let absent = is_absent(&error);
            let mut failed = io_error(action(), error);
            if absent {
                failed.fault = StoreFault::NoSuchStore;
                failed.hint = Some(
                    "there is no such directory: check store.url, or make it; restock does not, \
                     since an absent store is not an empty one"
                        .to_owned(),
                );
            }
            failed
        };
        let canonical = std::fs::canonicalize(&path).map_err(absent)?;
        let dir = Dir::open_ambient_dir(&canonical, ambient_authority()).map_err(absent)?;
        let device_and_inode = dir.dir_metadata().map(|m| (m.dev(), m.ino())).map_err(absent)?;
        Ok(Self { dir, identity: identity(&canonical), path, device_and_inode })
    }

    /// Shows that the path still leads to the directory that was opened: one that was unmounted or
    /// replaced looks empty, and is not.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        use std::os::unix::fs::MetadataExt as _;

        let action = || format!("look at the store {}", self.path.display());
        let replaced = || StoreError {
            fault: StoreFault::NoSuchStore,
            action: action(),
            hint: Some("the directory was replaced or unmounted".to_owned()),
            source: None,
        };
        match std::fs::metadata(&self.path) {
            Ok(now) if (now.dev(), now.ino()) == self.device_and_inode => Ok(()),
            Ok(_) => Err(replaced()),
            Err(error) if is_absent(&error) => Err(replaced()),
            Err(error) => Err(io_error(action(), error)),
        }
    }
}

/// `file://` and the path, with whatever a URL does not hold encoded.
fn identity(path: &Path) -> String {
    Url::from_file_path(path)
        .map_or_else(|()| format!("file://{}", path.display()), |url| url.to_string())
}

/// Whether the error says that nothing is there: no entry, or a file where a folder would be.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// What the file system's errors mean to a store, and what to do about them; all others are the
/// server's own.
const IO_FAULTS: &[(io::ErrorKind, StoreFault, Option<&str>)] = &[
    (io::ErrorKind::NotFound, StoreFault::NotFound, None),
    (
        io::ErrorKind::NotADirectory,
        StoreFault::NotAFile,
        Some("a file stands where a folder would be: move it away"),
    ),
    (
        io::ErrorKind::PermissionDenied,
        StoreFault::AccessDenied,
        Some(
            "the process needs read access, a heal also write access; links that lead out of the \
              store are not followed",
        ),
    ),
    (
        io::ErrorKind::ReadOnlyFilesystem,
        StoreFault::AccessDenied,
        Some("the file system is mounted read-only"),
    ),
    (io::ErrorKind::StorageFull, StoreFault::Server, Some("the file system is full")),
    (io::ErrorKind::QuotaExceeded, StoreFault::Server, Some("the quota is used up")),
    (io::ErrorKind::AlreadyExists, StoreFault::Conflict, None),
    (io::ErrorKind::TimedOut, StoreFault::Timeout, None),
    (
        io::ErrorKind::StaleNetworkFileHandle,
        StoreFault::NoSuchStore,
        Some("the directory was replaced or unmounted"),
    ),
];

/// An error of the file system in the words of the port.
pub(super) fn io_error(action: impl Into<String>, error: io::Error) -> StoreError {
    let kind = error.kind();
    let (_, fault, hint) = IO_FAULTS
        .iter()
        .find(|(known, ..)| *known == kind)
        .copied()
        .unwrap_or((kind, StoreFault::Server, None));
    StoreError {
        fault,
        action: action.into(),
        hint: hint.map(str::to_owned),
        source: Some(Box::new(error)),
    }
}

/// Runs blocking work on a thread for it.
pub(super) async fn blocking<T: Send + 'static>(
    action: &str,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(task_failed(action, &error)),
    }
}

pub(super) fn task_failed(action: &str, error: &tokio::task::JoinError) -> StoreError {
    StoreError {
        fault: StoreFault::Other,
        action: action.to_owned(),
        hint: Some(format!("its task ended: {error}")),
        source: None,
    }
}
