//! `restock demo`, and what can be done with what it leaves.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::binary::{command, restock, signal};
use crate::shapes;

#[test]
fn the_demo_shows_each_kind_of_damage_found_and_what_can_be_healed_healed() {
    let folder = tempfile::tempdir().unwrap();
    let ran = restock(folder.path(), "demo").exits(0);
    assert_eq!(ran.stderr, "");
    for shown in [
        "(240 rows)",
        "deleted from the store, e.g.",
        "cut in half",
        "one bit flipped",
        "its source answers 404",
        "its source serves other bytes",
        "no row names a source",
        "objects that no row wants",
        "1 key that is no digest",
        "no: source gone",
        "no: source drifted",
        "no: no source",
        "restored: downloaded, proven and published (19)",
        "notes (old).txt",
        "restored 19 objects, each proven by its SHA-256; 3 cannot be had again",
    ] {
        assert!(ran.stdout.contains(shown), "`{shown}` is not in\n{}", ran.stdout);
    }

    let audit = restock(folder.path(), "-c restock-demo/restock.toml audit --output json").exits(2);
    let document = audit.json();
    shapes::check(&document);
    let summary = &document["summary"];
    assert_eq!(summary["expected"], 240);
    assert_eq!(summary["present"], 237);
    assert_eq!(summary["missing"], 3);
    let mut rest = BTreeMap::<_, Vec<_>>::new();
    for finding in document["findings"].as_array().unwrap() {
        let kind = finding["kind"].as_str().unwrap();
        rest.entry(kind).or_default().push(finding["unhealable"].as_str().unwrap_or("-"));
    }
    rest.get_mut("missing").unwrap().sort_unstable();
    let expected = BTreeMap::from([
        ("missing", vec!["no_source", "source_drifted", "source_gone"]),
        ("orphan", vec!["-"; 4]),
        ("foreign", vec!["-"]),
    ]);
    assert_eq!(rest, expected);
}

#[test]
fn the_demo_rebuilds_its_own_folder_and_touches_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let mine = folder.path().join("mine");
    fs::create_dir(&mine).unwrap();
    fs::write(mine.join("precious"), "bytes").unwrap();
    restock(folder.path(), "demo --dir mine")
        .exits(1)
        .says("mine is not empty and no demo's folder")
        .says("--dir");
    let left: Vec<_> = fs::read_dir(&mine).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [mine.join("precious")]);

    fs::create_dir(folder.path().join("empty")).unwrap();
    restock(folder.path(), "demo --dir empty").exits(0);
}

#[test]
fn the_demo_takes_away_what_it_made_and_what_is_a_users_stays() {
    let folder = tempfile::tempdir().unwrap();
    restock(folder.path(), "demo").exits(0);
    let at = |name: &str| folder.path().join("restock-demo").join(name);
    let marker = fs::read_to_string(at(".restock-demo")).unwrap();
    assert!(marker.lines().any(|line| line.starts_with("store/restock-quarantine/")), "{marker}");
    let orphan = "a".repeat(64);
    let users = [
        "notes.txt".to_owned(),
        "source/mine.pkg".to_owned(),
        "store/software-installers/mine.txt".to_owned(),
        format!("store/software-installers/{orphan}"),
        "store/restock-quarantine/mine/deep/file".to_owned(),
    ];
    for file in &users {
        fs::create_dir_all(at(file).parent().unwrap()).unwrap();
        fs::write(at(file), file).unwrap();
    }
    fs::write(at("restock.toml"), "changed").unwrap();
    let files = || {
        let all = walkdir::WalkDir::new(at("")).into_iter().map(Result::unwrap);
        let files = all.filter(|entry| entry.file_type().is_file());
        // What SQLite lays beside a ledger goes when its last connection is closed in time.
        files.filter(|file| !file.path().to_string_lossy().contains("ledger.db-")).count()
    };
    let before = files();
    restock(folder.path(), "demo").exits(0);
    for file in &users {
        assert_eq!(&fs::read_to_string(at(file)).unwrap(), file);
    }
    assert_eq!(files(), before, "what it made is there once");
    restock(folder.path(), "-c restock-demo/restock.toml config check").exits(0);
}

#[test]
fn the_demo_follows_neither_its_list_nor_a_link_out_of_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    restock(folder.path(), "demo").exits(0);
    let at = |name: &str| folder.path().join("restock-demo").join(name);
    let precious = folder.path().join("precious");
    fs::create_dir(&precious).unwrap();
    fs::write(precious.join("file"), "bytes").unwrap();
    let marker = fs::read_to_string(at(".restock-demo")).unwrap();
    fs::write(at(".restock-demo"), format!("{marker}../precious/file\nlink/file\n")).unwrap();
    std::os::unix::fs::symlink(&precious, at("link")).unwrap();
    restock(folder.path(), "demo").exits(1);
    assert_eq!(fs::read_to_string(precious.join("file")).unwrap(), "bytes");

    // A store of somebody's, in the place of the demo's own.
    fs::write(at(".restock-demo"), marker).unwrap();
    fs::remove_file(at("link")).unwrap();
    fs::remove_dir_all(at("store")).unwrap();
    std::os::unix::fs::symlink(&precious, at("store")).unwrap();
    restock(folder.path(), "demo").exits(1);
    assert_eq!(fs::read_dir(&precious).unwrap().count(), 1, "nothing was made there");

    fs::write(at(".restock-demo"), "restock demo rebuilds this folder\n").unwrap();
    restock(folder.path(), "demo").exits(1).says("lists nothing");
    fs::remove_file(at(".restock-demo")).unwrap();
    restock(folder.path(), "demo").exits(1).says("is not empty and no demo's folder");
}

#[test]
fn a_kept_demo_serves_its_source_until_it_is_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = command(folder.path(), "demo --keep").stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let mut lines = lines.map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("serving the source at http://127.0.0.1:")));

    let audit = restock(folder.path(), "-c restock-demo/restock.toml audit --output json").json();
    let is_orphan = |finding: &&Value| finding["kind"] == "orphan";
    assert_eq!(audit["findings"].as_array().unwrap().iter().filter(is_orphan).count(), 4);
    let store = folder.path().join("restock-demo/store/software-installers");
    let object = fs::read_dir(&store).unwrap().map(|entry| entry.unwrap().path());
    let is_whole = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.len() == 64 && !name.starts_with('a')
    };
    let object = object.into_iter().find(is_whole).unwrap();
    fs::remove_file(&object).unwrap();
    let name = object.file_name().unwrap().to_str().unwrap();
    restock(folder.path(), &format!("-c restock-demo/restock.toml heal {name}")).exits(0);
    assert!(object.exists(), "the source was there to heal from");

    signal(&demo, "INT");
    assert_eq!(demo.wait().unwrap().code(), Some(130));
}
