//! Fleet GitOps files as people write them: which packages they ask for, by digest or URL, and
//! where each of them stands. Nothing is asked of anybody but the file system.
//!
//! A file is what it looks like: one with `software` at its top, or with policies among a team's
//! other settings, is a team's, one that is a package
//! or a list of packages is a package file, and every other YAML file is none of ours. What cannot
//! be read is a [`Problem`], and the rest is read all the same.

mod encoding;
mod expand;
mod files;
mod install;
mod item;
mod package;
mod policies;
mod position;
mod reader;
mod refused;
mod rules;
mod software;
mod team;
mod text;
mod tree;

use std::path::{Path, PathBuf};

use reader::Reader;

pub use text::Text;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, relative to the working directory where it lies below it.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u32,
    /// The character in it, from 1.
    pub column: u32,
}

/// Where a package is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// In a team's file.
    Inline,
    /// In a file of its own, which teams name with `path`.
    PackageFile,
}

/// A package that GitOps would install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Where its `hash_sha256` stands, or else where it begins.
    pub at: Place,
    /// Where it is described.
    pub kind: Kind,
    /// `hash_sha256`, whether it is a digest or not.
    pub hash_sha256: Option<Text>,
    /// `url`. May hold secrets also as it is written: print it redacted.
    pub url: Option<Text>,
    /// Whether Fleet shall download it each time.
    pub always_download: bool,
    /// Where teams ask for it: its own place, or that of each `path` that leads to it. Never
    /// empty: a package file that the command line names and no team stands for a team of its own.
    pub used_at: Vec<Place>,
}

/// A policy that installs a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// Where its `hash_sha256` or `package_path` stands.
    pub at: Place,
    /// The file of the team whose policy it is.
    pub team: PathBuf,
    /// The digest of the package, where it is known by one.
    pub hash_sha256: Option<Text>,
    /// `package_path`, where that names the package.
    pub package_path: Option<Text>,
    /// Whether the package may be found by its URL instead.
    pub has_url: bool,
    /// Whether the team has it.
    pub among: Among,
}

/// Where a policy finds its package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Among {
    /// The team asks for it, here.
    Team(Place),
    /// The team asks for none like it.
    Nothing,
    /// It may be one of those of the team whose digests only Fleet knows.
    Unsure,
    /// The file says nothing of the team's software: those that the server has count.
    Server,
}

/// Something for which GitOps would fail, or that could not be read, or that is worth a word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Problem {
    /// Where it is.
    pub at: Place,
    /// What it is.
    pub message: String,
}

/// What the files hold.
#[derive(Debug, Default)]
pub struct Found {
    /// The packages, by their place.
    pub references: Vec<Reference>,
    /// How many more packages there are that cannot be read as one; why is among the problems.
    pub torn: u64,
    /// The policies that install a package, by their place.
    pub installs: Vec<Install>,
    /// The problems, by their place.
    pub problems: Vec<Problem>,
    /// What is told of the files and decides nothing, by its place: package files that no team
    /// names.
    pub notes: Vec<Problem>,
    /// What only those want to know who ask for details: keys that stand twice, templates.
    pub remarks: Vec<Problem>,
    /// Paths that cannot be read, with the cause.
    pub unreadable: Vec<(PathBuf, String)>,
    /// How many files hold packages.
    pub files: u64,
}

/// Reads files, folders (every `.yml` and `.yaml` below them) and patterns, relative to `from`.
pub fn read(paths: &[PathBuf], from: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Found {
    let listed = files::list(paths, from);
    let named = listed.named.iter().map(|path| reader::identity(path)).collect();
    let mut reader = Reader::new(from, variable, named);
    reader.found.unreadable = listed.unreadable;
    for file in &listed.files {
        reader.read_listed(file);
    }
    reader.finish()
}
