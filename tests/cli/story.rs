//! The story that started it: a file is imported, lost, asked for, and had again.

use std::fs;
use std::os::unix::fs::symlink;

use crate::binary::{command, restock, run};
use crate::support::http_server::{Answer, HttpServer};
use crate::support::world::digest_of;

/// An installer that is not small, so that it comes in several chunks.
fn installer() -> Vec<u8> {
    (0..300_000_u32).flat_map(u32::to_le_bytes).collect()
}

/// What a user adds to the configuration that `import` made.
fn allow_loopback(folder: &std::path::Path) {
    let path = folder.join("restock.toml");
    let made = fs::read_to_string(&path).unwrap();
    let more = "\n[source]\nallow_http = true\nallow_private = [\"127.0.0.0/8\"]\ntries = 1\n";
    fs::write(path, made + more).unwrap();
}

#[test]
fn an_imported_file_that_is_lost_is_missed_found_and_had_again() {
    let (folder, http) = (tempfile::tempdir().unwrap(), HttpServer::start());
    let (at, bytes) = (folder.path(), installer());
    let digest = digest_of(&bytes);
    fs::write(at.join("my app.pkg"), &bytes).unwrap();
    http.route("/files/my%20app.pkg", [Answer::ok(bytes.clone())]);

    let base = http.url("/files");
    let ran = run(command(at, "import").arg("my app.pkg").args(["--source-url-base", &base]));
    let ran = ran.exits(0).prints(&format!("{digest}  ")).prints("my app.pkg  stored");
    let made = at.join("restock.toml");
    ran.says(&format!("made {}", made.display()));
    allow_loopback(at);
    restock(at, "audit --deep").exits(0).prints("the one expected object is there");
    let present = restock(at, &format!("probe {digest}")).exits(0);
    assert!(present.stdout.contains(&digest.to_string()), "{}", present.stdout);

    let object = at.join(format!("store/software-installers/{digest}"));
    assert_eq!(fs::read(&object).unwrap(), bytes);
    fs::remove_file(&object).unwrap();
    let absent = restock(at, &format!("probe {digest}")).exits(2);
    assert_eq!(absent.stdout, format!("package not found with hash {digest}\n"));
    restock(at, "audit").exits(2).prints("missing").prints("next: restock heal");

    restock(at, "heal").exits(0).prints("1 healed");
    assert_eq!(fs::read(&object).unwrap(), bytes);
    restock(at, "audit --deep").exits(0);
    restock(at, &format!("probe {digest}")).exits(0);
}

#[test]
fn an_import_that_is_done_twice_changes_nothing_and_tells_what_it_leaves_out() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::create_dir_all(at.join("files/deeper")).unwrap();
    fs::write(at.join("files/a.pkg"), "a").unwrap();
    fs::write(at.join("files/deeper/b.pkg"), "b").unwrap();
    symlink("a.pkg", at.join("files/link.pkg")).unwrap();
    let first = restock(at, "import files --source-url-base https://h.example/f").exits(0);
    let first = first.prints("2 stored, 0 already there, 1 skipped; 2 new in the catalog");
    let first = first.prints("link.pkg: skipped, ");
    assert!(!first.stdout.contains(&digest_of(b"link").to_string()));

    let catalog = fs::read(at.join("catalog.db")).unwrap();
    restock(at, "import files --source-url-base https://h.example/f")
        .exits(0)
        .prints("0 stored, 2 already there, 1 skipped; 0 new in the catalog");
    assert_eq!(fs::read(at.join("catalog.db")).unwrap(), catalog);
    let digest = digest_of(b"b");
    restock(at, &format!("show {digest}")).exits(0).prints("https://h.example/f/deeper/b.pkg");
}

#[test]
fn an_import_of_the_folder_that_restock_works_in_leaves_restocks_own_files_out() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("a.pkg"), "a").unwrap();
    for line in ["import .", "import .", "import ./"] {
        let ran = restock(at, line).exits(0);
        let digest = digest_of(b"a");
        assert!(ran.stdout.contains(&format!("{digest}  a.pkg  ")), "{}", ran.stdout);
        for own in ["catalog.db", "ledger.db", "restock.toml", "store"] {
            let line = format!("\n{own}: skipped, restock's own\n");
            assert!(format!("\n{}", ran.stdout).contains(&line), "{own}: {}", ran.stdout);
        }
    }
    restock(at, "audit").exits(0).prints("1 expected, 1 observed");
}

#[test]
fn a_manifest_registers_what_a_heal_then_fetches() {
    let (folder, http) = (tempfile::tempdir().unwrap(), HttpServer::start());
    let (at, digest) = (folder.path(), digest_of(b"the bytes"));
    http.route("/x.pkg", [Answer::ok("the bytes")]);
    fs::write(at.join("list.txt"), format!("# mine\n{digest}  {}\n", http.url("/x.pkg"))).unwrap();
    restock(at, "import list.txt").exits(0).prints("1 registered; 1 new in the catalog");
    assert_eq!(http.requests().len(), 0, "nothing is fetched by an import");
    allow_loopback(at);
    restock(at, &format!("heal {digest}")).exits(0);
    let object = at.join(format!("store/software-installers/{digest}"));
    assert_eq!(fs::read(object).unwrap(), b"the bytes");
}

#[test]
fn what_cannot_be_imported_is_told_and_the_rest_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("a.pkg"), "a").unwrap();
    restock(at, "import a.pkg nowhere.pkg")
        .exits(1)
        .prints("nowhere.pkg: ")
        .prints("1 stored, 0 already there, 1 not imported");
    let bad = format!("{}  https://h.example/a\nno digest\n", "0".repeat(64));
    fs::write(at.join("bad.txt"), bad).unwrap();
    restock(at, "import bad.txt").exits(1).prints("line 2");
    restock(at, "import a.pkg --source-url-base nonsense").exits(64).says("--source-url-base");
}

#[test]
fn names_with_spaces_unicode_and_dots_go_there_and_back() {
    let (folder, http) = (tempfile::tempdir().unwrap(), HttpServer::start());
    let at = folder.path();
    fs::create_dir(at.join("files")).unwrap();
    let names = [
        ("with space.pkg", "with%20space.pkg"),
        ("größe ~1.pkg", "gr%C3%B6%C3%9Fe%20~1.pkg"),
        ("..odd..", "..odd.."),
        ("100%.pkg", "100%25.pkg"),
        ("a?b#c.pkg", "a%3Fb%23c.pkg"),
    ];
    for (name, encoded) in names {
        fs::write(at.join("files").join(name), name).unwrap();
        http.route(&format!("/{encoded}"), [Answer::ok(name)]);
    }
    let base = http.url("");
    run(command(at, "import files --source-url-base").arg(base)).exits(0).prints("5 stored");
    allow_loopback(at);
    let one = digest_of("größe ~1.pkg".as_bytes());
    fs::remove_file(at.join(format!("store/software-installers/{one}"))).unwrap();
    restock(at, "heal").exits(0);
    for (name, _) in names {
        fs::remove_file(
            at.join(format!("store/software-installers/{}", digest_of(name.as_bytes()))),
        )
        .unwrap();
    }
    restock(at, "audit").exits(2);
    restock(at, "breaker ack --expect-missing 5").exits(0);
    restock(at, "heal").exits(0).prints("5 healed");
    restock(at, "audit --deep").exits(0);
}

#[test]
fn an_import_writes_to_nobody_elses_catalog() {
    let (place, _) = crate::place::Place::healthy(1);
    let before = fs::read(place.path("catalog.db")).unwrap();
    place.run("import restock.toml").exits(1).says("the catalog is not restock's own");
    assert_eq!(fs::read(place.path("catalog.db")).unwrap(), before);
}
