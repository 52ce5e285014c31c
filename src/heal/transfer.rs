//! One source of one object: its bytes, hashed as they arrive, into a staged upload.

use std::time::Duration;

use futures::TryStreamExt;
use sha2::{Digest as _, Sha256};

use crate::model::{Digest, FailureReason, RepairResult, error_chain};
use crate::observe::Event;
use crate::source::{Decoding, FetchError, next_delay};
use crate::store::{Staged, StoreError};

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

/// What asking a source once came to.
pub(super) struct Asked {
    pub(super) outcome: Next,
    /// The host that did not answer.
    pub(super) silent: Option<String>,
}

/// What follows from it.
pub(super) enum Next {
    /// The source is done with.
    Done(Transfer),
    /// It is asked again after this time.
    Again(Duration),
}

/// How one request ended.
enum Try {
    Done(Transfer),
    Again {
        failure: Failure,
        retry_after: Option<Duration>,
        silent: Option<String>,
    },
    /// Wrong bytes that may be others the next time.
    Page(Drift),
    /// The answer was encoded and its bytes are wrong as sent: the decoded ones may be right.
    Decode(Drift),
    /// There are no decoded bytes.
    Undecodable(Failure),
}

impl Healer {
    /// Asks one source, which may be asked up to `tries` times where it may pass. `bytes` counts
    /// what was downloaded.
    pub(super) async fn transfer(
        &self,
        job: &Job<'_>,
        url: &str,
        tries: &mut Tries,
        bytes: &mut u64,
    ) -> Asked {
        loop {
            let decoding =
                if tries.as_sent.is_none() { Decoding::AsSent } else { Decoding::Decoded };
            let (failed, retry_after, silent) = match self.ask(job, url, decoding, bytes).await {
                Try::Done(transfer) => return Asked::done(transfer, None),
                // An encoding that cannot be undone leaves the answer as it was sent: wrong. Any
                // other failure on the way says nothing about the source's bytes.
                Try::Undecodable(failure) => {
                    let wrong = tries.as_sent.take().map(Transfer::Drifted);
                    return Asked::done(wrong.unwrap_or(Transfer::Failed(failure)), None);
                }
                Try::Decode(drift) => {
                    tries.as_sent = Some(drift);
                    continue;
                }
                Try::Page(drift) => (Transfer::Drifted(drift), None, None),
                Try::Again { failure, retry_after, silent } => {
                    (Transfer::Failed(failure), retry_after, silent)
                }
            };
            return self.tried(tries, failed, retry_after, silent);
        }
    }

    /// What follows from a source that could not be asked, since what leads to it was silent.
    pub(super) fn unanswered(&self, tries: &mut Tries, host: String, detail: String) -> Asked {
        let failure = Failure {
            result: RepairResult::Failed,
            reason: FailureReason::SourceUnavailable,
            detail,
        };
        self.tried(tries, Transfer::Failed(failure), None, Some(host))
    }

    fn tried(
        &self,
        tries: &mut Tries,
        failed: Transfer,
        retry_after: Option<Duration>,
        silent: Option<String>,
    ) -> Asked {
        tries.failed = tries.failed.saturating_add(1);
        if tries.failed >= self.tries.max(1) {
            return Asked::done(failed, silent);
        }
        let wait = next_delay(tries.failed, retry_after, (self.chance)());
        Asked { outcome: Next::Again(wait), silent }
    }

    async fn ask(&self, job: &Job<'_>, url: &str, decoding: Decoding, bytes: &mut u64) -> Try {
        let action = job.action;
        let limit = self.options.max_object_size.0;
        let fetched = tokio::select! {
            () = self.cancel.cancelled() => return Try::Done(Transfer::Cancelled),
            fetched = self.source.fetch(url, &action.target.digest, decoding, limit) => fetched,
        };
        let mut fetched = match fetched {
            Ok(fetched) => fetched,
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

impl Asked {
    const fn done(transfer: Transfer, silent: Option<String>) -> Self {
        Self { outcome: Next::Done(transfer), silent }
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
            Try::Again { failure, retry_after: *retry_after, silent: None }
        }
        FetchError::Silent { host, .. } => {
            Try::Again { failure, retry_after: None, silent: Some(host.clone()) }
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
