//! Which files the paths of a command line mean, and their text.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest as _, Sha256};
use walkdir::WalkDir;

use super::encoding;
use crate::model::Digest;

/// No file that people write is larger, in bytes.
const FILE_AT_MOST: u64 = 4 << 20;

/// Said of a pipe, a socket or a device.
const NO_FILE: &str = "it is no regular file";

/// What the paths lead to.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// Absolute and without `..`, in the order of the paths and sorted in each folder.
    pub(super) files: Vec<PathBuf>,
    /// Those of them that a path or a pattern names, and not only their folder.
    pub(super) named: HashSet<PathBuf>,
    /// Paths that cannot be read, with the cause.
    pub(super) unreadable: Vec<(PathBuf, String)>,
}

/// The text of a file, or what is wrong with it and so many bytes into it.
pub(super) enum Content {
    Text(String),
    Wrong { line: u32, message: String },
    Unreadable(String),
}

/// Finds the files: those that are named, all YAML files below folders, and what patterns match.
/// Links to folders are not entered.
pub(super) fn list(paths: &[PathBuf], from: &Path) -> Listed {
    let mut listed = Listed::default();
    for path in paths {
        let whole = clean(&from.join(path));
        match (fs::metadata(&whole), whole.to_str().filter(|_| is_pattern(path))) {
            (Ok(metadata), _) if metadata.is_dir() => listed.folder(&whole),
            (Ok(_), _) => listed.file(whole),
            (Err(_), Some(pattern)) => listed.pattern(path, pattern),
            (Err(error), None) => listed.unreadable.push((path.clone(), error.to_string())),
        }
    }
    listed
}

impl Listed {
    fn file(&mut self, file: PathBuf) {
        self.named.insert(file.clone());
        self.files.push(file);
    }

    fn folder(&mut self, folder: &Path) {
        // A file and a link to it are one: it is read where it really stands.
        let mut links = Vec::new();
        let walk = WalkDir::new(folder).sort_by_file_name().into_iter();
        for entry in walk.filter_entry(|entry| entry.file_name() != ".git") {
            match entry {
                Ok(entry) if !is_yaml(entry.path()) => {}
                Ok(entry) => match fs::metadata(entry.path()) {
                    Ok(found) if found.is_dir() => {}
                    Ok(found) if found.is_file() => {
                        let is_link = entry.path_is_symlink();
                        let to = if is_link { &mut links } else { &mut self.files };
                        to.push(entry.into_path());
                    }
                    Ok(_) => self.unreadable.push((entry.into_path(), NO_FILE.to_owned())),
                    Err(error) => self.unreadable.push((entry.into_path(), error.to_string())),
                },
                Err(error) => {
                    let path = error.path().unwrap_or(folder).to_owned();
                    let cause =
                        error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                    self.unreadable.push((path, cause));
                }
            }
        }
        self.files.append(&mut links);
    }

    fn pattern(&mut self, path: &Path, pattern: &str) {
        let matches = match glob::glob(pattern) {
            Ok(matches) => matches,
            Err(error) => {
                self.unreadable.push((path.to_owned(), format!("is no pattern: {error}")));
                return;
            }
        };
        let mut any = false;
        for found in matches {
            any = true;
            match found {
                Ok(found) if found.is_dir() => self.folder(&found),
                Ok(found) => self.file(found),
                Err(error) => {
                    self.unreadable.push((error.path().to_owned(), error.error().to_string()));
                }
            }
        }
        if !any {
            self.unreadable.push((path.to_owned(), "matches no file".to_owned()));
        }
    }
}

fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '['])
}

/// Whether the name is that of a YAML file.
pub(super) fn is_yaml(path: &Path) -> bool {
    has_extension(path, &["yml", "yaml"])
}

/// Whether the name is that of a script, which Fleet takes for a package as it is.
pub(super) fn is_script(path: &Path) -> bool {
    has_extension(path, &["sh", "ps1", "py"])
}

fn has_extension(path: &Path, wanted: &[&str]) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy());
    extension.is_some_and(|extension| wanted.iter().any(|w| extension.eq_ignore_ascii_case(w)))
}

/// The path without `.` and `..`, as Fleet joins paths: `a/link/../b` is `a/b` wherever the link
/// leads.
pub(super) fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(clean.pop()),
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                clean.push(component);
            }
        }
    }
    clean
}

/// Opens what has an end: a pipe would be waited for, and a device has none.
fn open(path: &Path) -> Result<File, String> {
    match fs::metadata(path) {
        Err(error) => Err(error.to_string()),
        Ok(metadata) if metadata.is_dir() => Err("it is a folder".to_owned()),
        Ok(metadata) if !metadata.is_file() => Err(NO_FILE.to_owned()),
        Ok(_) => File::open(path).map_err(|error| error.to_string()),
    }
}

/// The digest of a file, however long it is.
pub(super) fn digest(path: &Path) -> Result<Digest, String> {
    let (mut file, mut hash) = (open(path)?, Sha256::new());
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer).map_err(|error| error.to_string())? {
            0 => return Ok(Digest::new(hash.finalize().into())),
            read => hash.update(buffer.get(..read).unwrap_or(&[])),
        }
    }
}

/// Reads a file whole, without its byte order mark.
pub(super) fn read(path: &Path) -> Content {
    let file = match open(path) {
        Ok(file) => file,
        Err(cause) => return Content::Unreadable(cause),
    };
    let mut bytes = Vec::new();
    if let Err(error) = file.take(FILE_AT_MOST + 1).read_to_end(&mut bytes) {
        return Content::Unreadable(error.to_string());
    }
    if u64::try_from(bytes.len()).is_ok_and(|size| size > FILE_AT_MOST) {
        let message = format!("is larger than {} MiB, and is not read", FILE_AT_MOST >> 20);
        return Content::Wrong { line: 1, message };
    }
    match encoding::decode(bytes) {
        Ok(text) => Content::Text(text),
        Err((line, message)) => Content::Wrong { line, message },
    }
}
