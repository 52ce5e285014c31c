//! A team's file: each of its packages, inline or in a file of its own.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::files::{self, Content, clean};
use super::item::Document;
use super::reader::{Reader, identity};
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
}

impl Reader<'_> {
    pub(super) fn team(&mut self, document: &Document<'_>) {
        let tree = &document.tree;
        let Some(root) = tree.roots.first().copied() else { return };
        for later in tree.roots.iter().skip(1) {
            if tree.get(*later, "software").is_some() {
                let message = "Fleet reads the first document of a file only: this one is left out";
                self.problem_at(document, *later, message.to_owned());
            }
        }
        self.repeated(document, root, &["software", "name"]);
        let Some(software) = tree.get(root, "software").filter(|id| !tree.is_null(*id)) else {
            return;
        };
        self.found.files += 1;
        if tree.get(root, "org_settings").is_some() && tree.get(root, "name").is_none() {
            return self.problem_at(document, software, GLOBAL.to_owned());
        }
        let Some(Value::Mapping(_)) = tree.node(software).map(|node| &node.value) else {
            let message = "`software` must be a mapping, e.g. with the key `packages`";
            return self.problem_at(document, software, message.to_owned());
        };
        self.repeated(document, software, &["packages"]);
        let Some(packages) = tree.get(software, "packages").filter(|id| !tree.is_null(*id)) else {
            return;
        };
        let Some(Value::Sequence(items)) = tree.node(packages).map(|node| &node.value) else {
            let message = "`packages` must be a list";
            return self.problem_at(document, packages, message.to_owned());
        };
        let mut asked = Asked::default();
        for item in items {
            match asked.items.get_mut(item).map(std::mem::take) {
                None => {
                    let references = self.team_item(document, *item, &mut asked);
                    asked.items.insert(*item, references);
                }
                Some(again) => {
                    let at = document.place(self, *item);
                    self.used(&again, &at);
                }
            }
        }
    }

    /// One item of a team's list, and the packages that it gives.
    fn team_item(&mut self, document: &Document<'_>, item: Id, asked: &mut Asked) -> Vec<usize> {
        let tree = &document.tree;
        let Some(path) = tree.get(item, "path").filter(|id| !tree.is_null(*id)) else {
            return self.package(document, item, Kind::Inline).into_iter().collect();
        };
        self.repeated(document, item, &["path"]);
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
        let given = ["hash_sha256", "url"].iter().filter_map(|key| tree.get(item, key));
        if let Some(beside) = given.into_iter().find(|id| !tree.is_null(*id)) {
            let message = format!(
                "the software package defined in {named} must not have icons, scripts, queries, \
                 URL, or hash specified at the team level"
            );
            self.problem_at(document, beside, message);
        }
        let target = clean(&document.path.parent().unwrap_or(Path::new("")).join(text.value()));
        let problem = match self.named(&target, asked) {
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
    fn named(&mut self, path: &Path, asked: &mut Asked) -> Result<Vec<usize>, Refused> {
        if files::is_script(path) {
            // Fleet takes it as it is, and knows its digest by itself.
            return could_be_read(path).map(|()| Vec::new());
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

/// Whether a file that is not read could be.
fn could_be_read(path: &Path) -> Result<(), Refused> {
    let refuse = |cause: String| Err(Refused::Unreadable(cause));
    match fs::metadata(path) {
        Err(error) => refuse(error.to_string()),
        Ok(metadata) if !metadata.is_file() => refuse("it is no regular file".to_owned()),
        Ok(_) => fs::File::open(path).map(drop).or_else(|error| refuse(error.to_string())),
    }
}
