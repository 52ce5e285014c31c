//! `restock run`: the daemon. Opens what does not change while it runs, waits for the lock, and
//! hands over to the loop.

mod opener;

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::{Clock, SystemClock};
use crate::daemon::{
    Activations, Activity, Daemon, DaemonState, Order, memory, notify, tell_state,
};
use crate::ledger::{Lock, LockError};
use crate::model::BreakerState;
use crate::observe::{Event, Metrics, Observer};
use crate::pass::remembered;
use crate::store;

use super::Context;
use super::lines::tell_panics;
use super::world::open_ledger;
use opener::ConfiguredOpener;

/// Orders that wait before those who give them do.
const ORDERS_WAITING: usize = 16;

/// Runs until a signal, and then drains: 0.
pub(super) async fn run(context: &mut Context<'_>) -> anyhow::Result<u8> {
    let config = context.config()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let metrics = Arc::new(Metrics::new(&config.options.store.name, clock.now())?);
    let observer: Arc<dyn Observer> = metrics.clone();
    context.lines.tell(Arc::clone(&observer));
    tell_panics(Arc::clone(&observer));
    observer.notice(&Event::ObserveOnly(!config.options.heal.enabled));
    let identity = store::open(&config.options.store, &config.base).await?.identity().to_owned();
    let ledger = open_ledger(&config, &identity).await?;
    metrics.restore(&remembered(&*ledger).await?);
    let open = ledger.breaker().await?.filter(BreakerState::is_open);
    observer.notice(&Event::Breaker(open.map(|state| state.reason)));
    let (ledger_url, base) = (config.ledger_url().to_owned(), config.base.clone());
    let (to, orders) = mpsc::channel(ORDERS_WAITING);
    let (state, _) = watch::channel(DaemonState {
        paused: memory::is_paused(&*ledger).await?,
        ..DaemonState::starting()
    });
    let reloads = tokio::spawn(reload_on_hangup(to));
    let told = tokio::spawn(tell_state(state.subscribe(), Arc::clone(&observer)));
    notify::ready();
    let Some(lock) = hold(&ledger_url, &identity, &base, &state, context).await? else {
        reloads.abort();
        told.abort();
        return Ok(0);
    };
    let ledger = lock.guard(&ledger);
    let opener = Arc::new(ConfiguredOpener::new(
        config,
        context.common.clone(),
        context.environment.clone(),
        Arc::clone(&ledger),
        Arc::clone(&observer),
        context.cancel.clone(),
    ));
    let daemon = Daemon {
        opener,
        ledger,
        clock,
        observer,
        activations: Activations::start().await?,
        orders,
        state,
        cancel: context.cancel.clone(),
    };
    let ran = lock.hold(&context.cancel, daemon.run()).await;
    lock.release().await;
    reloads.abort();
    told.abort();
    ran?;
    Ok(0)
}

/// Waits until no other instance works on this store; `None` where it is told to end first.
async fn hold(
    url: &str,
    identity: &str,
    base: &std::path::Path,
    state: &watch::Sender<DaemonState>,
    context: &Context<'_>,
) -> anyhow::Result<Option<Lock>> {
    let lock = match Lock::acquire(url, identity, base, None).await {
        Err(busy @ LockError::Busy { .. }) => {
            state.send_modify(|state| state.activity = Activity::Standby);
            tracing::info!("waits, as a spare: {busy}");
            notify::status("waits for another instance to end");
            tokio::select! {
                () = context.cancel.cancelled() => return Ok(None),
                lock = Lock::acquire(url, identity, base, Some(Duration::MAX)) => lock?,
            }
        }
        tried => tried?,
    };
    state.send_modify(|state| state.holds_lock = true);
    tracing::info!("this instance works on the store from here on");
    Ok(Some(lock))
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
