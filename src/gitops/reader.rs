//! [`Reader`]: goes through the files, and remembers what it saw.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::expand::{Expanded, Left, Why, expand};
use super::files::{self, Content};
use super::install::Specs;
use super::item::{self, Document, Shape};
use super::position::Positions;
use super::tree::{Id, Tree};
use super::{Found, Place, Problem};

pub(super) struct Reader<'a> {
    from: &'a Path,
    variable: &'a dyn Fn(&str) -> Option<String>,
    pub(super) found: Found,
    /// The problems that are told, since one file may be met in several ways.
    told: HashSet<Problem>,
    /// The files that the command line names itself, and not only their folder.
    named: HashSet<PathBuf>,
    /// The files that were read for what they look like.
    read: HashSet<PathBuf>,
    /// Package files, by their path and identity, that no team has named so far.
    waiting: Vec<(PathBuf, PathBuf)>,
    /// Whether any file was a team's.
    pub(super) has_teams: bool,
    /// The references that each package file gave.
    pub(super) packages: HashMap<PathBuf, Vec<usize>>,
    /// What policies read of package files.
    pub(super) specs: Specs,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        from: &'a Path,
        variable: &'a dyn Fn(&str) -> Option<String>,
        named: HashSet<PathBuf>,
    ) -> Self {
        Self {
            named,
            waiting: Vec::new(),
            has_teams: false,
            from,
            variable,
            found: Found::default(),
            told: HashSet::new(),
            read: HashSet::new(),
            packages: HashMap::new(),
            specs: Specs::new(),
        }
    }

    /// Reads a file that the command line means, whatever it holds.
    pub(super) fn read_listed(&mut self, path: &Path) {
        let identity = identity(path);
        if self.packages.contains_key(&identity) || !self.read.insert(identity.clone()) {
            return;
        }
        let text = match files::read(path) {
            Content::Text(text) => text,
            Content::Wrong { line, message } => return self.problem(path, (line, 1), message),
            Content::Unreadable(cause) => {
                self.found.unreadable.push((self.shown(path), cause));
                return;
            }
        };
        let is_named = self.named.contains(&identity);
        match Tree::parse(&text) {
            Ok(tree) if item::shape(&tree) == Shape::Other => return,
            Ok(tree) if item::shape(&tree) == Shape::Package && !is_named => {
                return self.waiting.push((path.to_owned(), identity));
            }
            Err(_) if !is_named && is_template(&text) => {
                let message = "is a template and no YAML: passed by".to_owned();
                let at = Place { file: self.shown(path), line: 1, column: 1 };
                return self.found.remarks.push(Problem { at, message });
            }
            // What a variable holds may be what makes it YAML.
            Err(_) if text.contains('$') => {}
            Err(malformed) => {
                let at = Positions::new(&text).of(malformed.at);
                return self.problem(path, at, malformed.message);
            }
            Ok(_) => {}
        }
        let Some(expanded) = self.expand(path, &text) else { return };
        let Some(document) = self.document(path, &text, &expanded) else { return };
        match item::shape(&document.tree) {
            Shape::Other => {}
            Shape::Team => self.team(&document, &expanded),
            Shape::Package if !is_named => self.waiting.push((path.to_owned(), identity)),
            Shape::Package => {
                let references = self.package_file(&document, &expanded);
                self.packages.insert(identity, references);
            }
        }
    }

    pub(super) fn expand(&mut self, path: &Path, text: &str) -> Option<Expanded> {
        let expanded = expand(text, self.variable);
        if expanded.is_none() {
            let message = "becomes too large by what its variables hold, and is not read";
            self.problem(path, (1, 1), message.to_owned());
        }
        expanded
    }

    pub(super) fn document<'t>(
        &mut self,
        path: &Path,
        text: &'t str,
        expanded: &'t Expanded,
    ) -> Option<Document<'t>> {
        let positions = Positions::new(text);
        let unset = expanded.left_at.iter().map(|at| positions.of_original(*at).0).collect();
        let positions = positions.expanded(expanded.pieces.clone());
        match Tree::parse(&expanded.text) {
            Ok(tree) => Some(Document { path: path.to_owned(), tree, positions, unset }),
            Err(malformed) => {
                // The parser may name a character, which may be one of what a variable holds.
                let is_of_a_variable = positions.written(malformed.at, malformed.at).is_some();
                let message = if is_of_a_variable {
                    "no YAML with what this variable holds".to_owned()
                } else {
                    malformed.message
                };
                self.problem(path, positions.of(malformed.at), message);
                None
            }
        }
    }

    pub(super) fn tell_unset(&mut self, document: &Document<'_>, expanded: &Expanded) {
        for Left { why, name, at, written } in &expanded.left {
            let meant = format!("write \\{written} where this text is meant");
            let message = match why {
                Why::NotSet => format!("environment variable {name:?} not set ({meant})"),
                Why::Refused => format!(
                    "environment variable {name:?} is kept from GitOps files: such names hold the \
                     credentials of restock, the database, the store or the CI job ({meant})"
                ),
                Why::Secret => format!(
                    "environment variables with \"FLEET_SECRET_\" prefix are only allowed in \
                     profiles and scripts: {name:?}"
                ),
            };
            let at = document.positions.of_original(*at);
            self.problem(&document.path, at, message);
        }
    }

    /// Remarks those of the keys that stand twice.
    pub(super) fn repeated(&mut self, document: &Document<'_>, mapping: Id, keys: &[&str]) {
        for key in keys {
            if let Some(id) = document.tree.repeated(mapping, key) {
                let message = format!("`{key}` stands here again, and the last one counts");
                self.found.remarks.push(Problem { at: document.place(self, id), message });
            }
        }
    }

    /// Remarks what comes behind the first document.
    pub(super) fn remark_behind(&mut self, document: &Document<'_>) {
        let Some(behind) = document.tree.behind else { return };
        let (line, column) = document.positions.of(behind);
        let at = Place { file: self.shown(&document.path), line, column };
        let message = "Fleet reads the first document of a file only: this is left out".to_owned();
        self.found.remarks.push(Problem { at, message });
    }

    /// Reads, or tells of, the package files that no team names.
    fn read_waiting(&mut self) {
        for (path, identity) in std::mem::take(&mut self.waiting) {
            if self.packages.contains_key(&identity) {
                continue;
            }
            // Where no team is looked at, nobody knows which files theirs name.
            if !self.has_teams {
                self.named.insert(identity.clone());
                self.read.remove(&identity);
                self.read_listed(&path);
                continue;
            }
            let at = Place { file: self.shown(&path), line: 1, column: 1 };
            let message = "no team names this package file, and it is not looked up".to_owned();
            self.found.notes.push(Problem { at, message });
        }
    }

    pub(super) fn problem_at(&mut self, document: &Document<'_>, id: Id, message: String) {
        let Place { file: _, line, column } = document.place(self, id);
        self.problem(&document.path, (line, column), message);
    }

    pub(super) fn problem(&mut self, path: &Path, (line, column): (u32, u32), message: String) {
        let problem = Problem { at: Place { file: self.shown(path), line, column }, message };
        if self.told.insert(problem.clone()) {
            self.found.problems.push(problem);
        }
    }

    /// The path as people know it: from the working directory on, where it lies below it.
    pub(super) fn shown(&self, path: &Path) -> PathBuf {
        path.strip_prefix(self.from).unwrap_or(path).to_owned()
    }

    pub(super) fn finish(mut self) -> Found {
        self.read_waiting();
        for reference in &mut self.found.references {
            if reference.used_at.is_empty() {
                reference.used_at.push(reference.at.clone());
            }
        }
        self.found.references.sort_by(|a, b| a.at.cmp(&b.at));
        self.found.installs.sort_by(|a, b| (&a.at, &a.team).cmp(&(&b.at, &b.team)));
        self.found.problems.sort();
        self.found.notes.sort();
        self.found.remarks.sort();
        self.found
    }
}

/// By what one file is known, whichever way leads to it.
pub(super) fn identity(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Whether a text that is no YAML is a template, of Helm for one, and no team's file of GitOps.
fn is_template(text: &str) -> bool {
    let is_key_of_a_team = |line: &str| line.starts_with("software:");
    text.contains("{{") && text.contains("}}") && !text.lines().any(is_key_of_a_team)
}
