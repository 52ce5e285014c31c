//! The configuration file: where it is, and what it says, line by line.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::draft::{Draft, join};
use super::problem::{ConfigError, Origin, Problem};
use super::shape::Shape;
use super::suggest;

/// Where a configuration is looked for, in this order, when none is named.
pub const PLACES: [&str; 2] = ["restock.toml", "/etc/restock/restock.toml"];

/// A configuration file as it was found.
pub(super) struct Found {
    /// Its path as it was named.
    pub(super) path: PathBuf,
    /// What it says.
    pub(super) text: String,
}

/// Reads the file that is named, else the first that is there; `None` if none is.
pub(super) fn find(
    named: Option<&Path>,
    working_directory: &Path,
) -> Result<Option<Found>, ConfigError> {
    let read = |path: &Path| {
        fs::read_to_string(working_directory.join(path))
            .map(|text| Found { path: path.to_path_buf(), text })
    };
    if let Some(path) = named {
        let unreadable = |source| ConfigError::Read { path: path.to_path_buf(), source };
        return read(path).map(Some).map_err(unreadable);
    }
    for place in PLACES.map(Path::new) {
        match read(place) {
            Ok(found) => return Ok(Some(found)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(ConfigError::Read { path: place.to_path_buf(), source }),
        }
    }
    Ok(None)
}

/// Lays what the file says into the draft.
pub(super) fn lay(draft: &mut Draft, found: &Found, root: Shape<'_>) {
    // The error's own text quotes the line, which may hold a secret: only its message is taken.
    let parsed = DeTable::parse(&found.text)
        .and_then(|spans| Ok((spans, toml::from_str::<Table>(&found.text)?)));
    let mut reader = Reader { draft, found, root };
    match parsed {
        Ok((spans, values)) => {
            let values = reader.table(values, spans.get_ref(), root, "");
            reader.draft.values = values;
        }
        Err(error) => {
            let origin = reader.line(error.span().map_or(0, |span| span.start));
            let advice = error.message().lines().collect::<Vec<_>>().join(", ");
            reader.draft.push(Problem { key: String::new(), origin, what: "no TOML", advice });
        }
    }
}

struct Reader<'a> {
    draft: &'a mut Draft,
    found: &'a Found,
    root: Shape<'a>,
}

impl Reader<'_> {
    fn line(&self, at: usize) -> Origin {
        let before = self.found.text.get(..at).unwrap_or(&self.found.text);
        Origin::File { path: self.found.path.clone(), line: before.matches('\n').count() + 1 }
    }

    /// The keys of a table that are known and of the right type; the others are noted.
    fn table(
        &mut self,
        mut values: Table,
        spans: &DeTable<'_>,
        shape: Shape<'_>,
        name: &str,
    ) -> Table {
        let mut kept = Table::new();
        for (key, span) in spans {
            let (at, key) = (key.span().start, key.get_ref().as_ref());
            let (Some(value), own) = (values.remove(key), join(name, key)) else { continue };
            let origin = self.line(at);
            let Some(inner) = shape.get(key) else {
                let advice = suggest::advice(self.root, name, shape, key);
                self.draft.push(Problem { key: own, origin, what: "unknown key", advice });
                continue;
            };
            self.draft.origins.insert(own.clone(), origin);
            if let Some(value) = self.value(value, span, inner, &own) {
                kept.insert(key.to_owned(), value);
            }
        }
        for key in shape.required().filter(|key| !spans.keys().any(|own| own.get_ref() == key)) {
            let expected = shape.get(key).map(Shape::expected).unwrap_or_default();
            self.draft.refuse(&join(name, key), format!("is missing: write {expected}"));
        }
        kept
    }

    fn value(
        &mut self,
        value: Value,
        span: &Spanned<DeValue<'_>>,
        shape: Shape<'_>,
        name: &str,
    ) -> Option<Value> {
        match (value, span.get_ref(), shape.item()) {
            (Value::Table(table), DeValue::Table(spans), _) if shape.is_table() => {
                Some(Value::Table(self.table(table, spans, shape, name)))
            }
            (Value::Array(values), DeValue::Array(spans), Some(item)) => {
                let mut kept = Vec::with_capacity(values.len());
                for (i, (value, span)) in values.into_iter().zip(spans.iter()).enumerate() {
                    let own = format!("{name}[{i}]");
                    let origin = self.line(span.span().start);
                    self.draft.origins.insert(own.clone(), origin);
                    kept.extend(self.value(value, span, item, &own));
                }
                Some(Value::Array(kept))
            }
            (value, _, _) => match shape.judge(&value) {
                Ok(()) => Some(value),
                Err(advice) => {
                    self.draft.refuse(name, advice);
                    None
                }
            },
        }
    }
}
