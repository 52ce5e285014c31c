//! Lists a folder and all folders below it, in the order in which the file system has them.

use std::ffi::OsStr;
use std::io;

use cap_std::fs::{Dir, DirEntry, MetadataExt};
use tokio::sync::mpsc;

use super::place::{NOWHERE, in_the_way, leads_nowhere, modified};
use super::root::{Root, io_error, is_absent};
use crate::model::{OperationKind, TEMPORARY_MARK};
use crate::store::counters::{self, Counters};
use crate::store::keys::{KeyRange, printable};
use crate::store::{ListedPage, Observed, StoreError, StoreFault};

/// Keys of a page.
const PAGE_KEYS: usize = 1_000;

type Out = mpsc::Sender<Result<ListedPage, StoreError>>;

/// Lists what lies below `prefix` and in `range`. Returns early when nobody takes the pages.
pub(super) fn walk(root: &Root, prefix: &str, range: &KeyRange, counters: &Counters, out: &Out) {
    let mut walk = Walk { root, range, counters, out, page: ListedPage::default() };
    let end = match walk.run(prefix) {
        Ok(()) => Ok(std::mem::take(&mut walk.page)),
        Err(Stop::Failed(error)) => Err(error),
        Err(Stop::Unwanted) => return,
    };
    // Where the consumer has gone, nobody is left to be told.
    drop(out.blocking_send(end));
}

enum Stop {
    Failed(StoreError),
    Unwanted,
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

struct Walk<'a> {
    root: &'a Root,
    range: &'a KeyRange,
    counters: &'a Counters,
    out: &'a Out,
    page: ListedPage,
}

impl Walk<'_> {
    fn run(&mut self, prefix: &str) -> Result<(), Stop> {
        self.root.check()?;
        let Some(top) = self.open(prefix)? else {
            // An absent folder below a directory that is there: no object of it exists.
            return Ok(self.root.check()?);
        };
        let before = identity(&top).map_err(|error| list_error(prefix, error))?;
        let mut pending = vec![prefix.to_owned()];
        while let Some(folder) = pending.pop() {
            if let Some(dir) = self.open(&folder)? {
                self.folder(&folder, &dir, &mut pending)?;
            }
        }
        self.root.check()?;
        let now = self.open(prefix)?;
        let now = now.as_ref().map(identity).transpose().map_err(|e| list_error(prefix, e))?;
        if now == Some(before) {
            return Ok(());
        }
        Err(Stop::Failed(StoreError {
            fault: StoreFault::NoSuchStore,
            action: format!("list {}", printable(prefix)),
            hint: Some("the folder was replaced or unmounted meanwhile".to_owned()),
            source: None,
        }))
    }

    /// Opens a folder by its key with a trailing slash; `None` where it is not there any more.
    fn open(&self, folder: &str) -> Result<Option<Dir>, StoreError> {
        let path = folder.trim_end_matches('/');
        let opened = match path {
            "" => self.root.dir.try_clone(),
            path => self.root.dir.open_dir(path),
        };
        match opened {
            Ok(dir) => Ok(Some(dir)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // What a link led to may be unmounted, which is not an empty folder.
                match leads_nowhere(self.root, path) {
                    Ok(false) => Ok(None),
                    Ok(true) => Err(in_the_way(format!("list {}", printable(folder)), NOWHERE)),
                    Err(error) => Err(list_error(folder, error)),
                }
            }
            Err(error) => Err(list_error(folder, error)),
        }
    }

    fn folder(&mut self, folder: &str, dir: &Dir, pending: &mut Vec<String>) -> Result<(), Stop> {
        let asked = self.counters.ask(OperationKind::List);
        let read = self.entries(folder, dir, pending);
        asked.end(match &read {
            Err(Stop::Failed(error)) => counters::failure(error.fault),
            Ok(()) | Err(Stop::Unwanted) => None,
        });
        read
    }

    fn entries(&mut self, folder: &str, dir: &Dir, pending: &mut Vec<String>) -> Result<(), Stop> {
        for entry in dir.entries().map_err(|error| list_error(folder, error))? {
            let entry = entry.map_err(|error| list_error(folder, error))?;
            self.entry(folder, &entry, pending)?;
            if self.page.objects.len() + self.page.unaddressable.len() >= PAGE_KEYS {
                let page = std::mem::take(&mut self.page);
                self.out.blocking_send(Ok(page)).map_err(|_| Stop::Unwanted)?;
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        folder: &str,
        entry: &DirEntry,
        pending: &mut Vec<String>,
    ) -> Result<(), StoreError> {
        let name = entry.file_name();
        let key = match addressable(&name) {
            Some(name) if name.starts_with(TEMPORARY_MARK) => return Ok(()),
            Some(name) => format!("{folder}{name}"),
            None => {
                // Nothing below a folder with such a name has a key either.
                let shown = format!("{}{}", printable(folder), escaped(&name));
                if self.range.contains(&shown) {
                    self.page.unaddressable.push(shown);
                }
                return Ok(());
            }
        };
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            pending.push(key + "/");
            return Ok(());
        }
        if !self.range.contains(&key) {
            return Ok(());
        }
        match entry.metadata() {
            Ok(found) if found.is_dir() => pending.push(key + "/"),
            Ok(found) if found.is_file() => self.object(key, &found),
            Ok(found) if found.is_symlink() => self.link(key),
            Ok(_) => self.page.unaddressable.push(printable(&key)),
            // It was taken away since the folder was read.
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(list_error(&key, error)),
        }
        Ok(())
    }

    /// A link is the file that it leads to, if that lies inside. A folder behind a link is not
    /// entered, so that no loop is either.
    fn link(&mut self, key: String) {
        match self.root.dir.metadata(&key) {
            Ok(found) if found.is_file() => self.object(key, &found),
            _ => self.page.unaddressable.push(printable(&key)),
        }
    }

    fn object(&mut self, key: String, found: &cap_std::fs::Metadata) {
        self.page.objects.push(Observed {
            key,
            size: found.len(),
            modified: modified(found),
            archived: false,
        });
    }
}

fn identity(dir: &Dir) -> io::Result<(u64, u64)> {
    dir.dir_metadata().map(|found| (found.dev(), found.ino()))
}

fn addressable(name: &OsStr) -> Option<&str> {
    name.to_str().filter(|name| !name.chars().any(char::is_control))
}

fn escaped(name: &OsStr) -> String {
    match name.to_str() {
        Some(name) => printable(name),
        None => name.as_encoded_bytes().escape_ascii().to_string(),
    }
}

fn list_error(key: &str, error: io::Error) -> StoreError {
    let mut failed = io_error(format!("list {}", printable(key)), error);
    if failed.fault == StoreFault::NotFound {
        // That says nothing about objects.
        failed.fault = StoreFault::Server;
    }
    failed
}
