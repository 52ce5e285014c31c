//! The port. Where the ledgers in databases need several transactions for a method, it takes as
//! many steps here.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use restock::ledger::{Fence, FindingCursor, FindingKey, Ledger, Page, PassCursor};
use restock::model::{
    Acceptance, Attempts, BreakerState, Corruption, Digest, Finding, FindingCount, FindingKind,
    LastFull, PassTotals, Publishing, Removal, Repair, Sighting, SourceVerdict, Summary, Upload,
};

use super::state::State;
use super::{MemoryLedger, Result, page_of};
use crate::interference::Moment::{After, Before, Between};

#[async_trait]
impl Ledger for MemoryLedger {
    fn remarks(&self) -> &[String] {
        &[]
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
        const ACTION: &str = "record_pass";
        self.meet(Before, ACTION).await?;
        let before = self.state().passes.outcome_of(&summary.pass_id);
        self.meet(Between, ACTION).await?;
        self.transact(ACTION, |state| {
            state.keep_pass(summary, findings, full, before);
            Ok(())
        })?;
        self.meet(After, ACTION).await
    }

    async fn first_seen(&self, keys: &[FindingKey]) -> Result<Vec<Option<DateTime<Utc>>>> {
        const ACTION: &str = "first_seen";
        self.meet(Before, ACTION).await?;
        let mut times = vec![None; keys.len()];
        let mut is_first = true;
        for kind in FindingKind::ALL {
            let mut of_kind = times.iter_mut().zip(keys).filter(|(_, key)| key.kind == kind);
            let Some(first) = of_kind.next() else { continue };
            if !is_first {
                self.meet(Between, ACTION).await?;
            }
            is_first = false;
            let state = self.state();
            for (time, key) in std::iter::once(first).chain(of_kind) {
                *time = state.findings.first_seen(key);
            }
        }
        self.meet(After, ACTION).await?;
        Ok(times)
    }

    async fn last_full(&self) -> Result<Option<LastFull>> {
        self.look("last_full", |state| state.passes.last_full()).await
    }

    async fn last_full_summary(&self) -> Result<Option<Summary>> {
        self.look("last_full_summary", |state| state.passes.last_full_summary()).await
    }

    async fn pass_totals(&self) -> Result<Vec<PassTotals>> {
        self.look("pass_totals", |state| state.passes.totals()).await
    }

    async fn passes_page(
        &self,
        after: Option<&PassCursor>,
        limit: u32,
    ) -> Result<Page<Summary, PassCursor>> {
        self.look("passes_page", |state| state.passes.page(after, limit)).await
    }

    async fn findings_page(
        &self,
        kind: Option<FindingKind>,
        after: Option<&FindingCursor>,
        limit: u32,
    ) -> Result<Page<Finding, FindingCursor>> {
        const ACTION: &str = "findings_page";
        self.meet(Before, ACTION).await?;
        let more = usize::try_from(limit).unwrap().saturating_add(1);
        let mut found = Vec::new();
        let kinds = FindingKind::ALL.into_iter().filter(|one| kind.is_none_or(|kind| kind == *one));
        for kind in kinds.filter(|kind| after.is_none_or(|after| after.kind <= *kind)) {
            let left = more.saturating_sub(found.len());
            found.extend(self.state().findings.standing_of(kind, after, left));
            self.meet(Between, ACTION).await?;
        }
        self.meet(After, ACTION).await?;
        Ok(page_of(found.into_iter(), limit))
    }

    async fn findings_of(&self, digest: &Digest) -> Result<Vec<Finding>> {
        self.look("findings_of", |state| state.findings.of(digest)).await
    }

    async fn finding_counts(&self) -> Result<Vec<FindingCount>> {
        self.look("finding_counts", |state| state.findings.counts()).await
    }

    async fn prune(&self, before: DateTime<Utc>) -> Result<u64> {
        const ACTION: &str = "prune";
        self.meet(Before, ACTION).await?;
        let last_full = self.state().passes.last_full().map(|last| last.pass_id);
        self.meet(Between, ACTION).await?;
        let n_pruned =
            self.transact(ACTION, |state| Ok(state.prune(before, last_full.as_deref())))?;
        self.meet(Between, ACTION).await?;
        self.transact(ACTION, |state| {
            state.prune_the_rest(before);
            Ok(())
        })?;
        self.meet(After, ACTION).await?;
        Ok(n_pruned.try_into().unwrap())
    }

    async fn corruptions(&self) -> Result<Vec<Corruption>> {
        self.look("corruptions", |state| state.corruptions.values().cloned().collect()).await
    }

    async fn put_corruption(&self, corruption: &Corruption) -> Result<()> {
        self.change("put_corruption", |state| {
            // A column holds no more.
            i64::try_from(corruption.meta.size)?;
            state.corruptions.insert(corruption.key.clone(), corruption.clone());
            Ok(())
        })
        .await
    }

    async fn clear_corruption(&self, key: &str) -> Result<()> {
        self.change("clear_corruption", |state| {
            state.corruptions.remove(key);
            Ok(())
        })
        .await
    }

    async fn sightings(&self, keys: &[String]) -> Result<Vec<Sighting>> {
        self.look("sightings", |state| state.sightings_of(keys)).await
    }

    async fn put_sightings(&self, sightings: &[Sighting]) -> Result<()> {
        self.change("put_sightings", |state| {
            let new = sightings.iter().map(|sighting| (sighting.key.clone(), sighting.clone()));
            state.sightings.extend(new);
            Ok(())
        })
        .await
    }

    async fn retain_sightings(&self, prefix: &str, seen: &[String]) -> Result<()> {
        const ACTION: &str = "retain_sightings";
        self.meet(Before, ACTION).await?;
        let gone = self.state().sighted_no_more(prefix, seen);
        if !gone.is_empty() {
            self.meet(Between, ACTION).await?;
            self.transact(ACTION, |state| {
                for key in &gone {
                    state.sightings.remove(key);
                }
                Ok(())
            })?;
        }
        self.meet(After, ACTION).await
    }

    async fn attempts(&self, digests: &[Digest]) -> Result<Vec<(Digest, Attempts)>> {
        self.look("attempts", |state| state.attempts_of(digests)).await
    }

    async fn pending_attempts(
        &self,
        after: Option<&Digest>,
        limit: u32,
    ) -> Result<Vec<(Digest, Attempts)>> {
        self.look("pending_attempts", |state| state.pending_attempts(after, limit)).await
    }

    async fn put_attempts(&self, digest: &Digest, attempts: Option<&Attempts>) -> Result<()> {
        self.change("put_attempts", |state| {
            state.keep_attempts(digest, attempts);
            Ok(())
        })
        .await
    }

    async fn verdicts(&self) -> Result<Vec<SourceVerdict>> {
        self.look("verdicts", |state| state.verdicts.values().cloned().collect()).await
    }

    async fn put_verdict(&self, verdict: &SourceVerdict) -> Result<()> {
        self.change("put_verdict", |state| {
            state.keep_verdict(verdict);
            Ok(())
        })
        .await
    }

    async fn clear_verdicts(&self, digest: &Digest) -> Result<()> {
        self.change("clear_verdicts", |state| {
            state.verdicts.retain(|(of, _), _| of != digest);
            Ok(())
        })
        .await
    }

    async fn publishings(&self) -> Result<Vec<Publishing>> {
        self.look("publishings", |state| state.publishings.values().cloned().collect()).await
    }

    async fn publish_begun(&self, publishing: &Publishing) -> Result<()> {
        self.change("publish_begun", |state| {
            state.publishings.insert(publishing.repair.key.clone(), publishing.clone());
            Ok(())
        })
        .await
    }

    async fn publish_failed(&self, key: &str) -> Result<()> {
        self.change("publish_failed", |state| {
            state.publishings.remove(key);
            Ok(())
        })
        .await
    }

    async fn record_repair(&self, _: &str, at: DateTime<Utc>, repair: &Repair) -> Result<()> {
        self.change("record_repair", |state| {
            state.keep_repair(at, repair);
            Ok(())
        })
        .await
    }

    async fn repairs(&self, digest: &Digest, limit: u32) -> Result<Vec<(DateTime<Utc>, Repair)>> {
        self.look("repairs", |state| state.repairs_of(digest, limit)).await
    }

    async fn record_removal(&self, removal: &Removal) -> Result<()> {
        self.change("record_removal", |state| {
            state.keep_removal(removal);
            Ok(())
        })
        .await
    }

    async fn removals(&self, limit: u32) -> Result<Vec<Removal>> {
        let mut newest = self.look("removals", |state| state.removals(|_| true)).await?;
        newest.truncate(limit.try_into().unwrap());
        Ok(newest)
    }

    async fn removals_of(&self, digest: &Digest) -> Result<Vec<Removal>> {
        self.look("removals_of", |state| state.removals(|one| one.digest == *digest)).await
    }

    async fn uploads(&self) -> Result<Vec<Upload>> {
        self.look("uploads", State::uploads).await
    }

    async fn upload_begun(&self, upload: &Upload, at: DateTime<Utc>) -> Result<()> {
        self.change("upload_begun", |state| {
            state.begin_upload(upload, at);
            Ok(())
        })
        .await
    }

    async fn upload_ended(&self, upload: &Upload) -> Result<()> {
        self.change("upload_ended", |state| {
            state.end_upload(upload);
            Ok(())
        })
        .await
    }

    async fn breaker(&self) -> Result<Option<BreakerState>> {
        self.look("breaker", |state| state.breaker.clone()).await
    }

    async fn swap_breaker(
        &self,
        before: Option<&BreakerState>,
        after: Option<&BreakerState>,
    ) -> Result<bool> {
        const ACTION: &str = "swap_breaker";
        self.meet(Before, ACTION).await?;
        let latched = self.state().breaker.clone();
        let is_known = latched.as_ref() == before;
        let swapped = if is_known && (latched.is_some() || after.is_some()) {
            self.meet(Between, ACTION).await?;
            self.transact(ACTION, |state| Ok(state.swap_breaker(latched.as_ref(), after)))?
        } else {
            is_known
        };
        self.meet(After, ACTION).await?;
        Ok(swapped)
    }

    async fn note(&self, name: &str) -> Result<Option<String>> {
        self.look("note", |state| state.notes.get(name).cloned()).await
    }

    async fn set_note(&self, name: &str, text: Option<&str>) -> Result<()> {
        self.change("set_note", |state| {
            match text {
                Some(text) => state.notes.insert(name.to_owned(), text.to_owned()),
                None => state.notes.remove(name),
            };
            Ok(())
        })
        .await
    }

    async fn accepted(&self) -> Result<Vec<Acceptance>> {
        self.look("accepted", |state| state.accepted.values().cloned().collect()).await
    }

    async fn put_accepted(&self, accepted: &Acceptance) -> Result<()> {
        self.change("put_accepted", |state| {
            state.accepted.insert(accepted.digest, accepted.clone());
            Ok(())
        })
        .await
    }

    async fn clear_accepted(&self, digest: &Digest) -> Result<()> {
        self.change("clear_accepted", |state| {
            state.accepted.remove(digest);
            Ok(())
        })
        .await
    }
}
