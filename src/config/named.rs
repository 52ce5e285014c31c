//! The files that a configuration names or was read from, besides its own.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::Config;
use super::draft::join;

/// Ends of keys that name files which anybody may read.
const PUBLIC_ENDS: [&str; 2] = ["ca_file", "cert_file"];

/// A file by what names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// A key such as `catalog.url_file`, or a variable or credential.
    pub name: String,
    /// The file.
    pub path: PathBuf,
}

impl NamedFile {
    /// Whether what it holds is meant for restock alone.
    pub fn is_secret(&self) -> bool {
        !PUBLIC_ENDS.iter().any(|end| self.name.ends_with(end))
    }
}

impl Config {
    /// Files that keys ending in `_file` name, and those that values were read from.
    pub fn named_files(&self) -> Vec<NamedFile> {
        let mut files = self.read_from.clone();
        if let Ok(options) = Table::try_from(&self.options) {
            collect(&options, "", &mut files);
        }
        files
    }
}

fn collect(table: &Table, name: &str, files: &mut Vec<NamedFile>) {
    for (key, value) in table {
        let name = join(name, key);
        match value {
            Value::String(path) if key.ends_with("_file") && !path.is_empty() => {
                files.push(NamedFile { name, path: Path::new(path).to_owned() });
            }
            Value::Table(inner) => collect(inner, &name, files),
            Value::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    if let Value::Table(inner) = item {
                        collect(inner, &format!("{name}[{i}]"), files);
                    }
                }
            }
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_) => {}
        }
    }
}
