//! Import: registers real files, or a manifest of `sha256  url` lines, in the embedded catalog.
//! The object comes first and the row after it, so that a crash leaves an orphan at worst.

mod layouts;
mod manifest;
mod own;
mod report;
mod store_file;
mod url_base;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::catalog::{CatalogError, EmbeddedCatalog, Registration};
use crate::model::{Collection, Digest, redact_url};
use crate::observe::{Event, Observer};
use crate::store::{HealStore, StoreError, UploadJournal};

use layouts::Layouts;
use manifest::Manifest;
use own::Own;
use store_file::Storing;
use url_base::UrlBase;
use walk::{Entry, Found};

pub use report::{ImportMessage, ImportReport, Stored};

/// Rows written in one transaction.
const ROWS_AT_ONCE: usize = 100;

/// What to import as.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The collection of new rows; `software-installers` where it is `None`.
    pub collection: Option<String>,
    /// Collections whose key layout the configuration overrides; `<collection>/{digest}` otherwise.
    pub collections: Vec<Collection>,
    /// Where the files can be had again: the source of each is this, `/` and its encoded path
    /// relative to the folder that was named.
    pub source_url_base: Option<String>,
    /// Files and folders of restock itself: where a walk comes across them, they are left out.
    pub own: Vec<PathBuf>,
}

/// What keeps an import from going on. The trouble of one file does not; it is in the report.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The options cannot be used.
    #[error("{0}")]
    Options(String),
    /// The catalog cannot be written.
    #[error("cannot register in the catalog")]
    Catalog(#[from] CatalogError),
    /// The store is not there at all.
    #[error("cannot use the store")]
    Store(#[from] StoreError),
}

/// Registers files and manifests.
pub struct Importer<'a> {
    catalog: &'a mut EmbeddedCatalog,
    storing: Storing,
    layouts: Layouts,
    base: Option<UrlBase>,
    own: Own,
    observer: Arc<dyn Observer>,
    store_checked: bool,
    pending: Vec<Pending>,
    report: ImportReport,
}

/// A registration and what to tell when it is done.
struct Pending {
    registration: Registration,
    message: ImportMessage,
}

impl<'a> Importer<'a> {
    /// An importer into this catalog and store.
    pub fn new(
        catalog: &'a mut EmbeddedCatalog,
        store: Arc<dyn HealStore>,
        journal: Arc<dyn UploadJournal>,
        observer: Arc<dyn Observer>,
        options: ImportOptions,
    ) -> Result<Self, ImportError> {
        let ImportOptions { collection, collections, source_url_base, own } = options;
        let layouts = Layouts::new(collection, collections).map_err(ImportError::Options)?;
        let base = source_url_base.map(|base| base.parse()).transpose();
        Ok(Self {
            catalog,
            storing: Storing { store, journal, observer: Arc::clone(&observer) },
            layouts,
            base: base.map_err(ImportError::Options)?,
            own: Own::new(&own),
            observer,
            store_checked: false,
            pending: Vec::new(),
            report: ImportReport::default(),
        })
    }

    /// Imports files, folders and manifests; running it again changes nothing. A text file whose
    /// first line (blank lines and those with `#` aside) begins with a digest and has something
    /// behind it is a manifest, and never stored: its lines are registered or refused one by one.
    /// Files inside of folders are always files.
    pub async fn run(mut self, paths: &[PathBuf]) -> Result<ImportReport, ImportError> {
        let name = "importing";
        self.observer.notice(&Event::Phase { name, total_objects: None, total_bytes: None });
        let result = self.import_all(paths).await;
        // Also where the store is gone by now: what is stored has to have its row.
        self.flush().await?;
        result.map(|()| self.report)
    }

    async fn import_all(&mut self, paths: &[PathBuf]) -> Result<(), ImportError> {
        for path in paths {
            match manifest::read(path).await {
                Some(manifest) => self.register_manifest(path, manifest).await?,
                None => self.import_tree(path).await?,
            }
        }
        Ok(())
    }

    async fn register_manifest(
        &mut self,
        path: &Path,
        manifest: Manifest,
    ) -> Result<(), ImportError> {
        for (digest, url) in manifest.lines {
            let message = ImportMessage::Registered {
                path: path.to_owned(),
                digest,
                source: redact_url(url.as_str()),
            };
            let registration = Registration {
                digest,
                name: manifest::name_in(&url),
                size: None,
                collection: self.layouts.default_name().to_owned(),
                source_url: Some(url.into()),
            };
            self.register(Pending { registration, message }).await?;
        }
        for problem in manifest.refused {
            self.report.failed(path, problem);
        }
        Ok(())
    }

    async fn import_tree(&mut self, path: &Path) -> Result<(), ImportError> {
        for Found { path, relative, entry } in walk::walk(path, self.own.clone()) {
            match entry {
                Entry::File => self.import_file(&path, &relative).await?,
                Entry::Skipped(why) => self.report.skipped(&path, why),
                Entry::Unreadable(problem) => self.report.failed(&path, problem),
            }
        }
        Ok(())
    }

    async fn import_file(&mut self, path: &Path, relative: &Path) -> Result<(), ImportError> {
        if !self.store_checked {
            // Only where the store itself is there, a 404 means that an object is not.
            self.storing.store.check().await?;
            self.store_checked = true;
        }
        let hashed = match self.storing.hash(path).await {
            Ok(hashed) => hashed,
            Err(problem) => {
                self.report.failed(path, problem);
                return Ok(());
            }
        };
        let (digest, size) = (hashed.digest, hashed.size);
        let collection = self.collection_of(&digest).await?;
        let key = match self.layouts.key(&collection, &digest) {
            Ok(key) => key,
            Err(problem) => {
                self.report.failed(path, problem);
                return Ok(());
            }
        };
        let name = relative.file_name().map(|name| name.to_string_lossy().into_owned());
        let message = match self.storing.store(hashed, &key).await {
            Ok(stored) => ImportMessage::Imported {
                path: path.to_owned(),
                digest,
                name: name.clone().unwrap_or_default(),
                stored,
            },
            Err(problem) => {
                self.report.failed(path, problem);
                return Ok(());
            }
        };
        let source_url = self.base.as_ref().map(|base| base.of(relative));
        let registration = Registration { digest, name, size: Some(size), collection, source_url };
        self.register(Pending { registration, message }).await
    }

    /// The collection of a digest's row, if it has or is about to get one; the default otherwise.
    async fn collection_of(&mut self, digest: &Digest) -> Result<String, ImportError> {
        let there = self.catalog.collection_of(digest).await?;
        Ok(there.unwrap_or_else(|| self.layouts.default_name().to_owned()))
    }

    async fn register(&mut self, pending: Pending) -> Result<(), ImportError> {
        self.pending.push(pending);
        if self.pending.len() < ROWS_AT_ONCE {
            return Ok(());
        }
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), ImportError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let (registrations, messages): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending)
            .into_iter()
            .map(|Pending { registration, message }| (registration, message))
            .unzip();
        let changes = self.catalog.register(&registrations).await?;
        for (message, change) in messages.into_iter().zip(changes) {
            self.report.registered(message, change);
        }
        Ok(())
    }
}
