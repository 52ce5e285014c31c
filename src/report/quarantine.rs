//! What lies in the quarantine, for people and for programs.

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::Format;
use super::list::List;
use super::shapes;
use super::text::{TextOptions, Tone, bytes, count, escape, grid, or_dash, time};
use crate::model::Span;
use crate::plan::{Aside, AsideKind};

const SCHEMA: &str = "restock.quarantine/v1";

/// Things in the quarantine, or that were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineView {
    /// In the order of their keys.
    pub objects: Vec<AsideView>,
    /// The time against which ages were taken.
    pub now: DateTime<Utc>,
    /// What was left out, where an age was asked for.
    pub left_out: Option<LeftOut>,
}

/// What lies in the quarantine, and is not old enough, or was not put there by restock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftOut {
    /// The age that was asked for.
    pub older_than: Span,
    /// How many objects.
    pub objects: u64,
}

/// One thing in the quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AsideView {
    /// What it is.
    #[serde(flatten)]
    pub aside: Aside,
    /// What was done with it, where something was to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<PruneResult>,
    /// Why it is still there, where it was to be removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What became of something that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PruneResult {
    /// It is gone.
    Deleted,
    /// It is still there.
    Failed,
}

/// What was set aside, in numbers.
#[derive(Serialize, JsonSchema)]
struct Totals {
    /// All of it.
    objects: u64,
    /// Its size in bytes.
    bytes: u64,
    /// What was deleted of it.
    deleted: u64,
    /// What could not be deleted.
    failed: u64,
}

/// The JSON Schema of the list.
pub(super) fn schema() -> Schema {
    shapes::list::<AsideView, Totals>(SCHEMA, "objects")
}

impl QuarantineView {
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
    pub fn count(&self, result: PruneResult) -> u64 {
        let of = self.objects.iter().filter(|object| object.result == Some(result));
        u64::try_from(of.count()).unwrap_or(u64::MAX)
    }

    fn list(&self) -> List<'_, AsideView> {
        List { schema: SCHEMA, name: "objects", kind: "object", items: &self.objects }
    }

    fn totals(&self) -> Totals {
        Totals {
            objects: u64::try_from(self.objects.len()).unwrap_or(u64::MAX),
            bytes: self.objects.iter().map(|object| object.aside.size).sum(),
            deleted: self.count(PruneResult::Deleted),
            failed: self.count(PruneResult::Failed),
        }
    }

    fn table(&self, options: &TextOptions<'_>, out: &mut impl Write) -> io::Result<()> {
        let totals = self.totals();
        let key = |object: &AsideView| escape(&object.aside.key).into_owned();
        let size = |object: &AsideView| bytes(object.aside.size);
        let since = |object: &AsideView| or_dash(object.aside.since.map(time));
        let pruned = self.objects.iter().any(|object| object.result.is_some());
        if pruned {
            let rows = self.objects.iter().map(|object| {
                let result = match object.result {
                    Some(PruneResult::Deleted) => "deleted",
                    Some(PruneResult::Failed) => "failed",
                    None => "-",
                };
                let detail =
                    or_dash(object.detail.as_deref().map(|text| escape(text).into_owned()));
                [result.to_owned(), size(object), since(object), key(object), detail]
            });
            grid(out, ["RESULT", "SIZE", "SINCE", "KEY", "DETAIL"], rows)?;
        } else if !self.objects.is_empty() {
            let rows = self.objects.iter().map(|object| {
                let kind = match object.aside.kind {
                    AsideKind::Corrupt => "corrupt",
                    AsideKind::Orphan => "orphan",
                    AsideKind::Foreign => "foreign",
                };
                [kind.to_owned(), size(object), since(object), key(object)]
            });
            grid(out, ["KIND", "SIZE", "SINCE", "KEY"], rows)?;
        }
        let all = format!("{} in the quarantine", count(totals.objects, "object"));
        let size = bytes(totals.bytes);
        let line = match (totals.deleted, totals.failed) {
            (0, 0) => match self.left_out {
                Some(LeftOut { older_than, objects }) if objects > 0 => format!(
                    "{all} older than {older_than}, {size}; {} younger, or none of restock's",
                    count(objects, "other")
                ),
                Some(_) | None => format!("{all}, {size}"),
            },
            (deleted, 0) => format!("{deleted} deleted"),
            (deleted, failed) => format!("{deleted} deleted, {failed} failed"),
        };
        writeln!(out, "{}", options.paint(Tone::Heading, &line))
    }
}
