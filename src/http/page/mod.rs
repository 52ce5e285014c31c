//! The status page: rendered here, read without scripts.

mod html;
mod verdict;

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use chrono::{DateTime, SecondsFormat, Utc};

use crate::ledger::{FindingCursor, Page};
use crate::model::{Command, Finding, FindingKind, Summary};
use crate::report::{DaemonView, SideView, StatusView, count};

use super::answer::{Answer, answer};
use super::api::{Answered, Query, either, kind, turn, unavailable};
use super::panel::Served;
use html::{Escaped, table};
use verdict::{Tone, Verdict};

/// Findings of a page.
const FINDINGS: u32 = 50;

/// Characters of a name or a sentence in a table.
const CELL_CHARS: usize = 200;

const STYLE: &str = include_str!("style.css");

/// The page may use the style above, by its SHA-256, and nothing else.
const POLICY: &str = "default-src 'none'; \
                      style-src 'sha256-kSzKBq9HnOFedAwo8Xwwvc2MkE5mjU0//+Liw2dYrGE='; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `GET /?kind=&cursor=`.
pub(super) async fn page(State(served): State<Arc<Served>>, RawQuery(query): RawQuery) -> Answer {
    either(shown(&served, query.as_deref()).await)
}

async fn shown(served: &Served, query: Option<&str>) -> Answered {
    let query = Query::new(query);
    let wanted = query.get("kind").map(|word| kind(&word)).transpose()?;
    let after = query.cursor::<FindingCursor>()?;
    let view = served.status().await.map_err(|error| unavailable(&error))?;
    let findings = {
        let _turn = turn(served).await?;
        served.panel.ledger.findings_page(wanted, after.as_ref(), FINDINGS).await
    };
    let findings = findings.map_err(|error| unavailable(&error))?;
    let now = served.panel.clock.now();
    let body = render(&view, wanted, &findings, now);
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    let mut answer = answer(StatusCode::OK, kind, body);
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(answer)
}

/// The whole page.
fn render(
    view: &StatusView,
    wanted: Option<FindingKind>,
    findings: &Page<Finding, FindingCursor>,
    now: DateTime<Utc>,
) -> String {
    let verdict = Verdict::of(view, now);
    let tone = match verdict.tone {
        Tone::Good => "good",
        Tone::Doubtful => "doubtful",
        Tone::Bad => "bad",
    };
    let (what, action) = (Escaped(&verdict.what), Escaped(&verdict.action));
    let daemon = view.daemon.as_ref().map(about_daemon).unwrap_or_default();
    let (standing, listed) = (standing(view), listed(wanted, findings));
    let (passes, store) = (passes(&view.passes), Escaped(&view.store));
    let (time, version) = (time(now), env!("CARGO_PKG_VERSION"));
    format!(
        "<!DOCTYPE html>\n\
         <html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"refresh\" content=\"30\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{what} · restock</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <section class=\"verdict {tone}\">\n<p class=\"what\">{what}</p>\n<p>{action}</p>\n\
         </section>\n\
         <h1>restock on <span class=\"mono\">{store}</span></h1>\n\
         {daemon}{standing}{listed}{passes}\
         <footer><p>{time} · restock {version} · <a href=\"/metrics\">metrics</a> · \
         <a href=\"/readyz?verbose\">health</a> · <a href=\"/api/v1/status\">status as JSON</a> · \
         <a href=\"/api/v1/findings\">findings as JSON</a></p></footer>\n\
         </body>\n</html>\n"
    )
}

fn about_daemon(daemon: &DaemonView) -> String {
    let due = |at: Option<DateTime<Utc>>| at.map_or_else(|| "–".to_owned(), time);
    let side = |side: &SideView| match side {
        SideView::Unasked => "not asked yet".to_owned(),
        SideView::Up => "answers".to_owned(),
        SideView::Down { cause } => format!("does not answer: {}", cell(cause)),
    };
    let lock = if daemon.holds_lock { "held" } else { "not held" };
    let healing = if daemon.paused { "paused by an operator" } else { "not paused" };
    let rows = [
        ("The daemon", Escaped(&daemon.activity.sentence()).to_string()),
        ("Next shallow pass", due(daemon.next_shallow)),
        ("Next deep pass", due(daemon.next_deep)),
        ("Catalog", side(&daemon.catalog)),
        ("Store", side(&daemon.store)),
        ("Lock", lock.to_owned()),
        ("Healing", healing.to_owned()),
    ];
    section("Daemon", &table(["", ""], rows.map(|(name, value)| [name.to_owned(), value])))
}

fn standing(view: &StatusView) -> String {
    if view.standing.is_empty() {
        return section("Findings", "<p>None stands.</p>\n");
    }
    let rows = view.standing.iter().map(|standing| {
        let word = standing.kind.as_str();
        [
            format!("<a href=\"/?kind={word}\">{word}</a>"),
            standing.count.to_string(),
            standing.healable.to_string(),
            standing.accepted.to_string(),
            time(standing.oldest),
        ]
    });
    let mut body = table(["Kind", "Count", "Healable", "Accepted", "Since"], rows);
    if view.heals_pending > 0 {
        let due = view.next_heal_at.map(|at| format!(", the next at {}", time(at)));
        let pending = count(view.heals_pending, "failed heal");
        // Writing into a string cannot fail.
        writeln!(body, "<p>{pending} to be tried again{}.</p>", due.unwrap_or_default())
            .unwrap_or_default();
    }
    section("Findings", &body)
}

fn listed(wanted: Option<FindingKind>, findings: &Page<Finding, FindingCursor>) -> String {
    if findings.items.is_empty() && wanted.is_none() {
        return String::new();
    }
    let rows = findings.items.iter().map(|finding| {
        let why = finding.unhealable.map_or_else(
            || if finding.healable == Some(true) { "yes" } else { "–" }.to_owned(),
            |why| format!("no: {}", why.as_str()),
        );
        let accepted = if finding.accepted { " (accepted)" } else { "" };
        let digest = finding.digest.map(|digest| digest.to_string());
        let object = match (digest, &finding.key) {
            (Some(digest), _) => format!(
                "<a class=\"mono\" href=\"/api/v1/objects/{digest}\">{}</a>",
                digest.get(..12).unwrap_or(&digest)
            ),
            (None, Some(key)) => format!("<code>{}</code>", cell(key)),
            (None, None) => cell(&finding.refs.join(", ")),
        };
        [
            finding.kind.as_str().to_owned(),
            cell(&finding.names.join(", ")),
            object,
            format!("{why}{accepted}"),
            cell(&finding.detail),
            time(finding.first_seen),
        ]
    });
    let header = ["Kind", "Name", "Object", "Healable", "Detail", "Since"];
    let mut body = format!("<div class=\"scroll\">{}</div>\n", table(header, rows));
    let kind = wanted.map(|kind| format!("kind={}&amp;", kind.as_str())).unwrap_or_default();
    if let Some(next) = &findings.next {
        let next: String =
            url::form_urlencoded::byte_serialize(next.to_string().as_bytes()).collect();
        writeln!(body, "<p><a href=\"/?{kind}cursor={next}\">More</a></p>").unwrap_or_default();
    }
    let heading = wanted.map_or_else(
        || "What is wrong".to_owned(),
        |kind| format!("What is wrong: {}", kind.as_str()),
    );
    section(&heading, &body)
}

fn passes(passes: &[Summary]) -> String {
    let number = |n: Option<u64>| n.map_or_else(|| "–".to_owned(), |n| n.to_string());
    let rows = passes.iter().map(|pass| {
        let command = match pass.command {
            Command::Audit => "audit",
            Command::Heal => "heal",
        };
        let problem = pass.errors.first().map(|error| cell(&error.message)).unwrap_or_default();
        [
            time(pass.started_at),
            format!("{} {command}", pass.depth.as_str()),
            pass.outcome.as_str().to_owned(),
            number(pass.expected),
            number(pass.missing),
            number(pass.corrupt),
            number(pass.unknown),
            pass.healed.to_string(),
            problem,
        ]
    });
    let header = [
        "Began", "Pass", "Outcome", "Expected", "Missing", "Corrupt", "Unknown", "Healed",
        "Problem",
    ];
    section("Passes", &format!("<div class=\"scroll\">{}</div>\n", table(header, rows)))
}

fn section(heading: &str, body: &str) -> String {
    format!("<section>\n<h2>{}</h2>\n{body}</section>\n", Escaped(heading))
}

/// Text of others in a cell, cut where it is very long.
fn cell(text: &str) -> String {
    match text.char_indices().nth(CELL_CHARS) {
        None => Escaped(text).to_string(),
        Some((end, _)) => format!("{}…", Escaped(text.get(..end).unwrap_or_default())),
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
