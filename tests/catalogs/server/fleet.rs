//! Preset "fleet": what it has to know of a database before it can read it.

use restock::catalog::{CatalogOptions, Preset, Remark};

use super::fixture::{open, options, plain};
use crate::databases::{Database, Engine};
use crate::suite::{chain, digest};

/// The tables that every Fleet has, as far as the preset reads them, and a script package.
async fn fleet() -> Option<Database> {
    let database = Engine::MariaDb.fresh().await?;
    database
        .execute(&format!(
            "CREATE TABLE software_installers (id INT UNSIGNED PRIMARY KEY, \
             storage_id VARCHAR(64) COLLATE utf8mb4_unicode_ci NOT NULL, \
             url VARCHAR(4095) NOT NULL DEFAULT '', filename VARCHAR(255), \
             extension VARCHAR(32), install_script_content_id INT UNSIGNED, \
             updated_at TIMESTAMP(6) NULL); \
             CREATE TABLE script_contents (id INT UNSIGNED PRIMARY KEY, contents TEXT); \
             CREATE TABLE mdm_apple_bootstrap_packages (team_id INT UNSIGNED PRIMARY KEY, \
             name VARCHAR(255), sha256 BINARY(32), bytes LONGBLOB, updated_at DATETIME); \
             CREATE TABLE teams (id INT UNSIGNED PRIMARY KEY, config JSON); \
             CREATE TABLE app_config_json (json_value JSON); \
             CREATE TABLE migration_status_tables (version_id BIGINT, is_applied TINYINT(1)); \
             INSERT INTO migration_status_tables VALUES (20241219180042, 1); \
             INSERT INTO software_installers VALUES \
             (1, '{}', '', 'setup.sh', 'sh', 7, '2023-11-14 22:13:20'); \
             INSERT INTO script_contents VALUES (7, '#!/bin/sh\\r\\necho ''it works'' \\\\ é\n')",
            digest(1)
        ))
        .await;
    Some(database)
}

fn with_preset(url: &str) -> CatalogOptions {
    CatalogOptions { preset: Preset::Fleet, ..options(plain(url)) }
}

#[tokio::test]
async fn collections_sources_and_scripts_of_an_old_fleet_are_read() {
    let Some(database) = fleet().await else { return };
    let catalog = open(&with_preset(database.url()), &[]).await.unwrap();
    let names: Vec<_> = catalog.collections().iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["software-installers", "bootstrap-packages"]);
    let rows = catalog.rows(&catalog.collections()[0], &[digest(1)]).await.unwrap();
    assert_eq!(rows[0].sources.script.as_deref(), Some("script:7"));
    assert_eq!(rows[0].updated_at.unwrap().timestamp(), 1_700_000_000);
    let script = catalog.script("7").await.unwrap();
    assert_eq!(script.as_deref(), Some("#!/bin/sh\r\necho 'it works' \\ é\n"));
    assert_eq!(catalog.script("8").await.unwrap(), None);
    // To MySQL a text is the number that it begins with; it is no SQL.
    assert_eq!(catalog.script("7' OR '1'='1").await.unwrap().as_deref(), script.as_deref());
    let found = Remark::Found("this Fleet has no table `software_title_icons` yet".to_owned());
    assert!(catalog.remarks().contains(&found), "{:?}", catalog.remarks());
}

#[tokio::test]
async fn a_table_that_may_not_be_read_is_told_from_one_that_is_not_there() {
    let Some(database) = fleet().await else { return };
    let read = ["software_installers", "mdm_apple_bootstrap_packages", "script_contents"];
    let grants = read.map(|table| format!("SELECT ON {table}"));
    let grants: Vec<_> = grants.iter().map(String::as_str).collect();
    let user = database.create_user("reader", &grants).await;
    // Who may read some tables only is not told which others there are.
    let opened = open(&with_preset(&user.url), &[]).await;
    let message = chain(&opened.map(drop).unwrap_err());
    for part in ["`in_house_apps`", "it cannot be told", "migration_status_tables"] {
        assert!(message.contains(part), "{message}");
    }
    let account = format!("'{}'@'%'", user.name);
    assert!(message.contains(&format!("TO {account};")), "{message}");
    database.execute(&format!("GRANT SELECT ON migration_status_tables TO {account}")).await;
    let catalog = open(&with_preset(&user.url), &[]).await.unwrap();
    assert_eq!(catalog.collections().len(), 2);
    let told = format!("{:?}", catalog.remarks());
    assert!(told.contains("`config` of table `teams` cannot be read"), "{told}");
    // Who may read the whole database is.
    database
        .execute(&format!(
            "REVOKE SELECT ON migration_status_tables FROM {account}; GRANT SELECT ON * TO {account}; \
             DROP TABLE migration_status_tables"
        ))
        .await;
    let catalog = open(&with_preset(&user.url), &[]).await.unwrap();
    assert_eq!(catalog.collections().len(), 2);
}

#[tokio::test]
async fn another_database_is_no_fleet() {
    let Some(database) = Engine::MariaDb.fresh().await else { return };
    let opened = open(&with_preset(database.url()), &[]).await;
    let message = chain(&opened.map(drop).unwrap_err());
    assert!(message.contains("has no table `software_installers`"), "{message}");
}
