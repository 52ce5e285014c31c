//! `restock orphans plan`: an audit of everything, and what it flags as a plan.

use std::collections::HashMap;

use futures::StreamExt;

use crate::cli::args::OrphansPlanArgs;
use crate::cli::removing::refused;
use crate::cli::world::World;
use crate::cli::{Context, UsageError, outputs, plan_file};
use crate::model::{Command, Finding, FindingKind, Outcome, Sighting, Slice, error_chain, reason};
use crate::pass::{FailOn, PassReport, Request, Restraint};
use crate::plan::{Disposal, OrphanEntry, OrphansPlan, PlanIdentity};
use crate::report::{self, escape};
use crate::store::Probe;

pub(super) async fn plan(args: &OrphansPlanArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    outputs::check([args.out.as_path()], context)?;
    let world = context.open().await?;
    world.selected(&args.collection)?;
    let action = if args.delete { Disposal::Delete } else { Disposal::Quarantine };
    needs_quarantine(&world, action)?;
    // All of it, also for one collection: a part cannot tell whether the inventory shrank.
    let report = world.auditor().audit(&whole()).await?;
    for error in &report.summary.errors {
        let subject = error.subject.as_deref().map(|s| format!(" [{s}]")).unwrap_or_default();
        let line = format!("{}{subject}: {}", error.code, error.message);
        writeln!(context.stderr, "restock: {}", escape(&line))?;
    }
    if report.summary.outcome == Outcome::Failed {
        writeln!(context.stderr, "restock: error: the audit could not finish: there is no plan")?;
        return Ok(Outcome::Failed.exit_code());
    }
    if report.summary.breaker.is_some() {
        let why = "the breaker is open, and no orphan is flagged: see `restock breaker show`";
        return Ok(refused(why, context)?);
    }
    let (entries, dropped) = entries(&world, &report, &args.collection).await?;
    for why in dropped {
        writeln!(context.stderr, "restock: left out: {}", escape(&why))?;
    }
    let plan = OrphansPlan::new(
        uuid::Uuid::now_v7().to_string(),
        &report.summary.pass_id,
        world.clock.now(),
        identity(&world),
        action,
        entries,
    );
    context.phase.writing();
    plan_file::write(&args.out, &plan)?;
    let shown = args.out.display().to_string();
    writeln!(context.stderr, "plan written to {shown}")?;
    report::orphans_plan_table(&plan, &shown, &context.text, &mut context.stdout)?;
    let doubt = !report.summary.errors.is_empty();
    Ok(if doubt { Outcome::Incomplete } else { Outcome::Clean }.exit_code())
}

fn whole() -> Request {
    Request {
        command: Command::Audit,
        collections: Vec::new(),
        slice: Slice::WHOLE,
        deep: None,
        digests: None,
        replace_unreadable: false,
        fail_on: FailOn::default(),
        restraint: Restraint::default(),
    }
}

pub(super) fn identity(world: &World) -> PlanIdentity {
    PlanIdentity {
        catalog: world.catalog.identity().to_owned(),
        store: world.store.identity().to_owned(),
    }
}

/// Moving needs a place to move to.
pub(super) fn needs_quarantine(world: &World, action: Disposal) -> Result<(), UsageError> {
    if action == Disposal::Quarantine && world.config.options.heal.quarantine.is_empty() {
        return Err(UsageError::new(
            "`heal.quarantine` is empty: there is nowhere to move orphans to",
            "set it, or write --delete to delete them for good",
        ));
    }
    Ok(())
}

/// The flagged orphans with the version that is there now, and why others were left out.
async fn entries(
    world: &World,
    report: &PassReport,
    collections: &[String],
) -> anyhow::Result<(Vec<OrphanEntry>, Vec<String>)> {
    let of_plan = |finding: &&Finding| {
        finding.kind == FindingKind::Orphan
            && finding.reason.as_deref() == Some(reason::FLAGGED)
            && (collections.is_empty() || collections.contains(&finding.collection))
    };
    let flagged: Vec<_> = report.findings.iter().filter(of_plan).collect();
    let keys: Vec<_> = flagged.iter().filter_map(|finding| finding.key.clone()).collect();
    let sightings: HashMap<_, _> = world
        .ledger
        .sightings(&keys)
        .await?
        .into_iter()
        .map(|sighting| (sighting.key.clone(), sighting))
        .collect();
    let looks = flagged.into_iter().map(|finding| entry(world, finding, &sightings));
    let concurrency = world.config.options.audit.concurrency.max(1);
    let looks: Vec<_> = futures::stream::iter(looks).buffered(concurrency).collect().await;
    let (mut entries, mut dropped) = (Vec::new(), Vec::new());
    for look in looks {
        match look {
            Ok(entry) => entries.push(entry),
            Err(why) => dropped.push(why),
        }
    }
    Ok((entries, dropped))
}

/// Looks at an orphan once more: the plan names the very version that is there.
async fn entry(
    world: &World,
    finding: &Finding,
    sightings: &HashMap<String, Sighting>,
) -> Result<OrphanEntry, String> {
    let (Some(key), Some(digest)) = (&finding.key, finding.digest) else {
        return Err(format!("{}: it has no key", finding.detail));
    };
    let version = match world.store.probe(key).await {
        Probe::Present(version) => version,
        Probe::Absent => return Err(format!("{key}: it is gone already")),
        Probe::Unknown(error) => return Err(format!("{key}: {}", error_chain(&error))),
    };
    let grace = world.config.options.orphans.grace.delta();
    let old = version.modified.is_some_and(|at| world.clock.now() - at > grace);
    if !old || finding.observed_size != Some(version.size) {
        return Err(format!("{key}: it was written again meanwhile"));
    }
    let sighting = sightings.get(key);
    Ok(OrphanEntry {
        collection: finding.collection.clone(),
        key: key.clone(),
        digest,
        size: version.size,
        etag: version.etag,
        modified: version.modified,
        first_seen: finding.first_seen,
        sightings: sighting.map_or(0, |sighting| sighting.sightings),
        reason: reason::FLAGGED.to_owned(),
        detail: finding.detail.clone(),
    })
}
