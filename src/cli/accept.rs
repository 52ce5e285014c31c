//! `restock accept`: known losses, kept in the ledger.

use std::collections::BTreeMap;

use crate::model::{Acceptance, Day, Digest};
use crate::report::{self, AcceptedIn, AcceptedView};

use super::args::{AcceptArgs, AnswerFormat};
use super::world::World;
use super::{Context, UsageError};

/// Accepts a loss, takes that back, or lists what is accepted.
pub(super) async fn run(args: &AcceptArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    let world = context.open_silent().await?;
    match (args.digest, args.until, &args.reason) {
        (Some(digest), Some(until), Some(reason)) => {
            let loss = Acceptance { digest, until, reason: reason.clone() };
            accept(&world, loss, context).await
        }
        (Some(digest), ..) => remove(&world, digest, context).await,
        (None, ..) => list(&world, args.output, context).await,
    }
}

async fn accept(world: &World, loss: Acceptance, context: &mut Context<'_>) -> anyhow::Result<u8> {
    let Acceptance { digest, until, ref reason } = loss;
    if reason.trim().is_empty() {
        let hint = "say why, for whoever wonders later";
        return Err(UsageError::new("--reason is empty", hint).into());
    }
    if !loss.holds(world.clock.now()) {
        let message = format!("--until {until} has passed already");
        return Err(UsageError::new(message, "give a day that is still to come").into());
    }
    if !is_wanted(world, digest).await? {
        let warning = "is it mistyped? it is accepted all the same";
        writeln!(
            context.stderr,
            "restock: warning: no row of the catalog wants {digest}: {warning}"
        )?;
    }
    world.ledger.put_accepted(&loss).await?;
    writeln!(context.stdout, "accepted {digest} until the end of {until}, from the next pass on")?;
    if let Some(own) = configured(world, digest) {
        warn_of_configuration(own.until, context)?;
    }
    Ok(0)
}

async fn remove(world: &World, digest: Digest, context: &mut Context<'_>) -> anyhow::Result<u8> {
    if world.ledger.accepted().await?.iter().any(|kept| kept.digest == digest) {
        world.ledger.clear_accepted(&digest).await?;
        writeln!(context.stdout, "{digest} is accepted no more, from the next pass on")?;
    } else {
        writeln!(context.stdout, "{digest} was not accepted by this command")?;
    }
    if let Some(own) = configured(world, digest) {
        warn_of_configuration(own.until, context)?;
    }
    Ok(0)
}

async fn list(
    world: &World,
    output: AnswerFormat,
    context: &mut Context<'_>,
) -> anyhow::Result<u8> {
    let (kept, now) = (world.ledger.accepted().await?, world.clock.now());
    let of = |from| {
        move |loss: Acceptance| {
            let holds = loss.holds(now);
            (loss.digest, AcceptedView { loss, from, holds })
        }
    };
    // One entry a digest: that of the configuration, where it has one.
    let own = world.config.options.accept.clone().into_iter().map(of(AcceptedIn::Configuration));
    let entries: BTreeMap<_, _> = kept.into_iter().map(of(AcceptedIn::Ledger)).chain(own).collect();
    let accepted: Vec<_> = entries.into_values().collect();
    match output {
        AnswerFormat::Json => report::accepted_json(&accepted, &mut context.stdout)?,
        AnswerFormat::Table => report::accepted_table(&accepted, &mut context.stdout)?,
    }
    Ok(0)
}

async fn is_wanted(world: &World, digest: Digest) -> anyhow::Result<bool> {
    for collection in world.catalog.collections() {
        if !world.catalog.rows(collection, &[digest]).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn configured(world: &World, digest: Digest) -> Option<&Acceptance> {
    world.config.options.accept.iter().find(|entry| entry.digest == digest)
}

fn warn_of_configuration(until: Day, context: &mut Context<'_>) -> std::io::Result<()> {
    writeln!(
        context.stderr,
        "restock: warning: an [[accept]] of the configuration names it too, and holds in its \
         place: until {until}"
    )
}
