//! What lies under a key: a regular file is an object, all else is none.

use std::io;

use cap_std::fs::{Metadata, MetadataExt};
use chrono::{DateTime, Utc};

use super::root::{Root, io_error, is_absent};
use crate::model::ObjectMeta;
use crate::store::keys::printable;
use crate::store::{StoreError, StoreFault};

/// Looks under a key. `None` is said only after a look at the store itself.
pub(super) fn find(root: &Root, key: &str) -> Result<Option<ObjectMeta>, StoreError> {
    let action = || format!("probe {}", printable(key));
    check_key(key)?;
    match root.dir.metadata(key) {
        Ok(found) if found.is_file() => Ok(Some(meta(&found))),
        // A folder is no object: the key itself is free.
        Ok(found) if found.is_dir() => Ok(None),
        Ok(_) => Err(no_file(action())),
        Err(error) if is_absent(&error) => root.check().map(|()| None),
        Err(error) => Err(io_error(action(), error)),
    }
}

/// Refuses what names no file below the root. The handle would hold against it as well; this says
/// why, and keeps one file from having two keys.
pub(super) fn check_key(key: &str) -> Result<(), StoreError> {
    let bad_segment = key.split('/').any(|part| matches!(part, "" | "." | ".."));
    if !bad_segment && !key.chars().any(char::is_control) {
        return Ok(());
    }
    Err(StoreError {
        fault: StoreFault::Other,
        action: format!("address {}", printable(key)),
        hint: Some("no object can be reached under such a key".to_owned()),
        source: None,
    })
}

/// The key's folder; `None` for the root.
pub(super) fn folder(key: &str) -> Option<&str> {
    key.rsplit_once('/').map(|(folder, _)| folder)
}

/// What is known of a file: another inode, size or modification time is another version.
pub(super) fn meta(file: &Metadata) -> ObjectMeta {
    let (inode, size) = (file.ino(), file.len());
    let (seconds, nanoseconds) = (file.mtime(), file.mtime_nsec());
    ObjectMeta {
        size,
        etag: Some(format!("{inode:x}-{size:x}-{seconds:x}.{nanoseconds:09}")),
        modified: modified(file),
    }
}

/// When a file was last modified.
pub(super) fn modified(file: &Metadata) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(file.mtime(), u32::try_from(file.mtime_nsec()).unwrap_or(0))
}

/// A pipe, a socket or a device: reading it might never end.
pub(super) fn no_file(action: String) -> StoreError {
    let source = io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
    io_error(action, source)
}
