//! [`World`]: a configuration, opened: catalog, store, source and ledger, wired for passes.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::catalog::{self, Catalog, CatalogError, Remark};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::heal::{CatalogTexts, Healer};
use crate::inspect::Inspector;
use crate::ledger::{self, Ledger, Lock};
use crate::model::{Collection, Span};
use crate::observe::{Event, Observer};
use crate::pass::{Auditor, Settings};
use crate::sorter::SorterOptions;
use crate::source::{AllSources, Source, SourceError, SourceOptions};
use crate::store::{self, HealStore, OperationHook, Store};

use super::{UsageError, loose};

/// Everything that a configuration names, open.
#[derive(Clone)]
pub(super) struct World {
    pub(super) config: Arc<Config>,
    pub(super) catalog: Arc<dyn Catalog>,
    pub(super) store: Arc<dyn HealStore>,
    pub(super) source: Arc<dyn Source>,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) cancel: CancellationToken,
}

impl World {
    pub(super) async fn open(
        config: Config,
        observer: Arc<dyn Observer>,
        cancel: CancellationToken,
    ) -> anyhow::Result<Self> {
        let store = open_store(&config, &observer).await?;
        let url = config.ledger_url();
        let ledger = ledger::open_or_read(url, store.identity(), &config.base).await?;
        remark(&*ledger);
        let world = Self::of(Arc::new(config), store, ledger, observer, cancel).await?;
        tell(world.catalog.remarks());
        Ok(world)
    }

    /// The same over a ledger that is open already: that of the configuration's store. What opening
    /// the catalog showed is left to the caller to tell.
    pub(super) async fn with_ledger(
        config: Arc<Config>,
        ledger: Arc<dyn Ledger>,
        observer: Arc<dyn Observer>,
        cancel: CancellationToken,
    ) -> anyhow::Result<Self> {
        let store = open_store(&config, &observer).await?;
        Self::of(config, store, ledger, observer, cancel).await
    }

    async fn of(
        config: Arc<Config>,
        store: Arc<dyn HealStore>,
        ledger: Arc<dyn Ledger>,
        observer: Arc<dyn Observer>,
        cancel: CancellationToken,
    ) -> anyhow::Result<Self> {
        let options = &config.options;
        let catalog = open_quietly(&config).await?;
        let source = source_over(&options.source, &catalog)?;
        let clock = Arc::new(SystemClock);
        loose::tell(&config);
        Ok(Self { config, catalog, store, source, ledger, clock, observer, cancel })
    }

    /// The reading half: no write to catalog or store can be spelled with it.
    pub(super) fn auditor(&self) -> Auditor {
        let writable = Arc::clone(&self.store);
        let store: Arc<dyn Store> = writable;
        Auditor {
            catalog: Arc::clone(&self.catalog),
            store,
            source: Arc::clone(&self.source),
            ledger: Arc::clone(&self.ledger),
            clock: Arc::clone(&self.clock),
            observer: Arc::clone(&self.observer),
            settings: self.settings(),
            cancel: self.cancel.clone(),
        }
    }

    pub(super) fn healer(&self) -> Healer {
        Healer {
            catalog: Arc::clone(&self.catalog),
            store: Arc::clone(&self.store),
            source: Arc::clone(&self.source),
            ledger: Arc::clone(&self.ledger),
            clock: Arc::clone(&self.clock),
            observer: Arc::clone(&self.observer),
            options: self.config.options.heal.clone(),
            tries: self.config.options.source.tries,
            chance: rand::random,
            cancel: self.cancel.clone(),
        }
    }

    /// Does what changes the store under its lock: what is under way ends when the lock is lost,
    /// and nothing is written to the ledger from then on.
    pub(super) async fn locked<T>(
        &self,
        wait: Option<Span>,
        work: impl AsyncFnOnce(&Self) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let (url, wait) = (self.config.ledger_url(), wait.map(|span| span.0));
        let acquired = Lock::acquire(url, self.store.identity(), &self.config.base, wait);
        // Boxed, for they are large.
        let lock = Box::pin(acquired).await?;
        let guarded = Self { ledger: lock.guard(&self.ledger), ..self.clone() };
        let done = lock.hold(&self.cancel, Box::pin(work(&guarded))).await;
        lock.release().await;
        done?
    }

    /// What looks into single objects.
    pub(super) fn inspector(&self) -> Inspector {
        let writable = Arc::clone(&self.store);
        Inspector {
            catalog: Arc::clone(&self.catalog),
            store: writable,
            ledger: Arc::clone(&self.ledger),
            clock: Arc::clone(&self.clock),
            heal: self.config.options.heal.clone(),
        }
    }

    /// The collections of these names; all of them where no name is given.
    pub(super) fn selected(&self, names: &[String]) -> Result<Vec<&Collection>, UsageError> {
        selected(self.catalog.collections(), names)
    }

    fn settings(&self) -> Settings {
        let options = &self.config.options;
        Settings {
            grace: self.config.grace().0,
            concurrency: options.audit.concurrency,
            deep_concurrency: options.deep.concurrency,
            bandwidth: None,
            heal: options.heal.clone(),
            breaker: options.breaker.clone(),
            orphans: options.orphans.clone(),
            archived: options.store.archived,
            accepted: options.accept.clone(),
            retain: options.ledger.retain.0,
            sorter: SorterOptions::default(),
        }
    }
}

/// The catalog alone; what opening it showed is logged.
pub(super) async fn open_catalog(config: &Config) -> Result<Arc<dyn Catalog>, CatalogError> {
    let catalog = open_quietly(config).await?;
    tell(catalog.remarks());
    Ok(catalog)
}

async fn open_quietly(config: &Config) -> Result<Arc<dyn Catalog>, CatalogError> {
    let options = &config.options;
    catalog::open(&options.catalog, &options.collection, &config.base).await
}

/// Logs what opening a catalog showed.
pub(super) fn tell<'a>(remarks: impl IntoIterator<Item = &'a Remark>) {
    for remark in remarks {
        match remark {
            Remark::Warning(text) => tracing::warn!("catalog: {text}"),
            Remark::Found(text) => tracing::debug!("catalog: {text}"),
        }
    }
}

/// The store, which tells the observer of all that it is asked.
async fn open_store(
    config: &Config,
    observer: &Arc<dyn Observer>,
) -> Result<Arc<dyn HealStore>, store::OpenError> {
    let observer = Arc::clone(observer);
    let hook = OperationHook::new(move |operation| {
        observer.notice(&Event::StoreOperation(*operation));
    });
    store::open_told(&config.options.store, &config.base, hook).await
}

/// Opens the ledger, and logs what is doubtful about it.
pub(super) async fn open_ledger(
    config: &Config,
    store_identity: &str,
) -> anyhow::Result<Arc<dyn Ledger>> {
    let ledger = ledger::open(config.ledger_url(), store_identity, &config.base).await?;
    remark(&*ledger);
    Ok(ledger)
}

/// Logs what is doubtful about a ledger.
fn remark(ledger: &dyn Ledger) {
    for remark in ledger.remarks() {
        tracing::warn!("{remark}");
    }
}

/// Every kind of source, texts of this catalog among them.
pub(super) fn source_over(
    options: &SourceOptions,
    catalog: &Arc<dyn Catalog>,
) -> Result<Arc<dyn Source>, SourceError> {
    let texts = Arc::new(CatalogTexts(Arc::clone(catalog)));
    Ok(Arc::new(AllSources::new(options, texts)?))
}

/// The collections of these names; all of them where there are none.
pub(super) fn selected<'a>(
    known: &'a [Collection],
    names: &[String],
) -> Result<Vec<&'a Collection>, UsageError> {
    if let Some(name) = names.iter().find(|name| !known.iter().any(|c| c.name == **name)) {
        let known: Vec<_> = known.iter().map(|c| format!("`{}`", c.name)).collect();
        let message = format!("there is no collection `{name}`");
        return Err(UsageError::new(message, format!("the catalog has {}", known.join(", "))));
    }
    let wanted = |c: &&Collection| names.is_empty() || names.contains(&c.name);
    Ok(known.iter().filter(wanted).collect())
}
