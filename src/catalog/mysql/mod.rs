//! Catalogs in MySQL and MariaDB.
//!
//! Statements go as text and so do their values, whatever their types: nothing is prepared on the
//! way of a proxy, and no type is unheard of. A query is prepared once, when the catalog is opened:
//! that shows its columns, and that it is a single statement.

mod cell;
mod connect;
mod error;
mod fleet;
mod session;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::mysql::{MySql, MySqlConnectOptions, MySqlQueryResult, MySqlRow};

use super::CatalogError;
use super::cell::Cell;
use super::columns::hex_of;
use super::engine::Engine;
use super::said::Said;
use super::server::{Server, Trouble};

use session::MySqlSession;

pub(super) use fleet::schema;

/// A database on a MySQL or MariaDB server.
#[derive(Clone)]
pub(super) struct MySqlEngine(Arc<Inner>);

struct Inner {
    server: Server,
    identity: String,
    options: MySqlConnectOptions,
    /// The statements with which each session begins.
    begin: [String; 2],
    /// This user as `GRANT` names it.
    account: String,
}

#[async_trait]
impl Engine for MySqlEngine {
    type Database = MySql;
    type Session = MySqlSession;

    // The library takes a row for the end of all rows if the length of its first value does not
    // fit into three bytes.
    const LEADING: Option<&'static str> = Some("0");

    const NOW: &'static str = "SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)";

    fn identity(&self) -> &str {
        &self.0.identity
    }

    fn statement_timeout(&self) -> Duration {
        self.0.server.statement_timeout
    }

    async fn open(&self) -> Result<MySqlSession, CatalogError> {
        self.begin().await.map_err(|said| self.cannot_open(said))
    }

    fn cannot_open(&self, said: Said) -> CatalogError {
        Trouble(&self.0.server).cannot_open(said)
    }

    fn said(&self, error: &sqlx::Error) -> Said {
        error::said(&self.0.server, Some(&self.0.account), error)
    }

    fn told(_: &MySqlQueryResult) -> Option<u64> {
        None
    }

    fn cell(row: &MySqlRow, index: usize) -> Cell<'_> {
        cell::of(row, index)
    }

    fn text(text: &str) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
        if text.chars().all(plain) {
            return format!("'{text}'");
        }
        // Means the same under every sql_mode.
        format!("_utf8mb4 X'{}'", hex_of(text))
    }

    fn bytes(hex: &str) -> String {
        format!("X'{hex}'")
    }
}
