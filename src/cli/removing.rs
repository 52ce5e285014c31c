//! [`Remover`]: made here and nowhere else, for the commands by which a person takes objects away.

use std::sync::Arc;

use crate::model::redact_urls_in;
use crate::removal::Remover;
use crate::report::escape;
use crate::store;

use super::Context;
use super::world::World;

/// Everything for taking away, with a handle of the store that can delete.
pub(super) async fn remover(world: &World) -> anyhow::Result<Remover> {
    let (config, options) = (&world.config, &world.config.options);
    Ok(Remover {
        catalog: Arc::clone(&world.catalog),
        store: store::open_removing(&options.store, &config.base).await?,
        ledger: Arc::clone(&world.ledger),
        clock: Arc::clone(&world.clock),
        observer: Arc::clone(&world.observer),
        quarantine: options.heal.quarantine.clone(),
        cancel: world.cancel.clone(),
    })
}

/// Says that nothing was done, and why; the exit code goes with it.
pub(super) fn refused(why: &str, context: &mut Context<'_>) -> std::io::Result<u8> {
    let why = redact_urls_in(why);
    writeln!(context.stderr, "restock: refused: {}", escape(&why))?;
    Ok(crate::model::Outcome::Refused.exit_code())
}
