//! `restock show`, `restock status`, `restock breaker` and `restock probe`.

use crate::inspect;
use crate::model::{BreakerReason, Outcome};
use crate::plan::{BreakerTurn, acknowledge};
use crate::report;

use super::args::{AnswerFormat, BreakerArgs, BreakerCommand, ProbeArgs, ShowArgs, StatusArgs};
use super::events::log_turn;
use super::{Context, UsageError, probe, server};

pub(super) async fn probe(args: &ProbeArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    let world = context.open_silent().await?;
    probe::probe(&world, &args.digests, &args.collection, &mut context.stdout).await
}

pub(super) async fn show(args: &ShowArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    let world = context.open_silent().await?;
    let view = world.inspector().object(args.digest).await?;
    match args.output {
        AnswerFormat::Json => report::object_json(&view, &mut context.stdout)?,
        AnswerFormat::Table => {
            report::object_table(&view, &context.text, &mut context.stdout)?;
        }
    }
    Ok(0)
}

pub(super) async fn status(args: &StatusArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    let view = if let Some(server) = &args.server {
        let token = args.token_file.as_deref();
        let token = token.map(|file| context.environment.working_directory().join(file));
        Box::pin(server::status(server, token.as_deref())).await?
    } else {
        let world = context.open_silent().await?;
        let heal = &world.config.options.heal;
        let now = world.clock.now();
        inspect::status(&*world.ledger, world.store.identity(), heal, now).await?
    };
    match args.output {
        AnswerFormat::Json => report::status_json(&view, &mut context.stdout)?,
        AnswerFormat::Table => {
            report::status_table(&view, &context.text, &mut context.stdout)?;
        }
    }
    Ok(0)
}

/// Shows the breaker (exit code 4 while it is open), or answers it; a wrong number is refused.
pub(super) async fn breaker(args: &BreakerArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    let world = context.open_silent().await?;
    let state = world.ledger.breaker().await?;
    let (reason, number) = match args.command {
        BreakerCommand::Show => {
            report::breaker(state.as_ref(), &context.text, &mut context.stdout)?;
            let open = state.is_some_and(|state| state.is_open());
            let outcome = if open { Outcome::Refused } else { Outcome::Clean };
            return Ok(outcome.exit_code());
        }
        BreakerCommand::Ack { expect_missing: Some(n), .. } => (BreakerReason::MassMissing, n),
        BreakerCommand::Ack { expect_records: Some(n), .. } => (BreakerReason::InventoryShrunk, n),
        BreakerCommand::Ack { expect_missing: None, expect_records: None } => {
            let hint = "write --expect-missing N or --expect-records N";
            return Err(UsageError::new("no number is given", hint).into());
        }
    };
    let Some(state) = state else {
        writeln!(context.stderr, "restock: refused: the breaker is closed: nothing is asked")?;
        return Ok(Outcome::Refused.exit_code());
    };
    let Ok(answered) = acknowledge(&state, reason, number) else {
        writeln!(context.stderr, "restock: refused: {number} is not what was found")?;
        report::breaker(Some(&state), &context.text, &mut context.stderr)?;
        return Ok(Outcome::Refused.exit_code());
    };
    if !world.ledger.swap_breaker(Some(&state), Some(&answered)).await? {
        let changed = "the breaker has just changed: look at `restock breaker show` again";
        writeln!(context.stderr, "restock: refused: {changed}")?;
        return Ok(Outcome::Refused.exit_code());
    }
    log_turn(&BreakerTurn::Acknowledged(answered.clone(), number));
    report::breaker(Some(&answered), &context.text, &mut context.stdout)?;
    Ok(Outcome::Clean.exit_code())
}
