//! As much of JSON Schema as the reports use. A keyword that is not known here is a failure, so
//! that nothing is taken for checked that is not.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// The published schemas, by the ids of their shapes.
pub(crate) fn published() -> BTreeMap<String, Value> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let files = fs::read_dir(docs).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.to_string_lossy().ends_with(".schema.json"));
    let schemas = files.map(|path| {
        let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        (schema["title"].as_str().unwrap().to_owned(), schema)
    });
    schemas.collect()
}

/// Asserts that a document follows the published schema of the shape that it names.
#[track_caller]
pub(crate) fn follows(document: &Value) {
    line_follows(document["schema"].as_str().unwrap(), document);
}

/// Asserts that a document, or a line of a record, follows the schema of this shape.
#[track_caller]
pub(crate) fn line_follows(id: &str, document: &Value) {
    let schemas = published();
    let schema = &schemas[id];
    assert_eq!(violations(schema, schema, document, id), [""; 0]);
    if schema["properties"]["schema"].is_object() {
        let mut other = document.clone();
        other["schema"] = "restock.other/v1".into();
        assert!(!violations(schema, schema, &other, id).is_empty(), "{id} names another shape");
    }
}

/// What of `value` does not follow `schema`; `root` holds the `$defs`.
pub(crate) fn violations(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let Some(schema) = schema.as_object() else {
        return if *schema == true { vec![] } else { vec![format!("{at}: no schema: {schema}")] };
    };
    let mut found = Vec::new();
    for (keyword, rule) in schema {
        found.extend(violation(root, (keyword, rule), value, at));
    }
    found
}

fn violation(
    root: &Value,
    (keyword, rule): (&str, &Value),
    value: &Value,
    at: &str,
) -> Vec<String> {
    let unless = |holds: bool| {
        if holds { vec![] } else { vec![format!("{at}: {value} breaks {keyword} {rule}")] }
    };
    match keyword {
        "$schema" | "$defs" | "title" | "description" | "format" | "default" => Vec::new(),
        "$ref" => {
            let name = rule.as_str().unwrap().strip_prefix("#").unwrap();
            violations(root, root.pointer(name).unwrap(), value, at)
        }
        "type" => {
            let allowed = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
            unless(allowed.iter().any(|name| has_type(value, name.as_str().unwrap())))
        }
        "const" => unless(value == rule),
        "enum" => unless(rule.as_array().unwrap().contains(value)),
        "minimum" => unless(value.as_f64().is_none_or(|n| n >= rule.as_f64().unwrap())),
        "maximum" => unless(value.as_f64().is_none_or(|n| n <= rule.as_f64().unwrap())),
        "pattern" => {
            let hex = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
            let day = |text: &str| text.len() == 10 && text.parse::<chrono::NaiveDate>().is_ok();
            let fits = |text: &str| {
                if rule == "^[0-9a-fA-F]{64}$" {
                    return hex(text);
                }
                assert_eq!(
                    rule, "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
                    "the patterns that are known here"
                );
                day(text)
            };
            unless(value.as_str().is_none_or(fits))
        }
        "anyOf" | "oneOf" => {
            let fits = |option: &&Value| violations(root, option, value, at).is_empty();
            unless(rule.as_array().unwrap().iter().any(|option| fits(&option)))
        }
        "items" => value
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|item| violations(root, rule, item, &format!("{at}[]")))
            .collect(),
        "required" => {
            let has = |name: &Value| value.get(name.as_str().unwrap()).is_some();
            unless(!value.is_object() || rule.as_array().unwrap().iter().all(has))
        }
        "properties" => rule
            .as_object()
            .unwrap()
            .iter()
            .filter_map(|(name, rule)| Some((name, rule, value.get(name)?)))
            .flat_map(|(name, rule, inner)| violations(root, rule, inner, &format!("{at}.{name}")))
            .collect(),
        other => vec![format!("{at}: keyword `{other}` is not known here")],
    }
}

fn has_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}
