//! Files with secrets, and the ledger, that others on the machine may read or write.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::config::{Config, NamedFile};
use crate::ledger;

/// Files that were told already: a daemon opens them again and again.
static TOLD: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Everybody's right to read, and anybody's but the owner's to write. A group that may read is how
/// secrets are handed to a service.
const LOOSE: u32 = 0o026;

/// Warns in the log of each such file, once.
pub(super) fn tell(config: &Config) {
    named(config).into_iter().for_each(tell_of);
}

/// The same of one file.
pub(super) fn tell_of(file: NamedFile) {
    let Some(remark) = remark(&file) else { return };
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.insert(file.path) {
        tracing::warn!("{remark}");
    }
}

/// What is loose about the files of a configuration.
pub(super) fn remarks(config: &Config) -> Vec<String> {
    named(config).iter().filter_map(remark).collect()
}

fn named(config: &Config) -> Vec<NamedFile> {
    let mut files = config.named_files();
    files.retain(NamedFile::is_secret);
    if let Ok(path) = ledger::file_of(config.ledger_url(), &config.base) {
        files.push(NamedFile { name: "ledger.url".to_owned(), path });
    }
    files
}

fn remark(file: &NamedFile) -> Option<String> {
    let NamedFile { name, path } = file;
    let what = what_others_may(path)?;
    let path = path.display();
    Some(format!("{path} ({name}) can be {what}: `chmod 600` it, or 640 for a group"))
}

/// `None` where that is nothing, or there is no such file.
fn what_others_may(path: &Path) -> Option<&'static str> {
    let found = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    match found.mode() & LOOSE {
        0 => None,
        0o004 => Some("read by every user of this machine"),
        _ => Some("written by others than its owner"),
    }
}
