//! Preset `fleet`: which of Fleet's tables this database has, and how they are read.
//!
//! Nothing here asks a database. What is there comes in as a [`Schema`]; collections and remarks go
//! out. Tables and columns, and when they appeared, are those of Fleet's own migrations up to
//! September 2026.

mod queries;
mod schema;

use super::collections::Queried;
use super::{CatalogError, Remark};

use queries::{bootstrap_packages, icons, installers};

pub(super) use schema::{Missing, Schema};

/// The table that every Fleet with software packages has.
const INSTALLERS: &str = "software_installers";

/// Apps for iOS and iPadOS, which lie beside the installers.
const IN_HOUSE_APPS: &str = "in_house_apps";

/// What a Mac installs first.
const BOOTSTRAP_PACKAGES: &str = "mdm_apple_bootstrap_packages";

/// Pictures that people chose for a title.
const ICONS: &str = "software_title_icons";

/// Names of maintained apps; their manifests lie elsewhere.
const MAINTAINED_APPS: &str = "fleet_maintained_apps";

/// The texts of scripts.
const SCRIPTS: &str = "script_contents";

/// The settings of teams.
const TEAMS: &str = "teams";

/// The settings of the whole.
const APP_CONFIG: &str = "app_config_json";

/// Which migrations were applied.
const MIGRATIONS: &str = "migration_status_tables";

/// Every table that the preset may read.
pub(super) const TABLES: [&str; 9] = [
    INSTALLERS,
    IN_HOUSE_APPS,
    BOOTSTRAP_PACKAGES,
    ICONS,
    MAINTAINED_APPS,
    SCRIPTS,
    TEAMS,
    APP_CONFIG,
    MIGRATIONS,
];

/// The tables that are there in some ages of Fleet only, each with the migration that made it, a
/// time in 14 digits. Bootstrap packages are older than software packages.
const SINCE: [(&str, &str); 3] =
    [(BOOTSTRAP_PACKAGES, ""), (ICONS, "20250828122736"), (IN_HOUSE_APPS, "20251027090622")];

/// The newest migration that was applied, as text.
pub(super) const NEWEST_MIGRATION: &str =
    "SELECT CAST(MAX(version_id) AS CHAR) FROM migration_status_tables WHERE is_applied = 1";

/// The text of a script by its id.
pub(super) const SCRIPT: &str = "SELECT contents FROM script_contents WHERE id = ?";

/// The collections of this Fleet, and what people should know of it.
pub(super) fn collections(schema: &Schema) -> Result<(Vec<Queried>, Vec<Remark>), CatalogError> {
    if !schema.has_column(INSTALLERS, "storage_id") {
        return Err(CatalogError::Configuration(format!(
            "database `{}` has no table `{INSTALLERS}` with a column `storage_id` that this user \
             may read: check that `url` in [catalog] names Fleet's database, and run: {}",
            schema.database,
            schema.grant(INSTALLERS)
        )));
    }
    let mut remarks = vec![Remark::Found(schema.age())];
    let mut there = Vec::new();
    for (table, since) in SINCE {
        match schema.missing(table, since) {
            None => there.push(table),
            Some(Missing::Absent) => {
                remarks.push(Remark::Found(format!("this Fleet has no table `{table}` yet")));
            }
            Some(Missing::Denied) => return Err(denied(schema, table)),
            // Whatever lies beside the installers would be taken for orphans.
            Some(Missing::Doubtful) if table == IN_HOUSE_APPS => {
                return Err(doubtful(schema, table));
            }
            Some(Missing::Doubtful) => {
                remarks.push(Remark::Warning(format!(
                    "table `{table}` is absent, or this user may not read it: its objects are not \
                     checked; if it is there, run: {}",
                    schema.grant(table)
                )));
            }
        }
    }
    let has = |table: &str| there.contains(&table);
    let mut collections = vec![installers(schema, has(IN_HOUSE_APPS))?];
    if has(BOOTSTRAP_PACKAGES) {
        collections.push(bootstrap_packages(schema)?);
    }
    if has(ICONS) {
        collections.push(icons(schema)?);
    }
    remarks.extend(without_sources(schema, has(BOOTSTRAP_PACKAGES)));
    let names: Vec<_> = collections.iter().map(|c| c.collection.name.as_str()).collect();
    remarks.push(Remark::Found(format!("collections of Fleet: {}", names.join(", "))));
    Ok((collections, remarks))
}

/// Warnings for tables that only sources hang on.
fn without_sources(schema: &Schema, has_bootstrap: bool) -> impl Iterator<Item = Remark> {
    let needs = [
        (MAINTAINED_APPS, "slug", schema.has_column(INSTALLERS, "fleet_maintained_app_id")),
        (SCRIPTS, "contents", schema.has_column(INSTALLERS, "install_script_content_id")),
        (TEAMS, "config", has_bootstrap),
        (APP_CONFIG, "json_value", has_bootstrap),
    ];
    needs
        .into_iter()
        .filter(|(table, column, needed)| *needed && !schema.has_column(table, column))
        .map(|(table, column, _)| {
            Remark::Warning(format!(
                "column `{column}` of table `{table}` cannot be read: the sources that it names \
                 are not known; run: {}",
                schema.grant(table)
            ))
        })
}

fn denied(schema: &Schema, table: &str) -> CatalogError {
    CatalogError::Configuration(format!(
        "this Fleet has a table `{table}`, and this user may not read it: without it restock \
         would misjudge its objects; run: {}",
        schema.grant(table)
    ))
}

fn doubtful(schema: &Schema, table: &str) -> CatalogError {
    CatalogError::Configuration(format!(
        "it cannot be told whether this Fleet has a table `{table}`: if it has, run: {}; if it is \
         older than that, let restock see so: {}",
        schema.grant(table),
        schema.grant(MIGRATIONS)
    ))
}

#[cfg(test)]
mod tests;
