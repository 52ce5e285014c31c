//! Facts on real installers, out of `tests/fixtures/fleet/apps.tsv`.

use std::collections::BTreeMap;
use std::path::Path;

/// A version of an app as its manifest told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) number: String,
    pub(crate) url: String,
    /// 64 hex digits, or `no_check`.
    pub(crate) sha256: String,
}

/// The versions of each app by its slug, the oldest first, none of them twice.
pub(crate) fn apps() -> BTreeMap<String, Vec<Version>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fleet/apps.tsv");
    let text = std::fs::read_to_string(path).unwrap();
    let mut apps: BTreeMap<String, Vec<Version>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let [slug, _, number, url, sha256] =
            line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let own = |text: &str| text.to_owned();
        let version = Version { number: own(number), url: own(url), sha256: own(sha256) };
        let versions = apps.entry(own(slug)).or_default();
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    apps
}

impl Version {
    /// Whether the publisher tells no digest.
    pub(crate) fn is_unchecked(&self) -> bool {
        self.sha256 == "no_check"
    }

    /// The URL's host and path, under which the tests' server has it too.
    pub(crate) fn path(&self) -> String {
        let (_, rest) = self.url.split_once("://").unwrap();
        format!("/{rest}")
    }

    /// What the file is called, as far as its URL tells.
    pub(crate) fn filename(&self) -> String {
        let path = self.url.split('?').next().unwrap();
        path.rsplit('/').next().unwrap().replace("%20", " ")
    }
}
