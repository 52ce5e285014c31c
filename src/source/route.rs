//! [`Route`]: the way from a source as it is written to whoever has its bytes, one request at a time.

use std::time::Duration;

use tokio::time::Instant;
use url::Url;

/// Who is asked next for a source: whoever it names, or whoever that one led to.
#[derive(Clone)]
pub struct Route {
    source: String,
    /// The URL that a manifest names.
    named: Option<String>,
    /// The URLs so far, the next one last; empty before the first of them is asked.
    hops: Vec<Url>,
    /// Until when the last redirect holds.
    holds_until: Option<Instant>,
    /// Whether the first byte is asked for, since the head alone is not to be had.
    by_first_byte: bool,
}

/// What one request came to.
pub enum Asked<T> {
    /// This.
    Here(T),
    /// Another URL is to be asked.
    There(Route),
}

impl Route {
    /// The beginning: nobody was asked yet.
    pub fn of(source: &str) -> Self {
        let source = source.to_owned();
        Self { source, named: None, hops: Vec::new(), holds_until: None, by_first_byte: false }
    }

    /// The source as it is written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The URL that a manifest named, where that one was not asked yet.
    pub fn just_named(&self) -> Option<&str> {
        self.named.as_deref().filter(|_| self.hops.is_empty())
    }

    /// Whether a redirect led here so long ago that it may hold no more.
    pub fn is_stale(&self) -> bool {
        self.holds_until.is_some_and(|until| Instant::now() > until)
    }

    pub(super) fn named(&self) -> Option<&str> {
        self.named.as_deref()
    }

    /// The URL at which its hops begin, as it is written.
    pub(super) fn written(&self) -> &str {
        self.named.as_deref().unwrap_or(&self.source)
    }

    pub(super) fn hops(&self) -> &[Url] {
        &self.hops
    }

    pub(super) const fn is_by_first_byte(&self) -> bool {
        self.by_first_byte
    }

    /// Goes on at a URL that a manifest names.
    pub(super) fn at_named(self, url: String) -> Self {
        Self { named: Some(url), ..self }
    }

    /// Goes on where `url` led to, which was asked.
    pub(super) fn to(mut self, url: Url, next: Url, holds: Duration) -> Self {
        if self.hops.is_empty() {
            self.hops.push(url);
        }
        self.hops.push(next);
        Self { holds_until: Some(Instant::now() + holds), ..self }
    }

    /// Begins again, and asks for the first byte.
    pub(super) fn again_by_first_byte(self) -> Self {
        Self { hops: Vec::new(), holds_until: None, by_first_byte: true, ..self }
    }
}
