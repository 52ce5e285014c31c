//! SIGINT and SIGTERM: the first asks a command to drain, the second ends it at once.

use std::future::Future;
use std::io;
use std::pin::pin;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// 128 and the signal's number, as shells say it.
const INTERRUPTED: u8 = 130;
const TERMINATED: u8 = 143;

/// The signals that end a command.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

/// How a command ended.
pub(super) struct Ended<T> {
    /// What came of it; `None` where it was cut off.
    pub(super) result: Option<T>,
    /// The exit code of the signal that it was sent, if it was.
    pub(super) signal: Option<u8>,
}

impl Signals {
    /// From here on, these signals no longer end the process by themselves.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => INTERRUPTED,
            _ = self.terminate.recv() => TERMINATED,
        }
    }

    /// Runs a command to its end, or until it has drained after a signal, or until the second.
    pub(super) async fn race<T>(
        &mut self,
        command: impl Future<Output = T>,
        cancel: &CancellationToken,
    ) -> Ended<T> {
        let mut command = pin!(command);
        let first = tokio::select! {
            biased;
            result = &mut command => return Ended { result: Some(result), signal: None },
            code = self.next() => code,
        };
        cancel.cancel();
        let result = tokio::select! {
            biased;
            result = &mut command => Some(result),
            _ = self.next() => None,
        };
        Ended { result, signal: Some(first) }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::process::Command;

    use super::*;

    fn send(signal: &str) {
        let kill = format!("kill -{signal} {}", std::process::id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// One test, since every listener of this process hears each signal.
    #[tokio::test]
    async fn the_first_signal_drains_and_the_second_cuts_off() {
        let mut signals = Signals::listen().unwrap();

        let cancel = CancellationToken::new();
        let ended = signals.race(async { "done" }, &cancel).await;
        assert_eq!((ended.result, ended.signal), (Some("done"), None));
        assert!(!cancel.is_cancelled());

        let drains = async {
            send("TERM");
            cancel.cancelled().await;
            "drained"
        };
        let ended = signals.race(drains, &cancel).await;
        assert_eq!((ended.result, ended.signal), (Some("drained"), Some(143)));

        let cancel = CancellationToken::new();
        let sticks = async {
            send("INT");
            cancel.cancelled().await;
            send("TERM");
            pending::<()>().await;
        };
        let ended = signals.race(sticks, &cancel).await;
        assert_eq!((ended.result, ended.signal), (None, Some(130)));
    }
}
