//! Files that people name for restock to write, and those that it keeps beside its own: one way for
//! all of them.
//!
//! - A file is written beside its place and moved there, so that no reader sees half of it. It keeps
//!   the mode that it had; a new one gets what the umask leaves.
//! - A link stays a link: the file that it leads to is replaced, or made.
//! - `-`, `/dev/stdout` and `/dev/fd/N` are the streams that the process was given.
//! - What else is there and is no file (a device, a pipe) is written to as it stands, and never
//!   replaced; a folder or a socket is refused.
//! - What restock keeps for itself ([`open_own`]) is a file or nothing: no link is followed.

mod own;

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::Builder;

pub(crate) use own::open_own;

/// Stands for stdout.
const STDOUT: &str = "-";

/// Links that are followed one after the other, as the system does.
const LINKS_AT_MOST: usize = 40;

/// Where a path leads.
enum Target {
    /// To a file, or to where one can be made.
    File { path: PathBuf, mode: Option<u32> },
    /// To a stream of this process.
    Stream(Stream),
    /// To something else that can be written to.
    Device(PathBuf),
}

/// A stream that the process was given.
enum Stream {
    Stdout,
    Stderr,
    /// By its path, which opens it again.
    Other(PathBuf),
}

/// Writes a whole file, or nothing: see the head of this module.
pub(crate) fn write(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
) -> io::Result<()> {
    let whole = |file: &mut File| {
        let mut out = BufWriter::new(file);
        content(&mut out)?;
        out.flush()
    };
    match settle(path)? {
        Target::File { path, mode } => replace(&path, mode, whole),
        Target::Stream(stream) => whole(&mut stream.open()?),
        Target::Device(path) => whole(&mut File::options().write(true).open(path)?),
    }
}

/// Whether a file could be written there, as far as that can be told without writing.
pub(crate) fn check(path: &Path) -> io::Result<()> {
    match settle(path)? {
        Target::File { path, .. } if !folder_of(&path).is_dir() => {
            Err(io::Error::new(ErrorKind::NotFound, "its folder does not exist"))
        }
        Target::File { .. } | Target::Stream(_) | Target::Device(_) => Ok(()),
    }
}

/// The file that would be replaced or made, with every link on the way followed; `None` where that
/// is none.
pub(crate) fn place(path: &Path) -> Option<PathBuf> {
    let Ok(Target::File { path, .. }) = settle(path) else { return None };
    let folder = fs::canonicalize(folder_of(&path)).ok()?;
    Some(folder.join(path.file_name()?))
}

fn settle(path: &Path) -> io::Result<Target> {
    if path == Path::new(STDOUT) {
        return Ok(Target::Stream(Stream::Stdout));
    }
    let mut path = path.to_owned();
    for _ in 0..LINKS_AT_MOST {
        if let Some(stream) = Stream::at(&path) {
            return Ok(Target::Stream(stream));
        }
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Target::File { path, mode: None });
            }
            Err(error) => return Err(error),
        };
        let kind = found.file_type();
        if kind.is_symlink() {
            path = folder_of(&path).join(fs::read_link(&path)?);
        } else if kind.is_file() {
            return Ok(Target::File { path, mode: Some(found.mode() & 0o777) });
        } else if kind.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        } else if kind.is_socket() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "it is a socket"));
        } else {
            return Ok(Target::Device(path));
        }
    }
    Err(io::Error::new(ErrorKind::InvalidInput, "it is a loop of links"))
}

impl Stream {
    /// The stream that a path below `/proc/PID/fd` opens. Its links lead to names that may belong
    /// to nobody, or to a file that somebody else goes on writing: they are not followed.
    fn at(path: &Path) -> Option<Self> {
        let number: u32 = path.file_name()?.to_str()?.parse().ok()?;
        let folder = fs::canonicalize(folder_of(path)).ok()?;
        if !folder.starts_with("/proc") || !folder.ends_with("fd") {
            return None;
        }
        let own = folder.starts_with(format!("/proc/{}", std::process::id()));
        Some(match number {
            1 if own => Self::Stdout,
            2 if own => Self::Stderr,
            _ => Self::Other(path.to_owned()),
        })
    }

    fn open(self) -> io::Result<File> {
        Ok(match self {
            // The same open file, and so the same position in it, behind what was printed before.
            Self::Stdout => {
                io::stdout().flush()?;
                io::stdout().as_fd().try_clone_to_owned()?.into()
            }
            Self::Stderr => io::stderr().as_fd().try_clone_to_owned()?.into(),
            Self::Other(path) => File::options().append(true).open(path)?,
        })
    }
}

fn replace(
    path: &Path,
    mode: Option<u32>,
    content: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    // Temporary files are private by default; this one is as readable as the umask makes it.
    let by_umask = Permissions::from_mode(0o666);
    let mut builder = Builder::new();
    let mut staged =
        builder.prefix(".restock-").permissions(by_umask).tempfile_in(folder_of(path))?;
    if let Some(mode) = mode {
        staged.as_file().set_permissions(Permissions::from_mode(mode))?;
    }
    content(staged.as_file_mut())?;
    staged.as_file().sync_all()?;
    staged.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests;
