//! `restock show` and `restock status`: what is known, without changing anything.

use chrono::{DateTime, Utc};

use crate::model::{Attempts, Collection, Digest, RepairResult, Sources, Verdict, error_chain};
use crate::plan::next_try;
use crate::report::{
    ObjectState, ObjectView, PastRepair, PlaceView, RowView, SourceView, Standing, StatusView,
};
use crate::store::Probe;

use super::world::World;

/// Repairs that are told of one object.
const REPAIRS_TOLD: u32 = 20;

/// Passes that are told.
const PASSES_TOLD: u32 = 10;

/// Objects whose heals are looked through at once.
const ATTEMPTS_AT_ONCE: u32 = 1_000;

/// All that is known of one digest: rows, key, object, sources, attempts, repairs.
pub(super) async fn object(world: &World, digest: Digest) -> anyhow::Result<ObjectView> {
    let ledger = &world.ledger;
    let mut places = Vec::new();
    for collection in world.catalog.collections() {
        places.push(place(world, collection, digest).await?);
    }
    let wanted: Vec<_> = places.iter().filter(|place| !place.rows.is_empty()).cloned().collect();
    let attempts = ledger.attempts(&[digest]).await?.pop().map(|(_, attempts)| attempts);
    let repairs = ledger.repairs(&digest, REPAIRS_TOLD).await?;
    let findings = ledger.findings_of(&digest).await?;
    let next = attempts.as_ref().and_then(|a| next_try(a, &world.config.options.heal));
    Ok(ObjectView {
        digest,
        held: held(world, attempts.as_ref(), &wanted).await?,
        places: if wanted.is_empty() { places } else { wanted },
        findings,
        next_try: next.filter(|at| *at > world.clock.now()),
        attempts,
        repairs: repairs.into_iter().map(|(at, repair)| PastRepair { at, repair }).collect(),
    })
}

async fn place(
    world: &World,
    collection: &Collection,
    digest: Digest,
) -> anyhow::Result<PlaceView> {
    let key = collection.key.render(&digest);
    let object = match world.store.probe(&key).await {
        Probe::Present(meta) => meta.into(),
        Probe::Absent => ObjectState::Absent,
        Probe::Unknown(error) => ObjectState::Unknown { cause: error_chain(&error) },
    };
    let rows = world.catalog.rows(collection, &[digest]).await?;
    let verdicts = world.ledger.verdicts().await?;
    let mut sources: Vec<SourceView> = Vec::new();
    for url in Sources::of_rows(&rows) {
        let id = crate::model::SourceVerdict::id_of(url);
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
    world: &World,
    attempts: Option<&Attempts>,
    places: &[PlaceView],
) -> anyhow::Result<Option<String>> {
    if places.is_empty() {
        // No row wants it, and so nothing would ever heal it.
        return Ok(None);
    }
    if world.ledger.breaker().await?.is_some_and(|state| state.is_open()) {
        return Ok(Some("the breaker is open: see `restock breaker show`".to_owned()));
    }
    let off = |place: &PlaceView| {
        let collections = world.catalog.collections();
        collections.iter().any(|c| c.name == place.collection && !c.heal)
    };
    if !world.config.options.heal.enabled || places.iter().any(off) {
        return Ok(Some("healing is off for it".to_owned()));
    }
    let drifted = |source: &SourceView| {
        source.verdict().is_some_and(|verdict| verdict.verdict == Verdict::Drifted)
    };
    let mut sources = places.iter().flat_map(|place| &place.sources).peekable();
    if sources.peek().is_some() && sources.all(drifted) {
        let why = "every source serves other bytes: none is asked before its row changes";
        return Ok(Some(why.to_owned()));
    }
    let failed = attempts.filter(|a| a.last_result != Some(RepairResult::Held) && a.failures > 0);
    let next = failed.and_then(|a| next_try(a, &world.config.options.heal));
    let waits = next.filter(|at| *at > world.clock.now());
    Ok(waits.map(|at| {
        let at = at.format("%Y-%m-%d %H:%M:%S UTC");
        format!("it failed, and the daemon waits until {at}; a one-shot heal does not wait")
    }))
}

/// What the ledger knows now.
pub(super) async fn status(world: &World) -> anyhow::Result<StatusView> {
    let ledger = &world.ledger;
    let pending = pending(world).await?;
    Ok(StatusView {
        store: world.store.identity().to_owned(),
        passes: ledger.passes(PASSES_TOLD).await?,
        standing: Standing::of(&ledger.finding_counts().await?),
        breaker: ledger.breaker().await?,
        heals_pending: pending.count,
        next_heal_at: pending.next_at,
        uploads: u64::try_from(ledger.uploads().await?.len()).unwrap_or(u64::MAX),
    })
}

/// Objects whose heal failed, and when the first is tried again.
#[derive(Default)]
struct Pending {
    count: u64,
    next_at: Option<DateTime<Utc>>,
}

async fn pending(world: &World) -> anyhow::Result<Pending> {
    let (mut pending, mut after) = (Pending::default(), None);
    loop {
        let page = world.ledger.pending_attempts(after.as_ref(), ATTEMPTS_AT_ONCE).await?;
        let Some((last, _)) = page.last() else { return Ok(pending) };
        after = Some(*last);
        for (_, attempts) in &page {
            let due = next_try(attempts, &world.config.options.heal);
            pending.count += 1;
            pending.next_at = pending.next_at.into_iter().chain(due).min();
        }
    }
}
