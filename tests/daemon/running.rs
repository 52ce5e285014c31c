//! [`Running`]: the daemon in a place, ended with the value.

use std::process::{Child, Command, Stdio};

use crate::binary::{command, signal, until};
use crate::place::Place;

/// A schedule of seconds.
pub(crate) const EACH_SECOND: &str = "\n[audit]\nschedule = \"* * * * * *\"\ngrace = \"0s\"\n";

/// No pass but the first.
pub(crate) const NEVER: &str =
    "\n[audit]\nschedule = \"never\"\ngrace = \"0s\"\n[deep]\nschedule = \"never\"\n";

/// `restock run`, its log in `NAME.log`.
pub(crate) struct Running {
    child: Child,
    log: std::path::PathBuf,
}

impl Running {
    /// Starts it.
    pub(crate) fn start(place: &Place, name: &str) -> Self {
        Self::start_as(place, name, command(place.dir(), "run --log-format text"))
    }

    /// Starts it as prepared, on a port that is free.
    pub(crate) fn start_as(place: &Place, name: &str, mut command: Command) -> Self {
        let log = place.path(&format!("{name}.log"));
        let file = std::fs::File::create(&log).unwrap();
        command.env("RESTOCK_HTTP__LISTEN", "127.0.0.1:0");
        let child = command.stdout(Stdio::null()).stderr(file).spawn().unwrap();
        Self { child, log }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// How often it has said this so far.
    pub(crate) fn said(&self, text: &str) -> usize {
        self.log().matches(text).count()
    }

    /// Waits until it has said this.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        until(&format!("`{text}` in {}", self.log.display()), || self.said(text) > 0);
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Its exit code, once it has ended by itself.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended long ago.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Place {
    /// A healthy world of `n` objects whose daemon keeps these settings.
    pub(crate) fn with_daemon(
        n: u32,
        settings: &str,
    ) -> (Self, Vec<crate::support::world::Object>) {
        let (place, objects) = Self::healthy(n);
        place.configure(&format!("{}{settings}", crate::place::CONFIGURATION));
        (place, objects)
    }
}
