//! `restock config check | show | schema`.

use super::Context;
use super::args::{ConfigArgs, ConfigCommand};
use crate::config;

/// Runs it.
pub(super) async fn run(args: &ConfigArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    match args.command {
        ConfigCommand::Check { online: false } => {
            context.config()?;
            writeln!(context.stdout, "ok")?;
        }
        ConfigCommand::Check { online: true } => {
            let world = context.open_silent().await?;
            for collection in world.catalog.collections() {
                writeln!(context.stdout, "collection {} at {}", collection.name, collection.key)?;
            }
            world.catalog.now().await?;
            writeln!(context.stdout, "catalog {} answers", world.catalog.identity())?;
            world.store.check().await?;
            writeln!(context.stdout, "store {} answers", world.store.identity())?;
            writeln!(context.stdout, "ok")?;
        }
        ConfigCommand::Show { origin: false } => {
            write!(context.stdout, "{}", context.config()?.show()?)?;
        }
        ConfigCommand::Show { origin: true } => {
            write!(context.stdout, "{}", context.config()?.show_with_origins()?)?;
        }
        ConfigCommand::Schema => {
            let schema = serde_json::to_string_pretty(&config::schema())?;
            writeln!(context.stdout, "{schema}")?;
        }
    }
    Ok(0)
}
