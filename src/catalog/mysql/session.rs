//! [`MySqlSession`]: one connection in a transaction that reads, for one statement.

use std::future::Future;

use async_trait::async_trait;
use sqlx::mysql::{MySql, MySqlConnection, MySqlDatabaseError};
use sqlx::{AssertSqlSafe, Column as _, Connection, Executor, SqlSafeStr, Statement};
use tokio::time::timeout;

use super::{MySqlEngine, cell};
use crate::catalog::engine::{Column, Engine, Rows, Session};
use crate::catalog::query::wrap;
use crate::catalog::said::Said;

/// The number of "there is no such table".
const NO_SUCH_TABLE: u16 = 1146;

/// A connection that reads.
pub(in crate::catalog) struct MySqlSession {
    pub(super) connection: MySqlConnection,
    pub(super) engine: MySqlEngine,
}

impl MySqlEngine {
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

impl MySqlSession {
    /// Whether the server says that a table does not exist, which it says only to those who might
    /// read it.
    pub(super) async fn lacks(&mut self, table: &str) -> Result<bool, Said> {
        let sql = format!("SELECT 1 FROM {} LIMIT 0", quoted(table));
        let asked = async {
            match sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection).await {
                Ok(_) => Ok(false),
                Err(sqlx::Error::Database(error)) => {
                    let error = error.try_downcast_ref::<MySqlDatabaseError>();
                    Ok(error.is_some_and(|error| error.number() == NO_SUCH_TABLE))
                }
                Err(error) => Err(error),
            }
        };
        self.engine.answer(asked).await
    }
}

#[async_trait]
impl Session for MySqlSession {
    type Database = MySql;

    async fn columns(&mut self, query: &str) -> Result<Vec<Column>, Said> {
        // What is prepared can be one statement only; nothing else is ever run of the query.
        let sql = AssertSqlSafe(wrap("*", query, " LIMIT 0")).into_sql_str();
        let prepared = self.engine.answer(self.connection.prepare(sql)).await?;
        let column = |column: &sqlx::mysql::MySqlColumn| {
            let sql = format!("q.{}", quoted(column.name()));
            Column {
                name: column.name().to_owned(),
                select: sql.clone(),
                sql,
                holds: cell::holds(column.type_info()),
            }
        };
        Ok(prepared.columns().iter().map(column).collect())
    }

    fn rows(&mut self, sql: String) -> Rows<'_, MySql> {
        self.connection.fetch_many(sqlx::raw_sql(AssertSqlSafe(sql)))
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

/// A name as an SQL identifier.
fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}
