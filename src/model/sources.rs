//! [`Sources`]: where the bytes of a row can be had again, as texts that a source adapter takes.

use serde::{Deserialize, Serialize};

use super::CatalogRow;

/// What a source begins with that is the manifest of a maintained app; its slug follows.
pub const MAINTAINED_APP: &str = "maintained-app:";

/// What a source begins with that is text kept in the catalog; the row's id follows.
pub const SCRIPT: &str = "script:";

/// Where the bytes of one row can be had again. None of the texts is ever empty; each may hold
/// secrets: print it redacted.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sources {
    /// A URL.
    pub url: Option<String>,
    /// [`MAINTAINED_APP`] and the slug of an app whose manifest may name the bytes.
    pub maintained_app: Option<String>,
    /// [`SCRIPT`] and the id of a text in the catalog that may be the bytes.
    pub script: Option<String>,
}

impl Sources {
    /// One URL and nothing else.
    pub fn of_url(url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..Self::default() }
    }

    /// The sources in the order in which they are asked.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let Self { url, maintained_app, script } = self;
        [url, maintained_app, script].into_iter().filter_map(|source| source.as_deref())
    }

    /// How many bytes of text these are.
    pub fn text_bytes(&self) -> usize {
        self.iter().map(str::len).sum()
    }

    /// The distinct sources of all rows in the order in which they are asked: see
    /// [`Sources::in_order`].
    pub fn of_rows(rows: &[CatalogRow]) -> Vec<&str> {
        Self::in_order(rows.iter().map(|row| &row.sources))
    }

    /// The distinct sources of several rows in the order in which they are asked: every row's URL
    /// first, in the order of the rows, then the manifests, then the texts.
    pub fn in_order<'a>(rows: impl Iterator<Item = &'a Self> + Clone) -> Vec<&'a str> {
        let urls = rows.clone().map(|sources| &sources.url);
        let apps = rows.clone().map(|sources| &sources.maintained_app);
        let scripts = rows.map(|sources| &sources.script);
        let mut distinct: Vec<&str> = Vec::new();
        for source in urls.chain(apps).chain(scripts).flatten() {
            if !distinct.contains(&source.as_str()) {
                distinct.push(source);
            }
        }
        distinct
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Digest;

    #[test]
    fn every_url_is_asked_before_any_manifest_and_those_before_any_text() {
        let row = |url: Option<&str>, app: Option<&str>, script: Option<&str>| CatalogRow {
            digest: Digest::new([1; 32]),
            name: None,
            sources: Sources {
                url: url.map(str::to_owned),
                maintained_app: app.map(str::to_owned),
                script: script.map(str::to_owned),
            },
            size: None,
            updated_at: None,
            reference: None,
            active: true,
        };
        let rows = [
            row(None, Some("maintained-app:a/darwin"), Some("script:7")),
            row(Some("https://h/1"), None, None),
            row(Some("https://h/1"), Some("maintained-app:a/darwin"), None),
            row(Some("https://h/2"), None, Some("script:8")),
        ];
        assert_eq!(
            Sources::of_rows(&rows),
            ["https://h/1", "https://h/2", "maintained-app:a/darwin", "script:7", "script:8"]
        );
        assert_eq!(
            rows[0].sources.iter().collect::<Vec<_>>(),
            ["maintained-app:a/darwin", "script:7"]
        );
    }
}
