//! The queries of preset `fleet`, made of the columns that are there.
//!
//! Texts are cast, so that tables of two collations can be united. No column that holds a file's
//! bytes is ever selected.

use crate::catalog::CatalogError;
use crate::catalog::collections::{Queried, preset_layout};
use crate::model::Collection;

use super::schema::Schema;
use super::{APP_CONFIG, BOOTSTRAP_PACKAGES, ICONS, IN_HOUSE_APPS, INSTALLERS, TEAMS};

/// Where a configuration names its bootstrap package.
const BOOTSTRAP_URL: &str = "$.mdm.macos_setup.bootstrap_package";

/// Software packages, and with them apps for iOS and iPadOS: one folder holds both.
pub(super) fn installers(schema: &Schema, in_house: bool) -> Result<Queried, CatalogError> {
    let mut query = software(schema);
    if in_house {
        query.push_str("\nUNION ALL\n");
        query.push_str(&in_house_apps(schema));
    }
    collection("software-installers", query)
}

fn software(schema: &Schema) -> String {
    let columns = Columns { schema, table: INSTALLERS, alias: "i" };
    let apps = schema.has_column(INSTALLERS, "fleet_maintained_app_id")
        && schema.has_column(super::MAINTAINED_APPS, "id")
        && schema.has_column(super::MAINTAINED_APPS, "slug");
    let scripts = schema.has_column(INSTALLERS, "install_script_content_id")
        && schema.has_column(INSTALLERS, "extension")
        && schema.has_column(super::SCRIPTS, "contents");
    let (app, join) = if apps {
        let join = " LEFT JOIN fleet_maintained_apps AS m ON m.id = i.fleet_maintained_app_id";
        ("CAST(m.slug AS CHAR)", join)
    } else {
        ("NULL", "")
    };
    // Of a script the file is the text, so that the text gives the file back.
    let script = if scripts {
        "CASE WHEN i.extension IN ('sh', 'ps1', 'py') THEN i.install_script_content_id END"
    } else {
        "NULL"
    };
    select(&columns, "filename", "updated_at", app, script, &columns.or_else("is_active", "1"))
        + join
}

fn in_house_apps(schema: &Schema) -> String {
    let columns = Columns { schema, table: IN_HOUSE_APPS, alias: "a" };
    // The column was called `name` for a day of development.
    let name = if columns.has("filename") { "filename" } else { "name" };
    let written = if columns.has("updated_at") { "updated_at" } else { "created_at" };
    select(&columns, name, written, "NULL", "NULL", "1")
}

/// Icons come from people's machines: there is no source to have them from again.
pub(super) fn icons(schema: &Schema) -> Result<Queried, CatalogError> {
    let columns = Columns { schema, table: ICONS, alias: "t" };
    let query = select(&columns, "filename", "created_at", "NULL", "NULL", "1");
    collection("software-title-icons", query)
}

/// Bootstrap packages whose bytes lie in the store. Their URL stands in the settings of the team,
/// or in those of the whole for team 0.
pub(super) fn bootstrap_packages(schema: &Schema) -> Result<Queried, CatalogError> {
    let columns = Columns { schema, table: BOOTSTRAP_PACKAGES, alias: "b" };
    let teams = schema.has_column(TEAMS, "id") && schema.has_column(TEAMS, "config");
    let of_team = if teams { setting("t.config") } else { "NULL".to_owned() };
    let of_all = if schema.has_column(APP_CONFIG, "json_value") {
        format!("(SELECT {} FROM {APP_CONFIG} AS c LIMIT 1)", setting("c.json_value"))
    } else {
        "NULL".to_owned()
    };
    let join = if teams { " LEFT JOIN teams AS t ON t.id = b.team_id" } else { "" };
    let stored =
        if columns.has("bytes") { " WHERE b.bytes IS NULL OR LENGTH(b.bytes) = 0" } else { "" };
    let query = format!(
        "SELECT b.sha256 AS digest,\n\
         \x20 NULLIF(NULLIF(CASE WHEN b.team_id = 0 THEN {of_all} ELSE {of_team} END, 'null'), '') \
         AS source_url,\n\
         \x20 {} AS name, {} AS updated_at,\n\
         \x20 CONCAT('{BOOTSTRAP_PACKAGES} ', b.team_id) AS ref\n\
         FROM {BOOTSTRAP_PACKAGES} AS b{join}{stored}",
        columns.text("name"),
        columns.or_else("updated_at", "NULL"),
    );
    collection("bootstrap-packages", query)
}

/// The URL in a JSON document; JSON's null comes out as the text `null`.
fn setting(column: &str) -> String {
    format!("CAST(JSON_UNQUOTE(JSON_EXTRACT({column}, '{BOOTSTRAP_URL}')) AS CHAR)")
}

/// The columns of one table under the name that a query gives it.
struct Columns<'a> {
    schema: &'a Schema,
    table: &'static str,
    alias: &'static str,
}

impl Columns<'_> {
    fn has(&self, column: &str) -> bool {
        self.schema.has_column(self.table, column)
    }

    fn or_else(&self, column: &str, otherwise: &str) -> String {
        if self.has(column) { format!("{}.{column}", self.alias) } else { otherwise.to_owned() }
    }

    fn text(&self, column: &str) -> String {
        if self.has(column) {
            format!("CAST({}.{column} AS CHAR)", self.alias)
        } else {
            "NULL".to_owned()
        }
    }
}

/// A table whose `storage_id` names the object.
///
/// Fleet looks for a key in exactly that spelling, so that another than lower case is told as a
/// malformed digest rather than looked for where Fleet would never find it.
fn select(
    columns: &Columns<'_>,
    name: &str,
    written: &str,
    app: &str,
    script: &str,
    active: &str,
) -> String {
    let Columns { schema: _, table, alias } = columns;
    format!(
        "SELECT CASE WHEN CAST({alias}.storage_id AS BINARY) = CAST(LOWER({alias}.storage_id) AS BINARY)\n\
         \x20   THEN CAST({alias}.storage_id AS CHAR)\n\
         \x20   ELSE CONCAT(CAST({alias}.storage_id AS CHAR), ' (not in lower case)') END AS digest,\n\
         \x20 {} AS source_url, {} AS name, {} AS updated_at,\n\
         \x20 CONCAT('{table} ', {alias}.id) AS ref,\n\
         \x20 {app} AS restock_maintained_app, {script} AS restock_script, \
         {active} AS restock_active\n\
         FROM {table} AS {alias}",
        columns.text("url"),
        columns.text(name),
        columns.or_else(written, "NULL"),
    )
}

fn collection(name: &str, query: String) -> Result<Queried, CatalogError> {
    let key = preset_layout(name)
        .map_err(|problem| CatalogError::Configuration(format!("collection `{name}` {problem}")))?;
    Ok(Queried { collection: Collection { name: name.to_owned(), key, heal: true }, query })
}
