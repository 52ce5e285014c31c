//! What comes back, from where, and what does not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use rstest::rstest;
use serde_json::Value;

use crate::fleet::{Age, Back, FleetWorld, Package, told};
use crate::s3::Server;

/// Tables that restock could have written.
const TABLES: &str = "CHECKSUM TABLE software_installers, mdm_apple_bootstrap_packages, \
                      script_contents, software_titles, teams, app_config_json";

/// Each repair by its key: what caused it, and what came of it.
fn repairs(report: &Value) -> BTreeMap<String, (String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let repairs = report["repairs"].as_array().unwrap().iter();
    repairs.map(|one| (text(&one["key"]), (text(&one["cause"]), text(&one["result"])))).collect()
}

/// What a heal makes of an object that is missing or corrupt.
fn result(world: &FleetWorld, package: &Package) -> &'static str {
    match world.back(package) {
        Back::Again => "restored",
        Back::Drifted => "source_drifted",
        Back::Gone => "source_gone",
        Back::Never => "failed",
    }
}

/// What the report says of it then.
fn unhealable(world: &FleetWorld, package: &Package) -> &'static str {
    match world.back(package) {
        Back::Again => "null",
        Back::Drifted => "source_drifted",
        Back::Gone => "source_gone",
        Back::Never => "no_source",
    }
}

#[rstest]
#[case::of_4_60(Age::Of460, Server::Moto)]
#[case::of_4_90(Age::Of490, Server::Moto)]
#[case::next(Age::Next, Server::Moto)]
#[case::on_juicefs(Age::Of490, Server::JuiceFs)]
#[tokio::test]
async fn what_can_be_had_again_comes_back_and_the_rest_is_told(
    #[case] age: Age,
    #[case] server: Server,
) {
    let Some(world) = FleetWorld::of(age, server).await else { return };
    let rows = world.database.values(TABLES).await;
    let lost = world.some_of_each_kind();
    world.lose(&lost).await;
    let rotten = [world.package("kiosk.zip"), world.package("vpn-profile-1.msi")];
    for package in rotten {
        world.bucket.put(&package.key(), b"rotten").await;
    }
    world.pass(2, &["audit", "--deep"]);
    // So many that somebody has to say that it is true.
    let n_wrong = lost.len() + rotten.len();
    assert_eq!(world.restock(&["heal"]).code, Some(4));
    let ack = world.restock(&["breaker", "ack", "--expect-missing", &n_wrong.to_string()]);
    assert_eq!(ack.code, Some(0), "{ack:#?}");
    let report = world.pass(2, &["heal"]);
    let expected: BTreeMap<_, _> = lost
        .iter()
        .map(|package| (*package, "missing"))
        .chain(rotten.map(|package| (package, "corrupt")))
        .map(|(package, cause)| {
            (package.key(), (cause.to_owned(), result(&world, package).to_owned()))
        })
        .collect();
    let told_of: BTreeMap<_, _> = repairs(&report);
    let differing: Vec<_> = expected
        .iter()
        .map(|(key, end)| (key, end, told_of.get(key)))
        .filter(|(_, end, told)| Some(*end) != *told)
        .collect();
    assert!(differing.is_empty() && told_of.len() == expected.len(), "{differing:#?}");
    let of = |kind: &str, packages: &[&Package]| {
        let left = packages.iter().filter(|package| world.back(package) != Back::Again);
        left.map(|package| format!("{kind} {} {}", package.key(), unhealable(&world, package)))
            .collect::<BTreeSet<_>>()
    };
    let left: BTreeSet<_> = &of("missing", &lost) | &of("corrupt", &rotten);
    assert_eq!(told(&report, &["unhealable"]), left);
    assert_eq!(told(&world.pass(2, &["audit"]), &["unhealable"]), left, "the next audit agrees");

    for package in world.stored() {
        let bytes = world.bucket.get(&package.key()).await;
        let is_lost = lost.iter().any(|one| one.key() == package.key());
        let label = &package.label;
        match (is_lost && world.back(package) != Back::Again, label.as_str()) {
            (true, _) => assert_eq!(bytes, None, "{label}"),
            (false, "vpn-profile-1.msi") => assert_eq!(bytes.unwrap(), "rotten", "no source"),
            (false, _) => assert!(bytes.unwrap() == package.bytes, "{label}"),
        }
    }
    let pass_id = report["summary"]["pass_id"].as_str().unwrap();
    let aside = format!("restock-quarantine/{pass_id}/{}", rotten[0].key());
    assert_eq!(world.bucket.get(&aside).await.unwrap(), "rotten");
    assert_eq!(world.database.values(TABLES).await, rows, "no row was touched");
}

#[rstest]
#[case::by_a_url_of_another_team("notion/darwin 4.10.0")]
#[case::by_its_script("join-domain.sh")]
#[case::by_the_settings_of_its_team("bootstrap of team 1")]
#[case::by_its_manifest("darwin/microsoft-excel 16.94.25020927")]
#[tokio::test]
async fn one_object_by_its_digest(#[case] label: &str) {
    let Some(world) = FleetWorld::of(Age::Of490, Server::Moto).await else { return };
    let package = world.package(label);
    world.lose(&[package]).await;
    let report = world.pass(0, &["heal", &package.digest]);
    assert_eq!(repairs(&report)[&package.key()].1, "restored", "{report:#}");
    assert!(world.bucket.get(&package.key()).await.unwrap() == package.bytes);
    let probe = world.restock(&["probe", &package.digest]);
    assert_eq!(probe.code, Some(0), "{probe:#?}");
}

#[tokio::test]
async fn on_the_first_day_the_file_for_fleet_lets_nothing_be_written() {
    let Some(world) = FleetWorld::of(Age::Of490, Server::Moto).await else { return };
    let lost = world.package("kiosk.zip");
    world.lose(&[lost]).await;
    let keys = world.keys().await;
    let folder = tempfile::tempdir().unwrap();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/config/fleet.toml");
    let text = fs::read_to_string(file).unwrap();
    let bucket = &world.bucket;
    let text = text
        .replace(
            "s3://fleet-software-installers",
            &format!("s3://{}/{}", bucket.name, bucket.prefix),
        )
        .replace(
            "#aws_endpoint = \"https://s3.example.com\"",
            &format!("aws_endpoint = \"{}\"", bucket.endpoint),
        )
        .replace("#aws_allow_http", "aws_allow_http");
    fs::write(folder.path().join("restock.toml"), text).unwrap();
    fs::write(folder.path().join("fleet-database.url"), &world.reader.url).unwrap();
    let file = folder.path().join("restock.toml");
    let restock = |args: &[&str]| {
        let mut command = world.plain_command(&["-c", file.to_str().unwrap()]);
        command.args(args).args(["--output", "json"]);
        command.env("AWS_ACCESS_KEY_ID", &bucket.access_key);
        command.env("AWS_SECRET_ACCESS_KEY", &bucket.secret_key);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let found = BTreeSet::from([format!("missing {} policy_blocked", lost.key())]);
    for args in [&["audit"][..], &["heal"], &["heal", &lost.digest]] {
        assert_eq!(told(&restock(args), &["unhealable"]), found, "{args:?}");
        assert_eq!(world.keys().await, keys, "{args:?}");
    }
}

#[tokio::test]
async fn a_fleet_without_a_bucket_is_healed_in_its_folder() {
    let Some(world) = FleetWorld::of(Age::Of490, Server::Moto).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = |package: &Package| folder.path().join(package.key());
    for package in world.stored() {
        fs::create_dir_all(path(package).parent().unwrap()).unwrap();
        fs::write(path(package), &package.bytes).unwrap();
    }
    let restock = |args: &[&str]| {
        let mut command = world.command(&world.reader, args);
        command.env("FLEET_S3_SOFTWARE_INSTALLERS_BUCKET", "");
        command.env("FLEET_SOFTWARE_INSTALLER_STORE_DIR", folder.path());
        let output = command.output().unwrap();
        output.status.code().unwrap()
    };
    assert_eq!(restock(&["audit", "--deep"]), 0);
    // A crash in the middle of Fleet's own writing.
    let cut = world.package("long.tar.gz");
    fs::write(path(cut), &cut.bytes[..7]).unwrap();
    fs::remove_file(path(world.package("rename-host.sh"))).unwrap();
    assert_eq!(restock(&["audit", "--deep"]), 2);
    assert_eq!(restock(&["heal"]), 0);
    assert!(fs::read(path(cut)).unwrap() == cut.bytes);
    assert_eq!(restock(&["audit", "--deep"]), 0);
}
