//! What this is all about: objects vanish or rot, and come back.

use rstest::rstest;

use crate::s3::Server;
use crate::support::world::{COLLECTION, digest_of};
use crate::world::{World, keys, keys_of};

#[rstest]
#[case::moto(Server::Moto)]
#[case::juicefs(Server::JuiceFs)]
#[tokio::test]
async fn what_somebody_deletes_is_found_missing_and_comes_back(#[case] server: Server) {
    let Some((world, objects)) = World::uploaded(server, 12).await else { return };
    let report = world.pass(0, &["audit"]);
    assert_eq!(report["summary"]["present"], 12);

    let lost = [&objects[3], &objects[7]];
    world.delete(&lost);
    let report = world.pass(2, &["audit"]);
    assert_eq!(keys(&report, "missing"), keys_of(&lost));
    assert_eq!(report["findings"].as_array().unwrap().len(), 2, "{report:#}");
    assert_eq!(
        report["findings"][0]["detail"],
        format!(
            "package not found with hash {}",
            report["findings"][0]["digest"].as_str().unwrap()
        )
    );

    let (there, gone) = (objects[0].digest, objects[3].digest);
    let probe = world.restock(&["probe", &gone.to_string(), &there.to_string()]);
    assert_eq!(probe.code, Some(2), "{probe:#?}");
    let lines: Vec<_> = probe.stdout.lines().collect();
    assert_eq!(lines[0], format!("package not found with hash {gone}"));
    assert!(lines[1].starts_with(&format!("present {there}")), "{lines:?}");

    let report = world.pass(0, &["heal"]);
    assert_eq!(report["summary"]["healed"], 2);
    let files = world.read_back(COLLECTION);
    assert_eq!(files.len(), 12);
    for (name, bytes) in files {
        assert_eq!(name, digest_of(&bytes).to_string());
    }
    let probe = world.restock(&["probe", &gone.to_string(), &there.to_string()]);
    assert_eq!(probe.code, Some(0), "{probe:#?}");
    let report = world.pass(0, &["audit", "--deep"]);
    assert_eq!(report["summary"]["verified"], 12);
}

#[rstest]
#[case::moto(Server::Moto)]
#[case::juicefs(Server::JuiceFs)]
#[tokio::test]
async fn what_rots_is_found_by_reading_and_replaced_and_its_bytes_are_kept(#[case] server: Server) {
    let Some((world, objects)) = World::uploaded(server, 6).await else { return };
    let rotten = &objects[2];
    let mut bytes = rotten.bytes.clone();
    bytes[0] ^= 1;
    world.write("rot", &rotten.digest.to_string(), &bytes);
    world.upload("rot", COLLECTION);

    let report = world.pass(0, &["audit"]);
    assert_eq!(report["summary"]["present"], 6, "a listing cannot see it");
    for (args, why) in
        [(&["audit", "--deep"][..], "reading finds it"), (&["audit"][..], "it is remembered")]
    {
        let report = world.pass(2, args);
        assert_eq!(keys(&report, "corrupt"), keys_of(&[rotten]), "{why}");
        assert_eq!(report["findings"].as_array().unwrap().len(), 1, "{why}: {report:#}");
        assert_eq!(report["findings"][0]["reason"], "digest_mismatch", "{why}");
        assert_eq!(report["findings"][0]["observed_digest"], digest_of(&bytes).to_string());
    }

    let report = world.pass(0, &["heal"]);
    assert_eq!(report["repairs"][0]["cause"], "corrupt");
    assert_eq!(report["repairs"][0]["result"], "restored", "{report:#}");
    let pass_id = report["summary"]["pass_id"].as_str().unwrap();
    let aside = format!("restock-quarantine/{pass_id}/{}", rotten.key);
    let mut expected: Vec<_> = objects.iter().map(|o| (o.key.clone(), o.bytes.clone())).collect();
    expected.push((aside, bytes));
    expected.sort();
    assert_eq!(world.read_back(""), expected);
    let report = world.pass(0, &["audit", "--deep"]);
    assert_eq!(report["findings"].as_array().unwrap().len(), 0, "{report:#}");
}
