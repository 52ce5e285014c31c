//! `restock orphans apply` and `restock orphans restore`.

use std::path::Path;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};

use crate::cli::args::{OrphansApplyArgs, OrphansRestoreArgs};
use crate::cli::removing::{refused, remover};
use crate::cli::{Context, UsageError, outputs, plan_file};
use crate::model::{BreakerState, Outcome, Removal, RemovalResult};
use crate::plan::{Disposal, OrphansPlan};
use crate::removal::Record;
use crate::report::{Format, RemovalsView};

use super::plan::{identity, needs_quarantine};

const NO_PLAN: &str = "is no plan that `restock orphans plan` wrote";

pub(super) async fn apply(
    args: &OrphansApplyArgs,
    context: &mut Context<'_>,
) -> anyhow::Result<u8> {
    if args.file.exists() && !args.file.is_file() {
        let message =
            format!("{} is no file, beside which a record could lie", args.file.display());
        return Err(UsageError::new(message, "save the plan to a file, and apply that").into());
    }
    let path = Record::path_of(&args.file);
    outputs::check([path.as_path()], context)?;
    let plan: OrphansPlan = plan_file::read(&args.file, NO_PLAN)?;
    let world = context.open().await?;
    let here = identity(&world);
    if let Some(why) = plan.misfit(&here) {
        return Ok(refused(&format!("the plan does not fit: {why}"), context)?);
    }
    let n = u64::try_from(plan.entries.len()).unwrap_or(u64::MAX);
    if n > args.max_delete {
        let why = format!("the plan has {n} entries, and --max-delete allows {}", args.max_delete);
        return Ok(refused(&why, context)?);
    }
    let action = if args.delete { Disposal::Delete } else { plan.action };
    needs_quarantine(&world, action)?;
    let output = args.output.into();
    world
        .locked(args.wait_lock, async |world| {
            if world.ledger.breaker().await?.as_ref().is_some_and(BreakerState::is_open) {
                let why = "the breaker is open: see `restock breaker show`";
                return Ok(refused(why, context)?);
            }
            let began = world.clock.now();
            let mut record = Record::open(&path, &plan.plan_id, &here, began)?;
            let removals = remover(world).await?.apply(&plan, action, &mut record).await?;
            tell(done_by(removals, began), &record, output, context)
        })
        .await
}

pub(super) async fn restore(
    args: &OrphansRestoreArgs,
    context: &mut Context<'_>,
) -> anyhow::Result<u8> {
    let mut record = record_of(&args.file)?;
    let world = context.open().await?;
    if let Some(why) = record.identity().misfit(&identity(&world)) {
        return Ok(refused(&format!("the record does not fit: {why}"), context)?);
    }
    world
        .locked(args.wait_lock, async |world| {
            let began = world.clock.now();
            let removals = remover(world).await?.restore(&mut record).await?;
            tell(done_by(removals, began), &record, args.output.into(), context)
        })
        .await
}

/// A record as it was named, or the one that lies beside a plan.
fn record_of(file: &Path) -> anyhow::Result<Record> {
    let shown = file.display();
    if Record::is_one(file).with_context(|| format!("cannot read {shown}"))? {
        return Ok(Record::read(file)?);
    }
    let none = "is neither a record that `restock orphans apply` wrote, nor a plan";
    let plan: OrphansPlan = plan_file::read(file, none)?;
    let beside = Record::path_of(file);
    let record = Record::read(&beside)
        .with_context(|| format!("nothing tells what became of the plan {shown}"))?;
    if record.plan_id() != plan.plan_id {
        bail!("{} is the record of another plan than {shown}", beside.display());
    }
    Ok(record)
}

/// Removals with a word on those that an earlier run did, as the record says.
fn done_by(mut removals: Vec<Removal>, began: DateTime<Utc>) -> Vec<Removal> {
    for removal in removals.iter_mut().filter(|r| r.result.is_done() && r.at < began) {
        let at = removal.at.format("%Y-%m-%d %H:%M:%S UTC");
        removal.detail = format!("{}; an earlier run did it on {at}", removal.detail);
    }
    removals
}

fn tell(
    removals: Vec<Removal>,
    record: &Record,
    output: Format,
    context: &mut Context<'_>,
) -> anyhow::Result<u8> {
    let view = RemovalsView {
        plan_id: record.plan_id().to_owned(),
        record: record.path().display().to_string(),
        removals,
    };
    view.write(output, &context.text, &mut context.stdout)?;
    let some = |result| view.count(result) > 0;
    if some(RemovalResult::Held) && view.removals.iter().all(|r| r.result == RemovalResult::Held) {
        let why = "nothing was done: no entry fits what catalog and store hold now";
        return Ok(refused(why, context)?);
    }
    let outcome = if some(RemovalResult::Failed) {
        Outcome::Failed
    } else if some(RemovalResult::Unknown) {
        Outcome::Incomplete
    } else {
        Outcome::Clean
    };
    Ok(outcome.exit_code())
}
