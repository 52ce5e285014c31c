//! Courtesy to hosts: few requests at once, and none any more to one that does not answer.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use url::Url;

use crate::source::Silence;

/// Every host that was asked so far.
pub(super) struct Hosts {
    per_host: usize,
    known: Mutex<HashMap<String, Arc<Host>>>,
}

/// One host, or one kind of source that has none.
pub(super) struct Host {
    places: Semaphore,
    /// Objects in a row without an answer.
    silence: Silence,
}

/// A host that is not asked any more.
pub(super) struct LeftAlone;

impl Hosts {
    pub(super) fn new(per_host: usize) -> Self {
        Self { per_host: per_host.max(1), known: Mutex::default() }
    }

    /// The host that a source is at.
    pub(super) fn of(&self, source: &str) -> Arc<Host> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Host { places: Semaphore::new(self.per_host), silence: Silence::default() };
        Arc::clone(known.entry(name_of(source)).or_insert_with(|| Arc::new(new())))
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

    /// Notes whether an object got an answer that counts, after all tries.
    pub(super) fn note(&self, answered: bool) {
        self.silence.note(answered);
    }
}

/// The host of a URL; of another source, what it begins with.
fn name_of(source: &str) -> String {
    let host = Url::parse(source).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| source.split(':').next().unwrap_or("").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_apart_by_their_host() {
        for (source, name) in [
            ("https://u:p@Files.Example:8443/a", "files.example"),
            ("https://127.1/a", "127.0.0.1"),
            ("maintained-app:slack/darwin", "maintained-app"),
            ("script:7", "script"),
            ("no url", "no url"),
        ] {
            assert_eq!(name_of(source), name);
        }
    }

    #[tokio::test]
    async fn a_host_is_left_alone_after_five_silent_objects_in_a_row() {
        let hosts = Hosts::new(1);
        let host = hosts.of("https://h/a");
        for silent in 0..4 {
            host.note(false);
            assert!(host.ask(async {}).await.is_ok(), "after {silent}");
        }
        host.note(true);
        (0..5).for_each(|_| hosts.of("https://h/b").note(false));
        assert!(host.ask(async {}).await.is_err());
        assert!(hosts.of("https://other/a").ask(async {}).await.is_ok());
    }
}
