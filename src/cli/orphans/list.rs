//! `restock orphans list`: what the ledger knows.

use std::collections::{HashMap, HashSet};

use crate::cli::Context;
use crate::cli::world::World;
use crate::model::{FindingKind, PassError, RemovalResult};
use crate::report::{Format, OrphanView, OrphansView};

pub(super) async fn list(
    flagged: bool,
    output: Format,
    context: &mut Context<'_>,
) -> anyhow::Result<u8> {
    let world = context.open_silent().await?;
    let mut view = view(&world).await?;
    view.orphans.retain(|orphan| !flagged || orphan.is_flagged());
    view.write(output, &context.text, &mut context.stdout)?;
    Ok(0)
}

async fn view(world: &World) -> anyhow::Result<OrphansView> {
    let ledger = &world.ledger;
    let last_full = ledger.last_full_summary().await?;
    let as_of = last_full.as_ref().map(|last| last.finished_at);
    // What was taken away since that pass, which did not see it go.
    let removals = ledger.removals(u32::MAX).await?;
    let gone: HashSet<_> = removals
        .into_iter()
        .filter(|removal| {
            matches!(removal.result, RemovalResult::Moved | RemovalResult::Deleted)
                && as_of.is_none_or(|as_of| removal.at > as_of)
        })
        .map(|removal| removal.key)
        .collect();
    let mut findings = ledger.findings(u32::MAX).await?;
    findings.retain(|finding| {
        finding.kind == FindingKind::Orphan
            && finding.key.as_ref().is_none_or(|key| !gone.contains(key))
    });
    let keys: Vec<_> = findings.iter().filter_map(|finding| finding.key.clone()).collect();
    let sightings: HashMap<_, _> =
        ledger.sightings(&keys).await?.into_iter().map(|s| (s.key.clone(), s)).collect();
    let orphans = findings.into_iter().map(|finding| {
        let sighting = finding.key.as_ref().and_then(|key| sightings.get(key));
        OrphanView::new(finding, sighting)
    });
    let mut errors = last_full.map(|last| last.errors).unwrap_or_default();
    errors.retain(PassError::only_holds_orphans);
    Ok(OrphansView { orphans: orphans.collect(), as_of, errors })
}
