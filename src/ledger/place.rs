//! Where a ledger lies: its URL as a path, relative to the configuration, or as a server.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use super::sql::server::Server;
use crate::model::redact_place;

/// Why a ledger cannot be opened, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL has a scheme that no ledger has.
    #[error(
        "no ledger has the scheme `{scheme}:`; give a URL such as sqlite://ledger.db, \
         postgres://USER@HOST/DATABASE or mysql://USER@HOST/DATABASE"
    )]
    UnsupportedScheme {
        /// The scheme, without its colon.
        scheme: String,
    },
    /// The URL has no scheme, no path, or parameters that a file does not have.
    #[error(
        "its URL {problem}; give one such as sqlite://ledger.db or sqlite:///var/lib/ledger.db"
    )]
    MalformedUrl {
        /// What is wrong, completing the sentence.
        problem: &'static str,
    },
    /// The URL is meant for a server, and does not name a database there.
    #[error("its URL {problem}")]
    MalformedServerUrl {
        /// What is wrong and how to write it, completing the sentence.
        problem: String,
    },
    /// The server cannot be reached, or refuses.
    #[error("cannot use the database at {place}{hint}")]
    Server {
        /// Host and port, or the socket.
        place: String,
        /// What to do, behind a colon; empty where nobody can say.
        hint: String,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
    /// The database on the server is there and holds something else.
    #[error(
        "database `{database}` at {place} is no ledger of restock (it holds the tables {tables}); \
         make one for the ledger alone, and set `ledger.url` to it"
    )]
    NotADatabaseOfOurs {
        /// Host and port, or the socket.
        place: String,
        /// The database.
        database: String,
        /// Some of the tables in it.
        tables: String,
    },
    /// The database was opened, and then could not be used.
    #[error("cannot use it")]
    Unusable(#[source] Box<dyn std::error::Error + Send + Sync>),
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

/// What `SQLite` says where nothing more can be written: `FULL`, `IOERR_WRITE`, and `IOERR_SHMSIZE`
/// where it cannot make room for what its connections share.
const DISK_FULL: [&str; 3] = ["13", "778", "4874"];

impl OpenError {
    /// Whether the disk of the file has no room left.
    pub(super) fn is_disk_full(&self) -> bool {
        let Self::Database { source, .. } = self else { return false };
        let code = source.as_database_error().and_then(sqlx::error::DatabaseError::code);
        code.is_some_and(|code| DISK_FULL.contains(&&*code))
    }
}

/// The file that a `sqlite:` URL names: `sqlite:PATH` or `sqlite://PATH`, percent-decoded,
/// relative to `base`.
pub fn file_of(url: &str, base: &Path) -> Result<PathBuf, OpenError> {
    let malformed = |problem| OpenError::MalformedUrl { problem };
    let (scheme, rest) = url.split_once(':').ok_or_else(|| malformed("has no scheme"))?;
    if scheme != "sqlite" {
        return Err(OpenError::UnsupportedScheme { scheme: shown_scheme(scheme) });
    }
    if rest.contains('#') {
        return Err(malformed("has a `#`, which is written %23 where the file's name has one"));
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

/// Whether a ledger's URL is meant to name a server.
pub fn names_server(url: &str) -> bool {
    Server::is_named_by(url)
}

/// Whether the URL of a server can be read. The refusal completes "its URL …", and holds no secrets.
pub fn check_server_url(url: &str) -> Result<(), String> {
    Server::read(url, Path::new("/")).map(drop)
}

/// The database that the URL of a server names; files in its parameters are relative to `base`.
pub(super) fn server_of(url: &str, base: &Path) -> Result<Server, OpenError> {
    Server::read(url, base).map_err(|problem| OpenError::MalformedServerUrl { problem })
}

/// The URL of a ledger as messages may show it.
pub(super) fn shown(url: &str) -> String {
    redact_place(url)
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
            ("redis://u:SECRET@db/ledger", "no ledger has the scheme `redis:`"),
            ("ledger.db", "has no scheme"),
            ("sqlite://", "names no file"),
            ("sqlite::memory:", "names no file"),
            ("sqlite://ledger.db?mode=ro", "has parameters"),
            ("sqlite://ledger.db#SECRET", "has a `#`"),
            ("sqlite://%ff.db", "is not UTF-8"),
        ] {
            let message = file_of(url, Path::new("/")).unwrap_err().to_string();
            assert!(message.contains(part), "{url}: {message}");
            assert!(message.contains("such as sqlite://ledger.db"), "{url}: {message}");
            assert!(!message.contains("SECRET"), "{message}");
        }
    }
}
