//! Opens the store that `[store]` names: a bucket or a directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use url::Url;

use super::directory::DirectoryStore;
use super::s3::S3Store;
use super::{HealStore, OperationHook, RemovingStore, StoreError, StoreOptions};
use crate::model::redact_place;

/// How near a word has to be to one that is known to be suggested, from 0 to 1.
const NEAR: f64 = 0.8;

/// A store that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// What is written in the configuration cannot be meant: exit code 78.
    #[error("{problem}")]
    Configuration {
        /// What is wrong with it, and what to write instead.
        problem: String,
    },
    /// The store is not there, or cannot be reached: exit code 1.
    #[error(transparent)]
    Unavailable(#[from] StoreError),
}

impl OpenError {
    pub(super) fn configuration(problem: impl Into<String>) -> Self {
        Self::Configuration { problem: problem.into() }
    }
}

/// Where a URL leads.
#[derive(Debug, PartialEq, Eq)]
enum Location {
    Bucket { name: String, prefix: String },
    Directory(PathBuf),
}

/// Opens a store. Plain paths are relative to `base`.
///
/// A directory has to be there; a bucket is only asked by [`super::Store::check`].
pub async fn open(options: &StoreOptions, base: &Path) -> Result<Arc<dyn HealStore>, OpenError> {
    open_told(options, base, OperationHook::none()).await
}

/// The same, and the hook is told of everything that the store is asked.
pub async fn open_told(
    options: &StoreOptions,
    base: &Path,
    hook: OperationHook,
) -> Result<Arc<dyn HealStore>, OpenError> {
    let store: Arc<dyn HealStore> = open_any(options, base, hook).await?;
    Ok(store)
}

/// The same for a command by which a person takes objects away.
pub async fn open_removing(
    options: &StoreOptions,
    base: &Path,
) -> Result<Arc<dyn RemovingStore>, OpenError> {
    open_any(options, base, OperationHook::none()).await
}

/// The folder that a store is, where it is one.
pub fn folder_of(options: &StoreOptions, base: &Path) -> Option<PathBuf> {
    match locate(&options.url, base) {
        Ok(Location::Directory(path)) => Some(path),
        Ok(Location::Bucket { .. }) | Err(_) => None,
    }
}

async fn open_any(
    options: &StoreOptions,
    base: &Path,
    hook: OperationHook,
) -> Result<Arc<dyn RemovingStore>, OpenError> {
    match locate(&options.url, base)? {
        Location::Bucket { name, prefix } => {
            Ok(Arc::new(S3Store::new(&name, &prefix, &options.options, hook)?))
        }
        Location::Directory(path) => {
            if let Some(key) = options.options.keys().next() {
                return Err(OpenError::configuration(format!(
                    "unknown key `{key}` in [store.options]: a directory has no options"
                )));
            }
            Ok(Arc::new(DirectoryStore::open(path, hook).await?))
        }
    }
}

/// The known word that is nearest to a misspelled one, if there is a near one.
pub(super) fn near<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), *candidate))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

fn locate(url: &str, base: &Path) -> Result<Location, OpenError> {
    if url.is_empty() {
        return Err(OpenError::configuration(
            "store.url is not set: write s3://bucket/prefix, file:///path or a path",
        ));
    }
    let scheme = url.split_once(':').map(|(scheme, _)| scheme).filter(|s| is_scheme(s));
    match scheme {
        Some("s3") => bucket(url),
        Some("file") => {
            let plain = Url::parse(url).ok().filter(|_| !url.contains(['?', '#']));
            let path = plain.and_then(|url| url.to_file_path().ok());
            path.map(Location::Directory).ok_or_else(|| {
                OpenError::configuration(format!(
                    "store.url `{}` is no file:///absolute/path (`?` and `#` are %3F and %23 there)",
                    redact_place(url)
                ))
            })
        }
        Some(other) if url.contains("://") || matches!(other, "gs" | "az") => {
            Err(OpenError::configuration(format!(
                "store.url: {other}: is not supported in this version: s3: and file: are"
            )))
        }
        _ => Ok(Location::Directory(base.join(url))),
    }
}

fn is_scheme(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// The prefix is taken as it is written: keys are bytes, and `%20` is three of them.
fn bucket(url: &str) -> Result<Location, OpenError> {
    let refuse = |problem: &str| {
        let shown = redact_place(url);
        Err(OpenError::configuration(format!("store.url `{shown}` {problem}")))
    };
    let Some(rest) = url.strip_prefix("s3://") else {
        return refuse("is no s3://bucket/prefix");
    };
    let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || !name.chars().all(plain) {
        return refuse(
            "is no s3://bucket/prefix: a bucket's name has letters, digits, `.` and `-`",
        );
    }
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    if prefix.is_empty() && !rest.ends_with("//") {
        return Ok(Location::Bucket { name: name.to_owned(), prefix: String::new() });
    }
    if prefix.split('/').any(str::is_empty) {
        return refuse("has a prefix with a leading or double slash, which no key can have");
    }
    if prefix.split('/').any(|segment| matches!(segment, "." | ".."))
        || prefix.chars().any(char::is_control)
    {
        return refuse("has a prefix with `.`, `..` or a control character, which no key can have");
    }
    Ok(Location::Bucket { name: name.to_owned(), prefix: format!("{prefix}/") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(url: &str) -> Result<Location, String> {
        locate(url, Path::new("/base")).map_err(|error| error.to_string())
    }

    #[test]
    fn each_form_leads_where_it_says() {
        let bucket = |prefix: &str| {
            Ok(Location::Bucket { name: "b-1".to_owned(), prefix: prefix.to_owned() })
        };
        let directory = |path: &str| Ok(Location::Directory(PathBuf::from(path)));
        assert_eq!(located("s3://b-1"), bucket(""));
        assert_eq!(located("s3://b-1/"), bucket(""));
        assert_eq!(located("s3://b-1/a/b%20 c"), bucket("a/b%20 c/"));
        assert_eq!(located("s3://b-1/a/"), bucket("a/"));
        assert_eq!(located("file:///srv/a%20b%3F%23"), directory("/srv/a b?#"));
        assert_eq!(located("objects"), directory("/base/objects"));
        assert_eq!(located("./a:b"), directory("/base/./a:b"));
        assert_eq!(located("/srv/x"), directory("/srv/x"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_and_says_so() {
        for (url, says) in [
            ("", "not set"),
            ("gs://b/p", "gs: is not supported in this version: s3: and file: are"),
            ("az://b/p", "az: is not supported"),
            ("https://b/p", "https: is not supported"),
            ("s3://", "no s3://bucket/prefix"),
            ("s3:b", "no s3://bucket/prefix"),
            ("s3://key:SECRET@b/p", "no s3://bucket/prefix"),
            ("s3://b//p", "leading or double slash"),
            ("s3://b/p//q", "leading or double slash"),
            ("s3://b//", "leading or double slash"),
            ("s3://b/p//", "leading or double slash"),
            ("s3://b/../p", "`..`"),
            ("file://host/p", "no file:///absolute/path"),
            ("file:///p?x=SECRET#f", "no file:///absolute/path"),
            ("file:///p#SECRET", "%23"),
            ("s3://b:9000/p", "no s3://bucket/prefix"),
        ] {
            let error = located(url).unwrap_err();
            assert!(error.contains(says), "{url}: {error}");
            assert!(!error.contains("SECRET"), "{error}");
        }
    }
}
