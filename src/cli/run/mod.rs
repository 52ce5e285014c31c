//! `restock run`: the daemon. Opens what does not change while it runs, waits for the lock, and
//! hands over to the loop.

mod opener;

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::daemon::{
    Activity, Daemon, DaemonState, Order, Orders, Standby, memory, notify, tell_state,
};
use crate::http::{Access, Listeners, Panel, serve};
use crate::ledger::{Ledger, Lock, LockError};
use crate::observe::{Event, Metrics, Observer, Tee};
use crate::pass::remembered;
use crate::store;

use super::Context;
use super::events::Logged;
use super::lines::tell_panics;
use super::world::open_ledger;
use opener::ConfiguredOpener;

/// Orders that wait before those who give them do.
const ORDERS_WAITING: usize = 16;

/// A daemon before it holds the lock: what it shares with those who look on.
struct Instance {
    config: Config,
    identity: String,
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    log: Arc<Logged>,
    state: watch::Sender<DaemonState>,
}

/// Runs until a signal, and then drains: 0.
pub(super) async fn run(context: &mut Context<'_>) -> anyhow::Result<u8> {
    let config = context.config()?;
    let listeners = Listeners::bind(&config.options.http).await?;
    let access = Access::new(&config.options.http)?;
    if let Some(address) = listeners.tcp_address() {
        tracing::info!("answers on http://{address}");
    }
    let instance = Instance::open(config, context).await?;
    let observer: Arc<dyn Observer> = instance.metrics.clone();
    let (to, mut orders) = mpsc::channel(ORDERS_WAITING);
    let opener = instance.opener(context);
    let panel = instance.panel(to.clone(), &opener, access);
    context.phase.working();
    // It answers until everything else has ended.
    let closing = CancellationToken::new();
    let server = tokio::spawn(serve(listeners, panel, closing.clone()));
    let others = [
        tokio::spawn(reload_on_hangup(to)),
        tokio::spawn(tell_state(instance.state.subscribe(), observer)),
    ];
    notify::ready();
    let ran = match instance.hold(&opener, &mut orders, &context.cancel).await {
        Ok(Some(lock)) => {
            let ran = instance.work(&lock, &opener, orders, &context.cancel).await;
            lock.release().await;
            instance.state.send_modify(|state| state.holds_lock = false);
            ran
        }
        Ok(None) => Ok(()),
        Err(error) => Err(error.into()),
    };
    others.iter().for_each(tokio::task::JoinHandle::abort);
    closing.cancel();
    server.await?;
    ran.map(|()| 0)
}

impl Instance {
    async fn open(config: Config, context: &Context<'_>) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let metrics = Arc::new(Metrics::new(&config.options.store.name, clock.now())?);
        let observer: Arc<dyn Observer> = metrics.clone();
        context.lines.tell(Arc::clone(&observer));
        tell_panics(Arc::clone(&observer));
        observer.notice(&Event::ObserveOnly(!config.options.heal.enabled));
        let store = store::open(&config.options.store, &config.base).await?;
        let identity = store.identity().to_owned();
        let ledger = open_ledger(&config, &identity).await?;
        let (state, _) = watch::channel(DaemonState::starting());
        Ok(Self { config, identity, ledger, clock, metrics, log: Arc::default(), state })
    }

    /// Who is told of passes: the log, and whoever reads the metrics.
    fn observer(&self) -> Arc<dyn Observer> {
        let (log, metrics): (Arc<dyn Observer>, Arc<dyn Observer>) =
            (self.log.clone(), self.metrics.clone());
        Arc::new(Tee::new([log, metrics]))
    }

    fn opener(&self, context: &Context<'_>) -> ConfiguredOpener {
        ConfiguredOpener::new(
            self.config.clone(),
            context.common.clone(),
            context.environment.clone(),
            Arc::clone(&self.ledger),
            self.observer(),
            context.cancel.clone(),
        )
    }

    fn panel(&self, to: mpsc::Sender<Order>, opener: &ConfiguredOpener, access: Access) -> Panel {
        Panel {
            ledger: Arc::clone(&self.ledger),
            store_identity: self.identity.clone(),
            orders: Orders { to, state: self.state.subscribe() },
            metrics: Arc::clone(&self.metrics),
            inspector: opener.inspector(),
            clock: Arc::clone(&self.clock),
            access,
        }
    }

    /// Waits until no other instance works on this store; `None` where it is told to end first.
    async fn hold(
        &self,
        opener: &ConfiguredOpener,
        orders: &mut mpsc::Receiver<Order>,
        cancel: &CancellationToken,
    ) -> Result<Option<Lock>, LockError> {
        let (url, base) = (self.config.ledger_url(), &self.config.base);
        let acquire = |wait| Lock::acquire(url, &self.identity, base, wait);
        let lock = match acquire(None).await {
            Err(busy @ LockError::Busy { .. }) => {
                self.state.send_modify(|state| state.activity = Activity::Standby);
                tracing::info!("waits, as a spare: {busy}");
                notify::status("waits for another instance to end");
                let (clock, observer) = (&*self.clock, &*self.metrics);
                let mut standby = Standby { opener, clock, observer, orders, state: &self.state };
                tokio::select! {
                    () = cancel.cancelled() => return Ok(None),
                    lock = standby.until(acquire(Some(Duration::MAX))) => lock?,
                }
            }
            tried => tried?,
        };
        tracing::info!("this instance works on the store from here on");
        Ok(Some(lock))
    }

    /// Passes and orders until it is told to end, or the lock is lost.
    async fn work(
        &self,
        lock: &Lock,
        opener: &ConfiguredOpener,
        orders: mpsc::Receiver<Order>,
        cancel: &CancellationToken,
    ) -> anyhow::Result<()> {
        let ledger = lock.guard(&self.ledger);
        // What another instance found and did, and what people told it, holds for this one too.
        self.metrics.restore(&remembered(&*ledger).await?, self.clock.now());
        let paused = memory::is_paused(&*ledger).await?;
        self.state.send_modify(|state| (state.holds_lock, state.paused) = (true, paused));
        if paused {
            tracing::warn!(
                paused,
                "healing is still paused: nothing is healed until it is resumed"
            );
        }
        let daemon = Daemon {
            opener: Arc::new(opener.over(Arc::clone(&ledger))),
            ledger,
            clock: Arc::clone(&self.clock),
            observer: self.observer(),
            orders,
            state: self.state.clone(),
            cancel: cancel.clone(),
        };
        lock.hold(cancel, daemon.run()).await?;
        Ok(())
    }
}

/// SIGHUP asks for the configuration to be read again, as `systemctl reload` does.
async fn reload_on_hangup(orders: mpsc::Sender<Order>) {
    let mut hangups = match signal(SignalKind::hangup()) {
        Ok(hangups) => hangups,
        Err(error) => {
            tracing::error!("SIGHUP will end this process, as it cannot be heard: {error}");
            return;
        }
    };
    while hangups.recv().await.is_some() {
        let (answer, answered) = oneshot::channel();
        if orders.send(Order::Reload { answer }).await.is_err() {
            return;
        }
        // The daemon itself tells what became of it.
        drop(answered.await);
    }
}
