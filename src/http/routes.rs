//! Which route leads where, and what holds for every answer.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::routing::{get, post};
use axum::{Router, http};

use crate::observe::{Event, Observer};

use super::access::{Peer, guard};
use super::answer::{Answer, error};
use super::panel::Served;
use super::seats::Seat;
use super::{admin, api, page, probes};

/// How long an answer may take to be made.
pub(super) const ANSWER_TIME: Duration = Duration::from_secs(30);

/// On every answer, unless it says otherwise itself: nothing that it holds is run, framed or kept.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Everything that can be asked.
pub(super) fn routes(served: Arc<Served>) -> Router {
    let guarded = Router::new()
        .route("/", get(page::page))
        .route("/api/v1/status", get(api::status))
        .route("/api/v1/findings", get(api::findings))
        .route("/api/v1/objects/{digest}", get(api::object))
        .route("/api/v1/passes", get(api::passes).post(admin::pass))
        .route("/api/v1/heal/pause", post(admin::pause))
        .route("/api/v1/heal/resume", post(admin::resume))
        .route("/api/v1/breaker/ack", post(admin::acknowledge))
        .route("/-/reload", post(admin::reload))
        .route_layer(from_fn_with_state(Arc::clone(&served), guard))
        .route_layer(from_fn_with_state(Arc::clone(&served), in_turn));
    let probes = Router::new()
        .route("/metrics", get(probes::metrics))
        .route("/livez", get(probes::livez))
        .route("/readyz", get(probes::readyz));
    guarded
        .merge(probes)
        .method_not_allowed_fallback(wrong_method)
        .fallback(nowhere)
        .layer(from_fn(in_time))
        .layer(from_fn(with_headers))
        .layer(from_fn_with_state(Arc::clone(&served), counted))
        .with_state(served)
}

async fn nowhere() -> Answer {
    error(StatusCode::NOT_FOUND, "there is no such route")
}

async fn wrong_method() -> Answer {
    error(StatusCode::METHOD_NOT_ALLOWED, "the route is not asked like this")
}

/// Answers no more at once than leaves seats for those who ask whether the daemon lives.
async fn in_turn(
    State(served): State<Arc<Served>>,
    peer: axum::Extension<Peer>,
    seat: axum::Extension<Arc<Seat>>,
    request: Request,
    next: Next,
) -> Answer {
    let turn = served.turn(peer.0, &seat).await;
    let answer = next.run(request).await;
    drop(turn);
    answer
}

async fn in_time(request: Request, next: Next) -> Answer {
    let answered = tokio::time::timeout(ANSWER_TIME, next.run(request)).await;
    answered.unwrap_or_else(|_| {
        error(
            StatusCode::SERVICE_UNAVAILABLE,
            "it took too long: the daemon is busy, or what it asks",
        )
    })
}

async fn with_headers(request: Request, next: Next) -> Answer {
    let mut answer = next.run(request).await;
    for (name, said) in HEADERS {
        answer.headers_mut().entry(name).or_insert(HeaderValue::from_static(said));
    }
    answer
}

/// Counts answers by route. A path that is none has no route of its own: anybody can make up many.
async fn counted(State(served): State<Arc<Served>>, request: Request, next: Next) -> Answer {
    let path = request.extensions().get::<MatchedPath>().cloned();
    let answer: http::Response<_> = next.run(request).await;
    let handler = path.as_ref().map_or("other", MatchedPath::as_str);
    let event = Event::Answered { handler, code: answer.status().as_u16() };
    served.panel.metrics.notice(&event);
    answer
}
