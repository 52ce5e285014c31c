//! What machines ask all day: metrics, and whether the daemon lives and serves.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, StatusCode};

use crate::daemon::{Activity, DaemonState};
use crate::model::redact_urls_in;
use crate::observe::Metrics;

use super::answer::{Answer, answer, text};
use super::panel::Served;

/// Bytes of an error that are shown.
const ERROR_BYTES: usize = 1024;

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

/// A line for each part, with the last error of what is not well.
fn checks(state: &DaemonState) -> String {
    let is = |well: bool, why: &str| Some(if well { Ok(()) } else { Err(why.to_owned()) });
    let up = |said: &Option<Result<(), Arc<str>>>| {
        said.as_ref().map(|said| match said {
            Ok(()) => Ok(()),
            Err(why) => Err(one_line(why)),
        })
    };
    let problem = state.reload.as_ref().and_then(|reload| reload.problem.as_deref());
    let mut told = String::new();
    for (name, health) in [
        ("begun", is(state.activity != Activity::Starting, "it is starting")),
        ("config", Some(problem.map_or(Ok(()), |why| Err(one_line(why))))),
        ("lock", is(state.holds_lock, "this instance does not hold it")),
        ("catalog", up(&state.catalog)),
        ("store", up(&state.store)),
    ] {
        let line = match health {
            Some(Ok(())) => format!("[+]{name} ok"),
            Some(Err(why)) => format!("[-]{name} not ok: {why}"),
            None => format!("[?]{name} not asked yet"),
        };
        told.push_str(&line);
        told.push('\n');
    }
    told
}

/// An error as a part of a line that everybody may read: without what is secret in its URLs, and
/// with control characters escaped.
fn one_line(why: &str) -> String {
    let shown = redact_urls_in(why);
    let mut line = String::new();
    for c in shown.chars() {
        if line.len() >= ERROR_BYTES {
            line.push('…');
            break;
        }
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::Reload;

    #[test]
    fn each_part_that_is_out_tells_its_last_error_in_a_line_without_secrets() {
        let mut state = DaemonState::starting();
        state.activity = Activity::Idle;
        let why = "cannot reach https://u:SECRET@h/p?SECRET:\n[+]catalog ok\u{1b}[2J";
        state.catalog = Some(Err(why.into()));
        state.store = Some(Err("x".repeat(5_000).into()));
        let problem = Some("`store.url` is missing".to_owned());
        state.reload = Some(Reload { at: chrono::DateTime::UNIX_EPOCH, problem });
        let told = checks(&state);
        let lines: Vec<_> = told.lines().collect();
        assert_eq!(
            lines[..4],
            [
                "[+]begun ok",
                "[-]config not ok: `store.url` is missing",
                "[-]lock not ok: this instance does not hold it",
                "[-]catalog not ok: cannot reach https://h/p\\n[+]catalog ok\\u{1b}[2J",
            ]
        );
        assert!(lines[4].ends_with("x…") && lines[4].len() < 1_100, "{}", lines[4]);
        assert_eq!(lines.len(), 5);
    }
}
