//! [`SurveyWriter`]: a survey of sources as it goes on, for people and for programs.

use std::io::{self, Write};

use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::Format;
use super::json::line;
use super::list::Summed;
use super::shapes;
use super::text::{
    ROWS_AT_MOST, TextOptions, Tone, count, escape, grid, list, or_dash, phrases, short, time,
};
use crate::model::Outcome;
use crate::survey::{Availability, Surveyed, Totals};

/// The name of the shape.
const SCHEMA_ID: &str = "restock.sources/v1";

/// Writes a survey in one of the forms of reports. What it keeps does not grow with the survey.
pub struct SurveyWriter<'a, W> {
    format: Format,
    options: TextOptions<'a>,
    out: W,
    begun: bool,
    /// For the table: the first of each result.
    shown: Vec<Surveyed>,
}

/// One object.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ObjectRecord")]
struct ObjectRecord<'a> {
    r#type: ObjectType,
    #[serde(flatten)]
    object: &'a Surveyed,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum ObjectType {
    Object,
}

/// The JSON Schema of a survey as one document; its `$defs` hold the records of a stream of lines.
pub(super) fn schema() -> Schema {
    shapes::list::<ObjectRecord<'static>, Totals>(SCHEMA_ID, "objects")
}

impl<'a, W: Write> SurveyWriter<'a, W> {
    /// The text options matter to the table alone, which every form but JSON and its lines is.
    pub const fn new(format: Format, options: TextOptions<'a>, out: W) -> Self {
        Self { format, options, out, begun: false, shown: Vec::new() }
    }

    /// Takes the next object.
    pub fn object(&mut self, object: &Surveyed) -> io::Result<()> {
        let record = ObjectRecord { r#type: ObjectType::Object, object };
        match self.format {
            Format::Table | Format::Junit | Format::Github => self.keep(object),
            Format::Ndjson => return line(&record, &mut self.out),
            Format::Json => {
                self.begin()?;
                serde_json::to_writer(&mut self.out, &record)?;
            }
        }
        Ok(())
    }

    /// Ends the survey.
    pub fn end(mut self, totals: &Totals) -> io::Result<()> {
        let record = |schema| Summed::of(totals, schema);
        match self.format {
            Format::Table | Format::Junit | Format::Github => self.table(totals),
            Format::Ndjson => line(&record(Some(SCHEMA_ID)), &mut self.out),
            Format::Json => {
                if !self.begun {
                    self.begin()?;
                }
                self.out.write_all(b"],\"summary\":")?;
                serde_json::to_writer(&mut self.out, &record(None))?;
                self.out.write_all(b"}\n")
            }
        }
    }

    /// What stands in front of the next object of the document.
    fn begin(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            return self.out.write_all(b",");
        }
        write!(self.out, "{{\"schema\":\"{SCHEMA_ID}\",\"objects\":[")
    }

    fn keep(&mut self, object: &Surveyed) {
        let alike = self.shown.iter().filter(|shown| shown.result == object.result).count();
        if object.result != Availability::Available && alike < ROWS_AT_MOST {
            self.shown.push(object.clone());
        }
    }

    fn table(mut self, totals: &Totals) -> io::Result<()> {
        self.shown.sort_by_key(|shown| std::cmp::Reverse(shown.result));
        for group in self.shown.chunk_by(|a, b| a.result == b.result) {
            let Some(first) = group.first() else { continue };
            let all = totals.of(first.result);
            let heading = format!("{} ({all})", title(first.result));
            writeln!(self.out, "{}", self.options.paint(tone(first.result), &heading))?;
            grid(&mut self.out, ["NAME", "DIGEST", "SOURCE", "DETAIL"], group.iter().map(row))?;
            let shown = u64::try_from(group.len()).unwrap_or(u64::MAX);
            if all > shown {
                writeln!(self.out, "  … and {} more (see --output json)", all - shown)?;
            }
            writeln!(self.out)?;
        }
        let took = (totals.finished_at - totals.started_at).num_milliseconds().max(0);
        let (seconds, millis) = (took / 1000, took % 1000);
        writeln!(
            self.out,
            "sources of {} at {}, {seconds}.{millis:03} s",
            count(totals.objects, "object"),
            time(totals.started_at)
        )?;
        let counts = Availability::ALL.iter().filter(|result| totals.of(**result) > 0);
        let counts = phrases(counts.map(|r| format!("{} {}", totals.of(*r), word(*r))));
        if !counts.is_empty() {
            writeln!(self.out, "{counts}")?;
        }
        if totals.invalid_records > 0 {
            let rows = count(totals.invalid_records, "row");
            writeln!(self.out, "{rows} without a digest: `restock audit` tells which")?;
        }
        let (tone, verdict) = match totals.outcome {
            Outcome::Clean => (Tone::Good, "each object could be had again today"),
            Outcome::Findings => (Tone::Bad, "some objects could not be had again today"),
            Outcome::Incomplete | Outcome::Busy | Outcome::Failed | Outcome::Refused => {
                (Tone::Doubtful, "of some objects nobody could say")
            }
        };
        let outcome = self.options.paint(tone, totals.outcome.as_str());
        writeln!(self.out, "{outcome}: {verdict}")
    }
}

fn row(object: &Surveyed) -> [String; 4] {
    [
        list(&object.names),
        short(&object.digest),
        or_dash(object.source.as_deref().map(|source| escape(source).into_owned())),
        escape(&object.detail).into_owned(),
    ]
}

const fn title(result: Availability) -> &'static str {
    match result {
        Availability::Available => "available",
        Availability::Unknown => "unknown: no source could be asked",
        Availability::Unavailable => "unavailable: a source answers, and does not offer it",
        Availability::Drifted => "drifted: a source offers something else",
        Availability::TooLarge => "too large to be healed",
        Availability::PolicyBlocked => "blocked by policy",
        Availability::Gone => "gone from every source",
        Availability::NoSource => "no source",
    }
}

const fn word(result: Availability) -> &'static str {
    match result {
        Availability::TooLarge => "too large",
        Availability::PolicyBlocked => "blocked by policy",
        Availability::NoSource => "without a source",
        Availability::Available
        | Availability::Unknown
        | Availability::Unavailable
        | Availability::Drifted
        | Availability::Gone => result.as_str(),
    }
}

const fn tone(result: Availability) -> Tone {
    match result {
        Availability::Available => Tone::Good,
        Availability::Unknown => Tone::Doubtful,
        Availability::Unavailable
        | Availability::Drifted
        | Availability::TooLarge
        | Availability::PolicyBlocked
        | Availability::Gone
        | Availability::NoSource => Tone::Bad,
    }
}
