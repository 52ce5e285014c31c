//! What lies under a key: a regular file is an object. Anything else is none and is in its way:
//! nothing can be published there before a person has moved it.

use std::io;

use cap_std::fs::{Metadata, MetadataExt};
use chrono::{DateTime, Utc};

use super::root::{Root, io_error};
use crate::model::ObjectMeta;
use crate::store::keys::printable;
use crate::store::{StoreError, StoreFault};

/// Looks under a key. `None` is said only after a look at the store itself.
pub(super) fn find(root: &Root, key: &str) -> Result<Option<ObjectMeta>, StoreError> {
    let action = || format!("probe {}", printable(key));
    check_key(key)?;
    match root.dir.metadata(key) {
        Ok(found) if found.is_file() => Ok(Some(meta(&found))),
        Ok(found) => Err(no_file(action(), &found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            root.check()?;
            if leads_nowhere(root, key).map_err(|error| io_error(action(), error))? {
                return Err(in_the_way(action(), NOWHERE));
            }
            Ok(None)
        }
        Err(error) => Err(io_error(action(), error)),
    }
}

/// Whether a link on the way to a path, or at its end, leads to nothing.
pub(super) fn leads_nowhere(root: &Root, path: &str) -> io::Result<bool> {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    for part in ends.filter_map(|end| path.get(..end)) {
        let absent = |error: io::Error| {
            if error.kind() == io::ErrorKind::NotFound { Ok(None) } else { Err(error) }
        };
        let Some(named) = root.dir.symlink_metadata(part).map(Some).or_else(absent)? else {
            return Ok(false);
        };
        if named.is_symlink() && root.dir.metadata(part).map(Some).or_else(absent)?.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
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

/// What a link is in the way as that leads nowhere.
pub(super) const NOWHERE: &str = "a link that leads nowhere";

/// A folder, or a pipe, a socket or a device, which might never be read to its end.
pub(super) fn no_file(action: String, found: &Metadata) -> StoreError {
    let what = if found.is_dir() { "a folder" } else { "a pipe, a socket or a device" };
    in_the_way(action, what)
}

/// Something that is no object stands under a key, or on the way to it.
pub(super) fn in_the_way(action: String, what: &str) -> StoreError {
    StoreError {
        fault: StoreFault::NotAFile,
        action,
        hint: Some(format!("{what} stands in its place: move it away")),
        source: None,
    }
}
