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
    /// What a pass says of an object that lies in an archive and cannot be read before somebody
    /// brings it back: "unknown" or "present".
    pub archived: Archived,
    /// The `store` label in metrics and reports.
    pub name: String,
    /// `object_store`'s own keys, e.g. `aws_endpoint`, `aws_region`, `aws_allow_http`. Strings,
    /// booleans and numbers; credentials come from the usual environment where they are not here.
    pub options: BTreeMap<String, OptionValue>,
}

/// As what an object counts that lies in an archive, such as GLACIER.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Archived {
    /// Nobody can have its bytes now.
    #[default]
    Unknown,
    /// It is there, unread.
    Present,
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
        Self {
            url: String::new(),
            archived: Archived::Unknown,
            name: "default".to_owned(),
            options: BTreeMap::new(),
        }
    }
}
