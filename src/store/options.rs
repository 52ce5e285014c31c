//! What a configuration says of the store.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[store]`: where the objects lie.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StoreOptions {
    /// `s3://bucket/prefix`, `file:///absolute/path`, or a plain path.
    pub url: String,
    /// The `store` label in metrics and reports.
    pub name: String,
    /// `object_store`'s own keys, e.g. `aws_endpoint`, `aws_region`, `aws_allow_http`. Strings,
    /// booleans and numbers; credentials come from the usual environment where they are not here.
    pub options: BTreeMap<String, OptionValue>,
}

/// A value of `[store.options]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OptionValue {
    /// `true` or `false`.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// Any text.
    Text(String),
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { url: String::new(), name: "default".to_owned(), options: BTreeMap::new() }
    }
}
