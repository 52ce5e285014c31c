//! The policies of a team: inline, in files that `path` names, or that the pattern of `paths` does.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use super::Place;
use super::files::{self, Content, clean};
use super::item::Document;
use super::reader::{Reader, identity};
use super::software::Team;
use super::tree::{Id, Value};

/// Patterns that one with alternatives in braces stands for, at most.
const ALTERNATIVES_AT_MOST: usize = 100;

const BOTH: &str = "policy entry cannot have both \"path\" and \"paths\" fields";

impl Reader<'_> {
    pub(super) fn policies(&mut self, document: &Document<'_>, root: Id, team: &Team) {
        let tree = &document.tree;
        let list = tree.get(root, "policies").and_then(|id| tree.node(id));
        let Some(Value::Sequence(items)) = list.map(|node| &node.value) else { return };
        let (mut seen, mut files) = (HashSet::new(), HashSet::new());
        for item in items.iter().filter(|item| seen.insert(**item)) {
            let given = |key: &str| tree.get(*item, key).filter(|id| !tree.is_null(*id));
            match (given("path"), given("paths")) {
                (None, None) => self.install(document, *item, team),
                (Some(_), Some(paths)) => self.problem_at(document, paths, BOTH.to_owned()),
                (Some(path), None) => self.path_of_policies(document, path, team, &mut files),
                (None, Some(paths)) => self.paths_of_policies(document, paths, team, &mut files),
            }
        }
    }

    fn path_of_policies(
        &mut self,
        document: &Document<'_>,
        path: Id,
        team: &Team,
        files: &mut HashSet<PathBuf>,
    ) {
        let Some((text, at)) = self.usable(document, path) else { return };
        let named = text.shown();
        if text.value().contains(['*', '?', '[', '{']) {
            let message = format!(
                "policy \"path\" {text:?} contains glob characters; use \"paths\" for glob patterns"
            );
            return self.problem_at(document, path, message);
        }
        let target = clean(&folder(document).join(text.value()));
        if files.insert(identity(&target))
            && let Err(cause) = self.policies_in(&target, &named, team)
        {
            let message = format!("failed to read policies file {named}: {cause}");
            self.problem(&document.path, (at.line, at.column), message);
        }
    }

    fn paths_of_policies(
        &mut self,
        document: &Document<'_>,
        paths: Id,
        team: &Team,
        files: &mut HashSet<PathBuf>,
    ) {
        let Some((text, at)) = self.usable(document, paths) else { return };
        if !text.value().contains(['*', '?', '[', '{']) {
            let message = format!(
                "policy \"paths\" {text:?} does not contain glob characters; use \"path\" for a \
                 specific file"
            );
            return self.problem_at(document, paths, message);
        }
        let Some(targets) = matching(folder(document), text.value()) else {
            let message = format!("invalid glob pattern {text:?}");
            return self.problem_at(document, paths, message);
        };
        for target in targets.into_iter().filter(|target| files.insert(identity(target))) {
            // Of a file that a pattern finds, its own name tells no more than the folder does.
            let named = self.shown(&target).to_string_lossy().into_owned();
            if let Err(cause) = self.policies_in(&target, &named, team) {
                let message = format!("failed to read policies file {named}: {cause}");
                self.problem(&document.path, (at.line, at.column), message);
            }
        }
    }

    /// The text of a path, and where it stands; `None` where that is told already, or is none.
    fn usable(&self, document: &Document<'_>, id: Id) -> Option<(super::Text, Place)> {
        let at = document.place(self, id);
        let text = document.scalar(id).filter(|text| !text.value().trim().is_empty())?;
        (!document.unset.contains(&at.line)).then_some((text, at))
    }

    /// The policies of one file; refused with the cause where it cannot be read.
    fn policies_in(&mut self, path: &Path, named: &str, team: &Team) -> Result<(), String> {
        let text = match files::read(path) {
            Content::Unreadable(cause) => return Err(cause),
            Content::Wrong { line, message } => {
                self.problem(path, (line, 1), message);
                return Ok(());
            }
            Content::Text(text) => text,
        };
        let Some(expanded) = self.expand(path, &text) else { return Ok(()) };
        let Some(document) = self.document(path, &text, &expanded) else { return Ok(()) };
        let tree = &document.tree;
        let Some(root) = tree.root.filter(|root| !tree.is_null(*root)) else {
            return Ok(());
        };
        let Some(Value::Sequence(items)) = tree.node(root).map(|node| &node.value) else {
            self.problem_at(&document, root, "a file of policies must be a list".to_owned());
            return Ok(());
        };
        // A file that installs nothing needs no variables, like any other that is passed by.
        if items.iter().any(|item| installs(&document, *item)) {
            self.tell_unset(&document, &expanded);
        }
        let mut seen = HashSet::new();
        for item in items.iter().filter(|item| seen.insert(**item)) {
            match tree.get(*item, "path").filter(|id| !tree.is_null(*id)) {
                None => self.install(&document, *item, team),
                Some(path) => {
                    let path_text = document.scalar(path).map(|text| text.shown());
                    let nested = path_text.unwrap_or_default();
                    let message = format!("nested paths are not supported: {nested} in {named}");
                    self.problem_at(&document, path, message);
                }
            }
        }
        Ok(())
    }
}

/// Whether a policy in the file itself installs something.
pub(super) fn installs_inline(document: &Document<'_>, root: Id) -> bool {
    let tree = &document.tree;
    let list = tree.get(root, "policies").and_then(|id| tree.node(id));
    match list.map(|node| &node.value) {
        Some(Value::Sequence(items)) => items.iter().any(|item| installs(document, *item)),
        Some(Value::Mapping(_) | Value::Scalar { .. }) | None => false,
    }
}

/// Whether a policy installs something.
fn installs(document: &Document<'_>, policy: Id) -> bool {
    let tree = &document.tree;
    let what = tree.get(policy, "install_software").and_then(|id| tree.node(id));
    matches!(what.map(|node| &node.value), Some(Value::Mapping(_)))
}

pub(super) fn folder<'d>(document: &'d Document<'_>) -> &'d Path {
    document.path.parent().unwrap_or(Path::new(""))
}

/// The YAML files that a pattern of Fleet's matches, sorted; `None` where it is no pattern.
fn matching(folder: &Path, pattern: &str) -> Option<Vec<PathBuf>> {
    let mut found = Vec::new();
    for pattern in alternatives(pattern)? {
        // What the folder's own name holds is no pattern.
        let (mut base, mut rest) = (folder.to_owned(), PathBuf::new());
        for component in Path::new(&pattern).components() {
            match component {
                Component::CurDir => {}
                Component::ParentDir if rest.as_os_str().is_empty() => drop(base.pop()),
                Component::ParentDir => drop(rest.pop()),
                Component::RootDir | Component::Prefix(_) => base = component.as_os_str().into(),
                Component::Normal(_) => rest.push(component),
            }
        }
        let escaped = glob::Pattern::escape(base.to_str()?);
        let whole = Path::new(&escaped).join(rest);
        let matches = glob::glob(whole.to_str()?).ok()?;
        found.extend(matches.filter_map(Result::ok).filter(|path| files::is_yaml(path)));
    }
    found.retain(|path| !path.is_dir());
    found.sort();
    found.dedup();
    Some(found)
}

/// `a{b,c}` as `ab` and `ac`; `None` where a brace is not closed, or too many come of it.
fn alternatives(pattern: &str) -> Option<Vec<String>> {
    let (mut done, mut ahead) = (Vec::new(), vec![pattern.to_owned()]);
    while let Some(pattern) = ahead.pop() {
        let Some(open) = pattern.rfind('{') else {
            done.push(pattern);
            continue;
        };
        let (before, rest) = pattern.split_at(open);
        let (inside, after) = rest.get(1..)?.split_once('}')?;
        ahead.extend(inside.split(',').map(|one| format!("{before}{one}{after}")));
        if done.len() + ahead.len() > ALTERNATIVES_AT_MOST {
            return None;
        }
    }
    done.sort();
    done.dedup();
    Some(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_stand_for_each_of_their_alternatives() {
        let all = alternatives("{a,b{1,2}}/*.{yml,yaml}").unwrap();
        let expected = ["a/*.yaml", "a/*.yml", "b1/*.yaml", "b1/*.yml", "b2/*.yaml", "b2/*.yml"];
        assert_eq!(all, expected);
        assert_eq!(alternatives("{a"), None);
        assert_eq!(alternatives(&"{a,b}".repeat(30)), None);
    }
}
