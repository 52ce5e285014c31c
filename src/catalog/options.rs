//! What a configuration says of the catalog and its collections.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{KeyTemplate, Span};

/// `[catalog]`: the database that says what should exist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CatalogOptions {
    /// `sqlite://PATH`, `postgres://USER@HOST/DATABASE` or `mysql://USER@HOST/DATABASE`.
    pub url: Option<String>,
    /// A file that holds the URL, in place of `url`.
    pub url_file: Option<PathBuf>,
    /// Whose tables they are.
    pub preset: Preset,
    /// How long opening a connection may take.
    pub connect_timeout: Span,
    /// How long one statement may run.
    pub statement_timeout: Span,
    /// The certificate authority (PEM) of a database on another machine: with it, the connection is
    /// encrypted and the server's name is checked.
    pub tls_ca_file: Option<PathBuf>,
    /// This client's certificate (PEM), where the database asks for one.
    pub tls_cert_file: Option<PathBuf>,
    /// The key (PEM) of `tls_cert_file`.
    pub tls_key_file: Option<PathBuf>,
}

/// Whose tables a catalog holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// restock's own schema, in `migrations/`.
    Restock,
    /// The tables of Fleet, on MySQL or MariaDB.
    Fleet,
    /// Any tables, read by the query of each `[[collection]]`.
    Custom,
}

/// `[[collection]]`: one kind of object, with preset "custom", or in place of a preset's
/// collection of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectionOptions {
    /// Its name in reports.
    pub name: String,
    /// One SELECT with a column `digest`, and optionally `source_url`, `name`, `size`,
    /// `updated_at` and `ref`. Needed with preset "custom".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// How its keys are spelled.
    pub key: KeyTemplate,
    /// Whether its objects may be healed.
    #[serde(default = "yes")]
    pub heal: bool,
}

fn yes() -> bool {
    true
}

impl Default for CatalogOptions {
    fn default() -> Self {
        Self {
            url: None,
            url_file: None,
            preset: Preset::Restock,
            connect_timeout: Span::seconds(10),
            statement_timeout: Span::seconds(300),
            tls_ca_file: None,
            tls_cert_file: None,
            tls_key_file: None,
        }
    }
}
