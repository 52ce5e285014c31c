//! The ledger in a `SQLite` file, next to the configuration or in the state directory.
//!
//! Each subject has a file; here they come together behind the port. Transactions that read
//! before they write take the write lock at once: one that has to ask for it later fails when
//! another process wrote in between.

mod breaker;
mod column;
mod connect;
mod findings;
mod heals;
mod notes;
mod objects;
mod passes;
mod removals;

use std::path::Path;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{Sqlite, Transaction};

use super::place::OpenError;
use super::{FindingKey, Ledger, LedgerError, Result};
use crate::model::{
    Attempts, BreakerState, Corruption, Digest, Finding, LastFull, Removal, Repair, Sighting,
    SourceVerdict, Summary, Upload,
};
use connect::Pools;

/// What a statement or the reading of its columns gives; the port adds which ledger and action.
type Stored<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A ledger in one file, opened for one store.
pub(super) struct SqliteLedger {
    name: String,
    store: i64,
    pools: Pools,
}

impl SqliteLedger {
    /// Opens the file, which is made if absent, for the store with this identity. `name` is how
    /// errors call the ledger.
    pub(super) async fn open(
        file: &Path,
        name: String,
        identity: &str,
    ) -> std::result::Result<Self, OpenError> {
        let pools = connect::connect(file).await?;
        let store = store_id(&pools, identity)
            .await
            .map_err(|source| OpenError::Database { path: file.to_owned(), source })?;
        Ok(Self { name, store, pools })
    }

    /// A transaction that holds the write lock from its start.
    async fn writing(&self) -> Stored<Transaction<'static, Sqlite>> {
        Ok(self.pools.write.begin_with("BEGIN IMMEDIATE").await?)
    }

    async fn keep_pass(
        &self,
        summary: &Summary,
        findings: &[(FindingKey, Finding)],
        full: bool,
    ) -> Stored<()> {
        let mut transaction = self.writing().await?;
        passes::insert(&mut transaction, self.store, summary, full).await?;
        findings::upsert(&mut transaction, self.store, summary, findings).await?;
        if full {
            findings::close_unseen(&mut transaction, self.store, summary).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn keep_sightings(&self, sightings: &[Sighting]) -> Stored<()> {
        let mut transaction = self.writing().await?;
        objects::put_sightings(&mut transaction, self.store, sightings).await?;
        Ok(transaction.commit().await?)
    }

    async fn drop_sightings(&self, prefix: &str, seen: &[String]) -> Stored<()> {
        let mut transaction = self.writing().await?;
        objects::retain_sightings(&mut transaction, self.store, prefix, seen).await?;
        Ok(transaction.commit().await?)
    }

    async fn forget_before(&self, before: DateTime<Utc>) -> Stored<u64> {
        let before = column::time(before);
        let mut transaction = self.writing().await?;
        let passes = passes::prune(&mut transaction, self.store, &before).await?;
        let findings = findings::prune(&mut transaction, self.store, &before).await?;
        let repairs = heals::prune(&mut transaction, self.store, &before).await?;
        let removals = removals::prune(&mut transaction, self.store, &before).await?;
        objects::prune_sightings(&mut transaction, self.store, &before).await?;
        transaction.commit().await?;
        Ok([findings, repairs, removals].into_iter().fold(passes, u64::saturating_add))
    }

    fn told<T>(&self, action: &'static str, done: Stored<T>) -> Result<T> {
        done.map_err(|source| LedgerError { ledger: self.name.clone(), action, source })
    }
}

async fn store_id(pools: &Pools, identity: &str) -> std::result::Result<i64, sqlx::Error> {
    let find = "SELECT id FROM stores WHERE identity = ?";
    let found: Option<i64> =
        sqlx::query_scalar(find).bind(identity).fetch_optional(&pools.read).await?;
    if let Some(id) = found {
        return Ok(id);
    }
    let insert = "INSERT INTO stores (identity) VALUES (?) ON CONFLICT DO NOTHING";
    sqlx::query(insert).bind(identity).execute(&pools.write).await?;
    sqlx::query_scalar(find).bind(identity).fetch_one(&pools.read).await
}

#[async_trait]
impl Ledger for SqliteLedger {
    async fn record_pass(
        &self,
        summary: &Summary,
        findings: &[(FindingKey, Finding)],
        full: bool,
    ) -> Result<()> {
        self.told("record the pass", self.keep_pass(summary, findings, full).await)
    }

    async fn first_seen(&self, keys: &[FindingKey]) -> Result<Vec<Option<DateTime<Utc>>>> {
        let found = findings::first_seen(&self.pools.read, self.store, keys).await;
        self.told("look up findings", found)
    }

    async fn last_full(&self) -> Result<Option<LastFull>> {
        let found = passes::last_full(&self.pools.read, self.store).await;
        self.told("look up the last full pass", found)
    }

    async fn passes(&self, limit: u32) -> Result<Vec<Summary>> {
        let found = passes::newest(&self.pools.read, self.store, limit).await;
        self.told("read the passes", found)
    }

    async fn findings(&self, limit: u32) -> Result<Vec<Finding>> {
        let found = findings::standing(&self.pools.read, self.store, limit).await;
        self.told("read the findings", found)
    }

    async fn prune(&self, before: DateTime<Utc>) -> Result<u64> {
        self.told("forget what is old", self.forget_before(before).await)
    }

    async fn corruptions(&self) -> Result<Vec<Corruption>> {
        let found = objects::corruptions(&self.pools.read, self.store).await;
        self.told("read the corruptions", found)
    }

    async fn put_corruption(&self, corruption: &Corruption) -> Result<()> {
        let done = objects::put_corruption(&self.pools.write, self.store, corruption).await;
        self.told("keep a corruption", done)
    }

    async fn clear_corruption(&self, key: &str) -> Result<()> {
        let done = objects::clear_corruption(&self.pools.write, self.store, key).await;
        self.told("forget a corruption", done)
    }

    async fn sightings(&self, keys: &[String]) -> Result<Vec<Sighting>> {
        let found = objects::sightings(&self.pools.read, self.store, keys).await;
        self.told("look up orphans", found)
    }

    async fn put_sightings(&self, sightings: &[Sighting]) -> Result<()> {
        self.told("keep the orphans", self.keep_sightings(sightings).await)
    }

    async fn retain_sightings(&self, prefix: &str, seen: &[String]) -> Result<()> {
        self.told("forget orphans", self.drop_sightings(prefix, seen).await)
    }

    async fn attempts(&self, digests: &[Digest]) -> Result<Vec<(Digest, Attempts)>> {
        let found = heals::attempts(&self.pools.read, self.store, digests).await;
        self.told("look up attempts", found)
    }

    async fn put_attempts(&self, digest: &Digest, attempts: Option<&Attempts>) -> Result<()> {
        let done = heals::put_attempts(&self.pools.write, self.store, digest, attempts).await;
        self.told("keep an attempt", done)
    }

    async fn verdicts(&self) -> Result<Vec<SourceVerdict>> {
        let found = heals::verdicts(&self.pools.read, self.store).await;
        self.told("read the verdicts on sources", found)
    }

    async fn put_verdict(&self, verdict: &SourceVerdict) -> Result<()> {
        let done = heals::put_verdict(&self.pools.write, self.store, verdict).await;
        self.told("keep a verdict on a source", done)
    }

    async fn clear_verdicts(&self, digest: &Digest) -> Result<()> {
        let done = heals::clear_verdicts(&self.pools.write, self.store, digest).await;
        self.told("forget verdicts on sources", done)
    }

    async fn record_repair(&self, pass_id: &str, at: DateTime<Utc>, repair: &Repair) -> Result<()> {
        let done = heals::record_repair(&self.pools.write, self.store, pass_id, at, repair).await;
        self.told("record a repair", done)
    }

    async fn repairs(&self, digest: &Digest, limit: u32) -> Result<Vec<(DateTime<Utc>, Repair)>> {
        let found = heals::repairs(&self.pools.read, self.store, digest, limit).await;
        self.told("read the repairs", found)
    }

    async fn record_removal(&self, removal: &Removal) -> Result<()> {
        let done = removals::record(&self.pools.write, self.store, removal).await;
        self.told("record a removal", done)
    }

    async fn removals(&self, limit: u32) -> Result<Vec<Removal>> {
        let found = removals::newest(&self.pools.read, self.store, limit).await;
        self.told("read the removals", found)
    }

    async fn uploads(&self) -> Result<Vec<Upload>> {
        let found = heals::uploads(&self.pools.read, self.store).await;
        self.told("read the uploads under way", found)
    }

    async fn upload_begun(&self, upload: &Upload, at: DateTime<Utc>) -> Result<()> {
        let done = heals::upload_begun(&self.pools.write, self.store, upload, at).await;
        self.told("write down an upload", done)
    }

    async fn upload_ended(&self, upload: &Upload) -> Result<()> {
        let done = heals::upload_ended(&self.pools.write, self.store, upload).await;
        self.told("forget an upload", done)
    }

    async fn breaker(&self) -> Result<Option<BreakerState>> {
        self.told("read the breaker", breaker::get(&self.pools.read, self.store).await)
    }

    async fn set_breaker(&self, state: Option<&BreakerState>) -> Result<()> {
        self.told("set the breaker", breaker::set(&self.pools.write, self.store, state).await)
    }

    async fn note(&self, name: &str) -> Result<Option<String>> {
        self.told("read a note", notes::get(&self.pools.read, self.store, name).await)
    }

    async fn set_note(&self, name: &str, text: Option<&str>) -> Result<()> {
        self.told("write a note", notes::set(&self.pools.write, self.store, name, text).await)
    }
}
