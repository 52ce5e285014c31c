//! Relative paths: those of the file start at its folder, all others at the working directory.

use std::path::{Component, Path, PathBuf};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What cannot stand as it is in the path of a `sqlite:` URL.
const NOT_IN_SQLITE_PATHS: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');

/// A path under a folder, without `.` parts.
pub(super) fn under(folder: &Path, path: &Path) -> PathBuf {
    folder.join(path).components().filter(|part| *part != Component::CurDir).collect()
}

/// A `sqlite:` URL whose path starts at the root; every other URL as it is. `None` where the
/// folder is not UTF-8, which no URL can say.
pub(super) fn sqlite_url(folder: &Path, url: &str) -> Option<String> {
    let Some(rest) = url.strip_prefix("sqlite:") else { return Some(url.to_owned()) };
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let end = rest.find('?').unwrap_or(rest.len());
    let (path, query) = rest.split_at(end);
    if path.is_empty() || path == ":memory:" {
        return Some(url.to_owned());
    }
    let mut path = path;
    while let Some(inner) = path.strip_prefix("./") {
        path = inner;
    }
    if path.starts_with('/') {
        return Some(format!("sqlite://{path}{query}"));
    }
    let folder = folder.to_str()?.trim_end_matches('/');
    Some(format!("sqlite://{}/{path}{query}", utf8_percent_encode(folder, NOT_IN_SQLITE_PATHS)))
}

/// The `sqlite:` URL of a file.
pub(super) fn sqlite_url_of(file: &Path) -> Option<String> {
    Some(format!("sqlite://{}", utf8_percent_encode(file.to_str()?, NOT_IN_SQLITE_PATHS)))
}

/// A store that is a plain path, from the root; every URL as it is.
pub(super) fn store_url(folder: &Path, url: &str) -> Option<String> {
    if url.is_empty() || url.contains("://") {
        return Some(url.to_owned());
    }
    under(folder, Path::new(url)).into_os_string().into_string().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_urls_start_at_the_root_and_keep_their_query() {
        let folder = Path::new("/srv/100% sure?");
        for (url, whole) in [
            ("sqlite://catalog.db", "sqlite:///srv/100%25 sure%3F/catalog.db"),
            ("sqlite:catalog.db", "sqlite:///srv/100%25 sure%3F/catalog.db"),
            ("sqlite://././a/../b.db?mode=ro", "sqlite:///srv/100%25 sure%3F/a/../b.db?mode=ro"),
            ("sqlite:///abs/catalog.db", "sqlite:///abs/catalog.db"),
            ("sqlite:/abs/catalog.db", "sqlite:///abs/catalog.db"),
            ("sqlite::memory:", "sqlite::memory:"),
            ("postgres://h/db", "postgres://h/db"),
        ] {
            assert_eq!(sqlite_url(folder, url).as_deref(), Some(whole), "{url}");
        }
    }

    #[test]
    fn only_stores_that_are_paths_are_joined() {
        let folder = Path::new("/srv");
        for (url, whole) in [
            ("objects", "/srv/objects"),
            ("./objects/", "/srv/objects"),
            ("/abs", "/abs"),
            ("s3://b/p", "s3://b/p"),
            ("file:///abs", "file:///abs"),
            ("", ""),
        ] {
            assert_eq!(store_url(folder, url).as_deref(), Some(whole), "{url}");
        }
    }
}
