//! Files of restock's own: locks, records and tokens.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;

/// Opens a file that restock keeps for itself, to read and to write it; with a mode, one that is
/// absent is made. A link is refused, and so is what is no file; nothing in it is touched, and
/// nothing is waited for.
pub(crate) fn open_own(path: &Path, mode: Option<u32>) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC).bits();
    let opened = OpenOptions::new()
        .read(true)
        .write(true)
        .create(mode.is_some())
        .mode(mode.unwrap_or_default())
        .custom_flags(i32::try_from(flags).map_err(io::Error::other)?)
        .open(path);
    let file = opened.map_err(|error| match error.raw_os_error() {
        Some(code) if code == Errno::LOOP.raw_os_error() => refused("it is a link"),
        _ => error,
    })?;
    if !file.metadata()?.is_file() {
        return Err(refused("it is no file"));
    }
    Ok(file)
}

fn refused(why: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, why)
}
