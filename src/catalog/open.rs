//! Opens the catalog that a configuration names.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use crate::model::redact_url;

use super::sql::{Content, SqlCatalog};
use super::sqlite::{self, CatalogFile};
use super::{Catalog, CatalogError, CatalogOptions, CollectionOptions, Preset, collections};

/// Opens the catalog and finds its collections: every query is tried, none is run. Relative paths
/// are relative to `base`, the folder of the configuration. Nothing is ever made or written.
pub async fn open(
    options: &CatalogOptions,
    configured: &[CollectionOptions],
    base: &Path,
) -> Result<Arc<dyn Catalog>, CatalogError> {
    let path = sqlite_path(options, base)?;
    let file = locate(&path, options).await?;
    let queried = match options.preset {
        Preset::Custom => collections::custom(configured)?,
        Preset::Fleet => {
            return Err(CatalogError::Configuration(
                "preset \"fleet\" is for MySQL and MariaDB: write `url` as mysql://…".to_owned(),
            ));
        }
        Preset::Restock => {
            let found = sqlite::preset_collections(&file).await?;
            collections::of_preset(found, configured)?
        }
    };
    Ok(Arc::new(SqlCatalog::open(file, Content { queried, ..Content::default() }).await?))
}

/// The file that a `sqlite:` URL in `[catalog]` names; `sqlite:PATH` and `sqlite://PATH` are the
/// same, and PATH is percent-decoded.
pub fn sqlite_path(options: &CatalogOptions, base: &Path) -> Result<PathBuf, CatalogError> {
    let url = url(options, base)?;
    let refuse = |problem: &str| {
        Err(CatalogError::Configuration(format!(
            "catalog URL `{}` {problem}",
            redact_url(&url).escape_debug()
        )))
    };
    let Some((scheme, rest)) = url.split_once(':') else {
        return refuse("has no scheme: write sqlite://PATH");
    };
    match scheme.to_ascii_lowercase().as_str() {
        "sqlite" => {}
        "postgres" | "postgresql" | "mysql" | "mariadb" => {
            return refuse("is not supported in this version: only sqlite://PATH is");
        }
        _ => return refuse("has a scheme that no catalog has: write sqlite://PATH"),
    }
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.contains('?') {
        return refuse("has parameters after `?`, which restock does not take");
    }
    if path.is_empty() || path == ":memory:" {
        return refuse("names no file: write sqlite://PATH");
    }
    // As sqlx and the ledger read such URLs: `%`, `?` and `#` in a path are encoded.
    let path = OsString::from_vec(percent_decode_str(path).collect());
    Ok(base.join(path))
}

fn url(options: &CatalogOptions, base: &Path) -> Result<String, CatalogError> {
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
            Err(CatalogError::Configuration("[catalog] has no `url`: write sqlite://PATH".into()))
        }
    }
}

async fn locate(path: &Path, options: &CatalogOptions) -> Result<CatalogFile, CatalogError> {
    let shown = path.display().to_string();
    let path = match tokio::fs::canonicalize(path).await {
        Ok(path) => path,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let hint = "check `url` in [catalog]; `restock import` makes a new one".to_owned();
            return Err(CatalogError::Absent { catalog: shown, hint });
        }
        Err(error) => {
            return Err(CatalogError::Connect {
                catalog: shown,
                hint: "check `url` in [catalog], and that this user may enter its folder"
                    .to_owned(),
                source: Box::new(error),
            });
        }
    };
    Ok(CatalogFile {
        identity: format!("sqlite://{}", path.display()),
        path,
        shown,
        connect_timeout: options.connect_timeout.0,
        statement_timeout: options.statement_timeout.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(url: &str) -> Result<PathBuf, String> {
        let options = CatalogOptions { url: Some(url.to_owned()), ..CatalogOptions::default() };
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
    fn other_catalogs_are_refused_by_name_and_without_their_secrets() {
        for (url, part) in [
            ("mysql://root:SECRET@db/fleet", "not supported in this version"),
            ("postgres://root:SECRET@db/fleet", "not supported in this version"),
            ("redis://:SECRET@h", "scheme that no catalog has"),
            ("catalog.db", "no scheme"),
            ("sqlite://", "names no file"),
            ("sqlite::memory:", "names no file"),
            ("sqlite://a.db?mode=SECRET", "parameters after `?`"),
        ] {
            let message = path(url).unwrap_err();
            assert!(message.contains(part) && !message.contains("SECRET"), "{message}");
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
