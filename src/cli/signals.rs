//! SIGINT and SIGTERM: the first asks a command to drain, the second ends it at once. So does the
//! first one while there is nothing to drain: while a command reads what it needs, which may be a file
//! that never ends, and once it only writes what it found, maybe to a pipe that nobody reads. The
//! thread that reads or writes may be stuck, and is not asked.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// 128 and the signal's number, as shells say it.
const INTERRUPTED: u8 = 130;
const TERMINATED: u8 = 143;

/// How long a command that is cut off may take to say so, or to write what it is writing, where its
/// thread is not stuck.
const CUT_OFF_TIME: Duration = Duration::from_millis(500);

/// Ends the process with an exit code, whatever its threads are doing.
pub type Exit = Sender<u8>;

/// Where a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It reads what it needs.
    Reading,
    /// It does what it must not leave half done.
    Working,
    /// It is done, and writes what came of it.
    Writing,
}

/// Tells where a command is.
#[derive(Debug, Clone)]
pub(super) struct CurrentPhase(Arc<watch::Sender<Phase>>);

/// The signals that end a command.
pub(super) struct Signals {
    heard: mpsc::UnboundedReceiver<u8>,
}

/// How a command ended.
pub(super) struct Ended<T> {
    /// What came of it; `None` where it was cut off.
    pub(super) result: Option<T>,
    /// The exit code of the signal that it was sent, if it was.
    pub(super) signal: Option<u8>,
}

impl Default for CurrentPhase {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Phase::Reading)))
    }
}

impl CurrentPhase {
    /// From here on, a signal lets the command drain.
    pub(super) fn working(&self) {
        self.0.send_replace(Phase::Working);
    }

    /// From here on, the command is not waited for: it only writes what came of its work, and whoever
    /// should read that may never come.
    pub(super) fn writing(&self) {
        self.0.send_replace(Phase::Writing);
    }

    /// Ends when the command only writes.
    async fn is_writing(&self) {
        let mut phase = self.0.subscribe();
        // Its sender lives as long as this does.
        drop(phase.wait_for(|phase| *phase == Phase::Writing).await);
    }
}

impl Signals {
    /// From here on, these signals no longer end the process by themselves.
    pub(super) fn listen(phase: CurrentPhase, exit: Exit) -> io::Result<Self> {
        let listener = Listener {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        };
        let (to, heard) = mpsc::unbounded_channel();
        tokio::spawn(listener.listen(to, phase, exit));
        Ok(Self { heard })
    }

    async fn next(&mut self) -> u8 {
        match self.heard.recv().await {
            Some(code) => code,
            // Nobody listens any more: only where the runtime ends.
            None => std::future::pending().await,
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

/// Hears signals in a task of its own.
struct Listener {
    interrupt: Signal,
    terminate: Signal,
}

impl Listener {
    async fn listen(mut self, to: mpsc::UnboundedSender<u8>, phase: CurrentPhase, exit: Exit) {
        let first = self.next().await;
        if *phase.0.borrow() == Phase::Reading {
            let _: Result<(), _> = exit.send(first);
            return;
        }
        // Where nobody hears it, the command has ended.
        let _: Result<(), _> = to.send(first);
        tokio::select! {
            second = self.next() => {
                let _: Result<(), _> = to.send(second);
            }
            () = phase.is_writing() => {}
        }
        sleep(CUT_OFF_TIME).await;
        let _: Result<(), _> = exit.send(first);
    }

    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => INTERRUPTED,
            _ = self.terminate.recv() => TERMINATED,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::process::Command;
    use std::sync::mpsc::channel;

    use super::*;

    fn send(signal: &str) {
        let kill = format!("kill -{signal} {}", std::process::id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// One test, since every listener of this process hears each signal.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn the_first_signal_drains_and_the_second_cuts_off() {
        let listen = |phase: &CurrentPhase| {
            let (exit, exited) = channel();
            (Signals::listen(phase.clone(), exit).unwrap(), exited)
        };
        let work = CurrentPhase::default();
        work.working();

        let (mut signals, _) = listen(&work);
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

        let (mut signals, exited) = listen(&work);
        let cancel = CancellationToken::new();
        let sticks = async {
            send("INT");
            cancel.cancelled().await;
            send("TERM");
            pending::<()>().await;
        };
        let ended = signals.race(sticks, &cancel).await;
        assert_eq!((ended.result, ended.signal), (None, Some(130)));
        assert_eq!(exited.recv(), Ok(130), "also where the command's thread is stuck");

        // A thread that reads a file which never ends hears nothing.
        let (_signals, exited) = listen(&CurrentPhase::default());
        send("TERM");
        assert_eq!(exited.recv(), Ok(143));

        // Nor does one that writes where nobody reads, whether it is stuck by then or later.
        let (_signals, exited) = listen(&work);
        send("INT");
        work.writing();
        assert_eq!(exited.recv(), Ok(130));
        let (_signals, exited) = listen(&work);
        send("TERM");
        assert_eq!(exited.recv(), Ok(143));
    }
}
