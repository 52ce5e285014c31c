//! The ledger in an SQL database, written once for every kind. Each subject has a file; here they
//! come together behind the port. What the databases do in their own way stands in [`dialect`],
//! [`driver`] and the file of each.

mod breaker;
mod column;
mod dialect;
mod driver;
mod engine;
mod findings;
mod heals;
mod notes;
mod objects;
mod passes;
mod port;
mod publishings;
mod removals;
mod schema;
pub(super) mod server;
pub(super) mod sqlite;
pub(super) mod statement;

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Fence, FindingKey, LedgerError, Result};
use crate::model::{Finding, Summary};
use statement::{Batch, Made, Statement};

pub(super) use dialect::{Column, Dialect, Table};
pub(super) use driver::Row;
pub(super) use engine::Engine;

/// Any error, before it is told which ledger and action it was of.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a statement or the reading of its columns gives.
pub(super) type Stored<T> = std::result::Result<T, BoxError>;

/// Rows or values of one statement: few enough for the parameters of any database, and past the
/// point from which more are no faster.
const CHUNK: usize = 100;

/// A database that is open, and how errors call it.
#[derive(Clone)]
pub(super) struct Opened {
    pub(super) name: String,
    pub(super) engine: Arc<dyn Engine>,
    /// What is doubtful about it and works all the same.
    pub(super) remarks: Vec<String>,
}

/// A ledger in a database, opened for one store.
#[derive(Clone)]
pub(super) struct SqlLedger {
    opened: Opened,
    store: i64,
    /// With it, nothing is written once another holds the lock.
    fence: Option<Fence>,
}

impl SqlLedger {
    /// The ledger of the store with this identity.
    pub(super) async fn of(opened: Opened, identity: &str) -> Stored<Self> {
        let store = store_id(&*opened.engine, identity).await?;
        Ok(Self { opened, store, fence: None })
    }

    fn dialect(&self) -> Dialect {
        self.opened.engine.dialect()
    }

    async fn fetch(&self, statement: Statement) -> Stored<Vec<Row>> {
        self.opened.engine.fetch(&statement).await
    }

    /// Carries out all statements or none, and gives how many rows they changed.
    async fn write(&self, batch: &dyn Batch) -> Stored<u64> {
        let guard = self.fence.as_ref().map(|fence| fence.guard(self.dialect(), self.store));
        self.opened.engine.write(batch, guard.as_ref()).await
    }

    /// Puts one row into a table, in place of an older one.
    fn upsert(&self, table: &Table) -> Statement {
        self.upserts(table, 1)
    }

    /// Puts so many rows into a table, in place of older ones.
    fn upserts(&self, table: &Table, rows: usize) -> Statement {
        let mut statement = Statement::new(self.dialect().upsert(table, rows));
        // Those of every other length would only fill the cache.
        statement.recurs = matches!(rows, 1 | CHUNK);
        statement
    }

    async fn keep_pass(
        &self,
        summary: &Summary,
        findings: &[(FindingKey, Finding)],
        full: bool,
    ) -> Stored<()> {
        let before = self.recorded_outcome(&summary.pass_id).await?;
        let pass = self.pass_statements(summary, full, before.as_deref())?;
        // Once it is recorded, it closes nothing of others: they may have come later.
        let anew = before.is_some().then(|| self.close_recorded(summary));
        let closes = (full && before.is_none()).then(|| self.close_unseen(summary));
        self.write(&KeptPass { ledger: self, summary, findings, pass, anew, closes }).await?;
        Ok(())
    }

    async fn forget_before(&self, moment: DateTime<Utc>) -> Stored<u64> {
        let before = column::time(moment);
        let repairs = Statement::new("DELETE FROM repairs WHERE store = ? AND ended_at < ?")
            .int(self.store)
            .text(&before);
        let all = vec![
            self.prune_passes(&before).await?,
            self.prune_findings(&before),
            repairs,
            self.prune_removals(&before),
        ];
        let forgotten = self.write(&all).await?;
        // Nobody is told how many these were; the former are told by what stands by now.
        self.write(&vec![self.prune_sightings(&before), self.prune_accepted(moment)]).await?;
        Ok(forgotten)
    }

    fn told<T>(&self, action: &'static str, done: Stored<T>) -> Result<T> {
        done.map_err(|source| LedgerError { ledger: self.opened.name.clone(), action, source })
    }
}

/// What keeps a pass with its findings, which may be many.
struct KeptPass<'a> {
    ledger: &'a SqlLedger,
    summary: &'a Summary,
    findings: &'a [(FindingKey, Finding)],
    pass: [Statement; 5],
    /// Where it is recorded again.
    anew: Option<Statement>,
    closes: Option<Statement>,
}

impl Batch for KeptPass<'_> {
    fn statements(&self) -> Made<'_> {
        let Self { ledger, summary, findings, pass, anew, closes } = self;
        let upserts = findings::Upserts { ledger, summary, rest: findings };
        let upserts = upserts.map(|made| made.map(Cow::Owned));
        let first = pass.iter().chain(anew).map(Cow::Borrowed);
        let closes = closes.iter().map(Cow::Borrowed);
        Box::new(first.map(Ok).chain(upserts).chain(closes.map(Ok)))
    }
}

/// The number of a store in a ledger, which it gets the first time that it is asked for.
pub(super) async fn store_id(engine: &dyn Engine, identity: &str) -> Stored<i64> {
    let identity = engine.dialect().key(identity);
    let find = Statement::new("SELECT id FROM stores WHERE identity = ?").text(&*identity);
    if let Some(row) = engine.fetch(&find).await?.first() {
        return row.int(0);
    }
    let insert = engine.dialect().insert_absent("stores", &["identity"]);
    engine.write(&Statement::new(insert).text(&*identity), None).await?;
    let found = engine.fetch(&find).await?;
    found.first().ok_or("the store was not entered")?.int(0)
}
