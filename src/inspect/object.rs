//! One object: its rows, its key in the store, its sources, attempts and repairs.

use crate::model::{
    Attempts, Cause, Collection, Digest, Finding, FindingKind, RepairResult, SourceVerdict,
    Sources, Verdict, error_chain,
};
use crate::plan::{next_try, switched_off};
use crate::report::{ObjectState, ObjectView, PastRepair, PlaceView, RowView, SourceView};
use crate::store::{Certainty, Prober, StoreError};

use super::{InspectError, Inspector};

/// Repairs that are told of one object.
const REPAIRS_TOLD: u32 = 20;

impl Inspector {
    /// All that is known of one digest: rows, key, object, sources, attempts, repairs.
    pub async fn object(&self, digest: Digest) -> Result<ObjectView, InspectError> {
        let ledger = &self.ledger;
        let verdicts = ledger.verdicts().await?;
        let mut places = Vec::new();
        let prober = Prober::new(&*self.store).await;
        for collection in self.catalog.collections() {
            places.push(self.place(collection, digest, &verdicts, prober.as_ref()).await?);
        }
        let wanted: Vec<_> =
            places.iter().filter(|place| !place.rows.is_empty()).cloned().collect();
        let attempts = ledger.attempts(&[digest]).await?.pop().map(|(_, attempts)| attempts);
        let repairs = ledger.repairs(&digest, REPAIRS_TOLD).await?;
        let findings = ledger.findings_of(&digest).await?;
        let removals = ledger.removals_of(&digest).await?;
        let now = self.clock.now();
        let asked = wanted.iter().flat_map(|place| &place.sources).any(|source| !drifted(source));
        let next = attempts.as_ref().and_then(|a| next_try(a, &self.heal, now));
        Ok(ObjectView {
            digest,
            held: self.held(attempts.as_ref(), &wanted, cause_of(&findings)).await?,
            places: if wanted.is_empty() { places } else { wanted },
            findings,
            next_try: next.filter(|at| *at > now && asked),
            attempts,
            removals,
            repairs: repairs.into_iter().map(|(at, repair)| PastRepair { at, repair }).collect(),
        })
    }

    async fn place(
        &self,
        collection: &Collection,
        digest: Digest,
        verdicts: &[SourceVerdict],
        prober: Result<&Prober<'_>, &StoreError>,
    ) -> Result<PlaceView, InspectError> {
        let key = collection.key.render(&digest);
        let certainty = match prober {
            Ok(prober) => prober.ask(&key).await,
            Err(error) => Certainty::Unknown(error_chain(error)),
        };
        let object = match certainty {
            Certainty::Present(meta) => meta.into(),
            Certainty::Absent => ObjectState::Absent,
            Certainty::Unknown(cause) => ObjectState::Unknown { cause },
        };
        let rows = self.catalog.rows(collection, &[digest]).await?;
        let mut sources: Vec<SourceView> = Vec::new();
        for url in Sources::of_rows(&rows) {
            let id = SourceVerdict::id_of(url);
            let verdict = verdicts.iter().find(|v| v.digest == digest && v.source_id == id);
            let view = SourceView::new(url, verdict.cloned());
            if !sources.contains(&view) {
                sources.push(view);
            }
        }
        Ok(PlaceView {
            collection: collection.name.clone(),
            key,
            object,
            rows: rows.iter().map(RowView::from).collect(),
            sources,
        })
    }

    /// Why a heal would hold it, or not ask its sources.
    async fn held(
        &self,
        attempts: Option<&Attempts>,
        places: &[PlaceView],
        cause: Cause,
    ) -> Result<Option<String>, InspectError> {
        if places.is_empty() {
            // No row wants it, and so nothing would ever heal it.
            return Ok(None);
        }
        if self.ledger.breaker().await?.is_some_and(|state| state.is_open()) {
            return Ok(Some("the breaker is open: see `restock breaker show`".to_owned()));
        }
        let off = |place: &PlaceView| {
            let of_it = |c: &&Collection| c.name == place.collection;
            let collection = self.catalog.collections().iter().find(of_it);
            switched_off(&self.heal, collection.is_none_or(|c| c.heal), cause).is_some()
        };
        if places.iter().any(off) {
            return Ok(Some("healing is off for it".to_owned()));
        }
        let mut sources = places.iter().flat_map(|place| &place.sources).peekable();
        if sources.peek().is_some() && sources.all(drifted) {
            let why = "every source serves other bytes: none is asked before its row changes";
            return Ok(Some(why.to_owned()));
        }
        let failed =
            attempts.filter(|a| a.last_result != Some(RepairResult::Held) && a.failures > 0);
        let now = self.clock.now();
        let waits = failed.and_then(|a| next_try(a, &self.heal, now)).filter(|at| *at > now);
        Ok(waits.map(|at| {
            let at = at.format("%Y-%m-%d %H:%M:%S UTC");
            format!("it failed, and the daemon waits until {at}; a one-shot heal does not wait")
        }))
    }
}

/// Whether a source is not asked again before its row changes.
fn drifted(source: &SourceView) -> bool {
    source.verdict().is_some_and(|verdict| verdict.verdict == Verdict::Drifted)
}

/// Why a heal would act on an object against which these findings stand.
fn cause_of(findings: &[Finding]) -> Cause {
    let corrupt = findings.iter().any(|finding| finding.kind == FindingKind::Corrupt);
    if corrupt { Cause::Corrupt } else { Cause::Missing }
}
