//! What a configuration says of passes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Span;

/// `[audit]`: shallow passes, and what all passes share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuditOptions {
    /// Rows younger than this are not judged missing. Default 10m; 0s with preset "restock",
    /// which is written after the object.
    pub grace: Option<Span>,
    /// Slices listed at once, confirmations in flight.
    pub concurrency: usize,
}

/// `[deep]`: reading and hashing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeepOptions {
    /// Objects read at once.
    pub concurrency: usize,
}

impl Default for AuditOptions {
    fn default() -> Self {
        Self { grace: None, concurrency: 16 }
    }
}

impl Default for DeepOptions {
    fn default() -> Self {
        Self { concurrency: 4 }
    }
}
