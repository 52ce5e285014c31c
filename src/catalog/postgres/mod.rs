//! Catalogs in PostgreSQL.
//!
//! Each statement runs in a transaction of its own that is read-only, over the unnamed prepared
//! statement: so it passes through poolers that give every transaction another connection, and
//! nothing stays behind on theirs.

mod cell;
mod connect;
mod error;
mod session;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgQueryResult, PgRow, Postgres};

use super::CatalogError;
use super::cell::Cell;
use super::engine::Engine;
use super::said::Said;
use super::server::{Server, Trouble};

use session::PostgresSession;

/// A database on a PostgreSQL server.
#[derive(Clone)]
pub(super) struct PostgresEngine(Arc<Inner>);

struct Inner {
    server: Server,
    identity: String,
    options: PgConnectOptions,
    /// The statements with which each transaction begins.
    begin: String,
}

#[async_trait]
impl Engine for PostgresEngine {
    type Database = Postgres;
    type Session = PostgresSession;

    const NOW: &'static str = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::int8";

    fn identity(&self) -> &str {
        &self.0.identity
    }

    fn statement_timeout(&self) -> Duration {
        self.0.server.statement_timeout
    }

    async fn open(&self) -> Result<PostgresSession, CatalogError> {
        self.begin().await.map_err(|said| self.cannot_open(said))
    }

    fn cannot_open(&self, said: Said) -> CatalogError {
        Trouble(&self.0.server).cannot_open(said)
    }

    fn said(&self, error: &sqlx::Error) -> Said {
        error::said(&self.0.server, self.0.options.get_username(), error)
    }

    fn told(all: &PgQueryResult) -> Option<u64> {
        Some(all.rows_affected())
    }

    fn cell(row: &PgRow, index: usize) -> Cell<'_> {
        cell::of(row, index)
    }

    fn text(text: &str) -> String {
        // Means the same under every setting of `standard_conforming_strings`.
        format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    }

    fn bytes(hex: &str) -> String {
        format!("'\\x{hex}'::bytea")
    }
}
