//! `--from-fleet-env`: `[catalog]` and `[store]` out of the variables that configure Fleet itself.
//!
//! A variable means what it means to Fleet: an empty one is none, certificates count only beside
//! `FLEET_MYSQL_TLS_CA`, the keys of S3 only as a pair. What restock cannot do likewise is a
//! problem that names the variable. These values stand over the file, and under `RESTOCK_…`: where
//! a stronger origin names the catalog or the store, Fleet's variables for it are not even read.

mod bucket;
mod database;
mod join;
mod names;

use std::path::PathBuf;

use toml::Value;

use super::draft::{Draft, join};
use super::environment::Environment;
use super::problem::{Origin, Problem};
use names::Group;

/// The option by which Fleet's variables are asked for, as the origin of what it implies.
const OPTION: &str = "--from-fleet-env";

/// Lays what Fleet's variables say into the draft, under what stronger origins said.
pub(super) fn lay(draft: &mut Draft, environment: &Environment) {
    let mut fleet = Fleet { draft, environment };
    database::lay(&mut fleet);
    bucket::lay(&mut fleet);
}

/// Fleet's variables, and the draft that they are laid into.
struct Fleet<'a> {
    draft: &'a mut Draft,
    environment: &'a Environment,
}

impl Fleet<'_> {
    /// The value of a variable; an empty one is none, as to Fleet.
    fn get(&self, variable: &str) -> Option<&str> {
        self.environment.get(variable)?.to_str().filter(|value| !value.is_empty())
    }

    /// The same for what holds no space of its own: without the one that Secrets leave around it.
    fn word(&self, variable: &str) -> Option<&str> {
        self.get(variable).map(str::trim).filter(|value| !value.is_empty())
    }

    /// Those of the variables that say something, for an origin that names them all.
    fn set_of(&self, variables: &[&str]) -> Origin {
        let set = variables.iter().copied().filter(|variable| self.get(variable).is_some());
        Origin::Fleet(set.collect::<Vec<_>>().join(", "))
    }

    /// What a variable with one of Go's words for yes or no says.
    fn flag(&mut self, key: &str, variable: &str) -> bool {
        match self.word(variable) {
            None | Some("0" | "f" | "F" | "false" | "False" | "FALSE") => false,
            Some("1" | "t" | "T" | "true" | "True" | "TRUE") => true,
            Some(_) => {
                self.refuse(key, variable, "must be true or false");
                false
            }
        }
    }

    /// The path that a variable names, from the working directory on.
    fn path(&self, variable: &str) -> Option<PathBuf> {
        self.get(variable).map(|path| self.environment.working_directory().join(path))
    }

    /// Whether a stronger origin sets a key.
    fn is_overridden(&self, key: &str) -> bool {
        let fleet = Origin::Fleet(String::new()).rank();
        self.draft.origins.get(key).is_some_and(|origin| origin.rank() > fleet)
    }

    /// Whether the file, or a stronger origin, sets a key.
    fn is_set(&self, key: &str) -> bool {
        self.draft.origins.contains_key(key)
    }

    fn set(&mut self, key: &[&str], value: impl Into<Value>, origin: Origin) {
        let name = key.iter().fold(String::new(), |name, part| join(&name, part));
        if !self.is_overridden(&name) {
            self.draft.set(key, value.into(), origin);
        }
    }

    /// Notes that a variable cannot be used; every one of them is told.
    fn refuse(&mut self, key: &str, variable: &str, advice: impl Into<String>) {
        let origin = Origin::Fleet(variable.to_owned());
        let advice = advice.into();
        self.draft.problems.push(Problem { key: key.to_owned(), origin, what: "", advice });
    }

    /// Notes the variables of a group that Fleet does not have, or that no text can be read from.
    fn refuse_strangers(&mut self, group: &Group) {
        for (name, value) in self.environment.iter() {
            let (what, advice) = match group.judge(name) {
                Ok(true) if value.to_str().is_none() => ("", "is not UTF-8".to_owned()),
                Ok(_) => continue,
                Err(advice) => ("unknown variable for", advice),
            };
            let (key, origin) = (group.section.to_owned(), Origin::Fleet(name.to_owned()));
            self.draft.problems.push(Problem { key, origin, what, advice });
        }
    }
}
