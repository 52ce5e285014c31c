//! What a file is by its looks, and one package of it.

use std::collections::HashSet;
use std::path::PathBuf;

use super::position::Positions;
use super::reader::Reader;
use super::tree::{Id, Node, Tree, Value};
use super::{Kind, Place, Reference, Text};

/// Keys that a package may have: a mapping that has `url` and no other than these is one.
const KEYS: [&str; 19] = [
    "url",
    "hash_sha256",
    "self_service",
    "pre_install_query",
    "install_script",
    "uninstall_script",
    "post_install_script",
    "labels_include_any",
    "labels_exclude_any",
    "labels_include_all",
    "categories",
    "setup_experience",
    "setup_experience_platform",
    "install_during_setup",
    "display_name",
    "icon",
    "always_download",
    "configuration",
    "automatic_install",
];

/// What stands beside the policies of a team or of the whole: other programs have policies too.
const SETTINGS: [&str; 7] = [
    "org_settings",
    "team_settings",
    "settings",
    "agent_options",
    "controls",
    "queries",
    "reports",
];

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// It has `software` at its top, or policies among a team's other settings.
    Team,
    /// A package, or a list of packages.
    Package,
    /// None of ours.
    Other,
}

/// What a file is by its first document.
pub(super) fn shape(tree: &Tree<'_>) -> Shape {
    let Some(root) = tree.root else { return Shape::Other };
    if tree.get(root, "software").is_some() {
        return Shape::Team;
    }
    let policies = tree.get(root, "policies").and_then(|id| tree.node(id));
    if let Some(Value::Sequence(_)) = policies.map(|node| &node.value)
        && SETTINGS.iter().any(|key| tree.get(root, key).is_some())
    {
        return Shape::Team;
    }
    let is_package = match tree.node(root).map(|node| &node.value) {
        Some(Value::Sequence(items)) => items.iter().any(|item| looks_like_a_package(tree, *item)),
        _ => looks_like_a_package(tree, root),
    };
    if is_package { Shape::Package } else { Shape::Other }
}

fn looks_like_a_package(tree: &Tree<'_>, id: Id) -> bool {
    let Some(Value::Mapping(entries)) = tree.node(id).map(|node| &node.value) else { return false };
    let known = |key: Id| tree.text(key).is_some_and(|key| KEYS.contains(&key) || key == "<<");
    let has = |key: &str| tree.get(id, key).is_some();
    let only_known = || entries.len() <= KEYS.len() && entries.iter().all(|(key, _)| known(*key));
    has("hash_sha256") || (has("url") && only_known())
}

/// A file with its YAML, and where everything stands.
pub(super) struct Document<'t> {
    /// Absolute and clean.
    pub(super) path: PathBuf,
    pub(super) tree: Tree<'t>,
    pub(super) positions: Positions<'t>,
    /// The lines with variables that are not replaced, which are told already.
    pub(super) unset: HashSet<u32>,
}

impl Document<'_> {
    pub(super) fn place(&self, reader: &Reader<'_>, id: Id) -> Place {
        let at = self.tree.node(id).map_or(0, |node| node.at);
        let (line, column) = self.positions.of(at);
        Place { file: reader.shown(&self.path), line, column }
    }

    /// The text of a scalar, and how it may be shown.
    pub(super) fn scalar(&self, id: Id) -> Option<Text> {
        let value = self.tree.text(id)?;
        let Node { at, end, .. } = self.tree.node(id)?;
        Some(match self.positions.written(*at, *end) {
            None => Text::from(value),
            Some(written) => Text::expanded(value, unquoted(written.trim())),
        })
    }

    /// One package; `None` where a variable of it is not set, which is told already. Refused with
    /// the place and the cause where it is of another shape.
    pub(super) fn reference(
        &self,
        reader: &Reader<'_>,
        item: Id,
        kind: Kind,
    ) -> Result<Option<Reference>, (Id, String)> {
        let tree = &self.tree;
        let is_mapping = matches!(tree.node(item).map(|node| &node.value), Some(Value::Mapping(_)));
        if !is_mapping && !tree.is_null(item) {
            return Err((item, "a package must be a mapping, e.g. with the key `url`".to_owned()));
        }
        let (hash, url) = (self.text(item, "hash_sha256")?, self.text(item, "url")?);
        let at = self.place(reader, hash.map_or(item, |(id, _)| id));
        let lines = [hash, url].into_iter().flatten().map(|(id, _)| self.place(reader, id).line);
        if lines.into_iter().any(|line| self.unset.contains(&line)) {
            return Ok(None);
        }
        let always = tree.get(item, "always_download");
        Ok(Some(Reference {
            used_at: match kind {
                Kind::Inline => vec![at.clone()],
                Kind::PackageFile => Vec::new(),
            },
            at,
            kind,
            hash_sha256: hash.and_then(|(id, _)| self.scalar(id)),
            url: url.and_then(|(id, _)| self.scalar(id)),
            always_download: always.is_some_and(|id| tree.is_true(id)),
        }))
    }

    /// The text under a key, where there is any.
    fn text(&self, item: Id, key: &str) -> Result<Option<(Id, &str)>, (Id, String)> {
        let tree = &self.tree;
        let Some(id) = tree.get(item, key).filter(|id| !tree.is_null(*id)) else { return Ok(None) };
        match tree.text(id) {
            Some(_) if tree.is_number(id) => {
                Err((id, format!("`{key}` is read as a number: put it in quotes")))
            }
            Some(text) => Ok(Some((id, text)).filter(|(_, text)| !text.is_empty())),
            None => Err((id, format!("`{key}` must be a text"))),
        }
    }
}

/// A scalar as it is written, without its quotes.
fn unquoted(written: &str) -> &str {
    let inside = |quote: char| written.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(written)
}
