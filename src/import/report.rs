//! [`ImportReport`]: what an import did, path by path.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use crate::catalog::Registered;
use crate::model::Digest;

/// Whether an object was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It was absent and is there now.
    Stored,
    /// An object of the right size was there.
    AlreadyThere,
}

/// What became of one path, or of one line of a manifest. Prints as a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportMessage {
    /// A file is in the store and in the catalog.
    Imported {
        /// The file.
        path: PathBuf,
        /// Its digest.
        digest: Digest,
        /// Its name in the catalog, where the row is new.
        name: String,
        /// Whether it was written.
        stored: Stored,
    },
    /// A line of a manifest is in the catalog.
    Registered {
        /// The manifest.
        path: PathBuf,
        /// The digest.
        digest: Digest,
        /// The URL, redacted.
        source: String,
    },
    /// Deliberately left out.
    Skipped {
        /// The path.
        path: PathBuf,
        /// Why.
        why: &'static str,
    },
    /// Not imported.
    Failed {
        /// The path.
        path: PathBuf,
        /// Why.
        problem: String,
    },
}

/// What an import did. All counts are of paths, `registered` of manifest lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Files whose object was written.
    pub stored: u64,
    /// Files whose object was there.
    pub already_there: u64,
    /// Lines of manifests.
    pub registered: u64,
    /// Rows that are new in the catalog.
    pub new_rows: u64,
    /// Sources that are new in the catalog.
    pub new_sources: u64,
    /// Paths left out.
    pub skipped: u64,
    /// Paths not imported: the import is incomplete where this is not 0.
    pub failed: u64,
    /// What became of each path; files in the order in which their rows were written.
    pub messages: Vec<ImportMessage>,
}

impl ImportReport {
    pub(super) fn registered(&mut self, message: ImportMessage, change: Registered) {
        match &message {
            ImportMessage::Imported { stored: Stored::Stored, .. } => self.stored += 1,
            ImportMessage::Imported { stored: Stored::AlreadyThere, .. } => self.already_there += 1,
            ImportMessage::Registered { .. } => self.registered += 1,
            ImportMessage::Skipped { .. } | ImportMessage::Failed { .. } => {}
        }
        self.new_rows += u64::from(change.new_object);
        self.new_sources += u64::from(change.new_source);
        self.messages.push(message);
    }

    pub(super) fn skipped(&mut self, path: &Path, why: &'static str) {
        self.skipped += 1;
        self.messages.push(ImportMessage::Skipped { path: path.to_owned(), why });
    }

    pub(super) fn failed(&mut self, path: &Path, problem: String) {
        self.failed += 1;
        self.messages.push(ImportMessage::Failed { path: path.to_owned(), problem });
    }
}

impl fmt::Display for ImportReport {
    /// The numbers in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stored, already_there, registered, new_rows, skipped, failed, .. } = self;
        write!(f, "imported: {stored} stored, {already_there} already there")?;
        for (count, what) in
            [(registered, "registered"), (skipped, "skipped"), (failed, "not imported")]
        {
            if *count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        write!(f, "; {new_rows} new in the catalog")
    }
}

impl ImportMessage {
    /// The same with its path from this folder on, where it lies below.
    #[must_use]
    pub fn seen_from(&self, folder: &Path) -> Self {
        let mut seen = self.clone();
        let (Self::Imported { path, .. }
        | Self::Registered { path, .. }
        | Self::Skipped { path, .. }
        | Self::Failed { path, .. }) = &mut seen;
        if let Ok(below) = path.strip_prefix(folder)
            && !below.as_os_str().is_empty()
        {
            // Put together again, a path loses what stands for the same folder.
            *path = below.components().filter(|part| *part != Component::CurDir).collect();
        }
        seen
    }
}

impl fmt::Display for ImportMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A file's name may hold anything, a line break too.
        let shown = |path: &Path| path.display().to_string().escape_debug().to_string();
        match self {
            Self::Imported { path, digest, name: _, stored } => {
                let stored = match stored {
                    Stored::Stored => "stored",
                    Stored::AlreadyThere => "already there",
                };
                write!(f, "{digest}  {}  {stored}", shown(path))
            }
            Self::Registered { path: _, digest, source } => {
                write!(f, "{digest}  {source}  registered")
            }
            Self::Skipped { path, why } => write!(f, "{}: skipped, {why}", shown(path)),
            Self::Failed { path, problem } => write!(f, "{}: {problem}", shown(path)),
        }
    }
}
