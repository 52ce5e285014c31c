//! `install_software` of a policy: which package it installs, and whether the team has it.

use std::path::{Path, PathBuf};

use super::files::{self, Content, clean};
use super::item::Document;
use super::policies::folder;
use super::reader::{Reader, identity};
use super::software::Team;
use super::tree::{Id, Value};
use super::{Among, Install, Kind, Text};
use crate::model::redact_url;

/// The ways to name what is installed.
const KEYS: [&str; 4] =
    ["package_path", "app_store_id", "hash_sha256", "fleet_maintained_app_slug"];

const GLOBAL: &str = "install_software can only be set on team policies";

const NOTHING: &str = "install_software must include either a package_path, an app_store_id, a \
                       hash_sha256 or a fleet_maintained_app_slug";

const SEVERAL: &str = "install_software must have only one of package_path, app_store_id, \
                       hash_sha256 or fleet_maintained_app_slug";

/// What a package file says of its one package.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    digest: Option<Text>,
    url: Option<Text>,
}

/// Why a `package_path` leads to no package.
#[derive(Debug, Clone)]
pub(super) enum NoSpec {
    Unreadable(String),
    Several,
    Other,
    /// It is told already.
    Told,
}

impl Reader<'_> {
    /// What one policy installs. `true` and `false`, as newer policies have them, name no package.
    pub(super) fn install(&mut self, document: &Document<'_>, policy: Id, team: &Team) {
        let tree = &document.tree;
        let Some(what) = tree.get(policy, "install_software") else { return };
        let Some(Value::Mapping(_)) = tree.node(what).map(|node| &node.value) else { return };
        let given = KEYS.iter().filter_map(|key| {
            let id = tree.get(what, key).filter(|id| !tree.is_null(*id))?;
            let text = document.scalar(id).filter(|text| !text.value().is_empty())?;
            Some((*key, id, text))
        });
        let given: Vec<_> = given.collect();
        let [(key, id, text)] = given.as_slice() else {
            let message = if given.is_empty() { NOTHING } else { SEVERAL };
            return self.problem_at(document, what, message.to_owned());
        };
        if team.is_global {
            return self.problem_at(document, *id, GLOBAL.to_owned());
        }
        if document.unset.contains(&document.place(self, *id).line) {
            return;
        }
        match *key {
            "hash_sha256" => self.by_digest(document, *id, text, team),
            "package_path" => self.by_path(document, *id, text, team),
            "app_store_id" => {
                let is_there = team.store_apps.contains(text.value());
                let name = &team.name;
                let message = format!(
                    "install_software.app_store_id {} not found on team {name}",
                    text.shown()
                );
                self.unless_there(document, *id, team, is_there, message);
            }
            _ => {
                let is_there = team.maintained_apps.contains(text.value());
                let name = &team.name;
                let message = format!(
                    "install_software.fleet_maintained_app_slug {text:?} not found in \
                     software.fleet_maintained_apps for team {name}"
                );
                self.unless_there(document, *id, team, is_there, message);
            }
        }
    }

    fn unless_there(
        &mut self,
        document: &Document<'_>,
        id: Id,
        team: &Team,
        is_there: bool,
        message: String,
    ) {
        // What the server has of them cannot be seen here.
        if team.has_software && !team.is_torn && !is_there {
            self.problem_at(document, id, message);
        }
    }

    fn by_digest(&mut self, document: &Document<'_>, id: Id, digest: &Text, team: &Team) {
        let among = match team.digests.get(digest.value()) {
            Some(at) => Among::Team(at.clone()),
            None if !team.has_software => Among::Server,
            None if team.is_torn || team.undigested > 0 => Among::Unsure,
            None => Among::Nothing,
        };
        self.found.installs.push(Install {
            at: document.place(self, id),
            team: team.file.clone(),
            hash_sha256: Some(digest.clone()),
            package_path: None,
            has_url: false,
            among,
        });
    }

    fn by_path(&mut self, document: &Document<'_>, id: Id, path: &Text, team: &Team) {
        let target = clean(&folder(document).join(path.value()));
        let spec = match self.spec(&target) {
            Ok(spec) => spec,
            Err(no) => {
                if let Some(message) = no.message(path) {
                    self.problem_at(document, id, message);
                }
                return;
            }
        };
        let by_url = spec.url.as_ref().and_then(|url| team.urls.get(url.value()));
        let by_digest = || team.digests.get(spec.digest.as_ref()?.value());
        let among = match by_url.or_else(by_digest) {
            Some(at) => Among::Team(at.clone()),
            None if !team.has_software => Among::Server,
            None if team.is_torn => return,
            None => return self.problem_at(document, id, not_found(&spec, path)),
        };
        self.found.installs.push(Install {
            at: document.place(self, id),
            team: team.file.clone(),
            hash_sha256: spec.digest,
            package_path: Some(path.clone()),
            has_url: spec.url.is_some(),
            among,
        });
    }

    /// The one package of a file, which is no reference by being named here.
    fn spec(&mut self, path: &Path) -> Result<Spec, NoSpec> {
        let identity = identity(path);
        if let Some(known) = self.specs.get(&identity) {
            return known.clone();
        }
        let spec = self.read_spec(path);
        self.specs.insert(identity, spec.clone());
        spec
    }

    fn read_spec(&mut self, path: &Path) -> Result<Spec, NoSpec> {
        let text = match files::read(path) {
            Content::Unreadable(cause) => return Err(NoSpec::Unreadable(cause)),
            Content::Wrong { line, message } => {
                self.problem(path, (line, 1), message);
                return Err(NoSpec::Told);
            }
            Content::Text(_) if !files::is_yaml(path) => return Err(NoSpec::Other),
            Content::Text(text) => text,
        };
        let expanded = self.expand(path, &text).ok_or(NoSpec::Told)?;
        let document = self.document(path, &text, &expanded).ok_or(NoSpec::Told)?;
        let tree = &document.tree;
        let root = tree.root.ok_or(NoSpec::Other)?;
        let item = match tree.node(root).map(|node| &node.value) {
            Some(Value::Mapping(_)) => &root,
            Some(Value::Sequence(items)) => match items.as_slice() {
                [one] => one,
                [] => return Err(NoSpec::Other),
                _ => return Err(NoSpec::Several),
            },
            Some(Value::Scalar { .. }) | None => return Err(NoSpec::Other),
        };
        match document.reference(self, *item, Kind::PackageFile) {
            Ok(Some(reference)) => Ok(Spec { digest: reference.hash_sha256, url: reference.url }),
            Ok(None) => {
                self.tell_unset(&document, &expanded);
                Err(NoSpec::Told)
            }
            Err((id, message)) => {
                self.problem_at(&document, id, message);
                Err(NoSpec::Told)
            }
        }
    }
}

/// The specs of package files, by what those are known by.
pub(super) type Specs = std::collections::HashMap<PathBuf, Result<Spec, NoSpec>>;

impl NoSpec {
    fn message(&self, path: &Text) -> Option<String> {
        Some(match self {
            Self::Told => return None,
            Self::Unreadable(cause) => {
                format!("failed to read install_software.package_path file {path:?}: {cause}")
            }
            Self::Several => format!(
                "file {path:?} contains multiple packages, so cannot be used as a target for \
                 policy automation"
            ),
            Self::Other => {
                format!("file {path:?} does not contain a valid software package definition")
            }
        })
    }
}

fn not_found(spec: &Spec, path: &Text) -> String {
    let path = path.shown();
    if let Some(url) = &spec.url {
        let url = redact_url(&url.shown());
        return format!("install_software.package_path URL {url} not found on team: {path}");
    }
    let digest = spec.digest.as_ref().map(Text::shown).unwrap_or_default();
    format!("install_software.package_path SHA256 {digest} not found on team: {path}")
}
