//! `restock config check | show | schema`.

use futures::TryStreamExt;

use super::args::{ConfigArgs, ConfigCommand};
use super::{Context, describe, exit_code, loose, tell};
use crate::catalog::{self, Catalog, CatalogError, Remark};
use crate::config::{self, Config};
use crate::model::Collection;
use crate::report::{escape, escape_lines};
use crate::{ledger, store};

/// Runs it.
pub(super) async fn run(args: &ConfigArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    match args.command {
        ConfigCommand::Check { online: false } => {
            warn(&context.config()?, context)?;
            writeln!(context.stdout, "ok")?;
        }
        ConfigCommand::Check { online: true } => return check_online(context).await,
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

/// Tells what works, and should not stay as it is.
fn warn(config: &Config, context: &mut Context<'_>) -> std::io::Result<()> {
    for remark in loose::remarks(config) {
        writeln!(context.stderr, "restock: warning: {}", escape(&remark))?;
    }
    Ok(())
}

/// Opens whatever the configuration names, each for itself, so that all that is wrong is told at
/// once.
async fn check_online(context: &mut Context<'_>) -> anyhow::Result<u8> {
    let config = context.config()?;
    warn(&config, context)?;
    let mut code = 0;
    for told in [catalog_answers(&config).await, store_and_ledger_answer(&config).await] {
        match told {
            Ok(lines) => writeln!(context.stdout, "{}", escape_lines(&lines.join("\n")))?,
            Err(error) => {
                tell(context.stderr, &describe(&error));
                code = code.max(exit_code(&error));
            }
        }
    }
    if code == 0 {
        writeln!(context.stdout, "ok")?;
    }
    Ok(code)
}

async fn catalog_answers(config: &Config) -> anyhow::Result<Vec<String>> {
    let options = &config.options;
    let catalog = catalog::open(&options.catalog, &options.collection, &config.base).await?;
    let remark = |remark: &Remark| match remark {
        Remark::Found(text) => format!("catalog: {text}"),
        Remark::Warning(text) => format!("catalog: warning: {text}"),
    };
    let mut lines: Vec<_> = catalog.remarks().iter().map(remark).collect();
    for collection in catalog.collections() {
        lines.push(format!("collection {} at {}", collection.name, collection.key));
    }
    catalog.now().await?;
    for collection in catalog.collections() {
        lines.extend(read_all(&*catalog, collection).await?);
    }
    lines.push(format!("catalog {} answers", catalog.identity()));
    Ok(lines)
}

/// Reads a collection as a pass does, for an error may hide behind any row. Tells which rows will
/// not do.
async fn read_all(
    catalog: &dyn Catalog,
    collection: &Collection,
) -> Result<Vec<String>, CatalogError> {
    let (mut n_rows, mut unreadable, mut mistimed) = (0_usize, 0_usize, 0_usize);
    let mut batches = catalog.scan(collection);
    while let Some(rows) = batches.try_next().await? {
        n_rows += rows.len();
        unreadable += rows.iter().filter(|row| row.is_unreadable).count();
        mistimed += rows.iter().filter(|row| row.is_mistimed).count();
    }
    let name = &collection.name;
    let doubts = [(unreadable, "digest"), (mistimed, "updated_at")];
    let told = doubts.into_iter().filter(|(n, _)| *n > 0).map(|(n, column)| {
        format!(
            "catalog: warning: collection {name}: `{column}` cannot be read in {n} of {n_rows} rows"
        )
    });
    Ok(told.collect())
}

async fn store_and_ledger_answer(config: &Config) -> anyhow::Result<Vec<String>> {
    let store = store::open(&config.options.store, &config.base).await?;
    store.check().await?;
    let ledger = ledger::open(config.ledger_url(), store.identity(), &config.base).await?;
    let warnings = ledger.remarks().iter().map(|remark| format!("ledger: warning: {remark}"));
    let answers = [
        format!("store {} answers", store.identity()),
        format!("ledger {} answers", crate::model::redact_place(config.ledger_url())),
    ];
    Ok(warnings.chain(answers).collect())
}
