//! Worlds that no sane person meant: the breaker, empty catalogs, and what an audit must not touch.

use std::fs;
use std::process::{Command, Stdio};

use sqlx::{Connection, SqliteConnection};

use crate::binary::{Ran, command, run};
use crate::place::{CONFIGURATION, Place, wait};
use crate::support::http_server::Answer;

#[test]
fn an_empty_store_opens_the_breaker_until_a_person_says_the_number() {
    let (place, objects) = Place::healthy(12);
    place.lose(&objects);
    let audit = place.run("audit").exits(2);
    audit.prints("12 missing").prints("restock breaker ack --expect-missing 12");
    place
        .run("heal")
        .exits(4)
        .prints("refused: nothing was healed")
        .prints("next: restock breaker ack --expect-missing 12");
    let named = format!("heal {}", objects[0].digest);
    let ran = place.run(&named).exits(4);
    assert_eq!(ran.stderr, "", "a line for each object would be very many");
    assert_eq!(place.world.store_content().len(), 0, "nothing was healed");
    assert_eq!(place.world.http.requests().len(), 0, "no source was asked");

    place
        .run("breaker show")
        .exits(4)
        .prints("breaker: open since")
        .prints("12 of 12 expected objects missing or corrupt")
        .prints("restock breaker ack --expect-missing 12");
    place.run("status").exits(0).prints("breaker: open");
    place.run("breaker ack --expect-missing 11").exits(4).says("11 is not what was found");
    place.run("breaker ack --expect-records 12").exits(4).says("12 is not what was found");
    place.run("heal").exits(4);
    place.run("breaker ack").exits(64).says("--expect-missing");
    place.run("breaker ack --expect-missing 12").exits(0).prints("acknowledged with 12");
    place.run("breaker show").exits(0);
    place.run("heal").exits(0).prints("12 healed");
    place.run("audit --deep").exits(0);
    place.run("breaker show").exits(0).prints("breaker: closed");
    place.run("breaker ack --expect-missing 12").exits(4).says("the breaker is closed");
}

#[test]
fn an_acknowledged_breaker_that_finds_more_opens_anew() {
    let (place, objects) = Place::healthy(20);
    place.lose(&objects[..10]);
    place.run("audit").exits(2);
    place.run("breaker ack --expect-missing 10").exits(0);
    place.lose(&objects[10..12]);
    place.run("heal").exits(4).prints("breaker ack --expect-missing 12");
}

#[test]
fn an_empty_catalog_over_a_full_store_makes_no_orphans() {
    let (place, _) = Place::healthy(8);
    place.sql("DELETE FROM packages");
    let ran = place.run("audit").exits(3);
    let ran = ran.prints("nothing is expected");
    assert!(ran.stdout.contains("empty_catalog"), "{}", ran.stdout);
    let summary = place.run("audit --output json").exits(3).json()["summary"].clone();
    assert_eq!((&summary["orphans"], &summary["outcome"]), (&0.into(), &"incomplete".into()));
    assert_eq!(summary["observed"], 8);
}

#[test]
fn a_catalog_that_shrank_is_asked_about_by_its_records() {
    let (place, objects) = Place::healthy(20);
    place.run("audit").exits(0);
    place.sql("DELETE FROM packages WHERE id > 10");
    place.lose(&objects[..1]);
    place.run("audit").exits(2).prints("restock breaker ack --expect-records 10");
    place.run("heal").exits(4);
    place.run("breaker ack --expect-missing 1").exits(4);
    place.run("breaker ack --expect-records 10").exits(0);
    place.run("heal").exits(0);
}

#[test]
fn config_check_and_the_audit_agree_on_every_query() {
    let (place, _) = Place::healthy(2);
    let select = "SELECT sha256 AS digest FROM packages";
    let fails = "abs(-9223372036854775807 - 1) > 0";
    for (end, offline, read, said) in [
        ("WHERE filename = 'it''s ?' OR 1", 0, 0, ""),
        ("WHERE id = ? OR 1", 78, 78, "the parameter `?`"),
        ("WHERE id = :id OR 1", 78, 78, "the parameter `:id`"),
        ("WHERE id = $1 OR 1", 78, 78, "the parameter `$1`"),
        ("WHERE load_extension('x')", 78, 78, "calls `load_extension`"),
        ("WHERE (1", 78, 78, "without its `)`"),
        ("WHERE no_such_column", 0, 78, "no such column"),
        // Only running it shows this one.
        (&format!("WHERE {fails}"), 0, 1, "integer overflow"),
    ] {
        let query = CONFIGURATION.lines().find(|line| line.starts_with("query = ")).unwrap();
        place.configure_with(query, &format!("query = \"{select} {end}\""));
        let told = place.run("config check").exits(offline).stderr.clone();
        assert!(offline == 0 || told.contains(said), "{end}: {told}");
        for line in ["config check --online", "audit"] {
            let ran = place.run(line).exits(read);
            let told = format!("{}{}", ran.stdout, ran.stderr);
            assert!(told.contains(said), "{line}: {end}: {told}");
        }
    }
}

#[test]
fn collections_that_own_one_folder_are_refused_before_any_database_is_asked() {
    let (place, _) = Place::healthy(2);
    for key in ["software-installers/{digest}", "software-installers/x/{digest}", "{digest}"] {
        let other = format!(
            "\n[[collection]]\nname = \"other\"\nkey = \"{key}\"\n\
                             query = \"SELECT sha256 AS digest FROM packages\"\n"
        );
        place.configure(&(CONFIGURATION.to_owned() + &other));
        for line in ["config check", "config check --online", "audit"] {
            place.run(line).exits(78).says("collection[1].key").says("a folder of its own");
        }
    }
}

#[test]
fn config_check_online_tells_of_rows_that_cannot_be_read() {
    let (place, _) = Place::healthy(2);
    place.sql("INSERT INTO packages (sha256, updated_at) VALUES ('abc', 'soon'), (NULL, NULL)");
    let checked = place.run("config check --online").exits(0);
    checked
        .prints("warning: collection software-installers: `digest` cannot be read in 1 of 4 rows")
        .prints("warning: collection software-installers: `updated_at` cannot be read in 1 of 4");
}

#[test]
fn an_audit_leaves_catalog_and_store_as_they_are() {
    let (place, objects) = Place::healthy(12);
    place.lose(&objects[..1]);
    place.world.put(&objects[1].key, b"cut");
    let before = (fs::read(place.path("catalog.db")).unwrap(), place.world.store_content());
    for line in ["audit", "audit --deep", "heal --dry-run", "heal --plan plan.json"] {
        place.run(line).exits(2);
    }
    for line in ["status", "breaker show", "config check --online"] {
        place.run(line).exits(0);
    }
    let after = (fs::read(place.path("catalog.db")).unwrap(), place.world.store_content());
    assert!(before == after, "something was written");
    let beside = |name: &str| place.path(&format!("catalog.db{name}")).exists();
    assert!(!beside("-wal") && !beside("-shm") && !beside("-journal"));
    assert_eq!(place.world.http.requests().len(), 0, "no source was asked");
}

#[test]
fn a_heal_leaves_the_catalog_as_it_is_and_keeps_what_it_replaced() {
    let (place, objects) = Place::healthy(12);
    place.lose(&objects[..1]);
    place.world.put(&objects[1].key, b"cut");
    let before = fs::read(place.path("catalog.db")).unwrap();
    place.run("heal").exits(0).prints("2 healed");
    assert_eq!(fs::read(place.path("catalog.db")).unwrap(), before);
    let mut content = place.world.store_content();
    for object in &objects {
        assert_eq!(content.remove(std::path::Path::new(&object.key)).unwrap(), object.bytes);
    }
    let left: Vec<_> = content.into_iter().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].0.starts_with("restock-quarantine") && left[0].1 == b"cut", "{left:?}");
}

#[test]
fn only_one_heal_runs_at_a_time_and_audits_need_no_lock() {
    let (place, objects) = Place::healthy(12);
    place.lose(&objects[..1]);
    let gate = crate::support::http_server::Gate::closed();
    let slow =
        Answer::ok(objects[0].bytes[..3].to_vec()).then_wait(&gate, objects[0].bytes[3..].to_vec());
    place.world.answer(&objects[0], [slow]);
    let mut first = command(place.dir(), "heal -q").stdout(Stdio::null()).spawn().unwrap();
    crate::binary::until("a download", || !place.world.http.requests().is_empty());
    let second = place.run("heal --output json").exits(5).says("lock");
    crate::shapes::check_unable(&second.json(), "busy", 5);
    place.run("audit").exits(2);
    place.run(&format!("probe {}", objects[0].digest)).exits(2);
    gate.open();
    assert_eq!(first.wait().unwrap().code(), Some(0));
    place.run("heal --wait-lock 1s").exits(0);
}

/// The program, whose files end at so many blocks of 512 bytes, as they do on a full disk.
fn on_a_full_disk(place: &Place, line: &str, blocks: u32) -> Ran {
    let bounded = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" {line}");
    let program = command(place.dir(), "").get_program().to_owned();
    let mut shell = Command::new("sh");
    shell.args(["-c", &bounded]).arg(program).current_dir(place.dir()).env_clear();
    run(shell.stdin(Stdio::null()))
}

/// More findings than the rest of the disk takes.
#[test]
fn findings_that_a_full_disk_does_not_take_are_told_in_every_form_and_the_run_fails() {
    let (place, objects) = Place::healthy(150);
    place.run("audit").exits(0);
    place.lose(&objects[..100]);
    for form in ["table", "json", "ndjson", "junit", "github"] {
        let line = format!("audit --output {form} --textfile now.prom");
        let ran = on_a_full_disk(&place, &line, 100).exits(1);
        assert!(ran.stdout.contains("were not kept"), "{form}: {}", ran.stdout);
        let told = match form {
            "table" => "100 missing",
            "junit" => "tests=\"101\"",
            "github" => "92 more",
            _ => "\"missing\":100",
        };
        assert!(ran.stdout.contains(told), "{form}: {}", ran.stdout);
        assert!(!ran.stdout.contains("\"outcome\":\"findings\""), "{}", ran.stdout);
    }
    let textfile = fs::read_to_string(place.path("now.prom")).unwrap();
    assert!(textfile.contains("restock_audit_last_exit_code{store=\"default\"} 1"), "{textfile}");
    assert!(textfile.contains("state=\"missing\",store=\"default\"} 100"), "{textfile}");
    place.run("audit").exits(2);
    place.run("breaker ack --expect-missing 100").exits(0);
    // With no room for a page the ledger can only be read.
    let ledger = place.path("ledger.db");
    wait(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&ledger);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let checkpoint = sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)");
        checkpoint.execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
    for beside in ["ledger.db-wal", "ledger.db-shm"] {
        assert!(fs::remove_file(place.path(beside)).is_ok() || !place.path(beside).exists());
    }
    let ran = on_a_full_disk(&place, "audit --output json", 1).exits(1);
    assert!(ran.stderr.contains("is full: the ledger is read"), "{}", ran.stderr);
    let summary = &ran.json()["summary"];
    assert_eq!((&summary["missing"], &summary["outcome"]), (&100.into(), &"failed".into()));
    assert_eq!(summary["errors"][0]["code"], "ledger");
    on_a_full_disk(&place, "status", 1).exits(0).prints("findings");
    on_a_full_disk(&place, &format!("show {}", objects[0].digest), 1).exits(0);
    let healed = on_a_full_disk(&place, "heal --output json", 100).exits(1).json();
    assert_eq!(healed["repairs"].as_array().unwrap().len(), 100);
    let restored = healed["repairs"].as_array().unwrap().iter();
    let restored = restored.filter(|repair| repair["result"] == "restored").count();
    let kept = place.world.store_content().len() - 50;
    assert_eq!(restored, kept, "each repair that was made is told, and no other");
}

#[test]
fn only_what_is_tried_again_is_pending_and_has_a_next_try() {
    let (place, objects) = Place::healthy(20);
    place.lose(&objects[..4]);
    let [down, gone, drifted, sourceless] = &objects[..4] else { panic!() };
    for (object, answer) in [
        (down, Answer::status(500)),
        (gone, Answer::status(404)),
        (drifted, Answer::ok("another release")),
    ] {
        place.world.answer(object, [answer]);
    }
    place.sql(&format!("UPDATE packages SET url = NULL WHERE sha256 = '{}'", sourceless.digest));
    place.run("heal").exits(2);
    let status = place.run("status --output json").json();
    assert_eq!(status["heals_pending"], 2, "{status:#}");
    for (object, is_tried) in [(down, true), (gone, true), (drifted, false), (sourceless, false)] {
        let shown = place.run(&format!("show {} --output json", object.digest)).json();
        assert_eq!(shown["attempts"]["failures"], 1, "{shown:#}");
        assert_eq!(shown["next_try"].is_string(), is_tried, "{shown:#}");
    }
}
