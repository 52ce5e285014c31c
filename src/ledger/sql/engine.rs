//! [`Engine`]: runs statements on the connections of one database, whatever its kind.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::{Connection, Pool};
use tokio::time::timeout;

use super::driver::{Driver, Row, Trouble};
use super::statement::{Batch, Statement};
use super::{BoxError, Dialect, Stored};
use crate::ledger::LeaseLost;

/// How often a transaction is tried that others are in the way of.
const TRIES: u32 = 8;

/// The longest wait before the second try; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(20);

/// Runs statements.
#[async_trait]
pub(in crate::ledger) trait Engine: Send + Sync {
    fn dialect(&self) -> Dialect;

    /// The rows of one SELECT.
    async fn fetch(&self, statement: &Statement) -> Stored<Vec<Row>>;

    /// Carries out all statements or none of them, and tells how many rows they changed. With a
    /// guard, none where that gives no row: nobody can change its answer before the end.
    async fn write(&self, batch: &dyn Batch, guard: Option<&Statement>) -> Stored<u64>;

    /// Closes its connections, and waits for that.
    async fn close(&self);
}

/// Explains an error of the library to the people who run the database.
pub(super) type Explain = Arc<dyn Fn(sqlx::Error) -> BoxError + Send + Sync>;

/// The connections of a database.
pub(super) struct Pools<DB: Driver> {
    /// One connection, so that the writers of a process queue in order.
    pub(super) write: Pool<DB>,
    /// Some that only read.
    pub(super) read: Pool<DB>,
    /// How long one statement may take; a server may go silent, which a file does not.
    pub(super) patience: Option<Duration>,
    pub(super) explain: Explain,
}

/// Why a transaction was not carried out.
enum Failure {
    /// Nothing of it was; it may be tried again.
    Undone(sqlx::Error),
    /// To try it again is no good, or it may have been carried out after all.
    Final(BoxError),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Undone(error)
    }
}

#[async_trait]
impl<DB: Driver> Engine for Pools<DB> {
    fn dialect(&self) -> Dialect {
        DB::DIALECT
    }

    async fn fetch(&self, statement: &Statement) -> Stored<Vec<Row>> {
        let fetched = match self.fetch_once(statement).await {
            // The server may have gone and come again since the connection was tried.
            Err(error) if Trouble::of(&error) == Trouble::Broken => {
                self.fetch_once(statement).await
            }
            fetched => fetched,
        };
        fetched.map_err(|error| (self.explain)(error))
    }

    async fn write(&self, batch: &dyn Batch, guard: Option<&Statement>) -> Stored<u64> {
        let (mut tries, mut wait, mut broken) = (1, FIRST_WAIT, false);
        loop {
            let error = match self.write_once(batch, guard).await {
                Ok(changed) => return Ok(changed),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Undone(error)) => error,
            };
            match Trouble::of(&error) {
                Trouble::Broken if !broken => broken = true,
                Trouble::Conflict if tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(wait.mul_f64(rand::random())).await;
                    wait *= 2;
                }
                Trouble::Broken | Trouble::Conflict | Trouble::Other => {
                    return Err((self.explain)(error));
                }
            }
        }
    }

    async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

/// A connection in use. Where that is cut off, the connection is closed: a server that has gone
/// silent would keep it, and its place in the pool, for as long as the network tries.
struct Loan<DB: Driver> {
    connection: Option<PoolConnection<DB>>,
    keeps: bool,
}

impl<DB: Driver> Loan<DB> {
    fn connection(&mut self) -> sqlx::Result<&mut DB::Connection> {
        self.connection.as_deref_mut().ok_or(sqlx::Error::WorkerCrashed)
    }
}

impl<DB: Driver> Drop for Loan<DB> {
    fn drop(&mut self) {
        if !self.keeps
            && let Some(connection) = self.connection.take()
        {
            drop(connection.detach());
        }
    }
}

impl<DB: Driver> Pools<DB> {
    async fn lend(&self, pool: &Pool<DB>) -> sqlx::Result<Loan<DB>> {
        let connection = Some(pool.acquire().await?);
        // A file's connection ends what it was at by itself.
        Ok(Loan { connection, keeps: self.patience.is_none() })
    }

    async fn fetch_once(&self, statement: &Statement) -> sqlx::Result<Vec<Row>> {
        let mut loan = self.lend(&self.read).await?;
        let fetched = self.read(loan.connection()?, statement).await;
        loan.keeps = fetched.as_ref().map_or_else(is_healthy, |_| true);
        fetched
    }

    async fn read(
        &self,
        connection: &mut DB::Connection,
        statement: &Statement,
    ) -> sqlx::Result<Vec<Row>> {
        let Some(begin) = DB::READ else {
            return self.in_time(DB::fetch(connection, statement)).await;
        };
        let mut transaction = self.in_time(connection.begin_with(begin)).await?;
        let fetched = self.in_time(DB::fetch(&mut transaction, statement)).await;
        let ended = self.in_time(transaction.rollback()).await;
        fetched.and_then(|rows| ended.map(|()| rows))
    }

    async fn write_once(
        &self,
        batch: &dyn Batch,
        guard: Option<&Statement>,
    ) -> Result<u64, Failure> {
        let mut loan = self.lend(&self.write).await?;
        let done = self.transact(loan.connection()?, batch, guard).await;
        loan.keeps = match &done {
            Ok(_) => true,
            Err(Failure::Undone(error)) => is_healthy(error),
            Err(Failure::Final(_)) => false,
        };
        done
    }

    async fn transact(
        &self,
        connection: &mut DB::Connection,
        batch: &dyn Batch,
        guard: Option<&Statement>,
    ) -> Result<u64, Failure> {
        let mut transaction = self.in_time(connection.begin_with(DB::BEGIN)).await?;
        let mut changed = 0_u64;
        for statement in batch.statements() {
            let statement = statement.map_err(Failure::Final)?;
            let n = self.in_time(DB::execute(&mut transaction, &statement)).await?;
            changed = changed.saturating_add(n);
        }
        if let Some(guard) = guard
            && self.in_time(DB::fetch(&mut transaction, guard)).await?.is_empty()
        {
            return Err(Failure::Final(LeaseLost.into()));
        }
        let committed = self.in_time(transaction.commit()).await;
        match committed {
            Ok(()) => Ok(changed),
            // Of what fails otherwise nobody knows whether it happened.
            Err(error) if Trouble::of(&error) == Trouble::Conflict => Err(Failure::Undone(error)),
            Err(error) => Err(Failure::Final((self.explain)(error))),
        }
    }

    async fn in_time<T>(&self, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
        let Some(patience) = self.patience else { return work.await };
        match timeout(patience, work).await {
            Ok(done) => done,
            Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
        }
    }
}

/// Whether a connection is as good as before after this error.
fn is_healthy(error: &sqlx::Error) -> bool {
    Trouble::of(error) != Trouble::Broken
}
