//! `restock quarantine`: what was set aside, and taking away what is old of it.

use crate::model::{Outcome, Span};
use crate::removal::{Pruned, Quarantine};
use crate::report::{AsideView, Format, LeftOut, PruneResult, QuarantineView};

use super::Context;
use super::args::{QuarantineArgs, QuarantineCommand};
use super::removing::{refused, remover};
use super::world::World;

pub(super) async fn run(args: &QuarantineArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    let world = context.open().await?;
    if world.config.options.heal.quarantine.is_empty() {
        writeln!(context.stderr, "restock: `heal.quarantine` is empty: nothing is set aside")?;
        return Ok(0);
    }
    match args.command {
        QuarantineCommand::List { older_than, output } => {
            list(&world, older_than, output.into(), context).await
        }
        QuarantineCommand::Prune { older_than, max_delete, wait_lock, output } => {
            let pruning = async |world: &World| {
                prune(world, older_than, max_delete, output.into(), context).await
            };
            world.locked(wait_lock, pruning).await
        }
    }
}

async fn listed(world: &World) -> anyhow::Result<Quarantine> {
    let folder = &world.config.options.heal.quarantine;
    Ok(Quarantine::list(&*world.store, &*world.ledger, &*world.clock, folder).await?)
}

async fn list(
    world: &World,
    older_than: Option<Span>,
    output: Format,
    context: &mut Context<'_>,
) -> anyhow::Result<u8> {
    let quarantine = listed(world).await?;
    let (now, all) = (quarantine.now, quarantine.objects.len());
    let objects = match older_than {
        Some(span) => quarantine.older(span.delta()),
        None => quarantine.objects,
    };
    let left_out = older_than.map(|older_than| left_out(older_than, all, objects.len()));
    let plain = |aside| AsideView { aside, result: None, detail: None };
    let view = QuarantineView { objects: objects.into_iter().map(plain).collect(), now, left_out };
    view.write(output, &context.text, &mut context.stdout)?;
    Ok(0)
}

fn left_out(older_than: Span, all: usize, told: usize) -> LeftOut {
    let objects = u64::try_from(all.saturating_sub(told)).unwrap_or(u64::MAX);
    LeftOut { older_than, objects }
}

async fn prune(
    world: &World,
    older_than: Span,
    max_delete: u64,
    output: Format,
    context: &mut Context<'_>,
) -> anyhow::Result<u8> {
    let quarantine = listed(world).await?;
    let n = u64::try_from(quarantine.older(older_than.delta()).len()).unwrap_or(u64::MAX);
    if n > max_delete {
        let why = format!(
            "{n} objects are older than {older_than}, and --max-delete allows {max_delete}"
        );
        return Ok(refused(&why, context)?);
    }
    let pruned = remover(world).await?.prune(&quarantine, older_than.delta()).await?;
    let view = |Pruned { aside, left }| {
        let result = if left.is_none() { PruneResult::Deleted } else { PruneResult::Failed };
        AsideView { aside, result: Some(result), detail: left }
    };
    let left_out = left_out(older_than, quarantine.objects.len(), pruned.len());
    let view = QuarantineView {
        objects: pruned.into_iter().map(view).collect(),
        now: quarantine.now,
        left_out: Some(left_out),
    };
    view.write(output, &context.text, &mut context.stdout)?;
    let failed = view.count(PruneResult::Failed) > 0;
    Ok(if failed { Outcome::Failed } else { Outcome::Clean }.exit_code())
}
