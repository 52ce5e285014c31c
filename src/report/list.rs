//! [`List`]: things and their summary for programs, as one document or as one record a line.

use std::io::{self, Write};

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
    summary: Record<'a, S>,
}

#[derive(Serialize)]
struct Record<'a, T> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'static str>,
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
        let summary = Record { r#type: "summary", schema: None, value: summary };
        line(&Document { list: self, summary }, out)
    }

    /// Writes one record a line, the summary last.
    pub(super) fn ndjson(&self, summary: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
        for item in self.items {
            line(&Record { r#type: self.kind, schema: None, value: item }, out)?;
        }
        line(&Record { r#type: "summary", schema: Some(self.schema), value: summary }, out)
    }
}
