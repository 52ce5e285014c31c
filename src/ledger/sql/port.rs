//! The port, of which each method names its action for errors.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{SqlLedger, passes};
use crate::ledger::{Fence, FindingCursor, FindingKey, Ledger, Page, PassCursor, Result};
use crate::model::{
    Acceptance, Attempts, BreakerState, Corruption, Digest, Finding, FindingCount, FindingKind,
    LastFull, PassTotals, Publishing, Removal, Repair, Sighting, SourceVerdict, Summary, Upload,
};

#[async_trait]
impl Ledger for SqlLedger {
    fn remarks(&self) -> &[String] {
        &self.opened.remarks
    }

    fn fenced(&self, fence: &Fence) -> Arc<dyn Ledger> {
        Arc::new(Self { fence: Some(fence.clone()), ..self.clone() })
    }

    async fn record_pass(
        &self,
        summary: &Summary,
        findings: &[(FindingKey, Finding)],
        full: bool,
    ) -> Result<()> {
        self.told("record the pass", self.keep_pass(summary, findings, full).await)
    }

    async fn first_seen(&self, keys: &[FindingKey]) -> Result<Vec<Option<DateTime<Utc>>>> {
        self.told("look up findings", self.read_first_seen(keys).await)
    }

    async fn last_full(&self) -> Result<Option<LastFull>> {
        Ok(self.last_full_summary().await?.and_then(passes::last_full))
    }

    async fn last_full_summary(&self) -> Result<Option<Summary>> {
        self.told("look up the last full pass", self.read_last_full().await)
    }

    async fn pass_totals(&self) -> Result<Vec<PassTotals>> {
        self.told("read the totals of passes", self.read_totals().await)
    }

    async fn passes_page(
        &self,
        after: Option<&PassCursor>,
        limit: u32,
    ) -> Result<Page<Summary, PassCursor>> {
        self.told("read the passes", self.read_passes(after, limit).await)
    }

    async fn findings_page(
        &self,
        kind: Option<FindingKind>,
        after: Option<&FindingCursor>,
        limit: u32,
    ) -> Result<Page<Finding, FindingCursor>> {
        self.told("read the findings", self.read_findings(kind, after, limit).await)
    }

    async fn findings_of(&self, digest: &Digest) -> Result<Vec<Finding>> {
        self.told("read the findings of an object", self.read_findings_of(digest).await)
    }

    async fn finding_counts(&self) -> Result<Vec<FindingCount>> {
        self.told("count the findings", self.read_finding_counts().await)
    }

    async fn prune(&self, before: DateTime<Utc>) -> Result<u64> {
        self.told("forget what is old", self.forget_before(before).await)
    }

    async fn corruptions(&self) -> Result<Vec<Corruption>> {
        self.told("read the corruptions", self.read_corruptions().await)
    }

    async fn put_corruption(&self, corruption: &Corruption) -> Result<()> {
        self.told("keep a corruption", self.write_corruption(corruption).await)
    }

    async fn clear_corruption(&self, key: &str) -> Result<()> {
        self.told("forget a corruption", self.forget_corruption(key).await)
    }

    async fn sightings(&self, keys: &[String]) -> Result<Vec<Sighting>> {
        self.told("look up orphans", self.read_sightings(keys).await)
    }

    async fn put_sightings(&self, sightings: &[Sighting]) -> Result<()> {
        self.told("keep the orphans", self.write_sightings(sightings).await)
    }

    async fn retain_sightings(&self, prefix: &str, seen: &[String]) -> Result<()> {
        self.told("forget orphans", self.keep_sightings_of(prefix, seen).await)
    }

    async fn attempts(&self, digests: &[Digest]) -> Result<Vec<(Digest, Attempts)>> {
        self.told("look up attempts", self.read_attempts(digests).await)
    }

    async fn pending_attempts(
        &self,
        after: Option<&Digest>,
        limit: u32,
    ) -> Result<Vec<(Digest, Attempts)>> {
        self.told("look up attempts", self.read_pending(after, limit).await)
    }

    async fn put_attempts(&self, digest: &Digest, attempts: Option<&Attempts>) -> Result<()> {
        self.told("keep an attempt", self.write_attempts(digest, attempts).await)
    }

    async fn verdicts(&self) -> Result<Vec<SourceVerdict>> {
        self.told("read the verdicts on sources", self.read_verdicts().await)
    }

    async fn put_verdict(&self, verdict: &SourceVerdict) -> Result<()> {
        self.told("keep a verdict on a source", self.write_verdict(verdict).await)
    }

    async fn clear_verdicts(&self, digest: &Digest) -> Result<()> {
        self.told("forget verdicts on sources", self.forget_verdicts(digest).await)
    }

    async fn publishings(&self) -> Result<Vec<Publishing>> {
        self.told("read what was about to be published", self.read_publishings().await)
    }

    async fn publish_begun(&self, publishing: &Publishing) -> Result<()> {
        self.told("write down what is to be published", self.write_publishing(publishing).await)
    }

    async fn publish_failed(&self, key: &str) -> Result<()> {
        self.told("forget what was to be published", self.forget_publishing(key).await)
    }

    async fn record_repair(&self, pass_id: &str, at: DateTime<Utc>, repair: &Repair) -> Result<()> {
        self.told("record a repair", self.write_repair(pass_id, at, repair).await)
    }

    async fn repairs(&self, digest: &Digest, limit: u32) -> Result<Vec<(DateTime<Utc>, Repair)>> {
        self.told("read the repairs", self.read_repairs(digest, limit).await)
    }

    async fn record_removal(&self, removal: &Removal) -> Result<()> {
        self.told("record a removal", self.write_removal(removal).await)
    }

    async fn removals(&self, limit: u32) -> Result<Vec<Removal>> {
        self.told("read the removals", self.read_removals(limit).await)
    }

    async fn removals_of(&self, digest: &Digest) -> Result<Vec<Removal>> {
        self.told("read the removals of an object", self.read_removals_of(digest).await)
    }

    async fn uploads(&self) -> Result<Vec<Upload>> {
        self.told("read the uploads under way", self.read_uploads().await)
    }

    async fn upload_begun(&self, upload: &Upload, at: DateTime<Utc>) -> Result<()> {
        self.told("write down an upload", self.write_upload(upload, at).await)
    }

    async fn upload_ended(&self, upload: &Upload) -> Result<()> {
        self.told("forget an upload", self.forget_upload(upload).await)
    }

    async fn breaker(&self) -> Result<Option<BreakerState>> {
        self.told("read the breaker", self.read_breaker().await)
    }

    async fn swap_breaker(
        &self,
        before: Option<&BreakerState>,
        after: Option<&BreakerState>,
    ) -> Result<bool> {
        self.told("set the breaker", self.swap_breaker_state(before, after).await)
    }

    async fn note(&self, name: &str) -> Result<Option<String>> {
        self.told("read a note", self.read_note(name).await)
    }

    async fn set_note(&self, name: &str, text: Option<&str>) -> Result<()> {
        self.told("write a note", self.write_note(name, text).await)
    }

    async fn accepted(&self) -> Result<Vec<Acceptance>> {
        self.told("read the accepted losses", self.read_accepted().await)
    }

    async fn put_accepted(&self, accepted: &Acceptance) -> Result<()> {
        self.told("keep an accepted loss", self.write_accepted(accepted).await)
    }

    async fn clear_accepted(&self, digest: &Digest) -> Result<()> {
        self.told("forget an accepted loss", self.forget_accepted(digest).await)
    }
}
