//! The folder of a demo, and the list of what it made there: nothing else is ever taken away or
//! written over.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write as _};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use walkdir::WalkDir;

use crate::files;

/// The file that marks a folder as a demo's own, and lists what it made.
const MARKER: &str = ".restock-demo";

/// Its first line; the paths follow, one a line.
const HEAD: &str =
    "# Made by `restock demo`, which takes these files away when it runs here again:";

/// A folder in which nothing is in the way of a demo.
pub(super) struct Ground {
    path: PathBuf,
    /// Files of somebody else, which stay.
    others: BTreeSet<String>,
    made: BTreeSet<String>,
}

impl Ground {
    /// Takes an absent or empty folder, or one that a demo made earlier, without what that made.
    /// `files` are those that will be made.
    pub(super) fn claim(dir: &Path, files: BTreeSet<String>) -> anyhow::Result<Self> {
        let cannot = || format!("cannot use {} for the demo", dir.display());
        std::fs::create_dir_all(dir).with_context(cannot)?;
        let root = Dir::open_ambient_dir(dir, ambient_authority()).with_context(cannot)?;
        if root.entries().with_context(cannot)?.next().is_some() {
            let Some(listed) = listed(&root).with_context(cannot)? else {
                bail!(
                    "{} is not empty and no demo's folder: name another with --dir, nothing was \
                     touched",
                    dir.display()
                );
            };
            take_away(&root, &listed).with_context(cannot)?;
        }
        for file in &files {
            vacant(&root, Path::new(file)).with_context(cannot)?;
        }
        let path = dir.canonicalize().with_context(cannot)?;
        let others = files_in(&path).with_context(cannot)?;
        let ground = Self { path, others, made: files };
        ground.mark()?;
        Ok(ground)
    }

    /// The folder.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether somebody else's object lies under a key of the store.
    pub(super) fn is_anothers(&self, key: &str) -> bool {
        self.others.contains(&format!("store/{key}"))
    }

    /// Lists what came of the demo besides: bytes that it set aside, what its ledger left.
    pub(super) fn note_the_rest(&mut self) -> anyhow::Result<()> {
        let found = files_in(&self.path).context("cannot list what the demo made")?;
        self.made.extend(found.difference(&self.others).cloned());
        self.mark()
    }

    fn mark(&self) -> anyhow::Result<()> {
        let marked = files::write(&self.path.join(MARKER), |out| {
            writeln!(out, "{HEAD}")?;
            self.made.iter().try_for_each(|file| writeln!(out, "{file}"))
        });
        marked.context("cannot write down what the demo makes")
    }
}

/// What a demo made here; `None` where none did.
fn listed(root: &Dir) -> anyhow::Result<Option<BTreeSet<String>>> {
    let found = match root.symlink_metadata(MARKER) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if !found.is_file() {
        return Ok(None);
    }
    let text = root.read_to_string(MARKER)?;
    let mut lines = text.lines();
    if lines.next() != Some(HEAD) {
        bail!("its {MARKER} lists nothing: delete the folder, or name another with --dir");
    }
    let is_inside = |file: &&str| {
        let normal = |part: Component<'_>| matches!(part, Component::Normal(_));
        !file.is_empty() && Path::new(file).components().all(normal)
    };
    Ok(Some(lines.filter(is_inside).map(str::to_owned).collect()))
}

/// Takes these files away, and the folders that are empty then. Whatever links may stand in the
/// folder, the handle never leaves it.
fn take_away(root: &Dir, files: &BTreeSet<String>) -> std::io::Result<()> {
    let mut folders = BTreeSet::new();
    for file in files {
        match root.symlink_metadata(file) {
            Ok(found) if found.is_file() => root.remove_file(file)?,
            // It is none that a demo made.
            Ok(_) => {}
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(error),
        }
        let above = Path::new(file).ancestors().skip(1);
        folders.extend(above.filter(|above| !above.as_os_str().is_empty()));
    }
    for folder in folders.into_iter().rev() {
        match root.remove_dir(folder) {
            Err(error) if error.kind() != ErrorKind::DirectoryNotEmpty && !is_absent(&error) => {
                return Err(error);
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Whether nothing is there, or a folder on the way is none.
fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Refuses where something else has the place of a file, or where its folders are none.
fn vacant(root: &Dir, file: &Path) -> anyhow::Result<()> {
    for (depth, part) in file.ancestors().enumerate() {
        if part.as_os_str().is_empty() {
            continue;
        }
        match root.symlink_metadata(part) {
            Ok(found) if depth > 0 && found.is_dir() => {}
            Ok(_) => bail!(
                "{} is in the way, and no demo made it: move it, or name another folder with --dir",
                part.display()
            ),
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The files below a folder, as paths from there on; links are not followed.
fn files_in(folder: &Path) -> Result<BTreeSet<String>, walkdir::Error> {
    let mut files = BTreeSet::new();
    for entry in WalkDir::new(folder) {
        let entry = entry?;
        let inside = entry.path().strip_prefix(folder).ok().and_then(Path::to_str);
        if let Some(file) = inside.filter(|_| !entry.file_type().is_dir()) {
            files.insert(file.to_owned());
        }
    }
    files.remove(MARKER);
    Ok(files)
}
