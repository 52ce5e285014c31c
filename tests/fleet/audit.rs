//! What is found, and what is not.

use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::Value;

use crate::fleet::{Age, BOOTSTRAP, FleetWorld, INSTALLERS, Package, told};
use crate::s3::Server;

#[rstest]
#[case::of_4_60(Age::Of460, Server::Moto)]
#[case::of_4_90(Age::Of490, Server::Moto)]
#[case::next(Age::Next, Server::Moto)]
#[case::on_juicefs(Age::Of490, Server::JuiceFs)]
#[tokio::test]
async fn where_all_is_well_nothing_is_found(#[case] age: Age, #[case] server: Server) {
    let Some(world) = FleetWorld::of(age, server).await else { return };
    for args in [&["audit"][..], &["audit", "--deep"], &["audit"]] {
        let report = world.pass(0, args);
        assert_eq!(told(&report, &[]), BTreeSet::new());
        let stored = world.stored().count();
        for count in ["expected", "present", "observed"] {
            assert_eq!(report["summary"][count], stored, "{count}");
        }
        let never = world.stored_where(|package| !world.has_source(package)).len();
        assert_eq!(report["summary"]["at_risk"], never);
    }
    let all = world.inventory.packages.len();
    assert_eq!(all, world.stored().count() + 1, "one lies in the database alone");
}

/// What an audit says of a missing object.
fn missing(world: &FleetWorld, package: &Package) -> String {
    let healable = world.has_source(package);
    let unhealable = if healable { "null" } else { "no_source" };
    let rows = package.rows.len();
    format!("missing {} {rows} {healable} {unhealable}", package.key())
}

#[rstest]
#[case::of_4_60(Age::Of460, Server::Moto)]
#[case::of_4_90(Age::Of490, Server::Moto)]
#[case::next(Age::Next, Server::Moto)]
#[case::on_juicefs(Age::Of490, Server::JuiceFs)]
#[tokio::test]
async fn what_is_lost_is_missing_with_all_its_rows(#[case] age: Age, #[case] server: Server) {
    let Some(world) = FleetWorld::of(age, server).await else { return };
    let lost = world.some_of_each_kind();
    world.lose(&lost).await;
    let report = world.pass(2, &["audit"]);
    let expected: BTreeSet<_> = lost.iter().map(|package| missing(&world, package)).collect();
    assert_eq!(told(&report, &["rows", "healable", "unhealable"]), expected);
    assert_eq!(report["summary"]["missing"], lost.len());

    let finding = find(&report, &lost[0].key());
    assert_eq!(
        finding["detail"],
        format!("package not found with hash {}", lost[0].digest),
        "Fleet's own words"
    );
    let shared = world.package("internal-tools-2.4.pkg");
    let finding = find(&report, &shared.key());
    assert_eq!(finding["rows"], 2, "{finding:#}");
    assert_eq!(finding["refs"].as_array().unwrap().len(), 2);
    let names = finding["names"].as_array().unwrap();
    assert_eq!(names.len(), 1, "{finding:#}");
    assert_eq!(names[0], "internal-tools-2.4.pkg");
    let said = world.restock(&["audit"]).said();
    assert!(!said.contains("SECRET"), "queries of URLs stay out of sight");
}

fn find<'a>(report: &'a Value, key: &str) -> &'a Value {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["key"] == key).unwrap()
}

#[rstest]
#[case::of_4_60(Age::Of460)]
#[case::of_4_90(Age::Of490)]
#[case::next(Age::Next)]
#[tokio::test]
async fn damage_is_found_by_reading_since_fleet_keeps_no_sizes(#[case] age: Age) {
    let Some(world) = FleetWorld::of(age, Server::Moto).await else { return };
    let empty = world.package("slack/darwin 4.43.51");
    let cut = world.package("bootstrap of team 1");
    let rotten = world.package("set-wallpaper.ps1");
    world.bucket.put(&empty.key(), b"").await;
    world.bucket.put(&cut.key(), &cut.bytes[..100]).await;
    let mut bytes = rotten.bytes.clone();
    bytes[3] ^= 1;
    world.bucket.put(&rotten.key(), &bytes).await;

    let line = |package: &Package| format!("corrupt {} digest_mismatch true", package.key());
    let report = world.pass(2, &["audit"]);
    let shallow = told(&report, &["reason", "healable"]);
    assert_eq!(shallow, BTreeSet::from([line(empty)]), "no bytes have no digest");
    let report = world.pass(2, &["audit", "--deep"]);
    let deep = told(&report, &["reason", "healable"]);
    let all = [line(empty), line(cut), line(rotten)];
    assert_eq!(deep, BTreeSet::from(all));
    let stored = world.stored().count();
    assert_eq!(report["summary"]["verified"], stored - 3);
}

#[rstest]
#[case::of_4_60(Age::Of460, Server::Moto)]
#[case::of_4_90(Age::Of490, Server::Moto)]
#[case::next(Age::Next, Server::Moto)]
#[case::on_juicefs(Age::Of490, Server::JuiceFs)]
#[tokio::test]
async fn what_no_row_names_is_an_orphan_only_where_fleet_keeps_such_files(
    #[case] age: Age,
    #[case] server: Server,
) {
    let Some(world) = FleetWorld::of(age, server).await else { return };
    let digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    let mut expected = BTreeSet::new();
    for collection in [INSTALLERS, BOOTSTRAP, "software-title-icons"] {
        let key = format!("{collection}/{digest}");
        world.bucket.put(&key, b"left behind").await;
        // An older Fleet knows of no icons, and so does restock.
        if age.collections().contains(&collection) {
            expected.insert(format!("orphan {key} candidate"));
        }
    }
    for odd in [format!("{INSTALLERS}/{digest}.pkg"), format!("{BOOTSTRAP}/readme")] {
        world.bucket.put(&odd, b"odd").await;
        expected.insert(format!("foreign {odd} not_a_digest_key"));
    }
    let report = world.pass(0, &["audit"]);
    assert_eq!(told(&report, &["reason"]), expected);
}

#[rstest]
#[case::of_4_60(Age::Of460)]
#[case::of_4_90(Age::Of490)]
#[case::next(Age::Next)]
#[tokio::test]
async fn a_row_that_was_edited_by_hand_is_told_with_its_number(#[case] age: Age) {
    let Some(world) = FleetWorld::of(age, Server::Moto).await else { return };
    let (upper, broken) = (world.package("kiosk.zip"), world.package("agent.deb"));
    let edit = |package: &Package, to: String| {
        format!(
            "UPDATE software_installers SET storage_id = '{to}', updated_at = updated_at \
             WHERE storage_id = '{}';",
            package.digest
        )
    };
    let short = broken.digest[..63].to_owned();
    let edits = edit(upper, upper.digest.to_uppercase()) + &edit(broken, short.clone());
    world.database.execute(&edits).await;
    let ids = world
        .database
        .values(&format!(
            "SELECT CAST(id AS CHAR) FROM software_installers WHERE storage_id = '{}' \
             UNION ALL SELECT CAST(id AS CHAR) FROM software_installers WHERE storage_id = '{short}'",
            upper.digest
        ))
        .await;
    let mut expected: BTreeSet<_> = ids
        .iter()
        .map(|id| format!("invalid_record [\"software_installers {id}\"] malformed_digest"))
        .collect();
    assert_eq!(expected.len(), 2);
    // Fleet looks for keys in the row's own spelling, and finds neither.
    expected.extend([upper, broken].map(|package| format!("orphan {} candidate", package.key())));
    let report = world.pass(2, &["audit"]);
    assert_eq!(told(&report, &["reason"]), expected);
}

#[rstest]
#[case::of_4_60(Age::Of460)]
#[case::of_4_90(Age::Of490)]
#[tokio::test]
async fn a_row_that_fleet_has_just_written_may_come_before_its_file(#[case] age: Age) {
    let Some(world) = FleetWorld::of(age, Server::Moto).await else { return };
    let young = world.package("vpn-profile-1.msi");
    world.lose(&[young]).await;
    // An upload of the same bytes touches the row.
    let touch = format!(
        "UPDATE software_installers SET updated_at = NOW(6) WHERE storage_id = '{}'",
        young.digest
    );
    world.database.execute(&touch).await;
    let report = world.pass(0, &["audit"]);
    assert_eq!(told(&report, &[]), BTreeSet::new());
    assert_eq!(report["summary"]["young"], 1);
}
