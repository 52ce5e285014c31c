//! Settings from `RESTOCK_…` variables.
//!
//! `RESTOCK_STORE__OPTIONS__AWS_REGION` sets `store.options.aws_region`: two underscores step into
//! a section, case does not matter. With `_FILE` behind it, the variable names a file that holds
//! the value, unless that is a key itself (`catalog.url_file`). Variables without two underscores
//! are nobody's settings, as service managers make up names such as `RESTOCK_SERVICE_HOST`; only
//! one that names a key but for an underscore is refused.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use object_store::aws::AmazonS3ConfigKey;
use toml::Value;

use super::credentials::split;
use super::draft::{Draft, join};
use super::environment::Environment;
use super::named::NamedFile;
use super::problem::{Origin, Problem};
use super::shape::Shape;
use super::suggest;

const PREFIX: &str = "restock_";

/// Lays the variables into the draft, over what is there.
pub(super) fn lay(draft: &mut Draft, environment: &Environment, root: Shape<'_>) {
    for (name, value) in environment.iter() {
        let lower = name.to_lowercase();
        let Some(path) = lower.strip_prefix(PREFIX) else { continue };
        let parts: Vec<&str> = path.split("__").collect();
        if let [alone] = parts.as_slice()
            && root.get(alone).is_none()
        {
            refuse_single_underscore(draft, root, name, alone);
            continue;
        }
        variable(draft, environment, root, name, &parts, value);
    }
}

fn variable(
    draft: &mut Draft,
    environment: &Environment,
    root: Shape<'_>,
    name: &str,
    parts: &[&str],
    value: &OsStr,
) {
    let refuse = |draft: &mut Draft, what, advice| {
        let (key, origin) = (dotted(parts), Origin::Variable(name.to_owned()));
        draft.push(Problem { key, origin, what, advice });
    };
    let Some(value) = value.to_str() else {
        return refuse(draft, "", "is not UTF-8".to_owned());
    };
    match target(root, parts) {
        Target::Key(shape) => {
            put(draft, shape, parts, value, Origin::Variable(name.to_owned()));
        }
        Target::File(shape, last) => {
            let mut key = parts.to_vec();
            key.pop();
            key.push(last);
            let path = environment.working_directory().join(value);
            draft.read_from.push(NamedFile { name: name.to_owned(), path: path.clone() });
            match read(&path) {
                Ok(value) => {
                    put(draft, shape, &key, &value, Origin::VariableFile(name.to_owned()));
                }
                Err(advice) => refuse(draft, "", advice),
            }
        }
        Target::Nothing(advice) => refuse(draft, "unknown key", advice),
    }
}

/// What a name of the environment means.
pub(super) enum Target<'a> {
    /// The key is there.
    Key(Shape<'a>),
    /// The key is there but for its `_file`; what it is called without.
    File(Shape<'a>, &'a str),
    /// There is no such key; what to write.
    Nothing(String),
}

/// The key that these parts lead to.
pub(super) fn target<'a>(root: Shape<'a>, parts: &[&'a str]) -> Target<'a> {
    let (mut shape, mut name) = (root, String::new());
    for (i, part) in parts.iter().enumerate() {
        let last = i + 1 == parts.len();
        let without = part.strip_suffix("_file").filter(|_| last);
        if let Some(key) = without
            && let Some(inner) = shape.get(key)
            && !is_key_itself(shape, part)
        {
            return Target::File(inner, key);
        }
        match shape.get(part).filter(|_| !part.is_empty()) {
            Some(inner) => shape = inner,
            None => return Target::Nothing(suggest::advice(root, &name, shape, part)),
        }
        name = join(&name, part);
    }
    Target::Key(shape)
}

/// Whether a name that ends in `_file` is a key as it stands.
fn is_key_itself(table: Shape<'_>, name: &str) -> bool {
    if table.takes_any_key() {
        return name.parse::<AmazonS3ConfigKey>().is_ok();
    }
    table.get(name).is_some()
}

/// Lays one text into the draft.
pub(super) fn put(draft: &mut Draft, shape: Shape<'_>, key: &[&str], text: &str, origin: Origin) {
    let name = dotted(key);
    if let Some(earlier @ (Origin::Variable(_) | Origin::VariableFile(_))) =
        draft.origins.get(&name)
        && matches!(origin, Origin::Variable(_) | Origin::VariableFile(_))
    {
        let advice = format!("is set by {earlier} too: keep one of them");
        draft.push(Problem { key: name, origin, what: "", advice });
        return;
    }
    match value(shape, text) {
        Ok(value) => draft.set(key, value, origin),
        Err(advice) => draft.push(Problem { key: name, origin, what: "", advice }),
    }
}

/// What a text says where this shape is expected, without the white space that Secrets and files
/// leave around it. Never names the text: it may be a secret.
fn value(shape: Shape<'_>, text: &str) -> Result<Value, String> {
    let text = text.trim();
    let expected = || format!("must be {}", shape.expected());
    if shape.is_table() {
        return Err("is a section: name one of its keys behind two underscores".to_owned());
    }
    if let Some(item) = shape.item() {
        return list(item, text).ok_or_else(|| format!("{}, as TOML", expected()));
    }
    if shape.allows("string") {
        let value = Value::String(text.to_owned());
        return shape.judge(&value).map(|()| value);
    }
    let value = if shape.allows("boolean") {
        text.parse().ok().map(Value::Boolean)
    } else if shape.allows("integer") {
        text.parse().ok().map(Value::Integer)
    } else {
        text.parse().ok().map(Value::Float)
    };
    let value = value.ok_or_else(expected)?;
    shape.judge(&value).map(|()| value)
}

/// A list as TOML writes it; plain texts also with commas between them.
fn list(item: Shape<'_>, text: &str) -> Option<Value> {
    if text.trim_start().starts_with('[') {
        let whole = toml::from_str::<toml::Table>(&format!("list = {text}")).ok()?.remove("list");
        return whole.filter(Value::is_array);
    }
    if !item.allows("string") {
        return None;
    }
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    Some(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()))
}

/// A small file without the white space around what it says.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let text = fs::read_to_string(path)
        .map_err(|error| format!("cannot be read from {}: {error}", path.display()))?;
    Ok(text.trim().to_owned())
}

/// The parts of a key as messages name it.
pub(super) fn dotted(parts: &[&str]) -> String {
    parts.iter().fold(String::new(), |name, part| join(&name, part))
}

fn refuse_single_underscore(draft: &mut Draft, root: Shape<'_>, name: &str, path: &str) {
    let Some(parts) = split(root, path) else { return };
    if matches!(target(root, &parts), Target::Nothing(_)) {
        return;
    }
    let right = format!("{PREFIX}{}", parts.join("__")).to_uppercase();
    let origin = Origin::Variable(name.to_owned());
    let advice = format!("did you mean {right}?");
    draft.push(Problem { key: dotted(&parts), origin, what: "unknown variable for", advice });
}
