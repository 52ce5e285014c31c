//! The forms of answers: JSON for programs, and what went wrong.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

/// An answer as it goes out.
pub(super) type Answer = Response<Body>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// An answer with a body.
pub(super) fn answer(status: StatusCode, kind: HeaderValue, body: impl Into<Body>) -> Answer {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

/// Plain text.
pub(super) fn text(status: StatusCode, body: impl Into<Body>) -> Answer {
    answer(status, TEXT, body)
}

/// A JSON document that is written already.
pub(super) fn json(status: StatusCode, document: Vec<u8>) -> Answer {
    answer(status, JSON, document)
}

/// A value as JSON.
pub(super) fn value(status: StatusCode, value: &impl Serialize) -> Answer {
    written(status, JSON, value)
}

#[derive(Serialize)]
struct Failed<'a> {
    error: &'a str,
}

/// `{"error": …}`, as the read-only routes say what is wrong.
pub(super) fn error(status: StatusCode, error: &str) -> Answer {
    value(status, &Failed { error })
}

/// Why a question has no answer: a status, and what is wrong.
#[derive(Debug)]
pub(super) struct Failure(pub(super) StatusCode, pub(super) String);

impl From<Failure> for Answer {
    fn from(Failure(status, why): Failure) -> Self {
        error(status, &why)
    }
}

/// What went wrong with an admin request, as RFC 9457 has it.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self { r#type: "about:blank", title, status: status.as_u16(), detail: detail.into() }
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
        written(status, PROBLEM, &problem)
    }
}

fn written(status: StatusCode, kind: HeaderValue, value: &impl Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(mut body) => {
            body.push(b'\n');
            answer(status, kind, body)
        }
        Err(error) => {
            text(StatusCode::INTERNAL_SERVER_ERROR, format!("cannot write the answer: {error}\n"))
        }
    }
}
