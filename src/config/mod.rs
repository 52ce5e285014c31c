//! The configuration: one file, the environment over it, and what follows from both.
//!
//! A value comes from the first of these that has it: a `RESTOCK_…` variable, a credential, Fleet's
//! own variables where they are asked for, the file, its default. Relative paths of the file start at its folder, those of the environment at
//! the working directory; what is loaded here holds absolute paths only.

mod credentials;
mod draft;
mod environment;
mod file;
mod fleet;
mod named;
mod options;
mod paths;
mod problem;
mod shape;
mod show;
mod suggest;
mod urls;
mod validate;
mod variables;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::catalog::Preset;
use crate::model::Span;
use draft::Draft;
use shape::Shape;

pub use environment::Environment;
pub use file::PLACES;
pub use named::NamedFile;
pub use options::Options;
pub use problem::{ConfigError, Origin, Problem};
pub use shape::schema;
pub use show::REDACTED;

/// A configuration as it holds: validated, with absolute paths and every default filled in.
#[derive(Clone)]
pub struct Config {
    /// What each layer is given. `catalog.url`, `ledger.url` and `audit.grace` are always there,
    /// `catalog.url_file` never: it was read.
    pub options: Options,
    /// The file, as it was named; `None` where the environment says everything.
    pub file: Option<PathBuf>,
    /// Where relative paths of the file start: its folder, else the working directory.
    pub base: PathBuf,
    url_file: Option<PathBuf>,
    read_from: Vec<NamedFile>,
    origins: BTreeMap<String, Origin>,
}

impl Config {
    /// Loads the file that is named, else the first of [`PLACES`] that is there, lays the
    /// environment over it, and validates the whole. All problems are told at once.
    pub fn load(named: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        Self::lay(named, environment, false)
    }

    /// The same, with Fleet's own variables between the file and the environment; then no file is
    /// needed.
    pub fn load_beside_fleet(
        named: Option<&Path>,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        Self::lay(named, environment, true)
    }

    fn lay(
        named: Option<&Path>,
        environment: &Environment,
        beside_fleet: bool,
    ) -> Result<Self, ConfigError> {
        let working_directory = environment.working_directory();
        let found = file::find(named, working_directory)?;
        let (schema, mut draft) = (schema(), Draft::default());
        let root = Shape::of(&schema);
        if let Some(found) = &found {
            file::lay(&mut draft, found, root);
            if draft.problems.iter().any(|problem| problem.key.is_empty()) {
                return Err(invalid(draft, Some(found.path.clone())));
            }
        }
        credentials::lay(&mut draft, environment, root);
        variables::lay(&mut draft, environment, root);
        if beside_fleet {
            fleet::lay(&mut draft, environment);
        }
        if found.is_none() && draft.values.is_empty() && draft.problems.is_empty() {
            return Err(ConfigError::NotFound { looked: PLACES.map(PathBuf::from).to_vec() });
        }
        let file = found.map(|found| found.path);
        let base = file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let base = paths::under(working_directory, base);
        let mut options = settle(&mut draft, &base, environment);
        validate::validate(&mut draft, &options, environment);
        let url_file = options.catalog.url_file.take();
        if !draft.problems.is_empty() {
            return Err(invalid(draft, file));
        }
        let (origins, read_from) = (draft.origins, draft.read_from);
        Ok(Self { options, file, base, url_file, read_from, origins })
    }

    /// The catalog's URL, wherever it was read. May hold secrets: print it redacted.
    pub fn catalog_url(&self) -> &str {
        self.options.catalog.url.as_deref().unwrap_or_default()
    }

    /// The ledger's URL. May hold secrets: print it redacted.
    pub fn ledger_url(&self) -> &str {
        self.options.ledger.url.as_deref().unwrap_or_default()
    }

    /// Rows younger than this are not judged missing.
    pub fn grace(&self) -> Span {
        self.options.audit.grace.unwrap_or_else(|| default_grace(self.options.catalog.preset))
    }

    /// Where a key such as `store.url` or `collection[0].query` was set.
    pub fn origin(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&Origin::Default)
    }
}

impl fmt::Debug for Config {
    /// Without the options, which hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("file", &self.file).finish_non_exhaustive()
    }
}

fn invalid(draft: Draft, file: Option<PathBuf>) -> ConfigError {
    let mut problems = draft.problems;
    problems.sort_by(|one, other| one.origin.cmp(&other.origin));
    ConfigError::Invalid { problems, file }
}

/// Rows of the embedded catalog are written after their objects; others often before.
const fn default_grace(preset: Preset) -> Span {
    match preset {
        Preset::Restock => Span::seconds(0),
        Preset::Fleet | Preset::Custom => Span::seconds(600),
    }
}

/// The options of a draft with absolute paths, the catalog's URL read, and the defaults that
/// depend on something else.
fn settle(draft: &mut Draft, base: &Path, environment: &Environment) -> Options {
    keep_one_url(draft);
    let mut options = draft.options();
    let folder = |draft: &Draft, key: &str| match draft.origin(key) {
        Origin::Default | Origin::File { .. } => base.to_path_buf(),
        Origin::Fleet(_)
        | Origin::Credential(_)
        | Origin::Variable(_)
        | Origin::VariableFile(_) => environment.working_directory().to_path_buf(),
    };
    let url_from =
        if options.catalog.url_file.is_some() { "catalog.url_file" } else { "catalog.url" };
    if let Some(file) = &mut options.catalog.url_file {
        *file = paths::under(&folder(draft, url_from), file);
        draft.read_from.push(NamedFile { name: url_from.to_owned(), path: file.clone() });
        match variables::read(file) {
            Ok(url) => options.catalog.url = Some(url),
            Err(problem) => draft.refuse(url_from, problem),
        }
    }
    if options.ledger.url.is_none() {
        let state = environment.folder("STATE_DIRECTORY").unwrap_or_else(|| base.to_path_buf());
        options.ledger.url = paths::sqlite_url_of(&state.join("ledger.db"));
        if options.ledger.url.is_none() {
            draft.refuse("ledger.url", "is missing, and its folder's name is not UTF-8");
        }
    }
    for (key, url) in
        [(url_from, &mut options.catalog.url), ("ledger.url", &mut options.ledger.url)]
    {
        if let Some(url) = url {
            absolute(draft, key, url, paths::sqlite_url(&folder(draft, key), url));
        }
    }
    let store = &mut options.store.url;
    absolute(draft, "store.url", store, paths::store_url(&folder(draft, "store.url"), store));
    for file in [&mut options.http.admin_token_file, &mut options.http.admin_socket] {
        // As with `listen`: by it, a variable can take back what the file says.
        file.take_if(|file| file.as_os_str().is_empty());
    }
    for (key, file) in [
        ("catalog.tls_ca_file", &mut options.catalog.tls_ca_file),
        ("catalog.tls_cert_file", &mut options.catalog.tls_cert_file),
        ("catalog.tls_key_file", &mut options.catalog.tls_key_file),
        ("http.admin_token_file", &mut options.http.admin_token_file),
        ("http.admin_socket", &mut options.http.admin_socket),
    ] {
        if let Some(file) = file {
            *file = paths::under(&folder(draft, key), file);
        }
    }
    for (i, host) in options.source.host.iter_mut().enumerate() {
        if let Some(file) = &mut host.bearer_token_file {
            let key = format!("source.host[{i}].bearer_token_file");
            *file = paths::under(&folder(draft, &key), file);
        }
    }
    options.audit.grace.get_or_insert_with(|| default_grace(options.catalog.preset));
    options
}

fn absolute(draft: &mut Draft, key: &str, url: &mut String, absolute: Option<String>) {
    match absolute {
        Some(absolute) => *url = absolute,
        None => draft.refuse(key, "lies in a folder whose name is not UTF-8"),
    }
}

/// Of `catalog.url` and `catalog.url_file` the stronger origin holds; both from one are too many.
fn keep_one_url(draft: &mut Draft) {
    let rank = |draft: &Draft, key| draft.origins.get(key).map_or(0, Origin::rank);
    let (url, file) = (rank(draft, "catalog.url"), rank(draft, "catalog.url_file"));
    if url > file {
        draft.unset("catalog", "url_file");
    } else if file > url {
        draft.unset("catalog", "url");
    } else if url > 0 {
        draft.refuse("catalog.url_file", "stands beside `catalog.url`: keep one of them");
    }
}
