//! [`Draft`]: a configuration while its layers are laid over each other, with the origin of each
//! value and everything found wrong so far.

use std::collections::BTreeMap;

use serde_path_to_error::{Path, Segment};
use toml::{Table, Value};

use super::named::NamedFile;
use super::options::Options;
use super::problem::{Origin, Problem};

/// Values, where they come from, and what is wrong with them.
#[derive(Default)]
pub(super) struct Draft {
    /// What is set, by section.
    pub(super) values: Table,
    /// Where each key was set, by its dotted name.
    pub(super) origins: BTreeMap<String, Origin>,
    /// What is wrong so far.
    pub(super) problems: Vec<Problem>,
    /// Files that values were read from.
    pub(super) read_from: Vec<NamedFile>,
}

/// A key under a table, as messages name it.
pub(super) fn join(table: &str, key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let key = match key {
        "" => "\"\"".to_owned(),
        plain if plain.chars().all(bare) => plain.to_owned(),
        odd => format!("{odd:?}"),
    };
    if table.is_empty() { key } else { format!("{table}.{key}") }
}

impl Draft {
    /// Sets a key, over whatever it was.
    pub(super) fn set(&mut self, key: &[&str], value: Value, origin: Origin) {
        let Some((last, tables)) = key.split_last() else { return };
        let mut table = &mut self.values;
        for name in tables {
            let slot =
                table.entry((*name).to_owned()).or_insert_with(|| Value::Table(Table::new()));
            if !slot.is_table() {
                *slot = Value::Table(Table::new());
            }
            let Value::Table(inner) = slot else { return };
            table = inner;
        }
        table.insert((*last).to_owned(), value);
        let name = key.iter().fold(String::new(), |name, part| join(&name, part));
        // Elements of a list that is replaced as a whole have no origin of their own any more.
        self.origins.retain(|known, _| !known.starts_with(&format!("{name}[")));
        self.origins.insert(name, origin);
    }

    /// Takes a key away, as if it were written nowhere.
    pub(super) fn unset(&mut self, table: &str, key: &str) {
        if let Some(Value::Table(table)) = self.values.get_mut(table) {
            table.remove(key);
        }
        self.origins.remove(&join(table, key));
    }

    /// Where a key, or else the table or list around it, was set.
    pub(super) fn origin(&self, key: &str) -> Origin {
        let mut name = key;
        loop {
            if let Some(origin) = self.origins.get(name) {
                return origin.clone();
            }
            match name.rfind(['.', '[']).and_then(|at| name.get(..at)) {
                Some(outer) => name = outer,
                None => return Origin::Default,
            }
        }
    }

    /// Notes that a key cannot stay as it is; only the first problem of a key is told.
    pub(super) fn refuse(&mut self, key: &str, advice: impl Into<String>) {
        let origin = self.origin(key);
        self.push(Problem { key: key.to_owned(), origin, what: "", advice: advice.into() });
    }

    /// Notes a problem, unless the key or something in it has one already.
    pub(super) fn push(&mut self, problem: Problem) {
        let known = |other: &Problem| {
            let rest = other.key.strip_prefix(&problem.key);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        if problem.key.is_empty() || !self.problems.iter().any(known) {
            self.problems.push(problem);
        }
    }

    /// The options that these values make; what is wrong with a value is noted, and the value
    /// left at its default.
    pub(super) fn options(&mut self) -> Options {
        loop {
            let values = Value::Table(self.values.clone());
            let error = match serde_path_to_error::deserialize::<_, Options>(values) {
                Ok(options) => return options,
                Err(error) => error,
            };
            let (key, message) = (error.path().to_string(), error.inner().message());
            self.refuse(&key, format!("cannot be used: {message}"));
            if !remove(&mut self.values, error.path()) {
                return Options::default();
            }
        }
    }
}

/// Takes away the value that a path leads to, or the list that it lies in: the other elements of
/// a list keep their numbers only in the list as written.
fn remove(values: &mut Table, path: &Path) -> bool {
    let mut keys = path.iter().map_while(|segment| match segment {
        Segment::Map { key } => Some(key.as_str()),
        Segment::Seq { .. } | Segment::Enum { .. } | Segment::Unknown => None,
    });
    let Some(mut key) = keys.next() else { return false };
    let mut table = values;
    for next in keys {
        let Some(Value::Table(inner)) = table.get_mut(key) else { return false };
        (table, key) = (inner, next);
    }
    table.remove(key).is_some()
}
