//! [`UrlBase`]: where imported files can be had again.

use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use url::Url;

use crate::model::redact_place;

/// Everything but RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `--source-url-base`, without its trailing slash.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UrlBase(String);

impl UrlBase {
    /// The URL of a file by its relative path.
    pub(super) fn of(&self, relative: &Path) -> String {
        relative
            .components()
            .filter_map(|component| match component {
                Component::Normal(name) => Some(percent_encode(name.as_bytes(), ENCODED)),
                Component::Prefix(_)
                | Component::RootDir
                | Component::CurDir
                | Component::ParentDir => None,
            })
            .fold(self.0.clone(), |url, name| format!("{url}/{name}"))
    }
}

impl FromStr for UrlBase {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse =
            |problem: &str| format!("--source-url-base `{}` {problem}", redact_place(text));
        let url = Url::parse(text).map_err(|error| refuse(&format!("is no URL: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("is neither http nor https"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("has a query or fragment, to which no path can be added"));
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_encoded_segment_by_segment() {
        for base in ["https://h.example/pkgs", "https://h.example/pkgs/"] {
            let base: UrlBase = base.parse().unwrap();
            for (path, url) in [
                ("a.pkg", "https://h.example/pkgs/a.pkg"),
                ("mac os/a+b #1?.pkg", "https://h.example/pkgs/mac%20os/a%2Bb%20%231%3F.pkg"),
                ("é/100%", "https://h.example/pkgs/%C3%A9/100%25"),
            ] {
                assert_eq!(base.of(Path::new(path)), url);
            }
        }
    }

    #[test]
    fn a_base_to_which_no_path_can_be_added_is_refused() {
        for bad in
            ["h.example/pkgs", "ftp://h/", "https://h/?t=SECRET", "https://h/#f", "file:///x"]
        {
            let message = bad.parse::<UrlBase>().unwrap_err();
            assert!(!message.contains("SECRET"), "{message}");
        }
    }
}
