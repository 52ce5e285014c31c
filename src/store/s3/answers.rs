//! The connector beneath `object_store`: counts what is sent, waits for no answer for ever, reads
//! each LIST answer before `object_store` does, and adds the conditions that it cannot send: with a completed upload, and
//! with a DELETE.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use chrono::DateTime;
use futures::TryStreamExt;
use http::{HeaderValue, Method, header};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};

use super::answer::Answer;
use super::faults::{fault_of, transport};
use super::page::{self, PAGE_MAX_BYTES, PageFault};
use super::patience::{Asked, Patience};
use crate::model::{OperationFailure, OperationKind};
use crate::store::counters::{self, Counters};

tokio::task_local! {
    /// The tag of the version that a DELETE means; `object_store` cannot say it.
    pub(super) static ONLY_IF_MATCH: HeaderValue;
}

/// What a completed multipart upload asks of the key; `object_store` cannot say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Completion {
    /// Whatever is there is replaced.
    Overwrites,
    /// Nothing may be there.
    Creates,
}

/// Wraps the connector that talks to the network, or to canned answers.
#[derive(Debug)]
pub(super) struct Answers<C> {
    pub(super) inner: C,
    pub(super) counters: Arc<Counters>,
    pub(super) completion: Completion,
    pub(super) patience: Patience,
}

impl<C: HttpConnector> HttpConnector for Answers<C> {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Checked {
            inner: self.inner.connect(options)?,
            counters: Arc::clone(&self.counters),
            completion: self.completion,
            patience: self.patience.clone(),
        }))
    }
}

#[derive(Debug)]
struct Checked {
    inner: HttpClient,
    counters: Arc<Counters>,
    completion: Completion,
    patience: Patience,
}

#[async_trait]
impl HttpService for Checked {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let asked = self.counters.ask(kind(&request));
        let answer = self.answer(request).await;
        asked.end(failure(&answer));
        answer
    }
}

impl Checked {
    async fn answer(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if self.completion == Completion::Creates && is_completion(&request) {
            // Unsigned, as only `x-amz-` headers have to be signed.
            request.headers_mut().insert(header::IF_NONE_MATCH, HeaderValue::from_static("*"));
        }
        if request.method() == Method::DELETE
            && let Ok(tag) = ONLY_IF_MATCH.try_with(Clone::clone)
        {
            request.headers_mut().insert(header::IF_MATCH, tag);
        }
        if !is_list(&request) {
            return self.execute(request).await;
        }
        let token = parameter(&request, "continuation-token");
        checked_listing(self.execute(request).await?, token.as_deref()).await
    }

    /// Sends it; a refusal is an error that says its status and code.
    async fn execute(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let asked = Asked::from(&request);
        let may_conflict = request.headers().contains_key(header::IF_MATCH);
        let answer = tokio::select! {
            biased;
            answer = self.inner.execute(request) => self.patience.guard(answer?, asked),
            cause = self.patience.runs_out(asked) => return Err(cause.into()),
        };
        if !answer.status().is_success() {
            return Err(Answer::read(answer).await.into_error(may_conflict));
        }
        if !asked.answers_when_done() {
            return Ok(answer);
        }
        let (parts, body) = answer.into_parts();
        let body = read(body).await?;
        match Answer::in_success(&body) {
            Some(error) => Err(error.into_error(may_conflict)),
            None => Ok(HttpResponse::from_parts(parts, body.into())),
        }
    }
}

async fn checked_listing(
    response: HttpResponse,
    token: Option<&str>,
) -> Result<HttpResponse, HttpError> {
    let (mut parts, body) = response.into_parts();
    let (mut facts, page) = page::check(read(body).await?, token)?;
    let date = parts.headers.get(header::DATE).and_then(|date| date.to_str().ok());
    facts.date =
        date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()).map(|date| date.to_utc());
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.extensions.insert(Arc::new(facts));
    Ok(HttpResponse::from_parts(parts, page.into()))
}

/// The whole body. One that breaks off counts as interrupted, so that it is asked for again:
/// `object_store` reads the body of a LIST outside of its retries.
async fn read(body: HttpResponseBody) -> Result<Bytes, HttpError> {
    let (mut chunks, mut whole) = (body.bytes_stream(), BytesMut::new());
    while let Some(chunk) = chunks.try_next().await.map_err(interrupted)? {
        if whole.len() + chunk.len() > PAGE_MAX_BYTES {
            return Err(PageFault::TooLarge.into());
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

fn interrupted(error: HttpError) -> HttpError {
    if error.kind() == HttpErrorKind::Timeout {
        return error;
    }
    HttpError::new(HttpErrorKind::Interrupted, error)
}

fn kind(request: &HttpRequest) -> OperationKind {
    match *request.method() {
        Method::GET if is_list(request) => OperationKind::List,
        Method::GET => OperationKind::Get,
        Method::HEAD => OperationKind::Head,
        _ => OperationKind::Put,
    }
}

/// As what an answer counts; an absent object is an answer.
fn failure(answer: &Result<HttpResponse, HttpError>) -> Option<OperationFailure> {
    let error = answer.as_ref().err()?;
    let refusal = error.source().and_then(|cause| cause.downcast_ref::<Answer>());
    counters::failure(refusal.map_or_else(|| transport(error.kind()), fault_of))
}

fn is_list(request: &HttpRequest) -> bool {
    let query = request.uri().query().unwrap_or("");
    request.method() == Method::GET && query.split('&').any(|pair| pair == "list-type=2")
}

fn is_completion(request: &HttpRequest) -> bool {
    request.method() == Method::POST && parameter(request, "uploadId").is_some()
}

fn parameter(request: &HttpRequest, name: &str) -> Option<String> {
    url::form_urlencoded::parse(request.uri().query()?.as_bytes())
        .find_map(|(key, value)| (key == name).then(|| value.into_owned()))
}
