//! The files of `deploy/`, as values.

use std::fs;
use std::path::{Path, PathBuf};

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Value, json};

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A YAML file with one document, or a JSON file.
pub(crate) fn document(path: &str) -> Value {
    let mut documents = documents(path);
    assert_eq!(documents.len(), 1, "{path}");
    documents.remove(0)
}

pub(crate) fn documents(path: &str) -> Vec<Value> {
    let text = read(path);
    if Path::new(path).extension().is_some_and(|ending| ending == "json") {
        return vec![serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))];
    }
    let documents = Yaml::load_from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    documents.iter().map(value).collect()
}

fn value(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(boolean)) => json!(boolean),
        Yaml::Value(Scalar::Integer(integer)) => json!(integer),
        Yaml::Value(Scalar::FloatingPoint(float)) => json!(float.into_inner()),
        Yaml::Value(Scalar::String(text)) => json!(text),
        Yaml::Sequence(items) => items.iter().map(value).collect(),
        Yaml::Mapping(entries) => entries
            .iter()
            .map(|(key, inner)| {
                let key = key.as_str().unwrap_or_else(|| panic!("{key:?} is no name"));
                (key.to_owned(), value(inner))
            })
            .collect(),
        other @ (Yaml::Representation(..) | Yaml::Tagged(..) | Yaml::Alias(_) | Yaml::BadValue) => {
            panic!("{other:?}")
        }
    }
}

/// The paths of all files below `folder` of which the name ends so, relative to the root.
pub(crate) fn below(folder: &str, endings: &[&str]) -> Vec<String> {
    let mut pending = vec![root().join(folder)];
    let mut found = Vec::new();
    while let Some(inner) = pending.pop() {
        for entry in fs::read_dir(&inner).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(name);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "nothing in {folder} ends in {endings:?}");
    found
}

/// The items of an array; a panic where it is none.
pub(crate) fn items(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// Whether a link from a file leads to a file, and to a heading of it.
pub(crate) fn leads_somewhere(from: &str, link: &str) -> bool {
    let (path, heading) = link.split_once('#').unwrap_or((link, ""));
    let folder = Path::new(from).parent().unwrap();
    let target = if path.is_empty() { root().join(from) } else { root().join(folder).join(path) };
    let Ok(text) = fs::read_to_string(&target) else { return target.is_dir() };
    heading.is_empty() || headings(&text).any(|found| anchor(found) == heading)
}

/// The headings of the second level.
pub(crate) fn headings(markdown: &str) -> impl Iterator<Item = &str> {
    markdown.lines().filter_map(|line| line.strip_prefix("## "))
}

/// What a heading is called in a link.
pub(crate) fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}
