//! [`Answer`]: an error as a server puts it: its status, and the code and the words of its body.

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use http::StatusCode;
use object_store::client::{HttpError, HttpErrorKind, HttpResponse};

use crate::model::redact_urls_in;

/// Characters of a server's own words that a message takes over.
pub(super) const SHOWN_MAX_CHARS: usize = 300;

/// Bytes of an error's body that are read.
const BODY_MAX_BYTES: usize = 64 << 10;

/// A refusal, or an error that comes with status 200.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it answered {status}{}", words(.code.as_deref(), .message.as_deref()))]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) code: Option<String>,
    message: Option<String>,
}

fn words(code: Option<&str>, message: Option<&str>) -> String {
    let Some(code) = code else { return String::new() };
    let message = message.map(|text| format!(": {text}")).unwrap_or_default();
    redact_urls_in(&format!(" {code}{message}")).chars().take(SHOWN_MAX_CHARS).collect()
}

impl Answer {
    /// Reads what the server says of its refusal; no more of it than a person wants to know.
    pub(super) async fn read(response: HttpResponse) -> Self {
        let status = response.status().as_u16();
        let (mut chunks, mut body) = (response.into_body().bytes_stream(), BytesMut::new());
        // The status says enough where the words do not come.
        while let Ok(Some(chunk)) = chunks.try_next().await {
            body.extend_from_slice(&chunk);
            if body.len() > BODY_MAX_BYTES {
                break;
            }
        }
        Self::new(status, &body)
    }

    /// The error that a completion or a copy may come to with status 200.
    pub(super) fn in_success(body: &Bytes) -> Option<Self> {
        let answer = Self::new(StatusCode::OK.as_u16(), body);
        let start = body.windows(7).position(|at| at == b"<Error>");
        start.and(answer.code.is_some().then_some(answer))
    }

    fn new(status: u16, body: &[u8]) -> Self {
        let body = String::from_utf8_lossy(body);
        Self { status, code: element(&body, "Code"), message: element(&body, "Message") }
    }

    pub(super) fn code(&self) -> &str {
        self.code.as_deref().unwrap_or("")
    }

    /// As `object_store` has to be told it: it tries again what was never sent, so to say.
    pub(super) fn into_error(self, may_conflict: bool) -> HttpError {
        let passes = matches!(self.status, 408 | 429 | 500..)
            || self.status == 409 && may_conflict
            || self.status == 200 && matches!(self.code(), "InternalError" | "SlowDown");
        HttpError::new(if passes { HttpErrorKind::Request } else { HttpErrorKind::Decode }, self)
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
    fn status_code_and_message_are_told_without_what_a_terminal_or_a_secret_should_not_see() {
        let body = "<?xml?><Error><Code>NoSuchBucket</Code><Message>gone\u{1b}[2J from \
                    https://k:hidden@h/?hidden</Message></Error>";
        let told = Answer::new(404, body.as_bytes()).to_string();
        assert!(told.starts_with("it answered 404 NoSuchBucket: gone[2J from https://"), "{told}");
        assert!(!told.contains("hidden"), "{told}");
        assert_eq!(Answer::new(403, b"<html>\xff</html>").to_string(), "it answered 403");
        assert!(Answer::new(500, "x".repeat(100_000).as_bytes()).to_string().len() < 50);
    }

    #[test]
    fn an_error_with_status_200_is_one() {
        let error = Bytes::from("  <Error><Code>SlowDown</Code></Error>");
        assert_eq!(Answer::in_success(&error).unwrap().code(), "SlowDown");
        let done = Bytes::from("<CompleteMultipartUploadResult><ETag>e</ETag></Complete…>");
        assert_eq!(Answer::in_success(&done), None);
    }
}
