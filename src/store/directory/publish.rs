//! Makes a temporary file visible under its key, sets files aside, and clears up.

use std::io;

use super::place::{check_key, find, folder};
use super::root::{Root, io_error};
use super::stage::{create, temporary};
use crate::model::is_temporary;
use crate::store::keys::printable;
use crate::store::{Condition, StoreError, StoreFault};

/// Moves a temporary file, which is on disk, to its key.
pub(super) fn publish(
    root: &Root,
    temporary: &str,
    key: &str,
    condition: &Condition,
) -> Result<(), StoreError> {
    let failed = |error| io_error(format!("publish {}", printable(key)), error);
    root.check()?;
    match condition {
        Condition::Absent => move_to_free(root, temporary, key)?,
        Condition::Replaces(read) => {
            let now = find(root, key)?;
            if now.is_none_or(|now| read.etag.is_some() && now.etag != read.etag) {
                return Err(conflict(key, "it is not the file that was read"));
            }
            root.dir.rename(temporary, &root.dir, key).map_err(failed)?;
        }
    }
    sync_folder(root, folder(key)).map_err(failed)
}

/// A link fails where something is there already; a rename would replace it.
fn move_to_free(root: &Root, temporary: &str, key: &str) -> Result<(), StoreError> {
    let failed = |error| io_error(format!("publish {}", printable(key)), error);
    match root.dir.hard_link(temporary, &root.dir, key) {
        Ok(()) => root.dir.remove_file(temporary).map_err(failed),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(conflict(key, "something is there by now"))
        }
        Err(error) if lacks_links(&error) => match root.dir.symlink_metadata(key) {
            Ok(_) => Err(conflict(key, "something is there by now")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                root.dir.rename(temporary, &root.dir, key).map_err(failed)
            }
            Err(error) => Err(failed(error)),
        },
        Err(error) => Err(failed(error)),
    }
}

/// What file systems without hard links answer, e.g. FAT and some network ones.
fn lacks_links(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported)
}

fn conflict(key: &str, what: &str) -> StoreError {
    StoreError {
        fault: StoreFault::Conflict,
        action: format!("publish {}", printable(key)),
        hint: Some(what.to_owned()),
        source: None,
    }
}

/// Gives a corrupt file a second name. It is replaced by a rename later, which leaves that name
/// its bytes; a link takes no space, no time, and leaves nothing half-done after a crash. Where
/// there are no links, or the key itself is one, the bytes are copied.
pub(super) fn set_aside(root: &Root, key: &str, to: &str) -> Result<(), StoreError> {
    let failed = |error| io_error(format!("copy {} to {}", printable(key), printable(to)), error);
    check_key(key)?;
    check_key(to)?;
    root.check()?;
    let found = root.dir.symlink_metadata(key).map_err(failed)?;
    if let Some(folder) = folder(to) {
        make_folders(root, folder).map_err(failed)?;
    }
    let linked = found.is_file() && root.dir.hard_link(key, &root.dir, to).is_ok();
    if !linked {
        copy(root, key, to)?;
    }
    sync_folder(root, folder(to)).map_err(failed)?;
    let (from, copy) = (find(root, key)?, find(root, to)?);
    if from.as_ref().map(|m| m.size) == copy.as_ref().map(|m| m.size) && copy.is_some() {
        return Ok(());
    }
    Err(conflict(to, "the copy has another size than the original"))
}

fn copy(root: &Root, key: &str, to: &str) -> Result<(), StoreError> {
    let action = format!("copy {} to {}", printable(key), printable(to));
    let failed = |error| io_error(&action, error);
    let found = root.dir.metadata(key).map_err(failed)?;
    if !found.is_file() {
        return Err(super::place::no_file(action, &found));
    }
    let name = temporary(to);
    let mut target = create(root, &name, &action)?;
    let mut copied = || {
        let mut source = root.dir.open(key)?;
        io::copy(&mut source, &mut target)?;
        target.sync_all()?;
        root.dir.rename(&name, &root.dir, to)
    };
    copied().map_err(|error| match sweep(root, &name) {
        Ok(()) => failed(error),
        Err(also) => StoreError { hint: Some(also.to_string()), ..failed(error) },
    })
}

/// Removes a temporary file; anything else is refused, whatever a ledger says.
pub(super) fn sweep(root: &Root, temporary: &str) -> Result<(), StoreError> {
    let action = || format!("throw away {}", printable(temporary));
    check_key(temporary)?;
    if !is_temporary(temporary) {
        return Err(StoreError {
            fault: StoreFault::Other,
            action: action(),
            hint: Some("it is no temporary file of restock".to_owned()),
            source: None,
        });
    }
    match root.dir.remove_file(temporary) {
        Ok(()) => Ok(()),
        Err(error) if super::root::is_absent(&error) => Ok(()),
        Err(error) => Err(io_error(action(), error)),
    }
}

/// Makes a folder and those above it, and has each that is new written down by its parent.
pub(super) fn make_folders(root: &Root, path: &str) -> io::Result<()> {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    for folder_path in ends.filter_map(|end| path.get(..end)) {
        match root.dir.create_dir(folder_path) {
            Ok(()) => sync_folder(root, folder(folder_path))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Without it a crash may forget the name of a file whose bytes are on disk.
pub(super) fn sync_folder(root: &Root, folder: Option<&str>) -> io::Result<()> {
    // A handle of a folder only names it; what can be synced is the folder opened as a file.
    root.dir.open(folder.unwrap_or("."))?.sync_all()
}
