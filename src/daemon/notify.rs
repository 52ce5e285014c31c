//! What the service manager is told over the socket that it names in `NOTIFY_SOCKET`. Without one,
//! nothing is.

use sd_notify::NotifyState;

/// It serves.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// It reads its configuration again, and [`ready`] follows.
pub(super) fn reloading() {
    // Without the time, a manager takes the READY that follows for an older one.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "cannot tell the service manager of a reload"),
    }
}

/// It drains.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Its loop turns. Said with each tick, so that a manager with a watchdog ends a daemon whose
/// loop stands still.
pub(super) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// One line for `systemctl status`.
pub fn status(line: &str) {
    tell(&[NotifyState::Status(line)]);
}

fn tell(what: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(what) {
        tracing::warn!(%error, "cannot reach the service manager");
    }
}
