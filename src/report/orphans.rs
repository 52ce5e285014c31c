//! Orphans as the ledger knows them, and as a plan has them, for people and for programs.

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::Format;
use super::list::List;
use super::shapes;
use super::text::{TextOptions, Tone, bytes, count, escape, grid, or_dash, time};
use crate::model::{Digest, Finding, PassError, Sighting, reason};
use crate::plan::{Disposal, OrphansPlan};

/// An orphan as the last pass that saw it left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OrphanView {
    /// Its collection.
    pub collection: String,
    /// Its key.
    pub key: String,
    /// The digest that its key names.
    pub digest: Option<Digest>,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// `candidate` or `flagged`.
    pub state: String,
    /// When a complete pass first saw it.
    #[serde(serialize_with = "crate::model::instant::millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub first_seen: DateTime<Utc>,
    /// In how many complete passes it was seen, far enough apart.
    pub sightings: u32,
    /// When a sighting last counted; null where none did.
    #[serde(serialize_with = "crate::model::instant::optional_millis")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub counted_at: Option<DateTime<Utc>>,
}

/// The orphans of one store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrphansView {
    /// In the order of reports.
    pub orphans: Vec<OrphanView>,
    /// When the last pass over everything ended; `None` where there was none.
    pub as_of: Option<DateTime<Utc>>,
    /// Why that pass flagged none of some collections.
    pub errors: Vec<PassError>,
}

/// The orphans in numbers.
#[derive(Serialize, JsonSchema)]
struct Totals<'a> {
    /// All of them.
    orphans: u64,
    /// Those that are flagged.
    flagged: u64,
    /// Their size in bytes.
    bytes: u64,
    /// When the last pass over everything ended; null where there was none.
    #[serde(serialize_with = "crate::model::instant::optional_millis")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    as_of: Option<DateTime<Utc>>,
    /// Why that pass flagged none of some collections.
    errors: &'a [PassError],
}

/// The JSON Schema of the list.
pub(super) fn schema() -> Schema {
    shapes::list::<OrphanView, Totals<'static>>(SCHEMA, "orphans")
}

const SCHEMA: &str = "restock.orphans/v1";

impl OrphanView {
    /// From a finding of that kind, and what was kept of its sightings.
    pub fn new(finding: Finding, sighting: Option<&Sighting>) -> Self {
        Self {
            collection: finding.collection,
            key: finding.key.unwrap_or_default(),
            digest: finding.digest,
            size: finding.observed_size,
            state: finding.reason.unwrap_or_else(|| reason::CANDIDATE.to_owned()),
            first_seen: finding.first_seen,
            sightings: sighting.map_or(0, |sighting| sighting.sightings),
            counted_at: sighting.map(|sighting| sighting.counted_at),
        }
    }

    /// Whether it is flagged.
    pub fn is_flagged(&self) -> bool {
        self.state == reason::FLAGGED
    }
}

impl OrphansView {
    /// Writes them; as a table in every form but JSON and its lines.
    pub fn write(
        &self,
        format: Format,
        options: &TextOptions<'_>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        match format {
            Format::Table | Format::Junit | Format::Github => self.table(options, out),
            Format::Json => self.list().json(&self.totals(), out),
            Format::Ndjson => self.list().ndjson(&self.totals(), out),
        }
    }

    fn list(&self) -> List<'_, OrphanView> {
        List { schema: SCHEMA, name: "orphans", kind: "orphan", items: &self.orphans }
    }

    fn totals(&self) -> Totals<'_> {
        let flagged = self.orphans.iter().filter(|orphan| orphan.is_flagged()).count();
        Totals {
            orphans: u64::try_from(self.orphans.len()).unwrap_or(u64::MAX),
            flagged: u64::try_from(flagged).unwrap_or(u64::MAX),
            bytes: self.orphans.iter().filter_map(|orphan| orphan.size).sum(),
            as_of: self.as_of,
            errors: &self.errors,
        }
    }

    fn table(&self, options: &TextOptions<'_>, out: &mut impl Write) -> io::Result<()> {
        let totals = self.totals();
        if !self.orphans.is_empty() {
            let rows = self.orphans.iter().map(|orphan| {
                [
                    orphan.state.clone(),
                    or_dash(orphan.size.map(bytes)),
                    time(orphan.first_seen),
                    orphan.sightings.to_string(),
                    escape(&orphan.key).into_owned(),
                ]
            });
            grid(out, ["STATE", "SIZE", "FIRST SEEN", "SIGHTINGS", "KEY"], rows)?;
        }
        let Some(as_of) = self.as_of else {
            return writeln!(
                out,
                "no pass over everything yet: run `{} audit`",
                options.invocation
            );
        };
        let all = count(totals.orphans, "orphan");
        let size = bytes(totals.bytes);
        let heading = format!("{all} ({} flagged, {size}) at {}", totals.flagged, time(as_of));
        writeln!(out, "{}", options.paint(Tone::Heading, &heading))?;
        for PassError { code, message, subject: _ } in &self.errors {
            writeln!(out, "{code}: {}", escape(message))?;
        }
        if totals.flagged > 0 {
            writeln!(out, "next: {} orphans plan -o orphans.json", options.invocation)?;
        }
        Ok(())
    }
}

/// Writes what a plan would take away, and how that is done; `file` is where it was written.
pub fn orphans_plan_table(
    plan: &OrphansPlan,
    file: &str,
    options: &TextOptions<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    if plan.entries.is_empty() {
        return writeln!(out, "plan: no orphan is flagged, so that there is nothing to take away");
    }
    let rows = plan.entries.iter().map(|entry| {
        let size = bytes(entry.size);
        [size, time(entry.first_seen), entry.sightings.to_string(), escape(&entry.key).into_owned()]
    });
    grid(out, ["SIZE", "FIRST SEEN", "SIGHTINGS", "KEY"], rows)?;
    let n = u64::try_from(plan.entries.len()).unwrap_or(u64::MAX);
    let size = bytes(plan.entries.iter().map(|entry| entry.size).sum());
    let what = match plan.action {
        Disposal::Quarantine => "move to the quarantine",
        Disposal::Delete => "delete for good",
    };
    let heading = format!("plan: {what} {} ({size}), nothing was done", count(n, "orphan"));
    writeln!(out, "{}", options.paint(Tone::Heading, &heading))?;
    let restock = options.invocation;
    writeln!(out, "next: read {file}, then {restock} orphans apply {file} --max-delete {n}")
}
