//! [`Environment`]: what the process was given besides its arguments, as a value that tests fill.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

/// The variables and the working directory of a process. Nothing else of restock reads them.
#[derive(Clone)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
    working_directory: PathBuf,
}

impl Environment {
    /// What this process was started with; an error where its working directory is gone.
    pub fn of_process() -> io::Result<Self> {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect();
        Ok(Self { variables, working_directory: std::env::current_dir()? })
    }

    /// No variables at all.
    pub fn empty(working_directory: impl Into<PathBuf>) -> Self {
        Self { variables: BTreeMap::new(), working_directory: working_directory.into() }
    }

    /// The same with one variable more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(name).map(OsString::as_os_str)
    }

    /// The folder that a variable names; the first one of a list with `:`, as systemd writes them.
    pub fn folder(&self, name: &str) -> Option<PathBuf> {
        let first = std::env::split_paths(self.get(name)?).next()?;
        (!first.as_os_str().is_empty()).then(|| self.working_directory.join(first))
    }

    /// Where relative paths of flags and of the environment start.
    pub fn working_directory(&self) -> &Path {
        &self.working_directory
    }

    /// All variables by their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &OsStr)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_os_str()))
    }
}

impl std::fmt::Debug for Environment {
    /// Names only: values hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.keys())
            .field("working_directory", &self.working_directory)
            .finish()
    }
}
