//! [`List`]: things and their summary for programs, as one document or as one record a line.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::json::line;

/// Things of one kind, and what they are called.
pub(super) struct List<'a, T> {
    /// What the document is, and what the last line carries.
    pub(super) schema: &'static str,
    /// The member of the document that holds them.
    pub(super) name: &'static str,
    /// What each is, in a line of its own.
    pub(super) kind: &'static str,
    pub(super) items: &'a [T],
}

struct Document<'a, T, S> {
    list: &'a List<'a, T>,
    summary: Summed<'a, S>,
}

/// The summary; in a stream of lines it comes last and carries the name of the shape.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Summary", bound = "S: JsonSchema")]
pub(super) struct Summed<'a, S> {
    r#type: SummaryType,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'static str>,
    #[serde(flatten)]
    value: &'a S,
}

impl<'a, S> Summed<'a, S> {
    /// With the name of the shape at the end of a stream; a document carries it itself.
    pub(super) const fn of(value: &'a S, schema: Option<&'static str>) -> Self {
        Self { r#type: SummaryType::Summary, schema, value }
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum SummaryType {
    Summary,
}

#[derive(Serialize)]
struct Record<'a, T> {
    r#type: &'static str,
    #[serde(flatten)]
    value: &'a T,
}

impl<T: Serialize, S: Serialize> Serialize for Document<'_, T, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let mut document = serializer.serialize_map(Some(3))?;
        document.serialize_entry("schema", self.list.schema)?;
        document.serialize_entry(self.list.name, self.list.items)?;
        document.serialize_entry("summary", &self.summary)?;
        document.end()
    }
}

impl<T: Serialize> List<'_, T> {
    /// Writes one document.
    pub(super) fn json(&self, summary: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
        let summary = Summed::of(summary, None);
        line(&Document { list: self, summary }, out)
    }

    /// Writes one record a line, the summary last.
    pub(super) fn ndjson(&self, summary: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
        for item in self.items {
            line(&Record { r#type: self.kind, value: item }, out)?;
        }
        line(&Summed::of(summary, Some(self.schema)), out)
    }
}
