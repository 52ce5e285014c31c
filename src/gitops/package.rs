//! A package file: one package, or a list of packages.

use std::collections::HashMap;

use super::Kind;
use super::expand::Expanded;
use super::item::Document;
use super::reader::Reader;
use super::tree::{Id, Value};

impl Reader<'_> {
    /// The packages of the file, as the places of their references. One that an alias brings again
    /// is there twice.
    pub(super) fn package_file(
        &mut self,
        document: &Document<'_>,
        expanded: &Expanded,
    ) -> Vec<usize> {
        self.tell_unset(document, expanded);
        self.found.files += 1;
        let tree = &document.tree;
        let root = tree.root.filter(|root| !tree.is_null(*root));
        let items = match root.and_then(|root| tree.node(root)).map(|node| &node.value) {
            Some(Value::Sequence(items)) => items.clone(),
            Some(Value::Mapping(_) | Value::Scalar { .. }) | None => root.into_iter().collect(),
        };
        self.remark_behind(document);
        if items.is_empty() {
            self.problem(&document.path, (1, 1), "holds no package".to_owned());
        }
        let mut seen: HashMap<Id, Option<usize>> = HashMap::new();
        let mut references = Vec::new();
        for item in items {
            match seen.get_mut(&item).map(Option::take) {
                None => {
                    let reference = self.item_of_file(document, item);
                    seen.insert(item, reference);
                    references.extend(reference);
                }
                Some(again) => references.extend(again),
            }
        }
        references
    }

    fn item_of_file(&mut self, document: &Document<'_>, item: Id) -> Option<usize> {
        let tree = &document.tree;
        let Some(path) = tree.get(item, "path").filter(|id| !tree.is_null(*id)) else {
            return self.package(document, item, Kind::PackageFile);
        };
        let message = "a package file cannot name another one with `path`";
        self.found.torn += 1;
        self.problem_at(document, path, message.to_owned());
        None
    }

    /// One package, as the place of a new reference; what is wrong with it is told.
    pub(super) fn package(
        &mut self,
        document: &Document<'_>,
        item: Id,
        kind: Kind,
    ) -> Option<usize> {
        self.repeated(document, item, &["hash_sha256", "url", "always_download"]);
        match document.reference(self, item, kind) {
            Ok(None) => {
                self.found.torn += 1;
                None
            }
            Ok(Some(reference)) => {
                let shown = self.shown(&document.path);
                for (id, message) in document.refused(item, kind, &shown) {
                    self.problem_at(document, id, message);
                }
                self.found.references.push(reference);
                Some(self.found.references.len() - 1)
            }
            Err((id, message)) => {
                self.found.torn += 1;
                self.problem_at(document, id, message);
                None
            }
        }
    }
}
