//! A preflight for programs: one document, or one record a line.

use std::io::{self, Write};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::PreflightReport;
use crate::gitops::{Place, Problem};
use crate::model::Digest;
use crate::preflight::{Answer, Summary, Verdict};
use crate::report::json::line;
use crate::report::record::RepairRecord;

/// The whole report as one document.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "restock.preflight/v1")]
struct Document<'a> {
    /// The name of this shape.
    schema: SchemaName,
    /// What is said of each package that names a digest or lacks one, and of each policy that
    /// installs one, by file and line.
    references: Vec<ReferenceRecord<'a>>,
    /// What is wrong with the files, by file and line.
    problems: Vec<ProblemRecord<'a>>,
    /// What is worth a word and decides nothing, by file and line.
    notes: Vec<NoteRecord<'a>>,
    /// What a heal did beforehand.
    #[schemars(with = "Vec<RepairRecord<'static>>")]
    repairs: Vec<RepairRecord<'a>>,
    /// All of it in numbers.
    summary: SummaryRecord<'a>,
}

/// One package, or one policy that installs one.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ReferenceRecord")]
struct ReferenceRecord<'a> {
    r#type: ReferenceType,
    /// The file, relative to the working directory where it lies below it.
    file: String,
    /// The line, from 1.
    line: u32,
    /// The character in it, from 1.
    column: u32,
    /// The file of the team whose policy it is; null of a package.
    policy_of: Option<String>,
    /// Null where `hash_sha256` is absent or no digest, and where a variable stands for it.
    digest: Option<Digest>,
    /// `hash_sha256` as it is written, with the names of its variables and not with what they
    /// hold; null where it is absent.
    hash_sha256: Option<String>,
    /// What Fleet will do.
    verdict: Verdict,
    /// Fleet's own words where it fails, the reason otherwise.
    message: &'a str,
    /// Why Fleet would say so; null where there is no more to tell.
    detail: Option<&'a str>,
    /// The collection that has a row of it; null where none has.
    collection: Option<&'a str>,
    /// Its key there; null also where a variable stands for the digest.
    key: Option<&'a str>,
    /// Whether its object is there with wrong bytes, which Fleet would hand out.
    corrupt: bool,
}

/// Something for which GitOps would fail before it asks for any package.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProblemRecord")]
struct ProblemRecord<'a> {
    r#type: ProblemType,
    /// The file, relative to the working directory where it lies below it.
    file: String,
    /// The line, from 1.
    line: u32,
    /// The character in it, from 1.
    column: u32,
    /// `would_fail`.
    verdict: Verdict,
    /// What it is.
    message: &'a str,
}

/// What is worth a word and decides nothing: a package file that no team names.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NoteRecord")]
struct NoteRecord<'a> {
    r#type: NoteType,
    /// The file, relative to the working directory where it lies below it.
    file: String,
    /// The line, from 1.
    line: u32,
    /// The character in it, from 1.
    column: u32,
    /// What it is.
    message: &'a str,
}

/// The summary; in a stream of lines it comes last and carries the name of the shape.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SummaryRecord")]
struct SummaryRecord<'a> {
    r#type: SummaryType,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<SchemaName>,
    #[serde(flatten)]
    summary: &'a Summary,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
enum SchemaName {
    #[serde(rename = "restock.preflight/v1")]
    PreflightV1,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum ReferenceType {
    Reference,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum ProblemType {
    Problem,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum NoteType {
    Note,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum SummaryType {
    Summary,
}

/// Writes the report as one document and a line feed.
pub(super) fn json(preflight: &PreflightReport<'_>, out: &mut impl Write) -> io::Result<()> {
    let report = preflight.report;
    let document = Document {
        schema: SchemaName::PreflightV1,
        references: preflight.answers().map(ReferenceRecord::new).collect(),
        problems: report.problems.iter().map(ProblemRecord::new).collect(),
        notes: preflight.notes().map(NoteRecord::new).collect(),
        repairs: report.repairs.iter().map(RepairRecord::new).collect(),
        summary: SummaryRecord {
            r#type: SummaryType::Summary,
            schema: None,
            summary: &report.summary,
        },
    };
    line(&document, out)
}

/// Writes one record a line: packages, problems, notes, repairs, and one summary last.
pub(super) fn ndjson(preflight: &PreflightReport<'_>, out: &mut impl Write) -> io::Result<()> {
    let report = preflight.report;
    for answer in preflight.answers() {
        line(&ReferenceRecord::new(answer), out)?;
    }
    for problem in &report.problems {
        line(&ProblemRecord::new(problem), out)?;
    }
    for note in preflight.notes() {
        line(&NoteRecord::new(note), out)?;
    }
    for repair in &report.repairs {
        line(&RepairRecord::new(repair), out)?;
    }
    let schema = Some(SchemaName::PreflightV1);
    line(&SummaryRecord { r#type: SummaryType::Summary, schema, summary: &report.summary }, out)
}

impl<'a> ReferenceRecord<'a> {
    fn new(answer: &'a Answer) -> Self {
        let Place { file, line, column } = &answer.at;
        Self {
            r#type: ReferenceType::Reference,
            file: file.to_string_lossy().into_owned(),
            line: *line,
            column: *column,
            policy_of: answer.policy_of.as_ref().map(|file| file.to_string_lossy().into_owned()),
            digest: answer.digest(),
            hash_sha256: answer.hash(),
            verdict: answer.verdict,
            message: &answer.message,
            detail: answer.detail.as_deref(),
            collection: answer.collection.as_deref(),
            key: answer.key(),
            corrupt: answer.corrupt,
        }
    }
}

impl<'a> ProblemRecord<'a> {
    fn new(problem: &'a Problem) -> Self {
        let Place { file, line, column } = &problem.at;
        Self {
            r#type: ProblemType::Problem,
            file: file.to_string_lossy().into_owned(),
            line: *line,
            column: *column,
            verdict: Verdict::WouldFail,
            message: &problem.message,
        }
    }
}

impl<'a> NoteRecord<'a> {
    fn new(note: &'a Problem) -> Self {
        let Place { file, line, column } = &note.at;
        Self {
            r#type: NoteType::Note,
            file: file.to_string_lossy().into_owned(),
            line: *line,
            column: *column,
            message: &note.message,
        }
    }
}

/// The JSON Schema of the document; its `$defs` hold the records of a stream of lines.
pub fn preflight_schema() -> Schema {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Document<'static>>()
}
