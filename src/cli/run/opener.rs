//! [`ConfiguredOpener`]: opens for the daemon what the configuration names.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::catalog::{CatalogError, Remark};
use crate::config::{Config, Environment};
use crate::daemon::{OpenFailure, Opened, Opener, Plan, Side, Timing};
use crate::inspect::Inspector;
use crate::ledger::Ledger;
use crate::model::redact_urls_in;
use crate::observe::{Event, Observer};
use crate::store;

use crate::cli::args::Common;
use crate::cli::describe;
use crate::cli::world::{World, tell};

/// How long it may take to read the configuration again.
const READ_TIME: Duration = Duration::from_secs(10);

/// The configuration that holds, and where it is read again.
#[derive(Clone)]
pub(super) struct ConfiguredOpener {
    config: Arc<RwLock<Arc<Config>>>,
    common: Common,
    environment: Environment,
    ledger: Arc<dyn Ledger>,
    observer: Arc<dyn Observer>,
    cancel: CancellationToken,
    inspector: watch::Sender<Option<Inspector>>,
    told: Arc<Mutex<Vec<Remark>>>,
}

impl ConfiguredOpener {
    pub(super) fn new(
        config: Config,
        common: Common,
        environment: Environment,
        ledger: Arc<dyn Ledger>,
        observer: Arc<dyn Observer>,
        cancel: CancellationToken,
    ) -> Self {
        let config = Arc::new(RwLock::new(Arc::new(config)));
        let (inspector, _) = watch::channel(None);
        Self {
            config,
            common,
            environment,
            ledger,
            observer,
            cancel,
            inspector,
            told: Arc::default(),
        }
    }

    /// The same for an instance that holds the lock, with the ledger that only it may write.
    pub(super) fn over(&self, ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger, ..self.clone() }
    }

    /// What looks into catalog and store as they were opened last.
    pub(super) fn inspector(&self) -> watch::Receiver<Option<Inspector>> {
        self.inspector.subscribe()
    }

    /// Logs what the catalog shows, save what it showed the last time: a daemon opens it anew for
    /// each pass.
    fn tell_news(&self, remarks: &[Remark]) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        tell(remarks.iter().filter(|remark| !told.contains(remark)));
        remarks.clone_into(&mut told);
    }

    /// Reads files on a thread of its own: one may never end, and the loop goes on. Ends when the
    /// daemon is to end.
    async fn unless_cancelled<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, &'static str> {
        let reading = spawn_blocking(read);
        tokio::select! {
            biased;
            read = reading => match read {
                Ok(read) => Ok(read),
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => resume_unwind(panic),
                    Err(_) => Err("the runtime ends"),
                },
            },
            () = self.cancel.cancelled() => Err("the daemon is to end"),
        }
    }

    fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Opener for ConfiguredOpener {
    fn plan(&self) -> Plan {
        let config = self.config();
        let (audit, deep) = (&config.options.audit, &config.options.deep);
        Plan {
            shallow: Timing {
                schedule: audit.schedule.clone(),
                zone: audit.timezone,
                jitter: audit.jitter,
            },
            deep: Timing {
                schedule: deep.schedule.clone(),
                zone: deep.timezone,
                jitter: deep.jitter,
            },
            cycle: deep.cycle,
            bandwidth: deep.bandwidth,
        }
    }

    async fn open(&self) -> Result<Opened, OpenFailure> {
        let config = self.config();
        let bandwidth = config.options.deep.bandwidth;
        let (ledger, observer) = (Arc::clone(&self.ledger), Arc::clone(&self.observer));
        let (cancel, runtime) = (self.cancel.clone(), Handle::current());
        let opening =
            move || runtime.block_on(World::with_ledger(config, ledger, observer, cancel));
        let opened = self
            .unless_cancelled(opening)
            .await
            .map_err(|ended| OpenFailure { side: Side::Other, message: ended.to_owned() })?;
        let world = opened.map_err(|error| failure(&error))?;
        self.tell_news(world.catalog.remarks());
        self.inspector.send_replace(Some(world.inspector()));
        let mut auditor = world.auditor();
        auditor.settings.bandwidth = Some(bandwidth);
        Ok(Opened { auditor, healer: world.healer() })
    }

    async fn reload(&self) -> Result<(), String> {
        let (common, environment) = (self.common.clone(), self.environment.clone());
        let reading = self.unless_cancelled(move || common.load(&environment));
        let read = timeout(READ_TIME, reading)
            .await
            .map_err(|_| format!("it cannot be read within {} s", READ_TIME.as_secs()))??;
        let new = read.map_err(|error| redact_urls_in(&error.to_string()))?;
        let old = self.config();
        for (key, same) in [
            ("store.url", old.options.store.url == new.options.store.url),
            ("store.name", old.options.store.name == new.options.store.name),
            ("ledger.url", old.ledger_url() == new.ledger_url()),
            ("http", old.options.http == new.options.http),
        ] {
            if !same {
                return Err(format!("`{key}` cannot change while restock runs: restart it"));
            }
        }
        self.observer.notice(&Event::ObserveOnly(!new.options.heal.enabled));
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
        Ok(())
    }
}

fn failure(error: &anyhow::Error) -> OpenFailure {
    let is = |of: fn(&(dyn std::error::Error + 'static)) -> bool| error.chain().any(of);
    let side = if is(<dyn std::error::Error>::is::<CatalogError>) {
        Side::Catalog
    } else if is(<dyn std::error::Error>::is::<store::OpenError>) {
        Side::Store
    } else {
        Side::Other
    };
    OpenFailure { side, message: describe(error) }
}
