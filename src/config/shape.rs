//! [`Shape`]: what may stand where in a configuration, read from its own JSON Schema. So the
//! options structs are the one place that names keys, types and defaults.

use serde_json::Value;

use super::options::Options;
use super::suggest;

/// The JSON Schema of a configuration; the same text in every run.
pub fn schema() -> Value {
    schemars::schema_for!(Options).to_value()
}

/// The schema of one value, references followed.
#[derive(Clone, Copy)]
pub(super) struct Shape<'a> {
    root: &'a Value,
    node: &'a Value,
    name: &'a str,
}

impl<'a> Shape<'a> {
    /// The whole configuration.
    pub(super) fn of(root: &'a Value) -> Self {
        Self { root, node: root, name: "" }
    }

    fn at(self, node: &'a Value) -> Self {
        if let Some(name) = node.get("$ref").and_then(Value::as_str) {
            let name = name.trim_start_matches("#/$defs/");
            let target = self.root.get("$defs").and_then(|defs| defs.get(name)).unwrap_or(node);
            return Self { node: target, name, ..self };
        }
        // An optional value is `anyOf` itself and null, which TOML cannot write.
        match node.get("anyOf").and_then(Value::as_array).map(Vec::as_slice) {
            Some([inner, null]) if null.get("type").is_some_and(|kind| kind == "null") => {
                self.at(inner)
            }
            _ => Self { node, name: "", ..self },
        }
    }

    /// The names of a table's keys; empty for what is no table, and for one that takes any key.
    pub(super) fn keys(self) -> impl Iterator<Item = &'a str> {
        let keys = self.node.get("properties").and_then(Value::as_object);
        keys.into_iter().flat_map(|keys| keys.keys().map(String::as_str))
    }

    /// The keys that a table must have.
    pub(super) fn required(self) -> impl Iterator<Item = &'a str> {
        let keys = self.node.get("required").and_then(Value::as_array);
        keys.into_iter().flatten().filter_map(Value::as_str)
    }

    /// What stands under a key of a table; `None` where there is no such key.
    pub(super) fn get(self, key: &str) -> Option<Self> {
        let named = self.node.get("properties").and_then(|keys| keys.get(key));
        let any = || self.node.get("additionalProperties").filter(|schema| schema.is_object());
        Some(self.at(named.or_else(any)?))
    }

    /// Whether this is a table that takes any key.
    pub(super) fn takes_any_key(self) -> bool {
        self.node.get("additionalProperties").is_some_and(Value::is_object)
    }

    /// What a list holds.
    pub(super) fn item(self) -> Option<Self> {
        Some(self.at(self.node.get("items")?))
    }

    /// Whether this is a table.
    pub(super) fn is_table(self) -> bool {
        self.allows("object")
    }

    /// The words that it may be, where they are few.
    pub(super) fn words(self) -> Vec<&'a str> {
        let choices = self.node.get("oneOf").and_then(Value::as_array);
        let word = |choice: &'a Value| choice.get("const").and_then(Value::as_str);
        choices.into_iter().flatten().filter_map(word).collect()
    }

    /// Whether a JSON type is among those that may stand here.
    pub(super) fn allows(self, kind: &str) -> bool {
        let is = |node: &Value| match node.get("type") {
            Some(Value::String(own)) => own == kind,
            Some(Value::Array(own)) => own.iter().any(|own| own == kind),
            _ => false,
        };
        let choices = ["anyOf", "oneOf"].into_iter().filter_map(|of| self.node.get(of));
        is(self.node) || choices.filter_map(Value::as_array).flatten().any(is)
    }

    /// Whether a value that is neither table nor list may stand here; what is expected, if not.
    pub(super) fn judge(self, value: &toml::Value) -> Result<(), String> {
        let expected = || format!("must be {}", self.expected());
        let (kinds, found): (&[&str], _) = match value {
            toml::Value::String(word) => {
                let words = self.words();
                if !words.is_empty() && !words.contains(&word.as_str()) {
                    let near = suggest::nearest(words.into_iter(), word);
                    let near = near.map(|near| format!(": did you mean \"{near}\"?"));
                    return Err(format!("{}{}", expected(), near.unwrap_or_default()));
                }
                (&["string"], "a text")
            }
            toml::Value::Integer(number) => {
                let least = self.node.get("minimum").and_then(Value::as_i64);
                if least.is_some_and(|least| *number < least) {
                    return Err(format!("{}, not {number}", expected()));
                }
                (&["integer", "number"], "a number")
            }
            toml::Value::Float(_) => (&["number"], "a number with a point"),
            toml::Value::Boolean(_) => (&["boolean"], "true or false"),
            toml::Value::Datetime(_) => (&[], "a date without quotes"),
            toml::Value::Array(_) => (&[], "a list"),
            toml::Value::Table(_) => (&[], "a table"),
        };
        if kinds.iter().any(|kind| self.allows(kind)) {
            return Ok(());
        }
        Err(format!("{}, not {found}", expected()))
    }

    /// What is expected here, for a message.
    pub(super) fn expected(self) -> String {
        let words = self.words();
        if !words.is_empty() {
            return format!("one of \"{}\"", words.join("\", \""));
        }
        match self.name {
            "Span" => return "a duration such as \"15m\" or \"48h\"".to_owned(),
            "Size" => return "a size such as \"64MiB\"".to_owned(),
            "Day" => return "a day such as \"2027-01-31\"".to_owned(),
            "KeyTemplate" => return "a key layout such as \"installers/{digest}\"".to_owned(),
            _ => {}
        }
        if let Some(item) = self.item() {
            return if item.is_table() {
                "a list of tables".to_owned()
            } else {
                format!("a list, each {}", item.expected())
            };
        }
        let whole =
            if self.node.get("minimum").is_some() { "a whole number from 0" } else { "a number" };
        let kinds = [
            ("boolean", "true or false"),
            ("integer", whole),
            ("number", "a number"),
            ("string", "a text in quotes"),
            ("object", "a table"),
        ];
        let kinds = kinds.into_iter().filter(|(kind, _)| self.allows(kind));
        kinds.map(|(_, shown)| shown).collect::<Vec<_>>().join(", or ")
    }
}
