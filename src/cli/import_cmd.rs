//! `restock import`: real files, or a manifest, into the embedded catalog.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use url::Url;

use crate::catalog::{self, EmbeddedCatalog, Preset};
use crate::clock::SystemClock;
use crate::config::{Config, ConfigError};
use crate::heal::Journal;
use crate::import::{ImportOptions, Importer};
use crate::ledger::{self, Lock};
use crate::model::Collection;
use crate::observe::Silent;
use crate::report::escape;
use crate::store;

use super::Context;
use super::args::ImportArgs;
use super::progress::Progress;
use super::world::open_ledger;

/// Where a first import puts its store, beside the configuration that it makes.
const STORE: &str = "store";

const CONFIGURATION: &str = r#"# Made by `restock import`. Paths are relative to this file;
# every key there is stands in config/restock.example.toml.
[catalog]
url = "sqlite://catalog.db"

[store]
url = "store"

[ledger]
url = "sqlite://ledger.db"
"#;

/// Imports, and tells what became of each path. Exits with 1 where a path could not be imported.
pub(super) async fn run(args: &ImportArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    let config = config(context)?;
    let options = &config.options;
    let other = match options.catalog.preset {
        Preset::Restock => None,
        Preset::Custom => Some("custom"),
        Preset::Fleet => Some("fleet"),
    };
    if let Some(preset) = other {
        bail!(
            "the catalog has preset \"{preset}\": its rows are written by its owner, and `import` \
             writes only to restock's own catalog"
        );
    }
    let store = store::open(&options.store, &config.base).await?;
    let path = catalog::sqlite_path(&options.catalog, &config.base)?;
    let mut embedded = EmbeddedCatalog::create_or_open(&path).await?;
    let ledger = open_ledger(&config, store.identity()).await?;
    // A heal beside it would sweep the uploads under way as leftovers of a crash.
    let lock = Lock::acquire(config.ledger_url(), store.identity(), &config.base, None).await?;
    context.phase.working();
    let import = ImportOptions {
        collection: None,
        collections: options.collection.iter().map(collection).collect(),
        source_url_base: args.source_url_base.as_ref().map(ToString::to_string),
        own: own(&config, store.identity(), &path),
    };
    let ledger = lock.guard(&ledger);
    let journal = Arc::new(Journal { ledger, clock: Arc::new(SystemClock) });
    let quiet = context.common.quiet;
    let observer: Arc<dyn crate::observe::Observer> =
        if quiet { Arc::new(Silent) } else { Arc::new(Progress::on_stderr(&context.console)) };
    let importing = async {
        let paths = context.absolute(&args.paths);
        let importer = Importer::new(&mut embedded, store, journal, observer, import)?;
        anyhow::Ok(importer.run(&paths).await?)
    };
    let imported = lock.hold(&context.cancel, importing).await;
    lock.release().await;
    let report = imported??;
    embedded.close().await?;
    let here = context.environment.working_directory();
    for message in report.messages.iter().map(|message| message.seen_from(here)) {
        writeln!(context.stdout, "{}", escape(&message.to_string()))?;
    }
    writeln!(context.stdout, "{report}")?;
    Ok(u8::from(report.failed > 0))
}

/// The configuration; where there is none at all, `./restock.toml` is made.
fn config(context: &mut Context<'_>) -> anyhow::Result<Config> {
    match context.config() {
        Err(ConfigError::NotFound { .. }) if context.common.config.is_none() => {}
        found => return Ok(found?),
    }
    let folder = context.environment.working_directory().to_owned();
    make(&folder)
        .with_context(|| format!("cannot make a configuration in {}", folder.display()))?;
    writeln!(context.stderr, "made {}", folder.join("restock.toml").display())?;
    Ok(context.config()?)
}

fn make(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder.join(STORE))?;
    let mut file =
        std::fs::File::options().write(true).create_new(true).open(folder.join("restock.toml"))?;
    file.write_all(CONFIGURATION.as_bytes())
}

/// What restock keeps where somebody's files may lie too.
fn own(config: &Config, store: &str, catalog: &Path) -> Vec<PathBuf> {
    let store = Url::parse(store).ok().and_then(|url| url.to_file_path().ok());
    let ledger = ledger::file_of(config.ledger_url(), &config.base).ok();
    let all = [config.file.clone(), store, ledger, Some(catalog.to_owned())];
    all.into_iter().flatten().map(|path| config.base.join(path)).collect()
}

fn collection(options: &catalog::CollectionOptions) -> Collection {
    Collection { name: options.name.clone(), key: options.key.clone(), heal: options.heal }
}
