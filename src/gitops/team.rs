//! A team's file: each of its packages, inline or in a file of its own, and what its policies
//! install of them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::expand::Expanded;
use super::files::{self, Content, clean};
use super::item::Document;
use super::policies::{folder, installs_inline};
use super::reader::{Reader, identity};
use super::software::Team;
use super::tree::{Id, Value};
use super::{Kind, Place};

/// What Fleet says of packages in the global file.
const GLOBAL: &str = "'software' cannot be set on global file";

/// Places where one package is used that are remembered.
const USES_AT_MOST: usize = 1_000;

/// What one team asked for so far. A second time matters, any further one does not.
#[derive(Default)]
struct Asked {
    /// The packages of an item, until an alias brings it again.
    items: HashMap<Id, Vec<usize>>,
    /// How often each package file was named.
    files: HashMap<PathBuf, u32>,
    /// The digests of scripts, and where those are named.
    scripts: Vec<(String, Place)>,
}

impl Reader<'_> {
    pub(super) fn team(&mut self, document: &Document<'_>, expanded: &Expanded) {
        let tree = &document.tree;
        let Some(root) = tree.root else { return };
        self.remark_behind(document);
        self.repeated(document, root, &["software", "name"]);
        let mut team = Team::new(self, document, root);
        if team.has_software || installs_inline(document, root) {
            self.tell_unset(document, expanded);
        }
        if let Some(software) = tree.get(root, "software").filter(|id| !tree.is_null(*id)) {
            self.found.files += 1;
            self.has_teams = true;
            if team.is_global {
                self.problem_at(document, software, GLOBAL.to_owned());
            } else {
                team.is_torn = self.software(document, software, &mut team).is_none();
            }
        }
        self.policies(document, root, &team);
    }

    /// What a team asks for; `None` where a part of it cannot be read, which is told.
    fn software(&mut self, document: &Document<'_>, software: Id, team: &mut Team) -> Option<()> {
        let tree = &document.tree;
        let Some(Value::Mapping(_)) = tree.node(software).map(|node| &node.value) else {
            let message = "`software` must be a mapping, e.g. with the key `packages`";
            self.problem_at(document, software, message.to_owned());
            return None;
        };
        team.add_apps(document, software);
        self.repeated(document, software, &["packages"]);
        let Some(packages) = tree.get(software, "packages").filter(|id| !tree.is_null(*id)) else {
            return Some(());
        };
        let Some(Value::Sequence(items)) = tree.node(packages).map(|node| &node.value) else {
            self.problem_at(document, packages, "`packages` must be a list".to_owned());
            return None;
        };
        let mut asked = Asked::default();
        let problems = self.found.problems.len();
        for item in items {
            match asked.items.get_mut(item).map(std::mem::take) {
                None => {
                    let scripts = asked.scripts.len();
                    let references = self.team_item(document, *item, &mut asked);
                    // Told already: a variable that is not set, say.
                    team.is_torn |= references.is_empty() && asked.scripts.len() == scripts;
                    self.add_to(team, &references);
                    asked.items.insert(*item, references);
                }
                Some(again) => {
                    let at = document.place(self, *item);
                    self.used(&again, &at);
                }
            }
        }
        for (digest, at) in asked.scripts {
            team.digests.entry(digest).or_insert(at);
        }
        (!team.is_torn && self.found.problems.len() == problems).then_some(())
    }

    fn add_to(&self, team: &mut Team, references: &[usize]) {
        for reference in references.iter().filter_map(|at| self.found.references.get(*at)) {
            team.add(reference.hash_sha256.as_ref(), reference.url.as_ref(), &reference.at);
        }
    }

    /// One item of a team's list, and the packages that it gives.
    fn team_item(&mut self, document: &Document<'_>, item: Id, asked: &mut Asked) -> Vec<usize> {
        let tree = &document.tree;
        let Some(path) = tree.get(item, "path").filter(|id| !tree.is_null(*id)) else {
            return self.package(document, item, Kind::Inline).into_iter().collect();
        };
        self.repeated(document, item, &["path"]);
        if document.has_tab_behind_dash(item) {
            let message = "a tab stands behind the dash, where Fleet's parser takes blanks only";
            self.problem_at(document, item, message.to_owned());
        }
        let at = document.place(self, path);
        if document.unset.contains(&at.line) {
            return Vec::new();
        }
        let text = document.scalar(path).filter(|text| !text.value().trim().is_empty());
        let Some(text) = text else {
            self.problem_at(document, path, "`path` must name a file".to_owned());
            return Vec::new();
        };
        let named = text.shown();
        let target = clean(&folder(document).join(text.value()));
        if let Some(beside) = document.beside_path(item, &target) {
            let message = format!(
                "the software package defined in {named} must not have icons, scripts, queries, \
                 URL, or hash specified at the team level"
            );
            self.problem_at(document, beside, message);
        }
        let problem = match self.named(&target, &at, asked) {
            Ok(references) => {
                self.used(&references, &at);
                return references;
            }
            Err(Refused::Other) => {
                format!("{named} is no package file: Fleet takes .yml, .yaml, .sh, .ps1 and .py")
            }
            Err(Refused::Unreadable(cause)) => {
                format!("cannot read the package file {named}: {cause}")
            }
        };
        self.problem_at(document, path, problem);
        Vec::new()
    }

    /// The packages of a file that a team names; it is read once, however many do.
    fn named(&mut self, path: &Path, at: &Place, asked: &mut Asked) -> Result<Vec<usize>, Refused> {
        if files::is_script(path) {
            // Fleet takes it as it is, and knows its digest by itself.
            let digest = files::digest(path).map_err(Refused::Unreadable)?;
            asked.scripts.push((digest.to_string(), at.clone()));
            return Ok(Vec::new());
        }
        if !files::is_yaml(path) {
            return Err(Refused::Other);
        }
        let identity = identity(path);
        let times = asked.files.entry(identity.clone()).or_default();
        *times += 1;
        if *times > 2 {
            return Ok(Vec::new());
        }
        if let Some(references) = self.packages.get(&identity) {
            return Ok(references.clone());
        }
        let mut references = Vec::new();
        match files::read(path) {
            Content::Unreadable(cause) => return Err(Refused::Unreadable(cause)),
            Content::Wrong { line, message } => self.problem(path, (line, 1), message),
            Content::Text(text) => {
                if let Some(expanded) = self.expand(path, &text)
                    && let Some(document) = self.document(path, &text, &expanded)
                {
                    references = self.package_file(&document, &expanded);
                }
            }
        }
        self.packages.insert(identity, references.clone());
        Ok(references)
    }

    fn used(&mut self, references: &[usize], at: &Place) {
        for reference in references {
            if let Some(reference) = self.found.references.get_mut(*reference)
                && reference.used_at.len() < USES_AT_MOST
            {
                reference.used_at.push(at.clone());
            }
        }
    }
}

/// Why a `path` leads to no package.
enum Refused {
    Unreadable(String),
    /// Its name is that of nothing that Fleet takes.
    Other,
}
