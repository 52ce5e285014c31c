//! Reads the URL of a database server. Refusals complete "`url` …" and never repeat what may be a part
//! of a password.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use url::Url;

use super::tls::{Asked, Mode};
use super::{Address, Place, Product};

/// How to write what cannot stand in a URL as it is.
const ENCODE: &str = "write special characters of the password percent-encoded: `@` as %40, `:` as \
                      %3A, `/` as %2F, `?` as %3F, `#` as %23, `%` as %25";

/// What a URL says, piece by piece.
struct Draft {
    product: Product,
    host: Option<String>,
    port: Option<u16>,
    socket: Option<PathBuf>,
    user: Option<String>,
    password: Option<String>,
    database: Option<String>,
    parameters: Vec<(String, String)>,
    asked: Asked,
}

/// Reads a URL: where the database is, and what is asked of the connection.
pub(in crate::catalog) fn parse(product: Product, text: &str) -> Result<(Address, Asked), String> {
    let url = Url::parse(text).map_err(|error| format!("cannot be read: {error}; {ENCODE}"))?;
    if url.fragment().is_some() {
        return Err(format!("has a `#`; {ENCODE}"));
    }
    if url.path().contains('@') || url.query().is_some_and(|query| query.contains('@')) {
        return Err(format!("has an `@` behind its host; {ENCODE}"));
    }
    let mut draft = Draft::of(product, &url)?;
    for (name, value) in url.query_pairs() {
        draft.take(&name, value.into_owned())?;
    }
    draft.finish()
}

impl Draft {
    fn of(product: Product, url: &Url) -> Result<Self, String> {
        let host = decoded(url.host_str().unwrap_or_default())?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if host.contains(',') {
            return Err("names several hosts: restock reads one server".to_owned());
        }
        let path = url.path().strip_prefix('/').unwrap_or(url.path());
        if path.contains('/') {
            return Err(format!("has more than one `/` behind its host; {ENCODE}"));
        }
        let socket = host.starts_with('/').then(|| PathBuf::from(&host));
        Ok(Self {
            product,
            host: filled(host).filter(|_| socket.is_none()),
            port: url.port(),
            socket,
            user: filled(decoded(url.username())?),
            password: url.password().map(decoded).transpose()?,
            database: filled(decoded(path)?),
            parameters: Vec::new(),
            asked: Asked::default(),
        })
    }

    fn take(&mut self, name: &str, value: String) -> Result<(), String> {
        match (self.product, name) {
            (_, "sslmode" | "ssl-mode") => {
                let mode = Mode::parse(&value).ok_or_else(|| {
                    format!(
                        "has an unknown `{name}`: write disable, prefer, require, verify-ca or \
                         verify-full"
                    )
                })?;
                self.asked.mode = Some(mode);
            }
            (Product::MySql, "sslca" | "ssl-ca")
            | (Product::Postgres, "sslrootcert" | "ssl-root-cert" | "ssl-ca") => {
                self.asked.ca = Some(value.into());
            }
            (_, "sslcert" | "ssl-cert") => self.asked.cert = Some(value.into()),
            (_, "sslkey" | "ssl-key") => self.asked.key = Some(value.into()),
            // No statement is kept.
            (_, "statement-cache-capacity") => {}
            (Product::MySql, "socket") => self.socket = Some(value.into()),
            (Product::MySql, "collation") if value.chars().all(is_word) => {
                self.parameters.push((name.to_owned(), value));
            }
            (Product::MySql, "collation") => return Err("has a `collation` that is none".into()),
            // A plus sign reads as a space there.
            (Product::MySql, "timezone" | "time-zone")
                if matches!(value.trim_start_matches([' ', '+']), "00:00" | "UTC") => {}
            (Product::MySql, "charset") if value.eq_ignore_ascii_case("utf8mb4") => {}
            (Product::MySql, "charset" | "timezone" | "time-zone") => {
                return Err(format!(
                    "has `{name}`, which restock sets itself, to utf8mb4 and UTC: leave it out"
                ));
            }
            (Product::Postgres, "host") if value.starts_with('/') => {
                self.socket = Some(value.into());
            }
            (Product::Postgres, "host" | "hostaddr") => self.host = filled(value),
            (Product::Postgres, "port") => {
                let port = value.parse().map_err(|_| "has a `port` that is none".to_owned())?;
                self.port = Some(port);
            }
            (Product::Postgres, "dbname") => self.database = filled(value),
            (Product::Postgres, "user") => self.user = filled(value),
            (Product::Postgres, "password") => self.password = Some(value),
            (Product::Postgres, "application_name") => {
                self.parameters.push((name.to_owned(), value));
            }
            (Product::Postgres, "options") => {
                return Err("has `options`: write options[NAME]=VALUE for each".to_owned());
            }
            (Product::Postgres, name) if name.starts_with("options[") && name.ends_with(']') => {
                self.parameters.push((name.to_owned(), value));
            }
            _ => return Err(unknown(name)),
        }
        Ok(())
    }

    fn finish(self) -> Result<(Address, Asked), String> {
        let Self { product, host, port, socket, user, password, database, parameters, asked } =
            self;
        let scheme = product.scheme();
        let Some(database) = database else {
            return Err(format!("names no database: write {scheme}://USER@HOST/DATABASE"));
        };
        if user.is_none() && product == Product::MySql {
            return Err(format!("names no user: write {scheme}://USER@HOST/DATABASE"));
        }
        let port = port.unwrap_or(product.port());
        let place = match (socket, product) {
            (Some(folder), Product::Postgres) => {
                Place::Socket(folder.join(format!(".s.PGSQL.{port}")))
            }
            (Some(path), Product::MySql) => Place::Socket(path),
            (None, _) => Place::Tcp { host: host.unwrap_or("localhost".to_owned()), port },
        };
        Ok((Address { product, place, user, password, database, parameters }, asked))
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn filled(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn decoded(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| "holds percent-encoded bytes that are no UTF-8".to_owned())
}

/// A name of odd characters may be a part of a password.
fn unknown(name: &str) -> String {
    let is_name = |c: char| c.is_ascii_lowercase() || matches!(c, '-' | '_');
    if name.chars().all(is_name) && !name.is_empty() {
        return format!("has a parameter `{name}`, which restock does not know");
    }
    format!("has a parameter that restock does not know; {ENCODE}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(url: &str) -> Result<String, String> {
        let product = if url.starts_with("postgres") { Product::Postgres } else { Product::MySql };
        parse(product, url).map(|(address, _)| address.identity())
    }

    #[test]
    fn a_database_is_known_by_its_place_and_name_alone() {
        for (url, expected) in [
            ("mysql://u:SECRET@DB.example.com/fleet", "mysql://db.example.com:3306/fleet"),
            ("mariadb://u@127.0.0.1:3307/a%2Fb?charset=utf8mb4", "mysql://127.0.0.1:3307/a%2Fb"),
            ("mysql://u@[::1]/fleet?timezone=+00:00", "mysql://[::1]:3306/fleet"),
            ("mysql://u@h/fleet?socket=/run/mysqld.sock", "mysql:///run/mysqld.sock/fleet"),
            ("postgres://u:SECRET@h/db?sslmode=require", "postgres://h:5432/db"),
            ("postgresql://h/db?application_name=x&options[a]=b", "postgres://h:5432/db"),
            ("postgres:///db?host=/run/pg&port=5433", "postgres:///run/pg/.s.PGSQL.5433/db"),
            ("postgres://%2Frun%2Fpg/db", "postgres:///run/pg/.s.PGSQL.5432/db"),
            ("postgres:///?dbname=db&user=u&password=SECRET&host=h", "postgres://h:5432/db"),
        ] {
            assert_eq!(identity(url).as_deref(), Ok(expected), "{url}");
        }
    }

    #[test]
    fn user_and_password_are_decoded() {
        let (address, _) = parse(Product::MySql, "mysql://us%40er:p%3A%2F%25w@h/d").unwrap();
        assert_eq!(address.user.as_deref(), Some("us@er"));
        assert_eq!(address.password.as_deref(), Some("p:/%w"));
        assert_eq!(format!("{address:?}"), "mysql://h:3306/d");
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        for (url, part) in [
            ("mysql://u:SECRET@h", "names no database"),
            ("mysql://u:SECRET@h/", "names no database"),
            ("postgres://u:SECRET@h", "names no database"),
            ("mysql://h/db", "names no user"),
            ("mysql://u:SE#CRET@h/db", "%23"),
            ("mysql://u:1#SECRET@h/db", "%23"),
            ("mysql://u:1/SECRET@h/db", "%2F"),
            ("mysql://u:1/SECRET@h", "%40"),
            ("mysql://u:1?SECRET@h/db", "%40"),
            ("postgres://u:1?SECRET=@h/db", "%40"),
            ("mysql://u:p%SECRET@h:x/db", "invalid port"),
            ("mysql://u@h/db?ssl_mode=x", "`ssl_mode`, which restock does not know"),
            ("mysql://u@h/db?SECRET=x", "a parameter that restock does not know"),
            ("mysql://u@h/db?sslrootcert=x", "`sslrootcert`"),
            ("postgres://u@h/db?socket=/x", "`socket`"),
            ("mysql://u@h/db?ssl-mode=SECRET", "unknown `ssl-mode`"),
            ("mysql://u@h/db?timezone=%2B02:00", "`timezone`, which restock sets itself"),
            ("mysql://u@h/db?charset=latin1", "`charset`, which restock sets itself"),
            ("postgres://u@h1,h2/db", "several hosts"),
            ("postgres://u@h/db?port=SECRET", "`port` that is none"),
            ("mysql://u@h/db?collation=x;SECRET", "`collation` that is none"),
            ("mysql://u:%FF@h/db", "no UTF-8"),
        ] {
            let problem = identity(url).unwrap_err();
            assert!(problem.contains(part) && !problem.contains("SECRET"), "{url}: {problem}");
        }
    }
}
