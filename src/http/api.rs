//! The read-only API: what the ledger knows, by page, and single objects.

use std::borrow::Cow;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use tokio::sync::SemaphorePermit;

use crate::ledger::{FindingCursor, LedgerError, PassCursor};
use crate::model::{Digest, FindingKind, error_chain};
use crate::report::{self, ObjectState};

use super::answer::{Answer, Failure, json};
use super::panel::Served;

/// Items of a page, where nothing else is asked for …
const ITEMS: u32 = 100;
/// … and at most.
const ITEMS_AT_MOST: u32 = 500;

/// Bytes of a page: it is asked for again with half as many items where it would be longer. Each
/// connection may hold one, if its client does not read.
const PAGE_BYTES: usize = 256 << 10;

/// Rows of one object that are told.
const ROWS_AT_MOST: usize = 500;

/// An answer, or one that says why there is none.
pub(super) type Answered = Result<Answer, Failure>;

/// `GET /api/v1/status`.
pub(super) async fn status(State(served): State<Arc<Served>>) -> Answer {
    let written = async {
        let view = served.status().await.map_err(|error| unavailable(&error))?;
        document(StatusCode::OK, |out| report::status_json(&view, out))
    };
    either(written.await)
}

/// `GET /api/v1/findings?kind=&cursor=&limit=`.
pub(super) async fn findings(
    State(served): State<Arc<Served>>,
    RawQuery(query): RawQuery,
) -> Answer {
    let page = async {
        let query = Query::new(query.as_deref());
        let kind = match query.get("kind") {
            None => None,
            Some(word) => Some(kind(&word)?),
        };
        let (after, mut limit) = (query.cursor::<FindingCursor>()?, query.limit()?);
        let _turn = turn(&served).await?;
        loop {
            let page = served.panel.ledger.findings_page(kind, after.as_ref(), limit).await;
            let page = page.map_err(|error| unavailable(&error))?;
            let next = page.next.map(|cursor| cursor.to_string());
            let mut written = Vec::new();
            report::findings_json(&page.items, next.as_deref(), &mut written)
                .map_err(|error| internal(&error))?;
            if written.len() <= PAGE_BYTES || page.items.len() <= 1 {
                return Ok(json(StatusCode::OK, written));
            }
            limit = u32::try_from(page.items.len() / 2).unwrap_or(1).max(1);
        }
    };
    either(page.await)
}

/// `GET /api/v1/passes?cursor=&limit=`.
pub(super) async fn passes(State(served): State<Arc<Served>>, RawQuery(query): RawQuery) -> Answer {
    let page = async {
        let query = Query::new(query.as_deref());
        let (after, limit) = (query.cursor::<PassCursor>()?, query.limit()?);
        let _turn = turn(&served).await?;
        let page = served.panel.ledger.passes_page(after.as_ref(), limit).await;
        let page = page.map_err(|error| unavailable(&error))?;
        let next = page.next.map(|cursor| cursor.to_string());
        document(StatusCode::OK, |out| report::passes_json(&page.items, next.as_deref(), out))
    };
    either(page.await)
}

/// `GET /api/v1/objects/{digest}`.
pub(super) async fn object(
    State(served): State<Arc<Served>>,
    text: Result<Path<String>, PathRejection>,
) -> Answer {
    let found = async {
        let Path(text) = text.map_err(|_| {
            let why = "the path is no text: a SHA-256 digest is 64 hex digits";
            Failure(StatusCode::BAD_REQUEST, why.to_owned())
        })?;
        let digest: Digest = text.parse().map_err(|why: crate::model::ParseDigestError| {
            Failure(StatusCode::BAD_REQUEST, why.to_string())
        })?;
        let inspector = served.panel.inspector.borrow().clone();
        let inspector = inspector.ok_or_else(|| {
            let why = "catalog and store are not open: see /api/v1/status";
            Failure(StatusCode::SERVICE_UNAVAILABLE, why.to_owned())
        })?;
        let _turn = turn(&served).await?;
        let mut view = inspector
            .object(digest)
            .await
            .map_err(|why| Failure(StatusCode::SERVICE_UNAVAILABLE, error_chain(&why)))?;
        for place in &mut view.places {
            place.rows.truncate(ROWS_AT_MOST);
            place.sources.truncate(ROWS_AT_MOST);
        }
        if view.places.iter().all(|place| place.object == ObjectState::Absent) {
            return document(StatusCode::NOT_FOUND, |out| report::absent_object_json(&view, out));
        }
        document(StatusCode::OK, |out| report::object_json(&view, out))
    };
    either(found.await)
}

pub(super) fn either(answered: Answered) -> Answer {
    answered.unwrap_or_else(Answer::from)
}

/// Waits until it is our turn to ask. What waits is bounded by the connections that there are.
pub(super) async fn turn(served: &Served) -> Result<SemaphorePermit<'_>, Failure> {
    let turn = served.questions.acquire().await;
    turn.map_err(|_| Failure(StatusCode::SERVICE_UNAVAILABLE, "the daemon ends".to_owned()))
}

fn document(
    status: StatusCode,
    write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>,
) -> Answered {
    let mut written = Vec::new();
    write(&mut written).map_err(|error| internal(&error))?;
    Ok(json(status, written))
}

pub(super) fn unavailable(why: &LedgerError) -> Failure {
    Failure(StatusCode::SERVICE_UNAVAILABLE, error_chain(why))
}

fn internal(why: &std::io::Error) -> Failure {
    Failure(StatusCode::INTERNAL_SERVER_ERROR, error_chain(why))
}

/// The kind that a parameter names.
pub(super) fn kind(word: &str) -> Result<FindingKind, Failure> {
    let known = FindingKind::ALL.into_iter().find(|kind| kind.as_str() == word);
    known.ok_or_else(|| {
        let words = FindingKind::ALL.map(FindingKind::as_str).join(", ");
        Failure(StatusCode::BAD_REQUEST, format!("`kind` is one of {words}"))
    })
}

/// The parameters of a request. Unknown ones do not matter, and an empty one is none.
pub(super) struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    pub(super) fn new(query: Option<&'a str>) -> Self {
        Self(url::form_urlencoded::parse(query.unwrap_or("").as_bytes()).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        let given = self.0.iter().find(|(own, value)| own == name && !value.is_empty());
        given.map(|(_, value)| value.clone())
    }

    pub(super) fn cursor<C: FromStr>(&self) -> Result<Option<C>, Failure> {
        let cursor = self.get("cursor").map(|text| text.parse()).transpose();
        cursor.map_err(|_| {
            let why = "`cursor` is taken from `next_cursor` of the page before, as it is";
            Failure(StatusCode::BAD_REQUEST, why.to_owned())
        })
    }

    fn limit(&self) -> Result<u32, Failure> {
        let Some(text) = self.get("limit") else { return Ok(ITEMS) };
        let limit = text.parse().ok().filter(|limit| (1..=ITEMS_AT_MOST).contains(limit));
        limit.ok_or_else(|| {
            let why = format!("`limit` is a number from 1 to {ITEMS_AT_MOST}");
            Failure(StatusCode::BAD_REQUEST, why)
        })
    }
}
