//! Finds the files of a path, sorted by name, without following symlinks.

use std::io;
use std::path::{Path, PathBuf};

use super::own::Own;

/// What a walk comes across.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// Relative to the folder that was named; a file that was named itself is its name.
    pub(super) relative: PathBuf,
    pub(super) entry: Entry,
}

/// Whether it is of use.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    File,
    Skipped(&'static str),
    Unreadable(String),
}

/// Walks a file or folder. What is restock's own is passed by, unless it is what was named.
pub(super) fn walk(path: &Path, own: Own) -> impl Iterator<Item = Found> {
    let relative = match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => PathBuf::new(),
        Ok(_) | Err(_) => PathBuf::from(path.file_name().unwrap_or(path.as_os_str())),
    };
    Walk { root: path.to_owned(), own, ahead: vec![(path.to_owned(), relative)] }
}

/// Depth first; the next path is the last one.
struct Walk {
    root: PathBuf,
    own: Own,
    ahead: Vec<(PathBuf, PathBuf)>,
}

impl Iterator for Walk {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        while let Some((path, relative)) = self.ahead.pop() {
            let entry = match std::fs::symlink_metadata(&path) {
                Err(error) => Entry::Unreadable(format!("cannot be looked at: {error}")),
                Ok(_) if path != self.root && self.own.has(&path) => {
                    Entry::Skipped("restock's own")
                }
                Ok(metadata) if metadata.is_symlink() => {
                    Entry::Skipped("a symlink: name what it points to")
                }
                Ok(metadata) if metadata.is_dir() => match self.enter(&path, &relative) {
                    Ok(()) => continue,
                    Err(error) => Entry::Unreadable(format!("cannot be listed: {error}")),
                },
                Ok(metadata) if metadata.is_file() => Entry::File,
                Ok(_) => Entry::Skipped("neither a file nor a folder"),
            };
            return Some(Found { path, relative, entry });
        }
        None
    }
}

impl Walk {
    fn enter(&mut self, path: &Path, relative: &Path) -> io::Result<()> {
        let mut names = std::fs::read_dir(path)?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<io::Result<Vec<_>>>()?;
        names.sort_unstable();
        let children = names.into_iter().rev();
        self.ahead.extend(children.map(|name| (path.join(&name), relative.join(&name))));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_walked_in_sorted_order_and_symlinks_are_skipped() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b/z", "b/a/x", "c", "a"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        std::os::unix::fs::symlink(folder.path(), folder.path().join("b/loop")).unwrap();
        let found: Vec<_> = walk(folder.path(), Own::default())
            .map(|found| (found.relative.display().to_string(), found.entry == Entry::File))
            .collect();
        let expected =
            [("a", true), ("b/a/x", true), ("b/loop", false), ("b/z", true), ("c", true)];
        assert_eq!(found, expected.map(|(path, is_file)| (path.to_owned(), is_file)));
        let one: Vec<_> = walk(&folder.path().join("b/z"), Own::default()).collect();
        assert_eq!((one.len(), one[0].relative.as_path()), (1, Path::new("z")));
        let absent: Vec<_> = walk(&folder.path().join("none"), Own::default()).collect();
        assert!(matches!(absent[0].entry, Entry::Unreadable(_)));
    }
}
