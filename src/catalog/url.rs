//! What `[catalog]` says of where the catalog is, judged without opening anything.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use super::server::{self, Product};
use super::tokens::Dialect;
use super::{
    CatalogError, CatalogOptions, CollectionOptions, CollectionProblem, Preset, collections,
};

/// How a catalog is named.
const FORMS: &str =
    "write sqlite://PATH, mysql://USER@HOST/DATABASE or postgres://USER@HOST/DATABASE";

/// A key of `[catalog]` that cannot be as it is. Holds no secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogProblem {
    /// The key, without its section.
    pub key: &'static str,
    /// What is wrong, completing "`key` …".
    pub problem: String,
}

impl fmt::Display for CatalogProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` of [catalog] {}", self.key, self.problem)
    }
}

/// Where a URL says that a catalog is.
pub(super) enum Location<'a> {
    /// In this file, percent-encoded.
    File(&'a str),
    Server(Product),
}

impl<'a> Location<'a> {
    /// Reads a URL; the refusal completes "`url` …" and does not repeat it.
    pub(super) fn of(url: &'a str) -> Result<Self, String> {
        let Some((scheme, rest)) = url.split_once(':') else {
            return Err(format!("has no scheme: {FORMS}"));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" => {}
            scheme => {
                let product = Product::of_scheme(scheme).map(Self::Server);
                return product.ok_or(format!("has a scheme that no catalog has: {FORMS}"));
            }
        }
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path.contains('?') {
            return Err("has parameters behind a `?`, which a file does not take".to_owned());
        }
        if path.contains('#') {
            return Err("has a `#`, which a file does not take: write %23 where its name has one"
                .to_owned());
        }
        if path.is_empty() || path == ":memory:" {
            return Err("names no file: write sqlite://PATH".to_owned());
        }
        Ok(Self::File(path))
    }
}

/// What in `[catalog]` cannot be as it is, where this is the catalog's URL.
pub fn judge(options: &CatalogOptions, url: &str) -> Vec<CatalogProblem> {
    let problem = |key, problem: &str| CatalogProblem { key, problem: problem.to_owned() };
    let tls = [
        ("tls_ca_file", &options.tls_ca_file),
        ("tls_cert_file", &options.tls_cert_file),
        ("tls_key_file", &options.tls_key_file),
    ];
    match Location::of(url) {
        Err(of_url) => vec![problem("url", &of_url)],
        Ok(Location::File(_)) => {
            let of_server = "belongs to a server, and the catalog is a file: leave it out";
            let given = tls.into_iter().filter(|(_, file)| file.is_some());
            let fleet = (options.preset == Preset::Fleet).then(|| {
                problem("preset", "is \"fleet\", which is for MySQL: write `url` as mysql://…")
            });
            given.map(|(key, _)| problem(key, of_server)).chain(fleet).collect()
        }
        Ok(Location::Server(product)) => {
            let preset = match (options.preset, product) {
                (Preset::Custom, _) | (Preset::Fleet, Product::MySql) => None,
                (Preset::Fleet, Product::Postgres) => {
                    Some("is \"fleet\", which is for MySQL: write \"custom\"")
                }
                (Preset::Restock, Product::MySql) => Some(
                    "is \"restock\", whose tables are in a SQLite file: write \"fleet\" or \
                     \"custom\"",
                ),
                (Preset::Restock, Product::Postgres) => {
                    Some("is \"restock\", whose tables are in a SQLite file: write \"custom\"")
                }
            };
            let of_server = server::judge(product, url, options).err();
            preset.map(|text| problem("preset", text)).into_iter().chain(of_server).collect()
        }
    }
}

/// What in the `[[collection]]`s cannot be as it is, where this is the catalog's URL.
pub fn judge_collections(
    options: &CatalogOptions,
    url: &str,
    configured: &[CollectionOptions],
) -> Vec<CollectionProblem> {
    let dialect = match Location::of(url) {
        Ok(Location::File(_)) => Dialect::Sqlite,
        Ok(Location::Server(product)) => product.into(),
        // In which words the queries are cannot be told.
        Err(_) => return Vec::new(),
    };
    collections::judge_all(options.preset, dialect, configured)
}

/// The file that a `sqlite:` URL in `[catalog]` names; `sqlite:PATH` and `sqlite://PATH` are the
/// same, and PATH is percent-decoded.
pub fn sqlite_path(options: &CatalogOptions, base: &Path) -> Result<PathBuf, CatalogError> {
    file_of(&read_url(options, base)?, base)
}

/// The file that a URL names.
pub(super) fn file_of(url: &str, base: &Path) -> Result<PathBuf, CatalogError> {
    let problem = match Location::of(url) {
        // As sqlx and the ledger read such URLs: `%`, `?` and `#` in a path are encoded.
        Ok(Location::File(path)) => {
            return Ok(base.join(OsString::from_vec(percent_decode_str(path).collect())));
        }
        Ok(Location::Server(_)) => "is that of a server: write sqlite://PATH".to_owned(),
        Err(problem) => problem,
    };
    let problem = CatalogProblem { key: "url", problem };
    Err(CatalogError::Configuration(problem.to_string()))
}

/// The catalog's URL, wherever it stands.
pub(super) fn read_url(options: &CatalogOptions, base: &Path) -> Result<String, CatalogError> {
    match (&options.url, &options.url_file) {
        (Some(url), None) => Ok(url.clone()),
        (None, Some(file)) => {
            let file = base.join(file);
            let text = std::fs::read_to_string(&file).map_err(|error| {
                CatalogError::Configuration(format!(
                    "cannot read `url_file` of [catalog], {}: {error}",
                    file.display()
                ))
            })?;
            Ok(text.trim().to_owned())
        }
        (Some(_), Some(_)) => Err(CatalogError::Configuration(
            "[catalog] has both `url` and `url_file`: keep one".to_owned(),
        )),
        (None, None) => {
            Err(CatalogError::Configuration(format!("[catalog] has no `url`: {FORMS}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str, preset: Preset) -> CatalogOptions {
        CatalogOptions { url: Some(url.to_owned()), preset, ..CatalogOptions::default() }
    }

    fn path(url: &str) -> Result<PathBuf, String> {
        let options = of(url, Preset::Restock);
        sqlite_path(&options, Path::new("/etc/restock")).map_err(|error| error.to_string())
    }

    #[test]
    fn sqlite_urls_name_paths_relative_to_the_configuration() {
        for (url, expected) in [
            ("sqlite://catalog.db", "/etc/restock/catalog.db"),
            ("sqlite:catalog.db", "/etc/restock/catalog.db"),
            ("SQLite://a b/c%20d.db", "/etc/restock/a b/c d.db"),
            ("sqlite:///var/lib/catalog.db", "/var/lib/catalog.db"),
            ("sqlite:/var/lib/catalog.db", "/var/lib/catalog.db"),
        ] {
            assert_eq!(path(url).as_deref(), Ok(Path::new(expected)), "{url}");
        }
    }

    #[test]
    fn what_is_no_file_is_refused_without_its_secrets() {
        for (url, part) in [
            ("mysql://root:SECRET@db/fleet", "is that of a server"),
            ("redis://:SECRET@h", "scheme that no catalog has"),
            ("catalog.db", "no scheme"),
            ("sqlite://", "names no file"),
            ("sqlite::memory:", "names no file"),
            ("sqlite://a.db?mode=SECRET", "parameters behind a `?`"),
            ("sqlite://a.db#SECRET", "has a `#`"),
        ] {
            let message = path(url).unwrap_err();
            assert!(message.contains(part) && !message.contains("SECRET"), "{message}");
        }
    }

    #[test]
    fn url_preset_and_tls_files_have_to_fit_together() {
        let judged = |options: CatalogOptions| {
            let url = options.url.clone().unwrap();
            let problems = judge(&options, &url);
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        for (url, preset) in [
            ("sqlite://a.db", Preset::Restock),
            ("sqlite://a.db", Preset::Custom),
            ("MySQL://u:p@h/db", Preset::Fleet),
            ("mariadb://u:p@h/db", Preset::Custom),
            ("postgresql://u:p@h/db", Preset::Custom),
        ] {
            assert_eq!(judged(of(url, preset)), "", "{url}");
        }
        for (url, preset, told) in [
            ("sqlite://a.db", Preset::Fleet, "`preset` of [catalog] is \"fleet\", which is for"),
            ("mysql://u@h/db", Preset::Restock, "write \"fleet\" or \"custom\""),
            ("postgres://h/db", Preset::Restock, "SQLite file: write \"custom\""),
            ("postgres://h/db", Preset::Fleet, "which is for MySQL"),
            ("mysql://u:SECRET@h", Preset::Custom, "`url` of [catalog] names no database"),
            ("oracle://u:SECRET@h", Preset::Custom, "`url` of [catalog] has a scheme that no"),
        ] {
            let message = judged(of(url, preset));
            assert!(message.contains(told) && !message.contains("SECRET"), "{message}");
        }
        let file = || Some(PathBuf::from("f"));
        for (url, ca, cert, key, told) in [
            ("sqlite://a.db", file(), None, None, "`tls_ca_file` of [catalog] belongs to a server"),
            ("sqlite://a.db", None, None, file(), "`tls_key_file` of [catalog] belongs"),
            ("mysql://u@h/db", None, file(), None, "`tls_cert_file` of [catalog] needs"),
            ("mysql://u@h/db", None, None, file(), "`tls_key_file` of [catalog] needs"),
            ("mysql://u@h/db?ssl-mode=REQUIRED", file(), None, None, "does not look at"),
            ("mysql://u@h/db?ssl-ca=x", file(), None, None, "`tls_ca_file` of [catalog] is named"),
            ("postgres://h/db?sslmode=disable", None, file(), file(), "does not encrypt"),
            ("postgres:///db?host=/run", file(), None, None, "`tls_ca_file` of [catalog] belongs"),
            ("postgres://h/db?sslmode=verify-ca", file(), file(), file(), ""),
        ] {
            let tls = CatalogOptions {
                tls_ca_file: ca,
                tls_cert_file: cert,
                tls_key_file: key,
                ..of(url, Preset::Custom)
            };
            let message = judged(tls);
            assert!(message.contains(told) && told.is_empty() == message.is_empty(), "{message}");
        }
    }

    #[test]
    fn url_and_url_file_exclude_each_other_and_one_is_needed() {
        let message = |url: Option<&str>, file: Option<&str>| {
            let options = CatalogOptions {
                url: url.map(str::to_owned),
                url_file: file.map(PathBuf::from),
                ..CatalogOptions::default()
            };
            sqlite_path(&options, Path::new("/nonexistent")).unwrap_err().to_string()
        };
        assert!(message(None, None).contains("no `url`"));
        assert!(message(Some("sqlite://a"), Some("f")).contains("keep one"));
        assert!(message(None, Some("f")).contains("/nonexistent/f"));
    }
}
