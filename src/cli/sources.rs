//! `restock sources`: could each object be had again today?

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::clock::SystemClock;
use crate::report::SurveyWriter;
use crate::sorter::DEFAULT_MEMORY_BYTES;
use crate::survey::{SurveyOptions, Surveyor};

use super::Context;
use super::args::SourcesArgs;
use super::world::{open_catalog, selected, source_over};

/// Objects that may wait to be written.
const HEARD_AT_ONCE: usize = 64;

/// Asks the sources of every object, and tells what they offer. Neither store nor ledger is
/// opened, and nothing is downloaded.
pub(super) async fn run(args: &SourcesArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    let config = context.config()?;
    let options = &config.options;
    let catalog = open_catalog(&config).await?;
    selected(catalog.collections(), &args.collection)?;
    let surveyor = Surveyor {
        source: source_over(&options.source, &catalog)?,
        catalog,
        clock: Arc::new(SystemClock),
        observer: context.observer(),
        options: SurveyOptions {
            tries: options.source.tries,
            per_host: usize::try_from(options.source.per_host).unwrap_or(usize::MAX),
            max_object_size: options.heal.max_object_size.0,
            memory_bytes: DEFAULT_MEMORY_BYTES,
        },
        cancel: context.cancel.clone(),
    };
    context.phase.working();
    let mut writer = SurveyWriter::new(args.output.into(), context.text, &mut *context.stdout);
    let (found, mut heard) = mpsc::channel(HEARD_AT_ONCE);
    let surveyed = async {
        let totals = surveyor.survey(&args.collection, found).await;
        totals.map_err(anyhow::Error::from)
    };
    let told = async {
        while let Some(object) = heard.recv().await {
            writer.object(&object)?;
        }
        Ok(())
    };
    let (totals, ()) = tokio::try_join!(surveyed, told)?;
    writer.end(&totals)?;
    Ok(totals.exit_code)
}
