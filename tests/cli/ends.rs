//! How runs end that do not end by themselves: signals, and readers that go away.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::Stdio;

use crate::binary::{command, signal, until};
use crate::place::{CONFIGURATION, Place, wait};
use crate::support::http_server::{Answer, Gate};

#[test]
fn a_heal_that_is_told_to_stop_leaves_no_object_and_nothing_else() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let (place, objects) = Place::healthy(12);
        place.lose(&objects[..1]);
        let before = place.world.store_content();
        let slow = Answer::ok(objects[0].bytes[..3].to_vec());
        let slow = slow.then_wait(&Gate::closed(), objects[0].bytes[3..].to_vec());
        place.world.answer(&objects[0], [slow]);
        let mut heal = command(place.dir(), "heal")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        until("a download", || !place.world.http.requests().is_empty());
        signal(&heal, name);
        let status = heal.wait().unwrap();
        let mut stderr = String::new();
        heal.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!(status.code(), Some(code), "{name}: {stderr}");
        assert_eq!(place.world.store_content(), before, "{name}");
        place.world.serve(&objects[0]);
        place.run("heal").exits(0).prints("1 healed");
        let status = place.run("status --output json").json();
        assert_eq!(status["uploads"], 0, "{name}: {status:#}");
    }
}

/// A pipe in the place of a file, at whose other end nobody writes.
fn pipe(place: &Place, name: &str) -> std::path::PathBuf {
    let path = place.path(name);
    drop(std::fs::remove_file(&path));
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

/// Waits until somebody reads the pipe, and keeps it open.
fn read_by_now(pipe: &std::path::Path) -> std::fs::File {
    const NONBLOCK: i32 = 0o4000;
    let mut end = None;
    until("somebody to read the pipe", || {
        let open = std::fs::OpenOptions::new().write(true).custom_flags(NONBLOCK).open(pipe);
        end = open.ok();
        end.is_some()
    });
    end.unwrap()
}

/// The exit code of a process that ends by itself within ten seconds; it is killed otherwise.
fn ended(child: &mut std::process::Child) -> Option<i32> {
    for _ in 0..1_000 {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::park_timeout(std::time::Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

/// A dead mount is like a pipe that nobody writes to.
#[test]
fn a_command_that_waits_for_a_file_ends_at_once_by_a_signal() {
    let (place, _) = Place::healthy(1);
    let catalog = "url = \"sqlite://catalog.db\"";
    let host = "[[source.host]]\nname = \"h.example.com\"\nbearer_token_file = \"pipe\"\n";
    let listen = "[http]\nlisten = \"127.0.0.1:0\"\n";
    let token = format!("{listen}admin_token_file = \"pipe\"\n");
    let url_file = CONFIGURATION.replace(catalog, "url_file = \"pipe\"");
    for (line, configuration) in [
        ("run -c pipe", ""),
        ("audit -c pipe", ""),
        ("config check -c pipe", ""),
        ("heal", &url_file),
        ("audit", &CONFIGURATION.replace("catalog.db", "pipe")),
        ("audit", &format!("{CONFIGURATION}{host}")),
        ("run", &format!("{CONFIGURATION}{token}")),
        ("heal --from-plan pipe", CONFIGURATION),
    ] {
        for (name, code) in [("INT", 130), ("TERM", 143)] {
            place.configure(configuration);
            let path = pipe(&place, "pipe");
            let mut waiting = command(place.dir(), line)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let held = read_by_now(&path);
            signal(&waiting, name);
            let ended = ended(&mut waiting);
            drop(held);
            assert_eq!(ended, Some(code), "{line}: {name}");
        }
    }
}

/// How many passes stand in the ledger.
fn passes(place: &Place) -> usize {
    let passes = async { place.world.open_ledger().await.passes(100).await.unwrap().len() };
    wait(passes)
}

/// A command that has done its work, and writes to a pipe that nobody reads yet.
fn writing(place: &Place, line: &str) -> std::process::Child {
    let before = passes(place);
    let child =
        command(place.dir(), line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    until("the pass", || passes(place) > before);
    child
}

#[test]
fn a_report_for_a_pipe_that_nobody_reads_ends_at_the_first_signal() {
    let (place, _) = Place::healthy(3);
    place.run("audit").exits(0);
    for line in [
        "audit --report json=pipe",
        "audit --textfile pipe",
        "heal --report json=pipe",
        "heal --plan pipe",
        "orphans plan -o pipe",
    ] {
        for (name, code) in [("INT", 130), ("TERM", 143)] {
            pipe(&place, "pipe");
            let mut child = writing(&place, line);
            signal(&child, name);
            assert_eq!(ended(&mut child), Some(code), "{line}: {name}");
        }
    }
}

#[test]
fn who_reads_a_pipe_later_gets_the_whole_report() {
    let (place, objects) = Place::healthy(3);
    place.lose(&objects[..1]);
    let path = pipe(&place, "pipe");
    let mut audit = writing(&place, "audit --report json=pipe");
    let report = std::fs::read(path).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["summary"]["missing"], 1);
    assert_eq!(audit.wait().unwrap().code(), Some(2));
}

#[test]
fn a_configuration_may_come_through_a_pipe_and_is_read_once() {
    let (place, _) = Place::healthy(3);
    let path = pipe(&place, "restock.pipe");
    let text = std::fs::read(place.path("restock.toml")).unwrap();
    let writer = std::thread::spawn(move || std::fs::write(path, text));
    place.run("audit -c restock.pipe --textfile audit.prom").exits(0);
    writer.join().unwrap().unwrap();
    assert!(place.path("audit.prom").is_file());
}

#[test]
fn a_reader_that_goes_away_ends_a_report_quietly() {
    let (place, _) = Place::healthy(1);
    place.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) \
         INSERT INTO packages (sha256, filename) SELECT hex(randomblob(32)), 'x.pkg' FROM n",
    );
    // That the breaker opens is told once.
    place.run("audit").exits(2).says("the breaker opened");
    for format in ["table", "ndjson", "json"] {
        let mut audit = command(place.dir(), &format!("audit --output {format}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut reader = BufReader::with_capacity(64, audit.stdout.take().unwrap());
        reader.read_line(&mut line).unwrap();
        drop(reader);
        let mut stderr = String::new();
        audit.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert!(audit.wait().unwrap().code().is_some(), "{format}: ended by a signal");
        assert_eq!(stderr, "", "{format}");
    }
}

#[test]
fn colors_are_for_terminals_alone() {
    let (place, objects) = Place::healthy(12);
    place.lose(&objects[..1]);
    for line in ["audit", "audit --no-color", "heal -vv --log-format text"] {
        let ran = place.run(line);
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains('\u{1b}'), "{line}: {ran:?}");
    }
    let ran = crate::binary::run(command(place.dir(), "audit").env("NO_COLOR", "1"));
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains('\u{1b}'));
}

#[test]
fn reports_go_to_stdout_and_everything_else_to_stderr() {
    let (place, objects) = Place::healthy(12);
    place.lose(&objects[..1]);
    assert_eq!(place.run("audit").stderr, "");
    let heal = place.run("heal --output ndjson").exits(0);
    heal.lines();
    assert!(heal.stderr.contains("restored"), "{}", heal.stderr);
    place.lose(&objects[..1]);
    assert_eq!(place.run("heal -q --output json").exits(0).stderr, "");
}
