//! One source of one object: its bytes, hashed as they arrive, into a staged upload.

use std::time::Duration;

use futures::TryStreamExt;
use sha2::{Digest as _, Sha256};

use crate::model::{Digest, FailureReason, RepairResult, error_chain};
use crate::observe::Event;
use crate::source::{Asked, Decoding, FetchError, Route, next_delay};
use crate::store::{Staged, StoreError};

use super::lanes::Heard;
use super::{Healer, Job};

/// A web page of no more bytes than this, sent in place of a file, may be another thing the next
/// time: a login, a queue, a server that is busy.
const PAGE_BYTES: u64 = 1 << 20;

/// What came of asking one source.
pub(super) enum Transfer {
    /// The whole file, with the right digest, waiting to be published.
    Proven(Box<dyn Staged>, u64),
    /// A complete answer with another digest.
    Drifted(Drift),
    /// Nothing that could be published.
    Failed(Failure),
    /// The heal was told to end.
    Cancelled,
}

/// What a drifted source sent.
pub(super) struct Drift {
    pub(super) etag: Option<String>,
    pub(super) length: u64,
    pub(super) observed: Digest,
    /// Whether it was a web page in place of a file: then it says little of the next time.
    pub(super) page: bool,
}

/// Why a source gave nothing.
pub(super) struct Failure {
    pub(super) result: RepairResult,
    pub(super) reason: FailureReason,
    pub(super) detail: String,
}

/// How often a source was asked, and what it sent so far.
#[derive(Default)]
pub(super) struct Tries {
    failed: u32,
    as_sent: Option<Drift>,
}

/// What one request came to.
pub(super) struct Requested {
    pub(super) next: Next,
    pub(super) heard: Heard,
}

/// What follows from it.
pub(super) enum Next {
    /// The source is done with.
    Done(Transfer),
    /// Whoever this leads to is asked.
    Led(Route),
    /// It is asked again after this time, from the beginning.
    Again(Duration),
}

/// How one request ended.
enum Try {
    Done(Transfer),
    Led(Route),
    Again {
        failure: Failure,
        retry_after: Option<Duration>,
        heard: Heard,
    },
    /// Wrong bytes that may be others the next time.
    Page(Drift),
    /// The answer was encoded and its bytes are wrong as sent: the decoded ones may be right.
    Decode(Drift),
    /// There are no decoded bytes.
    Undecodable(Failure),
}

impl Healer {
    /// Makes the next request for one source, which may be asked up to `tries` times where it may
    /// pass. `bytes` counts what was downloaded.
    pub(super) async fn transfer(
        &self,
        job: &Job<'_>,
        route: Route,
        tries: &mut Tries,
        bytes: &mut u64,
    ) -> Requested {
        let decoding = if tries.as_sent.is_none() { Decoding::AsSent } else { Decoding::Decoded };
        let (failed, retry_after, heard) = match self.ask(job, route, decoding, bytes).await {
            Try::Done(transfer) => return Requested::of(Next::Done(transfer)),
            Try::Led(route) => return Requested::of(Next::Led(route)),
            // An encoding that cannot be undone leaves the answer as it was sent: wrong. Any
            // other failure on the way says nothing about the source's bytes.
            Try::Undecodable(failure) => {
                let wrong = tries.as_sent.take().map(Transfer::Drifted);
                return Requested::of(Next::Done(wrong.unwrap_or(Transfer::Failed(failure))));
            }
            Try::Decode(drift) => {
                tries.as_sent = Some(drift);
                return Requested::of(Next::Again(Duration::ZERO));
            }
            Try::Page(drift) => (Transfer::Drifted(drift), None, Heard::Answer),
            Try::Again { failure, retry_after, heard } => {
                (Transfer::Failed(failure), retry_after, heard)
            }
        };
        tries.failed = tries.failed.saturating_add(1);
        let next = if tries.failed >= self.tries.max(1) {
            Next::Done(failed)
        } else {
            Next::Again(next_delay(tries.failed, retry_after, (self.chance)()))
        };
        Requested { next, heard }
    }

    async fn ask(&self, job: &Job<'_>, route: Route, decoding: Decoding, bytes: &mut u64) -> Try {
        let action = job.action;
        let limit = self.options.max_object_size.0;
        let asked = tokio::select! {
            () = self.cancel.cancelled() => return Try::Done(Transfer::Cancelled),
            asked = self.source.fetch_at(route, &action.target.digest, decoding, limit) => asked,
        };
        let mut fetched = match asked {
            Ok(Asked::Here(fetched)) => fetched,
            Ok(Asked::There(route)) => return Try::Led(route),
            Err(error) => return classify(&error),
        };
        let size = if fetched.encoded { None } else { fetched.length };
        let mut staged = match self.store.stage(&action.target.key, size, self.journal()).await {
            Ok(staged) => staged,
            Err(error) => return store_failure(&error),
        };
        let (mut hasher, mut length) = (Sha256::new(), 0_u64);
        loop {
            let chunk = tokio::select! {
                () = self.cancel.cancelled() => {
                    self.discard(staged).await;
                    return Try::Done(Transfer::Cancelled);
                }
                chunk = fetched.body.try_next() => chunk,
            };
            let chunk = match chunk {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(error) => {
                    self.discard(staged).await;
                    return classify(&error);
                }
            };
            let n = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            (*bytes, length) = (bytes.saturating_add(n), length.saturating_add(n));
            self.observer.notice(&Event::Downloaded(n));
            hasher.update(&chunk);
            if let Err(error) = staged.write(chunk).await {
                self.discard(staged).await;
                return store_failure(&error);
            }
        }
        let observed = Digest::new(hasher.finalize().into());
        if observed == action.target.digest {
            return Try::Done(Transfer::Proven(staged, length));
        }
        self.discard(staged).await;
        let page = fetched.page && length <= PAGE_BYTES && !wants_page(job);
        let drift = Drift { etag: fetched.etag.take(), length, observed, page };
        if fetched.encoded && decoding == Decoding::AsSent {
            return Try::Decode(drift);
        }
        if page { Try::Page(drift) } else { Try::Done(Transfer::Drifted(drift)) }
    }

    /// Throws staged bytes away. What cannot be thrown away now stands in the journal, and the
    /// next heal sweeps it.
    pub(super) async fn discard(&self, staged: Box<dyn Staged>) {
        if let Err(error) = staged.discard().await {
            let line = format!("an unfinished upload is left to be swept: {}", error_chain(&error));
            self.observer.notice(&Event::Notice(&line));
        }
    }
}

impl Requested {
    /// A request that was answered.
    const fn of(next: Next) -> Self {
        Self { next, heard: Heard::Answer }
    }
}

/// Whether the object is a web page by one of its names.
fn wants_page(job: &Job<'_>) -> bool {
    let names = job.rows.iter().filter_map(|row| row.name.as_deref());
    names
        .map(str::to_ascii_lowercase)
        .any(|name| [".html", ".htm", ".xhtml"].iter().any(|extension| name.ends_with(extension)))
}

fn classify(error: &FetchError) -> Try {
    let (result, reason) = match error {
        FetchError::Gone { .. } | FetchError::Lacking(_) => {
            (RepairResult::SourceGone, FailureReason::SourceGone)
        }
        FetchError::Policy(_) => (RepairResult::Refused, FailureReason::PolicyBlocked),
        FetchError::TooLarge { .. } => (RepairResult::Refused, FailureReason::TooLarge),
        FetchError::Transient { .. }
        | FetchError::Silent { .. }
        | FetchError::Encoding(_)
        | FetchError::Permanent(_) => (RepairResult::Failed, FailureReason::SourceUnavailable),
    };
    let failure = Failure { result, reason, detail: error_chain(error) };
    match error {
        FetchError::Transient { retry_after, .. } => {
            Try::Again { failure, retry_after: *retry_after, heard: Heard::Answer }
        }
        FetchError::Silent { host, .. } => {
            Try::Again { failure, retry_after: None, heard: Heard::Silence(host.clone()) }
        }
        FetchError::Encoding(_) => Try::Undecodable(failure),
        FetchError::Gone { .. }
        | FetchError::Lacking(_)
        | FetchError::Policy(_)
        | FetchError::TooLarge { .. }
        | FetchError::Permanent(_) => Try::Done(Transfer::Failed(failure)),
    }
}

/// A store that does not take the bytes is not asked again with another download: the adapter has
/// tried already.
fn store_failure(error: &StoreError) -> Try {
    Try::Done(Transfer::Failed(Failure {
        result: RepairResult::Failed,
        reason: FailureReason::StoreWrite,
        detail: error_chain(error),
    }))
}
