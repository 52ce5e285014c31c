//! From an error of `object_store` to one that names the cause and says what to do.

use std::error::Error;

use object_store::client::{HttpError, HttpErrorKind};

use super::page::PageFault;
use crate::model::redact_urls_in;
use crate::store::{StoreError, StoreFault};

/// Characters of a server's own words that a message takes over.
const SHOWN_MAX_CHARS: usize = 300;

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

/// An answer with an error status, as far as it can be read.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    status: Option<u16>,
    code: Option<String>,
    message: Option<String>,
}

/// Classifies an error of `object_store`.
pub(super) fn store_error(
    action: impl Into<String>,
    error: &object_store::Error,
    at: &Where,
) -> StoreError {
    let answer = Answer::read(&error.to_string());
    let fault = fault(error, &answer);
    StoreError {
        fault,
        action: action.into(),
        hint: hint(error, fault, &answer, at),
        source: Some(Box::new(Cause(cause(error, &answer)))),
    }
}

/// What an error says in the fewest words, without secrets.
pub(super) fn shown(error: &object_store::Error) -> String {
    cause(error, &Answer::read(&error.to_string()))
}

/// Whether the server does not know the condition that was sent along.
pub(super) fn is_not_implemented(error: &object_store::Error) -> bool {
    let answer = Answer::read(&error.to_string());
    answer.status == Some(501)
        || answer.code.as_deref() == Some("NotImplemented")
        || matches!(error, object_store::Error::NotImplemented { .. })
}

/// The same error for a bucket that is asked as a whole: its 404 is the bucket's own.
pub(super) fn of_the_bucket(mut error: StoreError, at: &Where) -> StoreError {
    if error.fault == StoreFault::NotFound {
        error.fault = StoreFault::NoSuchStore;
        error.hint = Some(no_bucket(at));
    }
    error
}

fn fault(error: &object_store::Error, answer: &Answer) -> StoreFault {
    if find::<PageFault>(error).is_some() {
        return StoreFault::Malformed;
    }
    if find::<NoCredentials>(error).is_some() {
        return StoreFault::AccessDenied;
    }
    match (answer.status, answer.code.as_deref()) {
        (_, Some("NoSuchBucket")) => StoreFault::NoSuchStore,
        (_, Some("InvalidObjectState")) => StoreFault::Archived,
        (Some(429), _) | (_, Some("SlowDown" | "ServiceUnavailable" | "Throttling")) => {
            StoreFault::Throttled
        }
        (Some(404), _) => StoreFault::NotFound,
        (Some(401 | 403), _) => StoreFault::AccessDenied,
        (Some(409 | 412), _) => StoreFault::Conflict,
        (Some(408 | 504), _) => StoreFault::Timeout,
        (Some(500..), _) => StoreFault::Server,
        (Some(_), _) => StoreFault::Other,
        (None, _) => find::<HttpError>(error).map_or(StoreFault::Other, |e| transport(e.kind())),
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

fn hint(
    error: &object_store::Error,
    fault: StoreFault,
    answer: &Answer,
    at: &Where,
) -> Option<String> {
    if find::<NoCredentials>(error).is_some() {
        return Some(
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, run where a role is attached, or \
             set aws_skip_signature in [store.options] for a public bucket"
                .to_owned(),
        );
    }
    let endpoint = &at.endpoint;
    match (fault, answer.code.as_deref()) {
        (_, Some("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken")) => {
            Some("the access key or its secret is wrong, or belongs to another server".to_owned())
        }
        (_, Some("RequestTimeTooSkewed")) => Some("this machine's clock is wrong".to_owned()),
        (_, Some("AuthorizationHeaderMalformed" | "PermanentRedirect")) => {
            Some("the bucket is in another region: set aws_region in [store.options]".to_owned())
        }
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

fn cause(error: &object_store::Error, answer: &Answer) -> String {
    if let Some(fault) = find::<PageFault>(error) {
        return fault.to_string();
    }
    if let Some(missing) = find::<NoCredentials>(error) {
        return missing.to_string();
    }
    let text = match answer {
        Answer { status: Some(status), code: Some(code), message } => {
            let message = message.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
            format!("it answered {status} {code}{message}")
        }
        Answer { status: Some(status), code: None, .. } => format!("it answered {status}"),
        Answer { status: None, .. } => match find::<HttpError>(error) {
            Some(error) => innermost(error),
            None => error.to_string(),
        },
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

impl Answer {
    /// `object_store` keeps the status of an answer in a private type, and prints it.
    fn read(text: &str) -> Self {
        if text.contains("Received redirect without LOCATION") {
            let code = Some("PermanentRedirect".to_owned());
            return Self { status: Some(301), code, message: None };
        }
        let Some((_, rest)) = text.split_once("Server returned non-2xx status code: ") else {
            return match text.split_once("Server returned error response: ") {
                Some((_, body)) => Self { status: Some(200), ..Self::of_body(body) },
                None => Self::default(),
            };
        };
        let status = rest.get(..3).and_then(|digits| digits.parse().ok());
        Self { status, ..Self::of_body(rest) }
    }

    fn of_body(body: &str) -> Self {
        Self { status: None, code: element(body, "Code"), message: element(body, "Message") }
    }
}

fn element(body: &str, name: &str) -> Option<String> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (value, _) = rest.split_once("</")?;
    Some(value.chars().filter(|c| !c.is_control()).take(SHOWN_MAX_CHARS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_code_and_message_are_read_from_what_the_library_prints() {
        let text = "Object at location x not found: Error performing GET http://h/b in 2ms - \
                    Server returned non-2xx status code: 404 Not Found: <?xml?><Error>\
                    <Code>NoSuchBucket</Code><Message>gone</Message></Error>";
        assert_eq!(
            Answer::read(text),
            Answer {
                status: Some(404),
                code: Some("NoSuchBucket".to_owned()),
                message: Some("gone".to_owned())
            }
        );
        assert_eq!(Answer::read("connection refused"), Answer::default());
    }
}
