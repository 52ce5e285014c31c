//! [`Team`]: what a team has, for its policies to install.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use super::item::Document;
use super::reader::Reader;
use super::tree::{Id, Value};
use super::{Place, Text};

/// A team, as far as its file shows it.
#[derive(Debug, Default)]
pub(super) struct Team {
    /// Its file, as people know it.
    pub(super) file: PathBuf,
    pub(super) name: String,
    /// Whether it is no team but the whole of Fleet.
    pub(super) is_global: bool,
    /// Whether the file has `software`; without it the server's own packages count.
    pub(super) has_software: bool,
    /// Whether a part of its software could not be read, which is told already.
    pub(super) is_torn: bool,
    /// How many of its packages have digests that Fleet alone knows.
    pub(super) undigested: usize,
    /// Where it asks for a digest, or for a URL.
    pub(super) digests: HashMap<String, Place>,
    pub(super) urls: HashMap<String, Place>,
    pub(super) store_apps: HashSet<String>,
    pub(super) maintained_apps: HashSet<String>,
}

impl Team {
    pub(super) fn new(reader: &Reader<'_>, document: &Document<'_>, root: Id) -> Self {
        let tree = &document.tree;
        let name = tree.get(root, "name");
        let has = |key: &str| tree.get(root, key).is_some();
        Self {
            file: reader.shown(&document.path),
            name: name
                .and_then(|id| document.scalar(id))
                .map(|text| text.shown())
                .unwrap_or_default(),
            is_global: has("org_settings") && name.is_none(),
            has_software: has("software"),
            ..Self::default()
        }
    }

    /// Takes note of a package that the team asks for.
    pub(super) fn add(&mut self, digest: Option<&Text>, url: Option<&Text>, at: &Place) {
        self.undigested += usize::from(digest.is_none());
        let insert = |into: &mut HashMap<String, Place>, text: &Text| {
            into.entry(text.value().to_owned()).or_insert_with(|| at.clone());
        };
        if let Some(digest) = digest {
            insert(&mut self.digests, digest);
        }
        if let Some(url) = url {
            insert(&mut self.urls, url);
        }
    }

    /// Takes note of the apps, which policies name by other means than a digest.
    pub(super) fn add_apps(&mut self, document: &Document<'_>, software: Id) {
        self.store_apps = self.names(document, software, ("app_store_apps", "app_store_id"));
        self.maintained_apps = self.names(document, software, ("fleet_maintained_apps", "slug"));
        // Their digests stand in manifests that Fleet reads.
        self.undigested += self.maintained_apps.len();
    }

    fn names(
        &mut self,
        document: &Document<'_>,
        software: Id,
        (list, key): (&str, &str),
    ) -> HashSet<String> {
        let tree = &document.tree;
        let Some(list) = tree.get(software, list).filter(|id| !tree.is_null(*id)) else {
            return HashSet::new();
        };
        let Some(Value::Sequence(items)) = tree.node(list).map(|node| &node.value) else {
            self.is_torn = true;
            return HashSet::new();
        };
        let mut seen = HashSet::new();
        let new = items.iter().filter(|item| seen.insert(**item));
        let texts = new.filter_map(|item| document.scalar(tree.get(*item, key)?));
        texts.map(|text| text.value().to_owned()).collect()
    }
}
