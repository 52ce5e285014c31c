//! Sources in memory: what each URL answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use restock::model::Digest;
use restock::source::{Asked, Decoding, FetchError, Fetched, Offer, Route, Source};

use crate::hindrance::Hindrance;

/// What a URL answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Gives(Bytes),
    /// The same, chunk by chunk with this long before each.
    Drips(Bytes, Duration),
    /// A web page in place of the file.
    Page(Bytes),
    /// Encoded: the bytes as sent, and what they decode to; `None` where they cannot be decoded.
    Encoded(Bytes, Option<Bytes>),
    /// Breaks off in the middle.
    Breaks(Bytes),
    Gone(u16),
    Lacking,
    Forbidden,
    /// May pass, with how long the source asks to be left alone.
    Busy(Option<Duration>),
    /// Nothing comes.
    Silent,
}

/// What all URLs answer; clones share it.
#[derive(Clone, Default)]
pub(crate) struct MemorySource {
    answers: Arc<Mutex<BTreeMap<String, Answer>>>,
    hindrance: Option<Arc<dyn Hindrance>>,
}

impl MemorySource {
    pub(crate) fn hindered(mut self, by: Arc<dyn Hindrance>) -> Self {
        self.hindrance = Some(by);
        self
    }

    /// Lets a URL answer so from now on.
    pub(crate) fn serve(&self, url: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(url.to_owned(), answer);
    }

    /// What a URL answers now.
    pub(crate) fn answer(&self, url: &str) -> Option<Answer> {
        self.answers.lock().unwrap().get(url).cloned()
    }
}

/// How long a silent source is waited for.
pub(crate) const SILENT_FOR: Duration = Duration::from_mins(1);

/// Requests at once to one host.
pub(crate) const PER_HOST: usize = 2;

/// A host that the policy denies.
pub(crate) const DENIED: &str = "denied.example";

pub(crate) fn host_of(url: &str) -> Option<String> {
    let behind = url.split_once("://")?.1;
    let authority = behind.split('/').next()?;
    Some(authority.rsplit('@').next()?.to_owned())
}

fn transient(retry_after: Option<Duration>) -> FetchError {
    FetchError::Transient { message: "the source is busy".to_owned(), retry_after }
}

fn fetched(bytes: &Bytes) -> Fetched {
    let chunks: Vec<_> = bytes.chunks(16).map(Bytes::copy_from_slice).map(Ok).collect();
    Fetched {
        length: u64::try_from(bytes.len()).ok(),
        etag: None,
        encoded: false,
        page: false,
        body: stream::iter(chunks).boxed(),
    }
}

#[async_trait]
impl Source for MemorySource {
    fn permits(&self, source: &str) -> Result<(), String> {
        match host_of(source) {
            Some(host) if host != DENIED => Ok(()),
            _ => Err("the host is denied".to_owned()),
        }
    }

    async fn fetch_at(
        &self,
        route: Route,
        _digest: &Digest,
        decoding: Decoding,
        limit: u64,
    ) -> Result<Asked<Fetched>, FetchError> {
        let source = route.source();
        if let Some(by) = &self.hindrance {
            let met = by.meet("fetch", source).await;
            met.map_err(|message| FetchError::Transient { message, retry_after: None })?;
        }
        let silent = || FetchError::Silent {
            host: host_of(source).unwrap_or_default(),
            message: "nothing came".to_owned(),
        };
        let decoded = decoding == Decoding::Decoded;
        let given = match self.answer(source).ok_or_else(silent)? {
            Answer::Gives(bytes) => fetched(&bytes),
            Answer::Page(bytes) => Fetched { page: true, ..fetched(&bytes) },
            Answer::Drips(bytes, pause) => {
                let given = fetched(&bytes);
                let body = given.body.then(move |chunk| async move {
                    tokio::time::sleep(pause).await;
                    chunk
                });
                Fetched { body: body.boxed(), ..given }
            }
            Answer::Encoded(_, Some(bytes)) if decoded => {
                Fetched { encoded: true, ..fetched(&bytes) }
            }
            Answer::Encoded(_, None) if decoded => {
                return Err(FetchError::Encoding("cannot be undone".to_owned()));
            }
            Answer::Encoded(bytes, _) => Fetched { encoded: true, ..fetched(&bytes) },
            Answer::Breaks(bytes) => {
                let half = bytes.slice(..bytes.len() / 2);
                let given = fetched(&half);
                let end = stream::iter([Err(transient(None))]);
                Fetched { body: given.body.chain(end).boxed(), ..given }
            }
            Answer::Gone(status) => return Err(FetchError::Gone { status }),
            Answer::Lacking => return Err(FetchError::Lacking("it has none".to_owned())),
            Answer::Forbidden => return Err(FetchError::Permanent("403".to_owned())),
            Answer::Busy(wish) => return Err(transient(wish)),
            Answer::Silent => {
                tokio::time::sleep(SILENT_FOR).await;
                return Err(silent());
            }
        };
        if given.length.is_some_and(|length| length > limit) {
            return Err(FetchError::TooLarge { limit });
        }
        Ok(Asked::Here(given))
    }

    async fn offer_at(&self, _: Route, _: &Digest) -> Result<Asked<Offer>, FetchError> {
        Ok(Asked::Here(Offer::default()))
    }

    fn host(&self, route: &Route) -> Option<String> {
        host_of(route.source())
    }

    fn per_host(&self) -> usize {
        PER_HOST
    }
}
