//! [`Server`]: where a ledger's database is, as a URL says it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr;

use sqlx::ConnectOptions;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use url::Url;

/// How to write what cannot stand in a URL as it is.
const ENCODE: &str = "write special characters of the password percent-encoded: `@` as %40, `:` as \
                      %3A, `/` as %2F, `?` as %3F, `#` as %23, `%` as %25";

const POSTGRES_PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
];

const MYSQL_PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslca",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "socket",
];

/// Parameters that name a file.
const FILES: &[&str] = &[
    "sslrootcert",
    "ssl-root-cert",
    "sslca",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
];

/// A database on a server.
#[derive(Debug, Clone)]
pub(in crate::ledger) struct Server {
    pub(super) options: Options,
    /// Its host and port, or its socket.
    pub(super) place: String,
    /// Whether nobody on the way can listen.
    pub(super) is_local: bool,
    pub(super) database: String,
    pub(super) user: String,
}

/// How the library connects to it.
#[derive(Debug, Clone)]
pub(super) enum Options {
    Postgres(PgConnectOptions),
    MySql(MySqlConnectOptions),
}

impl Server {
    /// Whether a URL is meant to name a server.
    pub(in crate::ledger) fn is_named_by(url: &str) -> bool {
        url.split_once(':').is_some_and(|(scheme, _)| {
            matches!(scheme, "postgres" | "postgresql" | "mysql" | "mariadb")
        })
    }

    /// Reads a URL; files that it names are relative to `base`. The refusal completes "its URL …"
    /// and repeats nothing that may be a part of a password.
    pub(in crate::ledger) fn read(text: &str, base: &Path) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("cannot be read: {error}; {ENCODE}"))?;
        if url.fragment().is_some() {
            return Err(format!("has a `#`; {ENCODE}"));
        }
        if url.path().contains('@') || url.query().is_some_and(|query| query.contains('@')) {
            return Err(format!("has an `@` behind its host; {ENCODE}"));
        }
        let is_postgres = url.scheme().starts_with("postgres");
        let known = if is_postgres { POSTGRES_PARAMETERS } else { MYSQL_PARAMETERS };
        for (name, _) in url.query_pairs() {
            let option = is_postgres && name.starts_with("options[") && name.ends_with(']');
            if !option && !known.contains(&&*name) {
                return Err(unknown(&name));
            }
        }
        let url = with_files_from(&url, base);
        if is_postgres { Self::postgres(&url) } else { Self::mysql(&url) }
    }

    fn postgres(url: &Url) -> Result<Self, String> {
        let options = PgConnectOptions::from_str(url.as_str()).map_err(|_| unreadable())?;
        let options = options.application_name("restock").disable_statement_logging();
        let database = options.get_database().unwrap_or_default().to_owned();
        let named = url.path().len() > 1 || url.query_pairs().any(|(name, _)| name == "dbname");
        if database.is_empty() || !named {
            return Err("names no database: write postgres://USER@HOST/DATABASE".to_owned());
        }
        let (host, port) = (options.get_host(), options.get_port());
        let (place, is_local) = match options.get_socket() {
            Some(folder) => (format!("{}/.s.PGSQL.{port}", folder.display()), true),
            // The library takes a folder for a host too.
            None if host.starts_with('/') => (format!("{host}/.s.PGSQL.{port}"), true),
            None => (place(host, port), is_loopback(host)),
        };
        let user = options.get_username().to_owned();
        Ok(Self { options: Options::Postgres(options), place, is_local, database, user })
    }

    fn mysql(url: &Url) -> Result<Self, String> {
        let options = MySqlConnectOptions::from_str(url.as_str()).map_err(|_| unreadable())?;
        let options = options.disable_statement_logging();
        let database = options.get_database().unwrap_or_default().to_owned();
        if database.is_empty() {
            return Err("names no database: write mysql://USER@HOST/DATABASE".to_owned());
        }
        if url.username().is_empty() {
            return Err("names no user: write mysql://USER@HOST/DATABASE".to_owned());
        }
        let (host, port) = (options.get_host(), options.get_port());
        let (place, is_local) = match options.get_socket() {
            Some(socket) => (socket.display().to_string(), true),
            None => (place(host, port), is_loopback(host)),
        };
        let user = options.get_username().to_owned();
        Ok(Self { options: Options::MySql(options), place, is_local, database, user })
    }
}

fn with_files_from(url: &Url, base: &Path) -> Url {
    let mut joined = url.clone();
    let pairs: Vec<_> = url.query_pairs().into_owned().collect();
    if pairs.is_empty() {
        return joined;
    }
    joined.query_pairs_mut().clear().extend_pairs(pairs.iter().map(|(name, value)| {
        let is_file = FILES.contains(&name.as_str());
        let path = is_file.then(|| base.join(value).to_string_lossy().into_owned());
        (name, path.map_or(Cow::Borrowed(value.as_str()), Cow::Owned))
    }));
    joined
}

fn place(host: &str, port: u16) -> String {
    if host.contains(':') && !host.starts_with('[') {
        return format!("[{host}]:{port}");
    }
    format!("{host}:{port}")
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn unreadable() -> String {
    "has a parameter whose value cannot be read, or characters that are no UTF-8".to_owned()
}

/// A name of odd characters may be a part of a password.
fn unknown(name: &str) -> String {
    let is_name = |c: char| c.is_ascii_lowercase() || matches!(c, '-' | '_');
    if name.chars().all(is_name) && !name.is_empty() {
        return format!("has a parameter `{name}`, which a ledger does not take");
    }
    format!("has a parameter that a ledger does not take; {ENCODE}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Server, String> {
        Server::read(url, Path::new("/etc/restock"))
    }

    #[test]
    fn a_server_is_known_by_host_port_and_database() {
        for (url, place, is_local) in [
            ("postgres://u:SECRET@db.example.com/ledger", "db.example.com:5432", false),
            ("postgresql://u@127.0.0.1:5433/ledger?sslmode=require", "127.0.0.1:5433", true),
            ("postgres://u@%2Frun%2Fpg/ledger", "/run/pg/.s.PGSQL.5432", true),
            ("postgres:///ledger?host=/run/pg", "/run/pg/.s.PGSQL.5432", true),
            ("mysql://u:SECRET@db.example.com:3307/ledger", "db.example.com:3307", false),
            ("mariadb://u@[::1]/ledger", "[::1]:3306", true),
            ("mysql://u@localhost/ledger?socket=/run/m.sock", "/run/m.sock", true),
        ] {
            let server = read(url).unwrap();
            assert_eq!((server.place.as_str(), server.is_local), (place, is_local), "{url}");
            assert_eq!(server.database, "ledger");
        }
    }

    #[test]
    fn what_cannot_be_is_told_without_the_password() {
        for (url, part) in [
            ("mysql://u:SECRET@h", "names no database"),
            ("postgres://u:SECRET@h/", "names no database"),
            ("mysql://h/db", "names no user"),
            ("mysql://u:SE#CRET@h/db", "%23"),
            ("mysql://u:1/SECRET@h/db", "%2F"),
            ("postgres://u:1?SECRET=@h/db", "%40"),
            ("postgres://u:SECRET@h:x/db", "invalid port"),
            ("postgres://u:SECRET@h/db?ssl_mode=x", "`ssl_mode`, which a ledger does not take"),
            ("mysql://u:SECRET@h/db?timezone=x", "`timezone`, which a ledger does not take"),
            ("mysql://u@h/db?SECRET=x", "a parameter that a ledger does not take"),
            ("mysql://u@h/db?ssl-mode=SECRET", "cannot be read"),
        ] {
            let problem = read(url).unwrap_err();
            assert!(problem.contains(part) && !problem.contains("SECRET"), "{url}: {problem}");
        }
    }

    #[test]
    fn files_are_relative_to_the_configuration() {
        let url = Url::parse("postgres://u@h/db?sslrootcert=ca.pem&sslkey=/k&sslmode=x").unwrap();
        let joined = with_files_from(&url, Path::new("/etc/restock"));
        let query = "sslrootcert=%2Fetc%2Frestock%2Fca.pem&sslkey=%2Fk&sslmode=x";
        assert_eq!(joined.query(), Some(query));
    }
}
