//! [`PostgresSession`]: one connection in a transaction that reads, for one statement.

use std::future::Future;

use async_trait::async_trait;
use sqlx::postgres::{PgConnection, Postgres};
use sqlx::{AssertSqlSafe, Column as _, Connection, Executor, Row};
use tokio::time::timeout;

use super::{PostgresEngine, cell};
use crate::catalog::engine::{Column, Engine, Rows, Session};
use crate::catalog::query::{identifier, wrap};
use crate::catalog::said::Said;

/// A connection that reads.
pub(in crate::catalog) struct PostgresSession {
    pub(super) connection: PgConnection,
    pub(super) engine: PostgresEngine,
}

impl PostgresEngine {
    /// Waits for an answer no longer than for that of any statement.
    async fn answer<T>(
        &self,
        answer: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, Said> {
        let limit = self.statement_timeout();
        let answer = timeout(limit, answer).await;
        answer
            .map_err(|_| Said::timed_out("the statement", "statement_timeout", limit))?
            .map_err(|error| self.said(&error))
    }
}

#[async_trait]
impl Session for PostgresSession {
    type Database = Postgres;

    async fn columns(&mut self, query: &str) -> Result<Vec<Column>, Said> {
        // What is prepared can be one statement only; nothing else is ever run of the query.
        let prepared = sqlx::query(AssertSqlSafe(wrap("1", query, " LIMIT 0"))).persistent(false);
        self.engine.answer(prepared.execute(&mut self.connection)).await?;
        // A row of nothing but NULLs, which brings the columns along. It is not prepared, because
        // the library keeps what it prepares under a name.
        let described = format!(
            "SELECT q.* FROM (SELECT 1) AS one LEFT JOIN ({}) AS q ON true",
            wrap("*", query, " LIMIT 0")
        );
        let described = sqlx::raw_sql(AssertSqlSafe(described));
        let row = self.engine.answer(described.fetch_one(&mut self.connection)).await?;
        let column = |column: &sqlx::postgres::PgColumn| {
            let (sql, oid) = (identifier(column.name()), column.type_info().oid());
            Column {
                name: column.name().to_owned(),
                select: cell::select(&sql, oid),
                holds: cell::holds(oid),
                sql,
            }
        };
        Ok(row.columns().iter().map(column).collect())
    }

    fn rows(&mut self, sql: String) -> Rows<'_, Postgres> {
        self.connection.fetch_many(sqlx::query(AssertSqlSafe(sql)).persistent(false))
    }

    async fn finish(self) -> Result<(), Said> {
        let Self { mut connection, engine } = self;
        let finish = async {
            // What a query may have begun besides reading comes to nothing.
            sqlx::raw_sql("ROLLBACK").execute(&mut connection).await?;
            connection.close().await
        };
        engine.answer(finish).await
    }
}
