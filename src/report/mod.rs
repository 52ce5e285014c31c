//! What a pass or a preflight found, and what is known of an object or a store, for people and
//! programs.
//!
//! Everything is written into a [`std::io::Write`]; nothing is printed here.

mod accepted;
mod annotation;
mod breaker;
mod daemon;
mod file;
mod findings;
mod format;
mod github;
mod json;
mod junit;
mod list;
mod object;
mod orphans;
mod page;
mod plan;
mod preflight;
mod quarantine;
mod record;
mod removals;
mod repairs;
mod shapes;
mod status;
mod survey;
mod table;
mod text;
mod view;

use std::io;

use crate::model::{Cause, Finding, Repair, Summary};
use crate::pass::FailOn;

pub use accepted::{AcceptedIn, AcceptedView, accepted_json, accepted_table};
pub use breaker::{ack, breaker};
pub use file::{ParseTargetError, ReportTarget, WriteReportError, check_place, write_text};
pub use format::{Format, ParseFormatError};
pub use json::{json, ndjson};
pub use object::{ObjectState, ObjectView, PastRepair, PlaceView, RowView, SourceView};
pub use orphans::{OrphanView, OrphansView, orphans_plan_table};
pub use page::{findings_json, passes_json};
pub use plan::plan_table;
pub use preflight::{PreflightReport, preflight_schema};
pub use quarantine::{AsideView, LeftOut, PruneResult, QuarantineView};
pub use record::{SCHEMA_ID, schema};
pub use removals::RemovalsView;
pub use shapes::{Shape, shapes};
pub use status::{ActivityView, DaemonView, SideView, Standing, StatusView};
pub use survey::SurveyWriter;
pub use table::table;
pub use text::{Color, TextOptions, bytes, count, escape, escape_lines};
pub use view::{absent_object_json, object_json, object_table, status_json, status_table};

/// One pass for a reader. Findings and repairs are sorted when they are written.
#[derive(Debug, Clone, Copy)]
pub struct PassReport<'a> {
    /// What is wrong.
    pub findings: &'a [Finding],
    /// What was done about it.
    pub repairs: &'a [Repair],
    /// The pass in numbers.
    pub summary: &'a Summary,
    /// Which findings decide the exit code.
    pub fail_on: &'a FailOn,
    /// Whether the configuration held back what could be healed.
    pub healing_off: bool,
}

/// Something that can be written in every form of a report.
pub trait Render {
    /// Writes it in one form; the text options matter to text for people alone.
    fn render(
        &self,
        format: Format,
        options: &TextOptions<'_>,
        out: &mut impl io::Write,
    ) -> io::Result<()>;
}

impl Render for PassReport<'_> {
    fn render(
        &self,
        format: Format,
        options: &TextOptions<'_>,
        out: &mut impl io::Write,
    ) -> io::Result<()> {
        self.write(format, options, out)
    }
}

impl<'a> PassReport<'a> {
    /// Writes the report in one of its forms; the text options matter to the table alone.
    pub fn write(
        &self,
        format: Format,
        options: &TextOptions<'_>,
        out: &mut impl io::Write,
    ) -> io::Result<()> {
        match format {
            Format::Table => table(self, options, out),
            Format::Json => json(self, out),
            Format::Ndjson => ndjson(self, out),
            Format::Junit => junit::pass(self, out),
            Format::Github => github::pass(self, out),
        }
    }

    /// By kind, collection and key. References alone: a million findings are not copied.
    fn sorted_findings(&self) -> Vec<&'a Finding> {
        let mut findings: Vec<_> = self.findings.iter().collect();
        findings.sort_unstable();
        findings
    }

    /// By cause, collection and key; several repairs of one key stay in the order of their time.
    fn sorted_repairs(&self) -> Vec<&'a Repair> {
        let mut repairs: Vec<_> = self.repairs.iter().collect();
        repairs.sort_by_key(|repair| {
            let rank = match repair.cause {
                Cause::Missing => 0_u8,
                Cause::Corrupt => 1,
            };
            (rank, repair.collection.as_str(), repair.key.as_str())
        });
        repairs
    }
}
