//! Reading the configuration again, told to systemd, to the log and to those who look on.

use tokio::sync::watch;

use crate::clock::Clock;
use crate::observe::Observer;

use super::notify;
use super::opener::Opener;
use super::order::OrderError;
use super::state::{DaemonState, Reload};
use super::tell::tell_plan;

/// Reads the configuration again; where it cannot be used, the earlier one goes on holding.
pub(super) async fn reload(
    opener: &dyn Opener,
    clock: &dyn Clock,
    observer: &dyn Observer,
    state: &watch::Sender<DaemonState>,
) -> Result<(), OrderError> {
    let at = clock.now();
    notify::reloading();
    let problem = opener.reload().await.err();
    notify::ready();
    if let Some(why) = &problem {
        tracing::error!("the configuration was not taken over: {why}");
    } else {
        tell_plan(&opener.plan(), at, observer);
        tracing::info!("the configuration was read again");
    }
    state.send_modify(|state| state.reload = Some(Reload { at, problem: problem.clone() }));
    problem.map_or(Ok(()), |why| Err(OrderError::Refused(why)))
}
