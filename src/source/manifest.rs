//! The manifest of a maintained app: which versions there are, with their digests and URLs. Pure.

use serde::Deserialize;

use crate::model::{Digest, cut_owned};

/// Characters of a foreign text that are told.
const TOLD_CHARS: usize = 80;

/// What a manifest says, as far as it matters; the rest of it may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Manifest {
    versions: Vec<Release>,
}

/// One version of an app, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Release {
    version: Option<String>,
    installer_url: Option<String>,
    sha256: Option<String>,
}

impl Manifest {
    /// Reads a manifest; what is wrong with it completes "…: ".
    pub(super) fn parse(json: &[u8]) -> Result<Self, String> {
        let manifest: Self =
            serde_json::from_slice(json).map_err(|error| cut_owned(error.to_string()))?;
        if manifest.versions.is_empty() {
            return Err("it names no version".to_owned());
        }
        Ok(manifest)
    }

    /// Where the bytes of this digest can be had, as any of its versions says.
    pub(super) fn url_of(&self, digest: &Digest) -> Option<&str> {
        let of_it = |version: &&Release| version.digest() == Some(*digest);
        let urls = self.versions.iter().filter(of_it).filter_map(|v| v.installer_url.as_deref());
        urls.map(str::trim).find(|url| !url.is_empty())
    }

    /// Why it names no URL for a digest, completing "the manifest of … ".
    pub(super) fn miss(&self, digest: &Digest) -> String {
        if self.versions.iter().any(|version| version.digest() == Some(*digest)) {
            return "has this digest, and names no URL for it".to_owned();
        }
        let Some(newest) = self.versions.first() else { return "names no version".to_owned() };
        let version = newest
            .version
            .as_deref()
            .map_or("no version".to_owned(), |version| format!("version {}", told(version)));
        match (newest.digest(), newest.sha256.as_deref()) {
            (Some(other), _) => format!("is at {version}, with digest {other}"),
            (None, Some(said)) => format!("is at {version}, with `{}` for a digest", told(said)),
            (None, None) => format!("is at {version}, without a digest"),
        }
    }
}

impl Release {
    /// `None` for `no_check` and everything else that is no digest: bytes without one prove
    /// nothing.
    fn digest(&self) -> Option<Digest> {
        self.sha256.as_deref()?.trim().parse().ok()
    }
}

/// A text of strangers, cut and without control characters.
fn told(text: &str) -> String {
    text.chars().take(TOLD_CHARS).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Digest = Digest::new([0xab; 32]);
    const OLD: Digest = Digest::new([2; 32]);

    fn manifest(json: &str) -> Result<Manifest, String> {
        Manifest::parse(json.as_bytes())
    }

    fn of_versions(versions: &str) -> Manifest {
        manifest(&format!(r#"{{"versions": [{versions}]}}"#)).unwrap()
    }

    #[test]
    fn every_version_is_looked_at_in_any_letter_case_and_unknown_members_do_not_matter() {
        let upper = NEW.to_string().to_uppercase();
        let read = manifest(&format!(
            r#"{{"versions": [
                {{"version": "2", "installer_url": "https://h/2", "sha256": "{upper}",
                  "queries": {{"exists": "SELECT 1"}}, "upgrade_code": null}},
                {{"version": "1", "installer_url": " https://h/1 ", "sha256": "{OLD}"}}
            ], "refs": {{"a": "echo"}}, "future": [1]}}"#
        ))
        .unwrap();
        assert_eq!(read.url_of(&NEW), Some("https://h/2"));
        assert_eq!(read.url_of(&OLD), Some("https://h/1"));
        assert_eq!(read.url_of(&Digest::new([3; 32])), None);
    }

    #[test]
    fn a_manifest_without_the_digest_says_what_it_has() {
        let other = Digest::new([3; 32]);
        for (version, told) in [
            (
                format!(
                    r#"{{"version": "4.47", "installer_url": "https://h", "sha256": "{NEW}"}}"#
                ),
                format!("is at version 4.47, with digest {NEW}"),
            ),
            (
                r#"{"version": "latest", "installer_url": "https://h", "sha256": "no_check"}"#
                    .to_owned(),
                "is at version latest, with `no_check` for a digest".to_owned(),
            ),
            (
                r#"{"version": "a\u001b[1m", "installer_url": "https://h"}"#.to_owned(),
                "is at version a\\u{1b}[1m, without a digest".to_owned(),
            ),
            ("{}".to_owned(), "is at no version, without a digest".to_owned()),
            (
                format!(r#"{{"version": "1", "sha256": "{other}"}}"#),
                "has this digest, and names no URL for it".to_owned(),
            ),
            (
                format!(r#"{{"installer_url": "  ", "sha256": "{other}"}}"#),
                "has this digest, and names no URL for it".to_owned(),
            ),
        ] {
            let read = of_versions(&version);
            assert_eq!(read.url_of(&other), None, "{version}");
            assert_eq!(read.miss(&other), told);
        }
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        for text in ["", "<html>", "[]", "{}", r#"{"versions": {}}"#, r#"{"versions": []}"#] {
            assert!(manifest(text).is_err(), "{text}");
        }
        assert!(manifest(r#"{"versions": [{"sha256": 7}]}"#).is_err());
        let long = format!(r#"{{"versions": "{}"}}"#, "x".repeat(100_000));
        assert_eq!(manifest(&long).unwrap_err().len(), 1024, "the parser tells the whole text");
    }
}
