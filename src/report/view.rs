//! The views of `show` and `status`, for people and for programs.

use std::io::{self, Write};

use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::Value;

use super::breaker::breaker;
use super::daemon::daemon_lines;
use super::findings::because;
use super::json::line;
use super::object::{ObjectState, ObjectView, PlaceView, SourceView};
use super::shapes;
use super::status::StatusView;
use super::text::{TextOptions, Tone, bytes, count, escape, grid, or_dash, time};
use crate::model::{Summary, Verdict};

const OBJECT: &str = "restock.object/v1";
const STATUS: &str = "restock.status/v1";

#[derive(Serialize, JsonSchema)]
#[schemars(bound = "T: JsonSchema")]
struct Titled<'a, T> {
    schema: &'static str,
    /// The object is not there, in the words of the server that started it all; only in an answer
    /// by HTTP, with status 404.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(flatten)]
    view: &'a T,
}

/// The JSON Schema of all that is known of an object.
pub(super) fn object_schema() -> Schema {
    shapes::root::<Titled<'static, ObjectView>>(OBJECT)
}

/// The JSON Schema of what the ledger, or a daemon, knows now.
pub(super) fn status_schema() -> Schema {
    let mut schema = shapes::root::<Titled<'static, StatusView>>(STATUS);
    if let Some(Value::Object(members)) = schema.get_mut("properties") {
        members.remove("error");
    }
    schema
}

/// Writes one document, `restock.object/v1`.
pub fn object_json(view: &ObjectView, out: &mut impl Write) -> io::Result<()> {
    line(&Titled { schema: OBJECT, error: None, view }, out)
}

/// The same of an object that is not there.
pub fn absent_object_json(view: &ObjectView, out: &mut impl Write) -> io::Result<()> {
    let error = format!("package not found with hash {}", view.digest);
    line(&Titled { schema: OBJECT, error: Some(&error), view }, out)
}

/// Writes one document, `restock.status/v1`.
pub fn status_json(view: &StatusView, out: &mut impl Write) -> io::Result<()> {
    line(&Titled { schema: STATUS, error: None, view }, out)
}

/// Writes all that is known of an object, for people.
pub fn object_table(
    view: &ObjectView,
    options: &TextOptions<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "{}", options.paint(Tone::Heading, &format!("object {}", view.digest)))?;
    for place in &view.places {
        place_lines(place, options, out)?;
    }
    if view.places.iter().all(|place| place.rows.is_empty()) {
        writeln!(out, "  no row of the catalog wants it")?;
    }
    if !view.findings.is_empty() || view.attempts.is_some() || view.held.is_some() {
        writeln!(out)?;
    }
    for finding in &view.findings {
        let why = finding.unhealable.map(|why| format!(", {}", because(why))).unwrap_or_default();
        writeln!(
            out,
            "  finding:    {}{why} since {}: {}",
            finding.kind.as_str(),
            time(finding.first_seen),
            escape(&finding.detail)
        )?;
    }
    if let Some(attempts) = view.attempts.as_ref().filter(|attempts| attempts.failures > 0) {
        let result = attempts.last_result.map_or("-", |result| result.as_str());
        let failed = count(attempts.failures.into(), "failed heal");
        writeln!(
            out,
            "  attempts:   {failed}, the last {result} at {}",
            or_dash(attempts.last_at.map(time))
        )?;
    }
    if let Some(at) = view.next_try {
        writeln!(out, "  next try:   {}", time(at))?;
    }
    if let Some(held) = &view.held {
        writeln!(out, "  held:       {}", escape(held))?;
    }
    removals(view, out)?;
    if view.repairs.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let rows = view.repairs.iter().map(|past| {
        let repair = &past.repair;
        let detail = escape(&repair.detail).into_owned();
        [time(past.at), repair.result.as_str().to_owned(), bytes(repair.bytes), detail]
    });
    grid(out, ["REPAIR", "RESULT", "DOWNLOADED", "DETAIL"], rows)?;
    corrupt_bytes(view, out)
}

/// What was found under its key before it was healed: the last trace of a corruption.
fn corrupt_bytes(view: &ObjectView, out: &mut impl Write) -> io::Result<()> {
    let found: Vec<_> = view
        .repairs
        .iter()
        .filter_map(|past| {
            let corrupt = past.repair.corrupt.as_ref()?;
            let copy = or_dash(corrupt.quarantine_key.as_deref().map(|key| escape(key).into()));
            let digest = corrupt.observed_digest.to_string();
            Some([time(past.at), bytes(corrupt.observed_size), digest, copy])
        })
        .collect();
    if found.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    grid(out, ["WAS CORRUPT", "SIZE", "DIGEST FOUND", "COPY"], found)
}

fn removals(view: &ObjectView, out: &mut impl Write) -> io::Result<()> {
    if view.removals.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let rows = view.removals.iter().map(|removal| {
        let to = or_dash(removal.to.as_deref().map(|to| escape(to).into_owned()));
        [time(removal.at), removal.result.as_str().to_owned(), to]
    });
    grid(out, ["REMOVAL", "RESULT", "COPY"], rows)
}

fn place_lines(
    place: &PlaceView,
    options: &TextOptions<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "\n  collection: {}", escape(&place.collection))?;
    writeln!(out, "  key:        {}", escape(&place.key))?;
    let (tone, state) = object(&place.object);
    writeln!(out, "  object:     {}", options.paint(tone, &state))?;
    if !place.rows.is_empty() {
        let rows = place.rows.iter().map(|row| {
            [
                or_dash(row.r#ref.as_deref().map(|text| escape(text).into_owned())),
                or_dash(row.name.as_deref().map(|text| escape(text).into_owned())),
                or_dash(row.size.map(bytes)),
                or_dash(row.updated_at.map(time)),
            ]
        });
        grid(out, ["ROW", "NAME", "SIZE", "UPDATED"], rows)?;
    }
    if place.sources.is_empty() {
        return writeln!(out, "  sources:    none");
    }
    grid(out, ["SOURCE", "LAST VERDICT"], place.sources.iter().map(source))
}

fn object(state: &ObjectState) -> (Tone, String) {
    match state {
        ObjectState::Present { size, etag, modified } => {
            let etag = etag.as_deref().map(|etag| format!(", etag {}", escape(etag)));
            let modified = modified.map(|at| format!(", modified {}", time(at)));
            let more = [etag, modified].into_iter().flatten().collect::<String>();
            (Tone::Good, format!("present, {}{more}", bytes(*size)))
        }
        ObjectState::Absent => (Tone::Bad, "absent".to_owned()),
        ObjectState::Unknown { cause } => (Tone::Doubtful, format!("unknown: {}", escape(cause))),
    }
}

fn source(source: &SourceView) -> [String; 2] {
    let verdict = source.verdict().map_or_else(
        || "-".to_owned(),
        |said| {
            let word = match said.verdict {
                Verdict::Gone => "gone",
                Verdict::Drifted => "drifted",
            };
            let sent = said.observed_digest.map(|digest| format!(", sent {digest}"));
            format!("{word} at {}{}", time(said.at), sent.unwrap_or_default())
        },
    );
    [escape(source.source()).into_owned(), verdict]
}

/// Writes what the ledger knows, for people; the breaker, which matters most, last.
pub fn status_table(
    view: &StatusView,
    options: &TextOptions<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "{}", options.paint(Tone::Heading, &format!("store {}", escape(&view.store))))?;
    if let Some(daemon) = &view.daemon {
        daemon_lines(daemon, options, out)?;
    }
    if view.passes.is_empty() {
        writeln!(out, "no pass yet: run `{} audit`", options.invocation)?;
    } else {
        let header = ["STARTED", "COMMAND", "OUTCOME", "EXPECTED", "MISSING", "CORRUPT", "UNKNOWN"];
        grid(out, header, view.passes.iter().map(pass))?;
    }
    if view.standing.is_empty() {
        writeln!(out, "no finding stands")?;
    } else {
        let rows = view.standing.iter().map(|standing| {
            let kind = standing.kind.as_str().to_owned();
            let numbers = [standing.count, standing.healable, standing.accepted];
            let [n, healable, accepted] = numbers.map(|n| n.to_string());
            [kind, n, healable, accepted, time(standing.oldest)]
        });
        grid(out, ["STANDING", "COUNT", "HEALABLE", "ACCEPTED", "SINCE"], rows)?;
    }
    let due = view.next_heal_at.map(|at| format!(", the next at {}", time(at)));
    writeln!(out, "{} pending{}", count(view.heals_pending, "heal"), due.unwrap_or_default())?;
    if view.uploads > 0 {
        writeln!(out, "{} not ended", count(view.uploads, "upload"))?;
    }
    breaker(view.breaker.as_ref(), options, out)
}

fn pass(summary: &Summary) -> [String; 7] {
    let [expected, missing, corrupt, unknown] =
        [summary.expected, summary.missing, summary.corrupt, summary.unknown]
            .map(|n| or_dash(n.map(|n| n.to_string())));
    let command = match summary.command {
        crate::model::Command::Audit => "audit",
        crate::model::Command::Heal => "heal",
    };
    let outcome = summary.outcome.as_str().to_owned();
    [time(summary.started_at), command.to_owned(), outcome, expected, missing, corrupt, unknown]
}
