//! What machines ask all day: metrics, and whether the daemon lives and serves.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, StatusCode};

use crate::daemon::{Activity, DaemonState};
use crate::observe::Metrics;

use super::answer::{Answer, answer, text};
use super::panel::Served;

/// `GET /metrics`.
pub(super) async fn metrics(State(served): State<Arc<Served>>) -> Answer {
    match served.panel.metrics.render() {
        Ok(metrics) => {
            answer(StatusCode::OK, HeaderValue::from_static(Metrics::content_type()), metrics)
        }
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

/// `GET /livez`: nothing is asked. A database that is away must not end in restarts.
pub(super) async fn livez() -> Answer {
    text(StatusCode::OK, "ok\n")
}

/// `GET /readyz[?verbose]`: whether the daemon has begun and does not end. What else is in its way
/// is told, and does not make it unready: nothing sends it work, and whoever takes an unready
/// process out of sight would do so when it is to be seen.
pub(super) async fn readyz(State(served): State<Arc<Served>>, RawQuery(query): RawQuery) -> Answer {
    let state = served.state();
    let ready = match state.activity {
        Activity::Starting | Activity::Draining => false,
        Activity::Standby | Activity::Idle | Activity::Pass { .. } => true,
    };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let verbose = query.is_some_and(|query| {
        url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "verbose")
    });
    let mut told = if verbose { checks(&state) } else { String::new() };
    told.push_str(if ready { "ok\n" } else { "not ready\n" });
    text(status, told)
}

/// A line for each part. Why something is down is told where one may have to show who one is.
fn checks(state: &DaemonState) -> String {
    let up = |said: &Option<Result<(), Arc<str>>>| said.as_ref().map(Result::is_ok);
    let config = state.reload.as_ref().is_none_or(|reload| reload.problem.is_none());
    let begun = state.activity != Activity::Starting;
    let mut told = String::new();
    for (name, is_well) in [
        ("begun", Some(begun)),
        ("config", Some(config)),
        ("lock", Some(state.holds_lock)),
        ("catalog", up(&state.catalog)),
        ("store", up(&state.store)),
    ] {
        let (mark, word) = match is_well {
            Some(true) => ('+', "ok"),
            Some(false) => ('-', "not ok: see / or /api/v1/status"),
            None => ('?', "not asked yet"),
        };
        // Writing into a string cannot fail.
        writeln!(told, "[{mark}]{name} {word}").unwrap_or_default();
    }
    told
}
