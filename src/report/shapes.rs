//! [`shapes`]: every document that restock writes for programs, by the id in its `schema` member, as
//! JSON Schema. `docs/*.schema.json` are written from here.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::list::Summed;
use super::{
    accepted, orphans, page, preflight_schema, quarantine, record, removals, survey, view,
};
use crate::plan::{OrphansPlan, Plan};
use crate::removal::record_line_schema;

/// One shape.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The id, as it stands in the `schema` member: `restock.NAME/v1`.
    pub id: &'static str,
    /// Its file below `docs`.
    pub file: String,
    /// What such a document is.
    pub schema: Schema,
}

/// All shapes.
pub fn shapes() -> Vec<Shape> {
    let own = [
        ("restock.pass/v1", record::schema()),
        ("restock.preflight/v1", preflight_schema()),
        ("restock.object/v1", view::object_schema()),
        ("restock.status/v1", view::status_schema()),
        ("restock.findings/v1", page::findings_schema()),
        ("restock.passes/v1", page::passes_schema()),
        ("restock.sources/v1", survey::schema()),
        ("restock.accepted/v1", accepted::schema()),
        ("restock.orphans/v1", orphans::schema()),
        ("restock.quarantine/v1", quarantine::schema()),
        ("restock.removals/v1", removals::schema()),
        ("restock.plan/v1", root::<Plan>("restock.plan/v1")),
        ("restock.orphans-plan/v1", root::<OrphansPlan>("restock.orphans-plan/v1")),
        ("restock.orphans-applied/v1", record_line_schema()),
    ];
    own.into_iter().map(|(id, schema)| Shape { id, file: file_of(id), schema }).collect()
}

/// The report of a pass has the file's name from the time when it was the only one.
fn file_of(id: &str) -> String {
    let name = id.trim_start_matches("restock.").trim_end_matches("/v1");
    let name = if name == "pass" { "report" } else { name };
    format!("docs/{name}.schema.json")
}

/// A generator for what is written.
fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().for_serialize().into_generator()
}

/// The schema of a document that carries its shape's id.
pub(super) fn root<T: JsonSchema>(id: &str) -> Schema {
    let mut schema = generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), id.into());
    if let Some(own) = schema.pointer_mut("/properties/schema") {
        *own = name(id);
    }
    schema
}

/// The schema of a list as one document.
pub(super) fn list<T: JsonSchema, S: JsonSchema + 'static>(id: &str, items: &str) -> Schema {
    let mut generator = generator();
    let (item, summary) =
        (generator.subschema_for::<T>(), generator.subschema_for::<Summed<'static, S>>());
    let properties = json!({
        "schema": name(id),
        items: { "description": "What there is.", "type": "array", "items": item },
        "summary": summary,
    });
    let mut schema = json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": id,
        "type": "object",
        "properties": properties,
        "required": ["schema", items, "summary"],
    });
    schema.insert("$defs".to_owned(), Value::Object(generator.take_definitions(true)));
    schema
}

fn name(id: &str) -> Value {
    json!({ "description": "The name of this shape.", "type": "string", "const": id })
}
