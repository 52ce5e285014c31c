//! Courtesy to hosts: few requests at once, and none any more to one that does not answer.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::source::Silence;

/// Every host that was asked so far.
pub(super) struct Hosts {
    per_host: usize,
    known: Mutex<HashMap<String, Arc<Host>>>,
}

/// One host, or one kind of source that has none.
pub(super) struct Host {
    places: Semaphore,
    /// How often in a row no answer came.
    silence: Silence,
}

/// A host that is not asked any more.
pub(super) struct LeftAlone;

impl Hosts {
    pub(super) fn new(per_host: usize) -> Self {
        Self { per_host: per_host.max(1), known: Mutex::default() }
    }

    /// The host of this name.
    pub(super) fn of(&self, name: &str) -> Arc<Host> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Host { places: Semaphore::new(self.per_host), silence: Silence::default() };
        Arc::clone(known.entry(name.to_owned()).or_insert_with(|| Arc::new(new())))
    }
}

impl Host {
    /// Does this when there is a place, unless the host is left alone by then.
    pub(super) async fn ask<T>(&self, asking: impl Future<Output = T>) -> Result<T, LeftAlone> {
        // It is never closed; if it were, everybody would find a place.
        let _place = self.places.acquire().await;
        if self.silence.is_left_alone() {
            return Err(LeftAlone);
        }
        Ok(asking.await)
    }

    /// Notes whether an answer came that counts.
    pub(super) fn note(&self, answered: bool) {
        self.silence.note(answered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_host_is_left_alone_after_five_silent_objects_in_a_row() {
        let hosts = Hosts::new(1);
        let host = hosts.of("h");
        for silent in 0..4 {
            host.note(false);
            assert!(host.ask(async {}).await.is_ok(), "after {silent}");
        }
        host.note(true);
        (0..5).for_each(|_| hosts.of("h").note(false));
        assert!(host.ask(async {}).await.is_err());
        assert!(hosts.of("other").ask(async {}).await.is_ok());
    }
}
