//! `restock config check | show | schema`.

use async_trait::async_trait;

use super::args::{ConfigArgs, ConfigCommand};
use super::{Context, UsageError};
use crate::config::{self, Config};

/// Opens what a configuration names, to see whether it answers.
#[async_trait]
pub trait OnlineCheck: Send + Sync {
    /// One line for each thing that answered; an error for the first that did not.
    async fn check(&self, config: &Config) -> anyhow::Result<Vec<String>>;
}

/// Runs it; `online` does what `check --online` asks for.
pub(super) async fn run(
    args: &ConfigArgs,
    context: &mut Context<'_>,
    online: Option<&dyn OnlineCheck>,
) -> anyhow::Result<u8> {
    match args.command {
        ConfigCommand::Check { online: false } => {
            context.config()?;
            writeln!(context.stdout, "ok")?;
        }
        ConfigCommand::Check { online: true } => {
            let config = context.config()?;
            let online = online.ok_or_else(|| {
                UsageError::new("this build opens nothing", "check without `--online`")
            })?;
            for line in online.check(&config).await? {
                writeln!(context.stdout, "{line}")?;
            }
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
