//! Keys that are nobody's, or somebody else's.

use rstest::rstest;

use crate::s3::Server;
use crate::support::world::COLLECTION;
use crate::world::{World, keys, keys_of};

/// What a file can be called, too.
const FILES: &[&str] = &[
    " begins and ends with a space ",
    "100%",
    "%41",
    "a~b",
    "b&c=d?e#f+g",
    "e\u{301}",
    "folder/日本 語",
    "<>\"'`",
    "...",
];

/// Keys that no client with manners sends, percent-encoded, and as they are told.
const HOSTILE: &[(&str, &str)] = &[
    ("a//b", "a//b"),
    ("a/../b", "a/../b"),
    ("a/./b", "a/./b"),
    ("bell%07", "bell\\u{7}"),
    ("escape%1b%5b2J", "escape\\u{1b}[2J"),
    ("tab%09", "tab\\t"),
];

#[rstest]
#[case::moto(Server::Moto)]
#[case::juicefs(Server::JuiceFs)]
#[tokio::test]
async fn strange_keys_are_foreign_and_stop_nothing(#[case] server: Server) {
    let Some((world, objects)) = World::uploaded(server, 8).await else { return };
    let digest = objects[0].digest.to_string();
    let near = [digest.to_uppercase(), format!("{digest}.pkg"), format!("old/{digest}")];
    let files: Vec<&str> = FILES.iter().copied().chain(near.iter().map(String::as_str)).collect();
    for file in &files {
        world.write("strange", file, b"strange");
    }
    world.upload("strange", COLLECTION);
    let mut foreign: Vec<_> = files.iter().map(|file| format!("{COLLECTION}/{file}")).collect();
    if server == Server::Moto {
        for (encoded, told) in HOSTILE {
            world.bucket.put_raw(&format!("a%20store/%C3%A9%2541/{COLLECTION}/{encoded}"));
            foreign.push(format!("{COLLECTION}/{told}"));
        }
    }
    foreign.sort();

    let report = world.pass(0, &["audit"]);
    assert_eq!(keys(&report, "foreign"), foreign);
    assert_eq!(report["summary"]["present"], 8);
    assert_eq!(report["summary"]["foreign"], foreign.len());
    assert_eq!(report["findings"].as_array().unwrap().len(), foreign.len(), "{report:#}");

    world.bucket.remove(&objects[5].key).await;
    let report = world.pass(2, &["audit"]);
    assert_eq!(keys(&report, "missing"), keys_of(&[&objects[5]]));
    let report = world.pass(0, &["heal", "--deep"]);
    assert_eq!(report["summary"]["healed"], 1);
    assert_eq!(keys(&report, "foreign"), foreign, "none was touched");
}

#[rstest]
#[case::moto(Server::Moto)]
#[case::juicefs(Server::JuiceFs)]
#[tokio::test]
async fn a_folder_with_a_longer_name_is_never_seen(#[case] server: Server) {
    let Some((world, objects)) = World::uploaded(server, 3).await else { return };
    for key in ["software-installers-old/x", "software-installers.bak", "software-installer/y"] {
        world.bucket.put(key, b"not ours to see").await;
    }
    let orphan = "0".repeat(64);
    world.bucket.put(&format!("software-installers-old/{orphan}"), b"x").await;
    world.bucket.put(&format!("software-installers-old/{}", objects[0].digest), b"x").await;
    let report = world.pass(0, &["audit", "--deep"]);
    assert_eq!(report["findings"].as_array().unwrap().len(), 0, "{report:#}");
    assert_eq!(report["summary"]["observed"], 3);
}
