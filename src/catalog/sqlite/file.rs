//! How a catalog file may be read without leaving a trace, decided anew before every statement.
//!
//! - A file with a **rollback journal** is opened `mode=ro`: locks, no side files. A journal that a
//!   crashed writer left behind would have to be rolled back, which is refused.
//! - A file in **WAL mode that somebody has open** (its `-wal` and `-shm` are there) is opened
//!   `mode=ro` too, and sees what is committed. Like every reader it takes its locks in `-shm`.
//! - A file in **WAL mode that nobody has open** has no side files, and `mode=ro` would make them,
//!   and leave them behind owned by whoever runs restock: the next writer could be shut out. So it
//!   is opened `immutable`, which takes no locks, and shown to be unchanged afterwards; if it is
//!   not, what was read counts for nothing.
//! - A `-wal` with content but **without its `-shm`** (a copy of a live database) cannot be read
//!   without making a `-shm`; this is refused, with what to do.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tokio::io::AsyncReadExt;

const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// How to open the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stance {
    /// `mode=ro`, with locks.
    Locked,
    /// `immutable=1`: no locks and no side files; valid while the stamp stays the same.
    Still(Stamp),
}

/// What changes when anybody writes. Times of the file system tick every few milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    file: Version,
    wal: Option<Version>,
}

type Version = (u64, u64, u64, (i64, i64), (i64, i64));

/// Why a file is no readable catalog.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileProblem {
    #[error("it does not exist")]
    Absent,
    #[error("it is no SQLite database")]
    NotSqlite,
    #[error("its write-ahead log has no -shm file beside it, which reading would have to make")]
    DetachedLog,
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Stance {
    /// Looks at the file and its side files.
    pub(super) async fn of(path: &Path) -> Result<Self, FileProblem> {
        // The stamp comes first: whatever is written from here on shows in it.
        let stamp = Stamp::of(path).await?;
        if !is_in_wal_mode(path).await? {
            return Ok(Self::Locked);
        }
        let shm = metadata(&beside(path, "-shm")).await?;
        match (&stamp.wal, shm) {
            (Some(_), Some(_)) => Ok(Self::Locked),
            (Some((_, _, size, _, _)), None) if *size > 0 => Err(FileProblem::DetachedLog),
            (Some(_) | None, _) => Ok(Self::Still(stamp)),
        }
    }
}

impl Stamp {
    /// The stamp of the file as it is now.
    pub(super) async fn of(path: &Path) -> Result<Self, FileProblem> {
        let file = metadata(path).await?.ok_or(FileProblem::Absent)?;
        if file.is_dir() {
            return Err(FileProblem::NotSqlite);
        }
        let wal = metadata(&beside(path, "-wal")).await?;
        Ok(Self { file: version(&file), wal: wal.as_ref().map(version) })
    }
}

async fn metadata(path: &Path) -> io::Result<Option<Metadata>> {
    match tokio::fs::metadata(path).await {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn version(file: &Metadata) -> Version {
    let modified = (file.mtime(), file.mtime_nsec());
    let changed = (file.ctime(), file.ctime_nsec());
    (file.dev(), file.ino(), file.len(), modified, changed)
}

/// The file's name with a suffix, as `SQLite` names its side files.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Reads the header: bytes 18 and 19 are 2 in WAL mode.
async fn is_in_wal_mode(path: &Path) -> Result<bool, FileProblem> {
    let mut header = [0; 20];
    let mut file = match tokio::fs::File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(FileProblem::Absent),
        Err(error) => return Err(error.into()),
    };
    match file.read_exact(&mut header).await {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(FileProblem::NotSqlite);
        }
        Err(error) => return Err(error.into()),
    }
    if header.first_chunk() != Some(MAGIC) {
        return Err(FileProblem::NotSqlite);
    }
    let [.., write_version, read_version] = header;
    Ok(write_version == 2 && read_version == 2)
}
