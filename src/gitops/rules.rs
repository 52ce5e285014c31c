//! What Fleet's client refuses of a package before it asks the server.

use std::path::Path;

use percent_encoding::percent_decode_str;
use url::Url;

use super::files;
use super::item::Document;
use super::tree::{Id, Value};
use super::{Kind, Text};
use crate::model::redact_url;

/// Scripts and queries of a package, each with a `path`.
const WITH_PATH: [&str; 4] =
    ["install_script", "uninstall_script", "post_install_script", "pre_install_query"];

/// Lists that stand at the team level, where they are not empty.
const LISTS: [&str; 4] =
    ["labels_include_any", "labels_exclude_any", "labels_include_all", "categories"];

impl Document<'_> {
    /// What is wrong with one package, and where.
    pub(super) fn refused(&self, item: Id, kind: Kind, shown: &Path) -> Vec<(Id, String)> {
        let mut refused = Vec::new();
        if self.has_tab_behind_dash(item) {
            let message = "a tab stands behind the dash, where Fleet's parser takes blanks only";
            refused.push((item, message.to_owned()));
        }
        refused.extend(self.without_scripts(item));
        if kind == Kind::PackageFile
            && let Some(key) = self.key_of_the_team(item)
        {
            let message = format!(
                "labels, categories, setup_experience, and self_service values must be specified \
                 at the team level; package-level specified in {}",
                shown.display()
            );
            refused.push((key, message));
        }
        refused
    }

    /// Whether the value of an item of a list begins behind a tab.
    pub(super) fn has_tab_behind_dash(&self, item: Id) -> bool {
        let Some(node) = self.tree.node(item) else { return false };
        let before = self.positions.line_before(node.at);
        let dash = before.trim_end_matches([' ', '\t']);
        let blanks = before.get(dash.len()..).unwrap_or("");
        dash.ends_with('-') && blanks.contains('\t')
    }

    /// Archives and `.exe` are installed and removed by scripts only.
    fn without_scripts(&self, item: Id) -> Option<(Id, String)> {
        let id = self.tree.get(item, "url")?;
        let url = self.scalar(id)?;
        let what = kind_of(&url)?;
        let has = |key: &str| self.path_in(item, key).is_some();
        if has("install_script") && has("uninstall_script") {
            return None;
        }
        let url = redact_url(&url.shown());
        let message = format!(
            "software URL {url} refers to {what}, which requires both install_script and \
             uninstall_script"
        );
        Some((id, message))
    }

    /// A key of a package file that newer versions of Fleet want where the team names the file.
    fn key_of_the_team(&self, item: Id) -> Option<Id> {
        let tree = &self.tree;
        let given = |key: &str| tree.get(item, key).filter(|id| !tree.is_null(*id));
        let is_filled = |id: &Id| match tree.node(*id).map(|node| &node.value) {
            Some(Value::Sequence(items)) => !items.is_empty(),
            Some(Value::Scalar { .. } | Value::Mapping(_)) | None => false,
        };
        let list = LISTS.iter().filter_map(|key| given(key)).find(is_filled);
        let self_service = || given("self_service").filter(|id| tree.is_true(*id));
        let setup = || given("setup_experience").or_else(|| given("install_during_setup"));
        list.or_else(self_service).or_else(setup)
    }

    /// What stands beside a `path` at the team level and belongs into the file.
    pub(super) fn beside_path(&self, item: Id, target: &Path) -> Option<Id> {
        let filled = |key: &&str| {
            let id = self.tree.get(item, key)?;
            self.scalar(id).filter(|text| !text.value().is_empty()).map(|_| id)
        };
        let plain = ["hash_sha256", "url"].iter().find_map(filled);
        let with_path = || WITH_PATH.iter().find_map(|key| self.path_in(item, key));
        // A script has no file beside it that could name its icon.
        let icon = || self.path_in(item, "icon").filter(|_| !files::is_script(target));
        plain.or_else(with_path).or_else(icon)
    }

    /// The `path` under a key, where it names something.
    fn path_in(&self, item: Id, key: &str) -> Option<Id> {
        let id = self.tree.get(self.tree.get(item, key)?, "path")?;
        self.scalar(id).filter(|text| !text.value().is_empty()).map(|_| id)
    }
}

/// What a URL leads to, by the end of its path.
fn kind_of(url: &Text) -> Option<&'static str> {
    let url = Url::parse(url.value()).ok()?;
    let path = percent_decode_str(url.path()).decode_utf8_lossy();
    if path.ends_with(".exe") {
        return Some("an .exe package");
    }
    (path.ends_with(".tar.gz") || path.ends_with(".tgz")).then_some("a .tar.gz archive")
}
