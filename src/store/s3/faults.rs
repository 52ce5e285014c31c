//! From an error of `object_store` to one that names the cause and says what to do.

use std::error::Error;

use object_store::client::{HttpError, HttpErrorKind};

use super::answer::{Answer, SHOWN_MAX_CHARS};
use super::page::PageFault;
use crate::model::redact_urls_in;
use crate::store::{StoreError, StoreFault};

/// Marks an error of the credential provider, wherever it surfaces.
#[derive(Debug, thiserror::Error)]
#[error("no credentials are set, and none can be had: {0}")]
pub(super) struct NoCredentials(pub(super) String);

/// The cause of a [`StoreError`], redacted; the library's own errors print whole URLs.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Cause(String);

/// What to say in hints.
#[derive(Debug, Clone)]
pub(super) struct Where {
    /// The endpoint, redacted.
    pub(super) endpoint: String,
    /// The bucket.
    pub(super) bucket: String,
}

/// Classifies an error of `object_store`.
pub(super) fn store_error(
    action: impl Into<String>,
    error: &object_store::Error,
    at: &Where,
) -> StoreError {
    let fault = fault(error);
    StoreError {
        fault,
        action: action.into(),
        hint: hint(error, fault, at),
        source: Some(Box::new(Cause(shown(error)))),
    }
}

/// Whether the server does not know the condition that was sent along.
pub(super) fn is_not_implemented(error: &object_store::Error) -> bool {
    let by_server = |answer: &Answer| answer.status == 501 || answer.code() == "NotImplemented";
    find(error).is_some_and(by_server)
        || matches!(error, object_store::Error::NotImplemented { .. })
}

/// Whether the server says that the condition that was sent along does not hold.
pub(super) fn is_unmet_condition(error: &object_store::Error) -> bool {
    find(error).is_some_and(|answer: &Answer| matches!(answer.status, 304 | 412))
}

/// Whether the server may have taken offence at a checksum beside the bytes.
pub(super) fn may_be_the_checksum(error: &object_store::Error) -> bool {
    find(error).is_some_and(|answer: &Answer| {
        answer.status == 400 && fault_of(answer) == StoreFault::Other
    })
}

/// The same error for a bucket that is asked as a whole: its 404 is the bucket's own.
pub(super) fn of_the_bucket(mut error: StoreError, at: &Where) -> StoreError {
    if error.fault == StoreFault::NotFound {
        error.fault = StoreFault::NoSuchStore;
        error.hint = Some(no_bucket(at));
    }
    error
}

fn fault(error: &object_store::Error) -> StoreFault {
    if find::<PageFault>(error).is_some() {
        return StoreFault::Malformed;
    }
    if find::<NoCredentials>(error).is_some() {
        return StoreFault::Credentials;
    }
    match find::<Answer>(error) {
        Some(answer) => fault_of(answer),
        None => find::<HttpError>(error).map_or(StoreFault::Other, |e| transport(e.kind())),
    }
}

/// What a server's refusal means; an error that comes with status 200 too.
pub(super) fn fault_of(answer: &Answer) -> StoreFault {
    match (answer.status, answer.code()) {
        (_, "NoSuchBucket") => StoreFault::NoSuchStore,
        (_, "InvalidObjectState") => StoreFault::Archived,
        (
            _,
            "ExpiredToken"
            | "TokenRefreshRequired"
            | "InvalidToken"
            | "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "AccountProblem"
            | "NotSignedUp",
        ) => StoreFault::Credentials,
        (_, "RequestTimeTooSkewed" | "RequestExpired") => StoreFault::Clock,
        (429 | 503, _) | (_, "SlowDown" | "ServiceUnavailable" | "Throttling") => {
            StoreFault::Throttled
        }
        (404, _) => StoreFault::NotFound,
        (401 | 403, _) => StoreFault::AccessDenied,
        (304 | 409 | 412, _) => StoreFault::Conflict,
        (408 | 504, _) | (_, "RequestTimeout") => StoreFault::Timeout,
        // A condition that the server does not know; it is asked again without.
        (501, _) => StoreFault::Other,
        (500.., _) | (_, "InternalError") => StoreFault::Server,
        _ => StoreFault::Other,
    }
}

/// What it means that no whole answer came.
pub(super) fn transport(kind: HttpErrorKind) -> StoreFault {
    match kind {
        HttpErrorKind::Timeout => StoreFault::Timeout,
        HttpErrorKind::Connect | HttpErrorKind::Request | HttpErrorKind::Interrupted => {
            StoreFault::Unreachable
        }
        HttpErrorKind::Decode => StoreFault::Malformed,
        HttpErrorKind::Unknown | _ => StoreFault::Other,
    }
}

fn hint(error: &object_store::Error, fault: StoreFault, at: &Where) -> Option<String> {
    if find::<NoCredentials>(error).is_some() {
        return Some(
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, run where a role is attached, or \
             set aws_skip_signature in [store.options] for a public bucket"
                .to_owned(),
        );
    }
    let endpoint = &at.endpoint;
    match (fault, find(error).map_or("", Answer::code)) {
        (StoreFault::Credentials, "ExpiredToken" | "TokenRefreshRequired") => Some(
            "the temporary credentials have expired: renew them with AWS_SESSION_TOKEN, or run \
             where a role renews them"
                .to_owned(),
        ),
        (StoreFault::Credentials, "InvalidToken") => Some(
            "the session token does not belong to the access key, or is not whole: renew both"
                .to_owned(),
        ),
        (StoreFault::Credentials, _) => {
            Some("the access key or its secret is wrong, or belongs to another server".to_owned())
        }
        (StoreFault::Clock, _) => Some("this machine's clock is wrong".to_owned()),
        (StoreFault::Archived, _) => Some(
            "its storage class keeps it in an archive: bring it back first, e.g. with \
             `aws s3api restore-object`"
                .to_owned(),
        ),
        (
            _,
            "AuthorizationHeaderMalformed"
            | "PermanentRedirect"
            | "IllegalLocationConstraintException",
        ) => Some("the bucket is in another region: set aws_region in [store.options]".to_owned()),
        (StoreFault::AccessDenied, _) => Some(format!(
            "the credentials need s3:ListBucket on {} and s3:GetObject on its objects, a heal also \
             s3:PutObject and s3:AbortMultipartUpload, and only the commands that take objects away \
             s3:DeleteObject; without s3:ListBucket S3 answers 403 for \
             an object that is absent",
            at.bucket
        )),
        (StoreFault::NoSuchStore, _) => Some(no_bucket(at)),
        (StoreFault::Unreachable, _) => Some(format!(
            "nothing usable answers at {endpoint}: check aws_endpoint in [store.options], name, \
             port and network"
        )),
        (StoreFault::Timeout, _) => {
            Some(format!("{endpoint} did not answer in time: check aws_endpoint and the network"))
        }
        (StoreFault::Malformed, _) => Some(format!(
            "{endpoint} does not answer as S3 does: check aws_endpoint, and proxies in between"
        )),
        _ => None,
    }
}

fn no_bucket(at: &Where) -> String {
    let Where { endpoint, bucket } = at;
    format!("there is no bucket `{bucket}` at {endpoint}: check store.url and aws_endpoint")
}

/// What an error says in the fewest words, without secrets.
pub(super) fn shown(error: &object_store::Error) -> String {
    if let Some(fault) = find::<PageFault>(error) {
        return fault.to_string();
    }
    if let Some(missing) = find::<NoCredentials>(error) {
        return missing.to_string();
    }
    let text = match (find::<Answer>(error), find::<HttpError>(error)) {
        (Some(answer), _) => answer.to_string(),
        (None, Some(error)) => innermost(error),
        (None, None) => error.to_string(),
    };
    redact_urls_in(&text).chars().take(SHOWN_MAX_CHARS).collect()
}

/// The last error of a chain says it in the fewest words, e.g. "Connection refused (os error 111)".
fn innermost(error: &dyn Error) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

/// The first error of this type in the chain.
fn find<E: Error + 'static>(error: &object_store::Error) -> Option<&E> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
