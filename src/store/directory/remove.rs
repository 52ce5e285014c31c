//! Takes files away on a person's word, and the folders that are empty then.

use std::io;

use cap_std::fs::Dir;

use super::place::{check_key, find, folder};
use super::publish::sync_folder;
use super::root::{Root, io_error, is_absent};
use crate::model::ObjectMeta;
use crate::store::keys::printable;
use crate::store::{StoreError, StoreFault};

/// Removes a file, if it is still this version.
pub(super) fn remove(root: &Root, key: &str, version: &ObjectMeta) -> Result<(), StoreError> {
    let action = || format!("remove {}", printable(key));
    check_key(key)?;
    root.check()?;
    let Some(now) = find(root, key)? else {
        return Err(io_error(action(), io::Error::from(io::ErrorKind::NotFound)));
    };
    if now != *version {
        return Err(StoreError {
            fault: StoreFault::Conflict,
            action: action(),
            hint: Some("it is not the version that was looked at".to_owned()),
            source: None,
        });
    }
    let removed = root.dir.remove_file(key).and_then(|()| sync_folder(root, folder(key)));
    removed.map_err(|error| io_error(action(), error))
}

/// Removes the folders below this one that hold nothing, and leaves the folder itself.
pub(super) fn remove_empty_folders(root: &Root, top: &str) -> Result<(), StoreError> {
    let failed = |error| io_error(format!("clear up below {}", printable(top)), error);
    check_key(top)?;
    root.check()?;
    match root.dir.open_dir(top) {
        Ok(dir) => clear(&dir).map_err(failed),
        Err(error) if is_absent(&error) => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

fn clear(dir: &Dir) -> io::Result<()> {
    for entry in dir.entries()? {
        let entry = entry?;
        // Links are not followed: what lies behind them is somebody else's.
        if !entry.file_type()?.is_dir() {
            continue;
        }
        clear(&dir.open_dir(entry.file_name())?)?;
        match dir.remove_dir(entry.file_name()) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
