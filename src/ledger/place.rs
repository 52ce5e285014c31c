//! Where a ledger lies: its URL as a path, relative to the configuration.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use crate::model::redact_url;

/// Why a ledger cannot be opened, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL has another scheme than `sqlite:`.
    #[error(
        "`{scheme}:` is not supported in this version; give a `sqlite:` URL such as \
         sqlite://ledger.db"
    )]
    UnsupportedScheme {
        /// The scheme, without its colon.
        scheme: String,
    },
    /// The URL has no scheme, no path, or parameters.
    #[error(
        "its URL {problem}; give one such as sqlite://ledger.db or sqlite:///var/lib/ledger.db"
    )]
    MalformedUrl {
        /// What is wrong, completing the sentence.
        problem: &'static str,
    },
    /// The folder that it should lie in is not there.
    #[error("the folder {} does not exist; make it, or set `ledger.url` to another place", folder.display())]
    FolderAbsent {
        /// The folder.
        folder: PathBuf,
    },
    /// The file is absent and cannot be made.
    #[error("cannot make the file {}; its folder must be writable by restock", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The file is there and holds something else.
    #[error("{} is no ledger of restock ({what}); set `ledger.url` to a file of its own", path.display())]
    NotALedger {
        /// The file.
        path: PathBuf,
        /// What was found in it.
        what: String,
    },
    /// The ledger was written by a newer restock.
    #[error(
        "it has schema version {found} and this restock knows versions up to {known}; use the \
         newer restock, or another ledger"
    )]
    Newer {
        /// The version that was found.
        found: i64,
        /// The newest version that is known.
        known: i64,
    },
    /// Its schema could not be brought up to date.
    #[error("cannot bring its schema up to date")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// The database gave an error.
    #[error("cannot use the file {} as a database", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
}

/// The file that a `sqlite:` URL names: `sqlite:PATH` or `sqlite://PATH`, percent-decoded,
/// relative to `base`.
pub fn file_of(url: &str, base: &Path) -> Result<PathBuf, OpenError> {
    let malformed = |problem| OpenError::MalformedUrl { problem };
    let (scheme, rest) = url.split_once(':').ok_or_else(|| malformed("has no scheme"))?;
    if scheme != "sqlite" {
        return Err(OpenError::UnsupportedScheme { scheme: shown_scheme(scheme) });
    }
    let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    // What other tools need to be told, and a ledger always does.
    if !matches!(parameters, "" | "mode=rwc") {
        return Err(malformed("has parameters, which a ledger does not take"));
    }
    let path = percent_decode_str(path.strip_prefix("//").unwrap_or(path))
        .decode_utf8()
        .map_err(|_| malformed("is not UTF-8"))?;
    if matches!(&*path, "" | ":memory:") {
        return Err(malformed("names no file"));
    }
    Ok(base.join(&*path))
}

/// The URL of a ledger as messages may show it.
pub(super) fn shown(url: &str) -> String {
    redact_url(url)
}

/// A scheme that is none may be half of a secret.
fn shown_scheme(scheme: &str) -> String {
    let is_scheme = scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if is_scheme { scheme.to_owned() } else { "?".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_urls_start_at_the_base_and_absolute_ones_do_not() {
        for (url, file) in [
            ("sqlite://ledger.db", "/etc/restock/ledger.db"),
            ("sqlite:ledger.db", "/etc/restock/ledger.db"),
            ("sqlite://state/ledger.db?mode=rwc", "/etc/restock/state/ledger.db"),
            ("sqlite:///var/lib/a%20b%3F.db", "/var/lib/a b?.db"),
            ("sqlite:/var/lib/ledger.db", "/var/lib/ledger.db"),
        ] {
            assert_eq!(file_of(url, Path::new("/etc/restock")).unwrap(), Path::new(file), "{url}");
        }
    }

    #[test]
    fn urls_that_name_no_file_are_refused_with_an_example() {
        for (url, part) in [
            ("postgres://u:SECRET@db/ledger", "`postgres:` is not supported in this version"),
            ("ledger.db", "has no scheme"),
            ("sqlite://", "names no file"),
            ("sqlite::memory:", "names no file"),
            ("sqlite://ledger.db?mode=ro", "has parameters"),
            ("sqlite://%ff.db", "is not UTF-8"),
        ] {
            let message = file_of(url, Path::new("/")).unwrap_err().to_string();
            assert!(message.contains(part), "{url}: {message}");
            assert!(message.contains("such as sqlite://ledger.db"), "{url}: {message}");
            assert!(!message.contains("SECRET"), "{message}");
        }
    }
}
