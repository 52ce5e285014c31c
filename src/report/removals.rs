//! What a plan did, for people and for programs.

use std::io::{self, Write};

use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::Format;
use super::list::List;
use super::shapes;
use super::text::{TextOptions, Tone, bytes, escape, grid, phrases};
use crate::model::{Removal, RemovalResult};

const SCHEMA: &str = "restock.removals/v1";

/// What a run did with the objects of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovalsView {
    /// The plan.
    pub plan_id: String,
    /// Where it is written down.
    pub record: String,
    /// What became of each object, in the order of the plan.
    pub removals: Vec<Removal>,
}

#[derive(Serialize, JsonSchema)]
struct Totals<'a> {
    plan_id: &'a str,
    record: &'a str,
    moved: u64,
    deleted: u64,
    restored: u64,
    held: u64,
    unknown: u64,
    failed: u64,
    bytes: u64,
}

/// The JSON Schema of the list.
pub(super) fn schema() -> Schema {
    shapes::list::<Removal, Totals<'static>>(SCHEMA, "removals")
}

impl RemovalsView {
    /// Writes it; as a table in every form but JSON and its lines.
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

    /// How many ended in this way.
    pub fn count(&self, result: RemovalResult) -> u64 {
        let of = self.removals.iter().filter(|removal| removal.result == result);
        u64::try_from(of.count()).unwrap_or(u64::MAX)
    }

    fn list(&self) -> List<'_, Removal> {
        List { schema: SCHEMA, name: "removals", kind: "removal", items: &self.removals }
    }

    fn totals(&self) -> Totals<'_> {
        let done = self.removals.iter().filter(|removal| removal.result.is_done());
        Totals {
            plan_id: &self.plan_id,
            record: &self.record,
            moved: self.count(RemovalResult::Moved),
            deleted: self.count(RemovalResult::Deleted),
            restored: self.count(RemovalResult::Restored),
            held: self.count(RemovalResult::Held),
            unknown: self.count(RemovalResult::Unknown),
            failed: self.count(RemovalResult::Failed),
            bytes: done.map(|removal| removal.size).sum(),
        }
    }

    fn table(&self, options: &TextOptions<'_>, out: &mut impl Write) -> io::Result<()> {
        if self.removals.is_empty() {
            return writeln!(out, "nothing was to be done");
        }
        let rows = self.removals.iter().map(|removal| {
            let result = removal.result.as_str().to_owned();
            let (key, detail) = (escape(&removal.key), escape(&removal.detail));
            [result, bytes(removal.size), key.into_owned(), detail.into_owned()]
        });
        grid(out, ["RESULT", "SIZE", "KEY", "DETAIL"], rows)?;
        let totals = self.totals();
        let parts = [
            (totals.moved, "moved"),
            (totals.deleted, "deleted"),
            (totals.restored, "restored"),
            (totals.held, "held"),
            (totals.unknown, "unknown"),
            (totals.failed, "failed"),
        ];
        let parts = parts.into_iter().filter(|(n, _)| *n > 0);
        let line = phrases(parts.map(|(n, word)| format!("{n} {word}")));
        writeln!(out, "{}", options.paint(Tone::Heading, &line))?;
        writeln!(out, "written down in {}", escape(&self.record))?;
        if totals.moved > 0 {
            let record = escape(&self.record);
            writeln!(out, "undo: {} orphans restore {record}", options.invocation)?;
        }
        Ok(())
    }
}
