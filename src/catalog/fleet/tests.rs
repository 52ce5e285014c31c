//! What the preset makes of the schemas of several ages.

use super::*;
use crate::catalog::tokens::Dialect;

const OLD: &[(&str, &[&str])] = &[
    (
        INSTALLERS,
        &[
            "id",
            "storage_id",
            "url",
            "filename",
            "extension",
            "install_script_content_id",
            "updated_at",
        ],
    ),
    (BOOTSTRAP_PACKAGES, &["team_id", "name", "sha256", "bytes", "updated_at"]),
    (SCRIPTS, &["id", "contents"]),
    (TEAMS, &["id", "config"]),
    (APP_CONFIG, &["json_value"]),
    (MIGRATIONS, &["version_id", "is_applied"]),
];

const NEW: &[(&str, &[&str])] = &[
    (INSTALLERS, &["is_active", "fleet_maintained_app_id", "http_etag", "arch"]),
    (MAINTAINED_APPS, &["id", "slug"]),
    (IN_HOUSE_APPS, &["id", "storage_id", "url", "filename", "created_at", "updated_at"]),
    (ICONS, &["id", "storage_id", "filename", "created_at"]),
];

fn schema(parts: &[&[(&str, &[&str])]], newest: &str) -> Schema {
    let mut schema = Schema {
        database: "fleet".to_owned(),
        user: "'restock'@'%'".to_owned(),
        newest_migration: Some(newest.to_owned()),
        ..Schema::default()
    };
    for (table, columns) in parts.iter().copied().flatten() {
        for column in *columns {
            schema.note(table, column);
        }
    }
    schema
}

fn of_4_60() -> Schema {
    schema(&[OLD], "20241219180042")
}

fn of_4_90() -> Schema {
    schema(&[OLD, NEW], "20260911171044")
}

fn names(schema: &Schema) -> Vec<String> {
    let (collections, _) = collections(schema).unwrap();
    collections.into_iter().map(|queried| queried.collection.name).collect()
}

fn refusal(schema: &Schema) -> String {
    collections(schema).unwrap_err().to_string()
}

fn warnings(schema: &Schema) -> Vec<String> {
    let (_, remarks) = collections(schema).unwrap();
    remarks
        .into_iter()
        .filter_map(|remark| match remark {
            Remark::Warning(text) => Some(text),
            Remark::Found(_) => None,
        })
        .collect()
}

#[test]
fn an_old_fleet_has_two_collections_and_no_column_is_selected_that_it_lacks() {
    let (collections, remarks) = collections(&of_4_60()).unwrap();
    assert_eq!(names(&of_4_60()), ["software-installers", "bootstrap-packages"]);
    let query = &collections[0].query;
    for absent in ["is_active", "in_house_apps", "fleet_maintained_app", "UNION"] {
        assert!(!query.contains(absent), "{query}");
    }
    assert!(
        query.contains("1 AS restock_active") && query.contains("NULL AS restock_maintained_app")
    );
    assert!(remarks.contains(&Remark::Found("this Fleet has no table `in_house_apps` yet".into())));
    assert_eq!(warnings(&of_4_60()), [""; 0]);
}

#[test]
fn a_new_fleet_has_three_and_its_apps_lie_beside_the_installers() {
    let (collections, _) = collections(&of_4_90()).unwrap();
    assert_eq!(
        names(&of_4_90()),
        ["software-installers", "bootstrap-packages", "software-title-icons"]
    );
    let query = &collections[0].query;
    for part in ["UNION ALL", "FROM in_house_apps", "m.slug", "i.is_active AS restock_active"] {
        assert!(query.contains(part), "{query}");
    }
    for one in &collections {
        crate::catalog::query::validate(&one.query, Dialect::MySql).unwrap();
        assert!(!one.query.contains("http_etag"));
    }
    assert_eq!(collections[0].collection.key.prefix(), "software-installers/");
}

#[test]
fn a_table_that_is_there_but_not_granted_is_named_with_its_grant() {
    for table in [IN_HOUSE_APPS, ICONS, BOOTSTRAP_PACKAGES] {
        let mut schema = of_4_90();
        schema.tables.remove(table);
        let message = refusal(&schema);
        assert!(message.contains(&format!("`{table}`")), "{message}");
        let grant = format!("GRANT SELECT ON `fleet`.`{table}` TO 'restock'@'%';");
        assert!(message.contains(&grant), "{message}");
    }
}

#[test]
fn in_doubt_the_apps_beside_the_installers_are_not_taken_for_orphans() {
    let mut schema = of_4_90();
    schema.newest_migration = None;
    assert_eq!(names(&schema).len(), 3);
    schema.tables.remove(IN_HOUSE_APPS);
    let message = refusal(&schema);
    assert!(message.contains("cannot be told") && message.contains(MIGRATIONS), "{message}");
    schema.absent.insert(IN_HOUSE_APPS.to_owned());
    assert_eq!(names(&schema).len(), 3);
    schema.tables.remove(ICONS);
    assert_eq!(names(&schema).len(), 2);
    assert!(warnings(&schema)[0].contains("`software_title_icons` is absent, or"));
}

#[test]
fn what_only_sources_hang_on_is_warned_of() {
    let mut schema = of_4_90();
    for table in [MAINTAINED_APPS, SCRIPTS, TEAMS, APP_CONFIG] {
        schema.tables.remove(table);
    }
    let told = warnings(&schema);
    assert_eq!(told.len(), 4);
    assert!(told[0].contains("GRANT SELECT ON `fleet`.`fleet_maintained_apps`"), "{told:?}");
    for one in collections(&schema).unwrap().0 {
        for table in [MAINTAINED_APPS, SCRIPTS, "teams", APP_CONFIG] {
            assert!(!one.query.contains(&format!("{table} ")), "{}", one.query);
        }
    }
}

#[test]
fn another_database_is_no_fleet() {
    let message = refusal(&Schema { database: "shop".to_owned(), ..Schema::default() });
    assert!(message.contains("`shop` has no table `software_installers`"), "{message}");
}
