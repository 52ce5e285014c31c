//! The records of `restock.pass/v1`: the model's nouns, each with its `type`.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::{Serialize, Serializer};

use super::PassReport;
use crate::model::{Finding, Repair, Summary};

/// The name of the report's shape.
pub const SCHEMA_ID: &str = "restock.pass/v1";

/// The whole report as one document.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "restock.pass/v1")]
pub(super) struct Document<'a> {
    /// The name of this shape.
    schema: SchemaName,
    /// What is wrong, by kind, collection and key.
    #[schemars(with = "Vec<FindingRecord<'static>>")]
    findings: Findings<'a>,
    /// What was done about it, by cause, collection and key.
    #[schemars(with = "Vec<RepairRecord<'static>>")]
    repairs: Repairs<'a>,
    /// The pass in numbers.
    summary: SummaryRecord<'a>,
}

/// One finding.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "FindingRecord")]
pub(super) struct FindingRecord<'a> {
    r#type: FindingType,
    #[serde(flatten)]
    finding: &'a Finding,
}

/// One repair.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RepairRecord")]
pub(super) struct RepairRecord<'a> {
    r#type: RepairType,
    #[serde(flatten)]
    repair: &'a Repair,
}

/// The summary; in a stream of lines it comes last and carries the name of the shape.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SummaryRecord")]
pub(super) struct SummaryRecord<'a> {
    r#type: SummaryType,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<SchemaName>,
    #[serde(flatten)]
    summary: &'a Summary,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
enum SchemaName {
    #[serde(rename = "restock.pass/v1")]
    PassV1,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum FindingType {
    Finding,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum RepairType {
    Repair,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum SummaryType {
    Summary,
}

struct Findings<'a>(PassReport<'a>);
struct Repairs<'a>(PassReport<'a>);

impl<'a> Document<'a> {
    pub(super) fn new(report: &PassReport<'a>) -> Self {
        Self {
            schema: SchemaName::PassV1,
            findings: Findings(*report),
            repairs: Repairs(*report),
            summary: SummaryRecord::inside(report.summary),
        }
    }
}

impl<'a> FindingRecord<'a> {
    pub(super) const fn new(finding: &'a Finding) -> Self {
        Self { r#type: FindingType::Finding, finding }
    }
}

impl<'a> RepairRecord<'a> {
    pub(super) const fn new(repair: &'a Repair) -> Self {
        Self { r#type: RepairType::Repair, repair }
    }
}

impl<'a> SummaryRecord<'a> {
    /// Inside a document, which carries the name of the shape itself.
    pub(super) const fn inside(summary: &'a Summary) -> Self {
        Self { r#type: SummaryType::Summary, schema: None, summary }
    }

    /// At the end of a stream of lines.
    pub(super) const fn last(summary: &'a Summary) -> Self {
        Self { r#type: SummaryType::Summary, schema: Some(SchemaName::PassV1), summary }
    }
}

impl Serialize for Findings<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.sorted_findings().into_iter().map(FindingRecord::new))
    }
}

impl Serialize for Repairs<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.sorted_repairs().into_iter().map(RepairRecord::new))
    }
}

/// The JSON Schema of the document; its `$defs` hold the records of a stream of lines.
pub fn schema() -> Schema {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Document<'static>>()
}
