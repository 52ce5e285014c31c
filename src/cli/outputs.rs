//! Where a command may write: checked before any work is done, as far as it can be.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::config::{Config, PLACES};
use crate::report::check_place;
use crate::{catalog, files, ledger, store};

use super::{Context, UsageError};

/// What `SQLite` lays beside a database.
const BESIDE_A_DATABASE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What no report, plan or text file may take the place of.
struct Kept {
    /// With what they are.
    files: Vec<(String, PathBuf)>,
    /// With all that is in them.
    folders: Vec<(&'static str, PathBuf)>,
    ledger: Option<PathBuf>,
}

/// Refuses paths that cannot be written to, and those of files that restock lives by.
pub(super) fn check<'a>(
    paths: impl IntoIterator<Item = &'a Path>,
    context: &Context<'_>,
) -> anyhow::Result<()> {
    let mut paths = paths.into_iter().peekable();
    if paths.peek().is_none() {
        return Ok(());
    }
    let kept = Kept::of(context);
    for path in paths {
        check_place(path)?;
        if let Some(what) = files::place(path).and_then(|place| kept.what_is(&place)) {
            let message = format!("{} is {what}, which nothing may overwrite", path.display());
            return Err(UsageError::new(message, "name a file of its own").into());
        }
    }
    Ok(())
}

impl Kept {
    /// Where the configuration cannot be read, it is kept itself.
    fn of(context: &Context<'_>) -> Self {
        let named = context.common.config.clone().map(|named| vec![named]);
        let configurations = named.unwrap_or(PLACES.map(PathBuf::from).to_vec());
        let configurations = context.absolute(&configurations).into_iter();
        let mut kept = Self {
            files: configurations.map(|path| ("the configuration".to_owned(), path)).collect(),
            folders: Vec::new(),
            ledger: None,
        };
        let credentials = context.environment.folder("CREDENTIALS_DIRECTORY");
        kept.folders.extend(credentials.map(|folder| ("a credential", folder)));
        if let Ok(config) = context.config() {
            kept.add(&config);
        }
        kept
    }

    fn add(&mut self, config: &Config) {
        let named = config.named_files().into_iter();
        self.files.extend(named.map(|file| (format!("the file of {}", file.name), file.path)));
        let options = &config.options;
        let socket = options.http.admin_socket.clone();
        self.files.extend(socket.map(|path| ("the admin socket".to_owned(), path)));
        if let Ok(catalog) = catalog::sqlite_path(&options.catalog, &config.base) {
            self.database("the catalog", &catalog);
        }
        if let Ok(ledger) = ledger::file_of(config.ledger_url(), &config.base) {
            self.database("the ledger", &ledger);
            self.ledger = files::place(&ledger);
        }
        let store = store::folder_of(&options.store, &config.base);
        self.folders.extend(store.map(|folder| ("in the store", folder)));
    }

    fn database(&mut self, what: &str, file: &Path) {
        self.files.push((what.to_owned(), file.to_owned()));
        for end in BESIDE_A_DATABASE {
            self.files.push((format!("a part of {what}"), with_end(file, end)));
        }
    }

    /// What lies, or would lie, at a place that must be kept.
    fn what_is(&self, place: &Path) -> Option<String> {
        let is_it = |(_, kept): &&(String, PathBuf)| files::place(kept).as_deref() == Some(place);
        let holds_it = |(_, kept): &&(&'static str, PathBuf)| {
            kept.canonicalize().is_ok_and(|folder| place.starts_with(folder))
        };
        let file = self.files.iter().find(is_it).map(|(what, _)| what.clone());
        let folder = || self.folders.iter().find(holds_it).map(|(what, _)| (*what).to_owned());
        let lock = || self.is_lock(place).then(|| "a lock of the ledger".to_owned());
        file.or_else(folder).or_else(lock)
    }

    /// `<ledger>.<hash of the store>.lock`
    fn is_lock(&self, place: &Path) -> bool {
        let Some(ledger) = &self.ledger else { return false };
        let begins = with_end(ledger, ".");
        place.as_os_str().as_encoded_bytes().starts_with(begins.as_os_str().as_encoded_bytes())
            && place.extension().is_some_and(|end| end == "lock")
    }
}

fn with_end(file: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(end);
    name.into()
}
