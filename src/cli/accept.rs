//! `restock accept`: known losses, kept in the ledger.

use std::collections::BTreeMap;

use anyhow::bail;

use crate::model::{Acceptance, Day, Digest, Span};
use crate::pass::{KeptAcceptances, accepted, keep_accepted};
use crate::report::{self, AcceptedIn, AcceptedView};

use super::args::{AcceptArgs, AnswerFormat};
use super::world::World;
use super::{Context, UsageError};

/// Accepts a loss, takes that back, or lists what is accepted.
pub(super) async fn run(args: &AcceptArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    let world = context.open_silent().await?;
    let kept = match accepted(&*world.ledger).await? {
        KeptAcceptances::Known(kept) => kept,
        KeptAcceptances::Unreadable(why) => {
            bail!("the ledger's list of accepted losses cannot be read: {why}")
        }
    };
    match (args.digest, args.until, &args.reason) {
        (Some(digest), Some(until), Some(reason)) => {
            let loss = Acceptance { digest, until, reason: reason.clone() };
            accept(&world, kept, loss, context).await
        }
        (Some(digest), ..) => remove(&world, kept, digest, context).await,
        (None, ..) => list(&world, kept, args.output, context),
    }
}

async fn accept(
    world: &World,
    mut kept: Vec<Acceptance>,
    loss: Acceptance,
    context: &mut Context<'_>,
) -> anyhow::Result<u8> {
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
    kept.retain(|other| other.digest != digest);
    kept.push(loss);
    keep(world, kept).await?;
    writeln!(context.stdout, "accepted {digest} until the end of {until}, from the next pass on")?;
    if let Some(own) = configured(world, digest) {
        warn_of_configuration(own.until, context)?;
    }
    Ok(0)
}

async fn remove(
    world: &World,
    mut kept: Vec<Acceptance>,
    digest: Digest,
    context: &mut Context<'_>,
) -> anyhow::Result<u8> {
    let before = kept.len();
    kept.retain(|other| other.digest != digest);
    if kept.len() == before {
        writeln!(context.stdout, "{digest} was not accepted by this command")?;
    } else {
        keep(world, kept).await?;
        writeln!(context.stdout, "{digest} is accepted no more, from the next pass on")?;
    }
    if let Some(own) = configured(world, digest) {
        warn_of_configuration(own.until, context)?;
    }
    Ok(0)
}

fn list(
    world: &World,
    kept: Vec<Acceptance>,
    output: AnswerFormat,
    context: &mut Context<'_>,
) -> anyhow::Result<u8> {
    let now = world.clock.now();
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

/// Keeps them, save those that ran out longer ago than the ledger keeps anything.
async fn keep(world: &World, mut kept: Vec<Acceptance>) -> anyhow::Result<()> {
    let Span(retain) = world.config.options.ledger.retain;
    let now = world.clock.now();
    if let Some(oldest) = now.checked_sub_signed(Span(retain).delta()) {
        kept.retain(|loss| loss.holds(oldest));
    }
    Ok(keep_accepted(&*world.ledger, &kept).await?)
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
