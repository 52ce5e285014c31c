//! [`Own`]: what belongs to restock itself, and is no file to import.

use std::path::{Path, PathBuf};

/// Files and folders of restock, with what stands beside them: journals and locks of databases.
#[derive(Debug, Clone, Default)]
pub(super) struct Own(Vec<PathBuf>);

impl Own {
    /// Paths that are not there are nobody's.
    pub(super) fn new(paths: &[PathBuf]) -> Self {
        Self(paths.iter().filter_map(|path| path.canonicalize().ok()).collect())
    }

    /// Whether the path is one of them, or named after one.
    pub(super) fn has(&self, path: &Path) -> bool {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
        let named = |own: &&PathBuf| {
            let own = own.file_name().and_then(|own| own.to_str());
            own.and_then(|own| name.strip_prefix(own)).is_some_and(|rest| {
                matches!(rest, "" | "-wal" | "-shm" | "-journal") || is_lock(rest)
            })
        };
        // Names first: only few paths are worth a look at the disk.
        let mut named = self.0.iter().filter(named).peekable();
        if named.peek().is_none() {
            return false;
        }
        let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
        folder.is_some() && named.any(|own| own.parent() == folder.as_deref())
    }
}

fn is_lock(rest: &str) -> bool {
    rest.strip_prefix('.').and_then(|rest| rest.strip_suffix(".lock")).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_and_what_stands_beside_it_are_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["ledger.db", "store", "elsewhere"] {
            std::fs::create_dir(at(name)).unwrap();
        }
        let own = Own::new(&[at("ledger.db"), at("store"), at("absent")]);
        for name in ["ledger.db", "./ledger.db-wal", "ledger.db.0a.lock", "store"] {
            assert!(own.has(&at(name)), "{name}");
        }
        for name in ["ledger.dbx", "store.pkg", "elsewhere/ledger.db", "absent"] {
            assert!(!own.has(&at(name)), "{name}");
        }
    }
}
