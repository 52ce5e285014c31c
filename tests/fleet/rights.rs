//! Whom Fleet's database lets look, and what restock says of it.

use rstest::rstest;

use crate::fleet::{Age, FleetWorld, told};
use crate::s3::Server;

#[rstest]
#[case::of_4_60(Age::Of460)]
#[case::of_4_90(Age::Of490)]
#[case::next(Age::Next)]
#[tokio::test]
async fn what_was_found_of_a_fleet_is_told(#[case] age: Age) {
    let Some(world) = FleetWorld::of(age, Server::Moto).await else { return };
    let ran = world.restock(&["config", "check", "--online"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    for collection in age.collections() {
        let line = format!("collection {collection} at {collection}/{{digest}}\n");
        assert!(ran.stdout.contains(&line), "{ran:#?}");
    }
    let migration = format!("newest migration {}", age.newest_migration());
    assert!(ran.stdout.contains(&migration), "{ran:#?}");
    let has_apps = !ran.stdout.contains("no table `in_house_apps`");
    assert_eq!(has_apps, age != Age::Of460, "{ran:#?}");
    assert!(!ran.said().contains(&world.reader.password), "{ran:#?}");
}

#[rstest]
#[case::of_4_60(Age::Of460)]
#[case::of_4_90(Age::Of490)]
#[tokio::test]
async fn the_grants_name_the_tables_that_this_fleet_has_and_may_be_given_again(#[case] age: Age) {
    let Some(world) = FleetWorld::of(age, Server::Moto).await else { return };
    let name = format!("SET @restock_user = '{}';\n", world.reader.name);
    let ran = world.grants_with(&name);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:#?}");
    let mut tables = vec![
        "app_config_json",
        "mdm_apple_bootstrap_packages",
        "migration_status_tables",
        "script_contents",
        "software_installers",
        "teams",
    ];
    if age == Age::Of490 {
        tables.extend(["fleet_maintained_apps", "in_house_apps", "software_title_icons"]);
    }
    tables.sort_unstable();
    let told: Vec<_> = ran.stdout.lines().skip(1).map(|line| line.replace('\t', " ")).collect();
    let expected: Vec<_> = tables.iter().map(|table| format!("{table} SELECT")).collect();
    assert_eq!(told, expected);

    let rights = world.database.values(&format!("SHOW GRANTS FOR '{}'", world.reader.name)).await;
    assert!(rights[0].starts_with("GRANT USAGE ON *.*"), "{rights:?}");
    assert!(rights[1..].iter().all(|right| right.starts_with("GRANT SELECT ON `")), "{rights:?}");
    assert_eq!(rights.len(), tables.len() + 1);

    for (first, said) in [
        ("SET @restock_password = 'CHANGE-ME';\n".to_owned(), "write a password into this file"),
        (format!("{name}USE information_schema;\n"), "this is no database of Fleet"),
    ] {
        let refused = world.grants_with(&first);
        assert_eq!(refused.code, Some(1), "{refused:#?}");
        assert!(refused.stderr.contains(said), "{refused:#?}");
    }
}

#[tokio::test]
async fn a_user_that_tls_was_asked_of_does_not_come_in_without() {
    let Some(world) = FleetWorld::of(Age::Of490, Server::Moto).await else { return };
    let name = &world.reader.name;
    let asked = format!("SET @restock_user = '{name}', @restock_require = 'X509';\n");
    assert_eq!(world.grants_with(&asked).code, Some(0));
    let refused = world.restock(&["audit"]);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    let Some(tls) = crate::databases::Tls::of_this_run() else { return };
    let mut command = world.command(&world.reader, &["audit"]);
    for (name, file) in [("CA", &tls.ca), ("CERT", &tls.cert), ("KEY", &tls.key)] {
        command.env(format!("FLEET_MYSQL_TLS_{name}"), file);
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[rstest]
#[case::apps("in_house_apps")]
#[case::icons("software_title_icons")]
#[case::bootstrap("mdm_apple_bootstrap_packages")]
#[case::installers("software_installers")]
#[tokio::test]
async fn a_table_that_may_not_be_read_is_named_with_its_grant(#[case] table: &str) {
    let Some(world) = FleetWorld::of(Age::Of490, Server::Moto).await else { return };
    let (database, name) = (world.database.name(), &world.reader.name);
    let revoke = format!("REVOKE SELECT ON {table} FROM '{name}'");
    world.database.execute(&revoke).await;
    let refused = world.restock(&["audit"]);
    assert_eq!(refused.code, Some(78), "{refused:#?}");
    let grant = format!("GRANT SELECT ON `{database}`.`{table}` TO '{name}'@'%';");
    assert!(refused.stderr.contains(&grant), "{refused:#?}");
    world.database.execute(&grant).await;
    assert_eq!(told(&world.pass(0, &["audit"]), &[]).len(), 0);
}

#[tokio::test]
async fn without_the_migrations_an_older_fleet_cannot_be_told_from_a_grant_that_lacks() {
    let Some(world) = FleetWorld::of(Age::Of460, Server::Moto).await else { return };
    let name = &world.reader.name;
    let revoke = format!("REVOKE SELECT ON migration_status_tables FROM '{name}'");
    world.database.execute(&revoke).await;
    let refused = world.restock(&["audit"]);
    assert_eq!(refused.code, Some(78), "{refused:#?}");
    assert!(refused.stderr.contains("in_house_apps"), "{refused:#?}");
    assert!(refused.stderr.contains("migration_status_tables` TO"), "{refused:#?}");
}

#[tokio::test]
async fn without_what_only_sources_hang_on_the_audit_goes_on_and_warns() {
    let Some(world) = FleetWorld::of(Age::Of490, Server::Moto).await else { return };
    let name = &world.reader.name;
    for table in ["fleet_maintained_apps", "script_contents", "teams", "app_config_json"] {
        world.database.execute(&format!("REVOKE SELECT ON {table} FROM '{name}'")).await;
    }
    let script = world.package("rename-host.sh");
    world.lose(&[script]).await;
    let ran = world.restock(&["audit", "--output", "json"]);
    let found = told(&ran.report(2), &["unhealable"]);
    assert_eq!(found, [format!("missing {} no_source", script.key())].into());
    for table in ["fleet_maintained_apps", "script_contents", "teams", "app_config_json"] {
        assert!(ran.stderr.contains(&format!("`{table}`")), "{table}: {}", ran.stderr);
    }
}
