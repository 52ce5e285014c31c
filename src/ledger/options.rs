//! What a configuration says of the ledger.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Span;

/// `[ledger]`: where restock remembers what it found and did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LedgerOptions {
    /// `sqlite://PATH`, `postgres://USER@HOST/DATABASE` or `mysql://USER@HOST/DATABASE`. A file is
    /// made if it is absent, in `$STATE_DIRECTORY` if that is set, else beside the configuration; of
    /// a database, its tables are.
    pub url: Option<String>,
    /// How long passes and closed findings are kept.
    pub retain: Span,
}

impl Default for LedgerOptions {
    fn default() -> Self {
        Self { url: None, retain: Span::seconds(90 * 86_400) }
    }
}
