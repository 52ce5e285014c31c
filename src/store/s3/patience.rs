//! [`Patience`]: how long a bucket may take. An answer that comes byte by byte, or not at all, ends
//! in a time-out, so that no request is open for ever.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http_body::{Body, Frame, SizeHint};
use object_store::PutPayload;
use object_store::client::{HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::sending::{Line, PAYLOAD};

/// Bytes a second that a body has to bring, over twice the silence that is borne. Time in which
/// nobody asks for bytes (a limit of bandwidth, a slow disk) does not count.
const SLOWEST_READ: u64 = 10 << 10;
/// How long a completion or a copy may take: servers answer once it is done.
const WORK_TIME: Duration = Duration::from_mins(5);

/// How long to wait for what.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    /// How long nothing may come, and nothing may go.
    silence: Duration,
    /// What the uploads of a store share.
    line: Arc<Line>,
}

impl Default for Patience {
    fn default() -> Self {
        Self::of(Duration::from_secs(30))
    }
}

/// Why an answer was not waited for any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Impatience {
    #[error("no answer within {}", humantime::format_duration(*.0))]
    Unanswered(Duration),
    #[error("nothing went for {}", humantime::format_duration(*.0))]
    Stuck(Duration),
    #[error("nothing came for {}", humantime::format_duration(*.0))]
    Silent(Duration),
    #[error("too slow: {bytes} bytes in {}", humantime::format_duration(*.window))]
    Slow { bytes: u64, window: Duration },
}

impl From<Impatience> for HttpError {
    fn from(cause: Impatience) -> Self {
        Self::new(HttpErrorKind::Timeout, cause)
    }
}

impl Patience {
    /// For a store whose silence is borne for so long.
    pub(super) fn of(silence: Duration) -> Self {
        Self { silence, line: Arc::default() }
    }

    /// Ends once the head of an answer is not worth waiting for any longer.
    pub(super) async fn runs_out(&self, request: Asked) -> Impatience {
        if !request.answers_when_done
            && let Ok(payload) = PAYLOAD.try_with(PutPayload::clone)
        {
            return self.line.watch(&payload, self.silence).await;
        }
        let work = if request.answers_when_done { WORK_TIME } else { Duration::ZERO };
        let limit = work.max(self.silence);
        sleep(limit).await;
        Impatience::Unanswered(limit)
    }

    /// The same answer, its body under guard.
    pub(super) fn guard(&self, response: HttpResponse, request: Asked) -> HttpResponse {
        // A server that works on a completion sends a blank now and then, or nothing.
        let (silence, window, slowest) = if request.answers_when_done {
            let work = WORK_TIME.max(self.silence);
            (work, work, u64::MAX)
        } else {
            (self.silence, self.silence.saturating_mul(2), SLOWEST_READ)
        };
        let milliseconds = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        let (parts, inner) = response.into_parts();
        let body = Guarded {
            inner,
            silence,
            window,
            enough: slowest.saturating_mul(milliseconds) / 1_000,
            waited: Duration::ZERO,
            bytes: 0,
            waiting: None,
        };
        HttpResponse::from_parts(parts, HttpResponseBody::new(body))
    }
}

/// What has to be known of a request once it is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    answers_when_done: bool,
}

impl Asked {
    /// Whether the server works for long before it says anything: a completion, or a copy.
    pub(super) const fn answers_when_done(self) -> bool {
        self.answers_when_done
    }
}

impl From<&HttpRequest> for Asked {
    fn from(request: &HttpRequest) -> Self {
        Self { answers_when_done: answers_when_done(request) }
    }
}

/// Whether the server works for long before it says anything: a completion, or a copy.
fn answers_when_done(request: &HttpRequest) -> bool {
    request.headers().contains_key("x-amz-copy-source")
        || request.method() == Method::POST
            && request.uri().query().is_some_and(|query| query.contains("uploadId="))
}

/// A body that has to come.
struct Guarded {
    inner: HttpResponseBody,
    silence: Duration,
    window: Duration,
    /// Bytes that have to come in a window.
    enough: u64,
    /// How long was waited in the window at hand, and what came.
    waited: Duration,
    bytes: u64,
    /// Since when the next bytes are waited for, and the end of it.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Guarded {
    fn came(&mut self, bytes: usize) -> Result<(), Impatience> {
        if let Some((since, _)) = self.waiting.take() {
            self.waited += since.elapsed().min(self.silence);
        }
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if self.waited < self.window {
            return Ok(());
        }
        if self.bytes < self.enough {
            return Err(Impatience::Slow { bytes: self.bytes, window: self.window });
        }
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        Ok(())
    }

    fn silent(&mut self, context: &mut Context<'_>) -> bool {
        let silence = self.silence;
        let (_, end) = self.waiting.get_or_insert_with(|| {
            let now = Instant::now();
            let far = Duration::from_hours(24 * 365);
            (now, Box::pin(sleep_until(now + silence.min(far))))
        });
        end.as_mut().poll(context).is_ready()
    }
}

impl Body for Guarded {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let came = this.came(frame.data_ref().map_or(0, Bytes::len));
                Poll::Ready(Some(came.map(|()| frame).map_err(HttpError::from)))
            }
            Poll::Ready(end) => Poll::Ready(end),
            Poll::Pending if this.silent(context) => {
                Poll::Ready(Some(Err(Impatience::Silent(this.silence).into())))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
#[path = "patience_tests.rs"]
mod tests;
