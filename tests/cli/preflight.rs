//! `restock preflight`: files of a GitOps repository against a catalog and a store.

use std::fs;

use serde_json::Value;

use crate::binary::{Ran, command, run};
use crate::place::{CONFIGURATION, Place};
use crate::support::http_server::Answer;
use crate::support::world::{COLLECTION, Object};

/// A digest that nothing has.
pub(crate) const NOBODY: &str = "00000000000000000000000000000000000000000000000000000000000f1eec";

impl Place {
    /// Writes a team's file whose packages begin in its fourth line.
    pub(crate) fn team(&self, name: &str, packages: &[String]) {
        let packages = packages.concat();
        self.file(name, &format!("name: T\nsoftware:\n  packages:\n{packages}"));
    }

    pub(crate) fn file(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn url(&self, object: &Object) -> String {
        self.world.row_of(object).url.unwrap()
    }
}

pub(crate) fn alone(digest: impl std::fmt::Display) -> String {
    format!("    - hash_sha256: {digest}\n")
}

pub(crate) fn with_url(digest: impl std::fmt::Display, url: &str) -> String {
    format!("    - hash_sha256: {digest}\n      url: {url}\n")
}

/// `file:line verdict` of every line that was printed.
pub(crate) fn verdicts(ran: &Ran) -> Vec<(String, String)> {
    let parts = |line: &str| {
        let mut parts = line.split("  ");
        let (at, _, verdict) = (parts.next()?, parts.next()?, parts.next()?);
        Some((at.to_owned(), verdict.to_owned()))
    };
    ran.stdout.lines().filter_map(parts).collect()
}

#[test]
fn what_is_lost_fails_at_its_line_in_fleets_words_and_a_heal_brings_it_back() {
    let (place, objects) = Place::healthy(6);
    place.lose(&objects[1..3]);
    let (lost, lost_too) = (&objects[1], &objects[2]);
    place.team("fleets/a.yml", &[alone(objects[0].digest), alone(lost.digest)]);
    place.team("fleets/b.yml", &["    - path: ../lib/b.yml\n".to_owned()]);
    let url = place.url(lost_too);
    place.file("lib/b.yml", &format!("url: {url}\nhash_sha256: {}\n", lost_too.digest));
    place.file("lib/policies.yml", "- name: P\n  query: SELECT '$NOT_SET';\n");

    let before = (fs::read(place.path("catalog.db")).unwrap(), place.world.store_content());
    let ran = place.run("preflight fleets lib").exits(2);
    let expected = [
        ("fleets/a.yml:4", "ok"),
        ("fleets/a.yml:5", "would_fail"),
        ("lib/b.yml:2", "will_download"),
    ];
    let expected = expected.map(|(at, verdict)| (at.to_owned(), verdict.to_owned()));
    assert_eq!(verdicts(&ran), expected);
    let message = format!("would_fail  package not found with hash {} (its row", lost.digest);
    let ran = ran.prints(&format!("fleets/a.yml:5  {}  {message}", lost.digest));
    ran.prints("findings: 3 packages in 3 files, 1 ok, 1 will be downloaded, 1 would fail");
    let quiet = place.run("preflight fleets lib -q").exits(2);
    assert_eq!(quiet.stdout.lines().count(), 1, "{}", quiet.stdout);
    assert!(quiet.stdout.starts_with("fleets/a.yml:5  "), "{}", quiet.stdout);
    let after = (fs::read(place.path("catalog.db")).unwrap(), place.world.store_content());
    assert!(before == after, "something was written");
    assert_eq!(place.world.http.requests().len(), 0, "no source was asked");

    let ran = place.run("preflight fleets lib --heal").exits(0);
    assert_eq!(verdicts(&ran).len(), 3);
    assert!(verdicts(&ran).iter().all(|(_, verdict)| verdict == "ok"), "{}", ran.stdout);
    ran.prints("2 healed");
    place.run("audit --deep").exits(0);
    let quiet = place.run("preflight fleets lib -q").exits(0);
    assert_eq!(quiet.stdout, "");
}

#[test]
fn a_heal_that_cannot_says_why_beside_what_fails() {
    let (place, objects) = Place::healthy(6);
    place.lose(&objects[..2]);
    place.world.answer(&objects[0], [Answer::status(404)]);
    place.team("t.yml", &[alone(objects[0].digest), alone(objects[1].digest), alone(NOBODY)]);
    let ran = place.run("preflight t.yml --heal --output json").exits(2).json();
    let first = &ran["references"][0];
    assert_eq!(first["verdict"], "would_fail");
    assert!(first["detail"].as_str().unwrap().contains("source_gone"), "{first}");
    assert_eq!(ran["references"][1]["verdict"], "ok");
    assert_eq!(ran["references"][2]["detail"], "no row of the catalog has its digest");
    assert_eq!(ran["repairs"].as_array().unwrap().len(), 2);
    assert_eq!((&ran["summary"]["healed"], &ran["summary"]["heal_failed"]), (&1.into(), &1.into()));

    place.configure(&format!("{CONFIGURATION}\n[heal]\nenabled = false\n"));
    let ran = place.run("preflight t.yml --heal").exits(2);
    ran.prints("1 held").prints("not restored");
}

#[test]
fn an_open_breaker_refuses_to_heal_and_another_instance_makes_it_wait() {
    let (place, objects) = Place::healthy(12);
    place.lose(&objects);
    place.run("audit").exits(2);
    place.team("t.yml", &[alone(objects[0].digest)]);
    let ran = place.run("preflight t.yml --heal").exits(4).prints("restock breaker show");
    assert_eq!(verdicts(&ran).len(), 1);
    assert_eq!(place.world.http.requests().len(), 0, "no source was asked");
    place.run("preflight t.yml").exits(2);
    place.run("breaker ack --expect-missing 12").exits(0);

    let gate = crate::support::http_server::Gate::closed();
    let slow =
        Answer::ok(objects[1].bytes[..3].to_vec()).then_wait(&gate, objects[1].bytes[3..].to_vec());
    place.world.answer(&objects[1], [slow]);
    let mut first = command(place.dir(), &format!("heal -q {}", objects[1].digest))
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    crate::binary::until("a download", || !place.world.http.requests().is_empty());
    let busy = place.run("preflight t.yml --heal --output json").exits(5).says("lock");
    assert_eq!(busy.json()["summary"]["outcome"], "busy");
    assert_eq!(busy.json()["summary"]["ok"], Value::Null);
    place.run("preflight t.yml").exits(2);
    gate.open();
    assert_eq!(first.wait().unwrap().code(), Some(0));
    place.run("preflight t.yml --heal --wait-lock 10s").exits(0);
    place.run("preflight t.yml --wait-lock 1s").exits(64).says("--heal");
}

#[test]
fn wrong_bytes_are_ok_to_fleet_and_told_until_they_are_healed() {
    let (place, objects) = Place::healthy(8);
    place.world.put(&objects[0].key, &vec![b'x'; objects[0].bytes.len()]);
    place.team("t.yml", &[alone(objects[0].digest)]);
    place.run("preflight t.yml").exits(0);
    place.run("audit --deep").exits(2);
    let ran =
        place.run("preflight t.yml").exits(2).prints("  ok  Fleet would hand out wrong bytes");
    ran.prints("1 corrupt");
    let document = place.run("preflight t.yml --output json -q").exits(2).json();
    assert_eq!(document["references"][0]["corrupt"], true);
    place.run("preflight t.yml --output github").exits(2).prints("::error file=t.yml,line=4");
    place.run("preflight t.yml --heal").exits(0).prints("1 healed");
    place.run("audit --deep").exits(0);
}

#[test]
fn files_that_cannot_be_read_as_gitops_fail_with_line_and_message_and_the_rest_is_checked() {
    let (place, objects) = Place::healthy(2);
    place.team("a.yml", &[alone(objects[0].digest), "    - path: none.yml\n".to_owned()]);
    place.file("b.yml", "software: [\n");
    let unset = "name: $TEAM\nsoftware:\n  packages:\n    - hash_sha256: $DIGEST\n";
    place.file("c.yml", unset);
    place.file(".github/workflows/x.yml", "on: push\njobs: {a: {run: \"$X ${{ secrets.Y }}\"}}\n");
    let ran = place.run("preflight . --output ndjson").exits(2);
    let lines = ran.lines();
    let (summary, records) = lines.split_last().unwrap();
    assert_eq!(summary["type"], "summary");
    assert_eq!(summary["schema"], "restock.preflight/v1");
    assert!(records.iter().all(|record| record["type"] != "summary"));
    let at = |record: &Value| (record["file"].as_str().unwrap().to_owned(), record["line"].clone());
    let problems: Vec<_> =
        records.iter().filter(|record| record["type"] == "problem").map(at).collect();
    let expected = [("a.yml", 5), ("b.yml", 1), ("c.yml", 1), ("c.yml", 4)];
    assert_eq!(problems, expected.map(|(file, line)| (file.to_owned(), line.into())));
    assert_eq!((&summary["ok"], &summary["would_fail"]), (&1.into(), &4.into()));

    let digest = objects[1].digest.to_string();
    let mut with_variables = command(place.dir(), "preflight c.yml");
    let ran = run(with_variables.env("TEAM", "T").env("DIGEST", &digest)).exits(0);
    assert_eq!(verdicts(&ran), [("c.yml:4".to_owned(), "ok".to_owned())]);
}

#[test]
fn exit_codes_follow_the_worst_that_happened() {
    let (place, objects) = Place::healthy(2);
    place.team("good.yml", &[alone(objects[0].digest)]);
    place.team("bad.yml", &[alone(NOBODY)]);
    place.run("preflight good.yml").exits(0);
    place.run("preflight good.yml bad.yml").exits(2);
    place.run("preflight bad.yml nowhere").exits(1).prints("would_fail").prints("nowhere");
    place.run("preflight -q good.yml *.none").exits(1).prints("*.none");
    place.run("preflight").exits(64).says("<PATH>");
    place.run("preflight good.yml --collection icons").exits(64).says("no collection `icons`");
    place.run(&format!("preflight bad.yml --collection {COLLECTION}")).exits(2);
    place.run("preflight good.yml --output xml").exits(64).says("github");
    place.run("-c none.toml preflight good.yml").exits(78);

    fs::rename(place.path("catalog.db"), place.path("away.db")).unwrap();
    place.team("worse.yml", &[alone("nope")]);
    let ran = place.run("preflight worse.yml --output json").exits(1).says("catalog.db").json();
    assert_eq!(ran["summary"]["outcome"], "failed");
    assert_eq!(ran["summary"]["would_fail"], Value::Null);
    assert_eq!(ran["references"][0]["verdict"], "would_fail", "that much is sure");
    fs::rename(place.path("away.db"), place.path("catalog.db")).unwrap();

    fs::rename(place.path("store"), place.path("away")).unwrap();
    let ran = place.run("preflight good.yml").exits(1);
    assert!(!ran.stdout.contains("not found with hash"), "{}", ran.stdout);
}

#[test]
fn a_store_that_does_not_answer_makes_nothing_absent() {
    let (place, objects) = Place::healthy(1);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    place.configure_with(
        "url = \"store\"",
        &format!(
            "url = \"s3://bucket/p\"\n[store.options]\naws_endpoint = \"http://{closed}\"\n\
             aws_allow_http = true\naws_region = \"us-east-1\"\naws_access_key_id = \"x\"\n\
             aws_secret_access_key = \"CANARY\""
        ),
    );
    let url = place.url(&objects[0]);
    place.team("a.yml", &[alone(objects[0].digest)]);
    place.team("b.yml", &[with_url(objects[0].digest, &url)]);
    let ran = place.run("preflight a.yml b.yml").exits(3);
    assert!(verdicts(&ran).iter().all(|(_, verdict)| verdict == "unknown"), "{}", ran.stdout);
    assert!(!format!("{ran:?}").contains("CANARY"));
    place.run("preflight a.yml --output github").exits(3).prints("::warning file=a.yml,line=4,");
    place.run("preflight a.yml --output junit").exits(3).prints("errors=\"1\"");
}

#[test]
fn annotations_name_files_from_the_checkout_on_and_no_more_than_ten_of_a_level() {
    let (place, objects) = Place::healthy(3);
    let mut packages: Vec<_> = (0..40).map(|n| alone(format_args!("{n:064x}"))).collect();
    packages.push(with_url(objects[0].digest, "https://u:CANARY@h.example/x.pkg?CANARY"));
    place.team("fleets/a,b.yml", &packages);
    let github = "preflight fleets --output github";
    let ran = place.run(github).exits(2);
    let of = |level: &str| ran.stdout.lines().filter(|line| line.starts_with(level)).count();
    assert_eq!((of("::error "), of("::warning "), of("::notice ")), (10, 0, 2));
    assert_eq!(ran.stdout.lines().count(), 12);
    let ran = ran.prints("::error file=fleets/a%2Cb.yml,line=4,col=20,title=restock preflight%3A ");
    let ran = ran.prints("31 more: fleets/a,b.yml:13, fleets/a,b.yml:14, ");
    assert!(ran.stdout.contains("fleets/a,b.yml:43"), "all are named: {}", ran.stdout);
    assert!(!ran.stdout.contains("CANARY"), "{}", ran.stdout);

    let checkout = place.dir().parent().unwrap().to_owned();
    let folder = place.dir().file_name().unwrap().to_string_lossy().into_owned();
    let ran = run(command(place.dir(), github).env("GITHUB_WORKSPACE", checkout)).exits(2);
    ran.prints(&format!("::error file={folder}/fleets/a%2Cb.yml,line=4,"));
    let quiet = place.run("preflight -q fleets --output github").exits(2);
    assert_eq!(quiet.stdout.lines().count(), 10, "{}", quiet.stdout);
}

#[test]
fn test_cases_hold_whatever_is_written_in_the_files() {
    let (place, objects) = Place::healthy(2);
    let hostile = "    - hash_sha256: \"<&\\\"\\e[31m\\0]]>\\uFFFE\"\n".to_owned();
    let odd_path = "    - path: \"\\uFFFE\\uFFFF.yml\"\n".to_owned();
    place.team("a.yml", &[alone(objects[0].digest), hostile, odd_path]);
    let line = "preflight a.yml --report junit=out.xml --report github=out.txt --output junit";
    let ran = place.run(line).exits(2);
    let file = fs::read_to_string(place.path("out.xml")).unwrap();
    assert_eq!(file, ran.stdout);
    assert!(fs::read_to_string(place.path("out.txt")).unwrap().starts_with("::error file=a.yml"));
    let mut reader = quick_xml::Reader::from_str(&file);
    let (mut cases, mut failures) = (0, 0);
    loop {
        let event = reader.read_event().unwrap();
        if event == quick_xml::events::Event::Eof {
            break;
        }
        if let quick_xml::events::Event::Start(tag) = event {
            cases += usize::from(tag.name().as_ref() == b"testcase");
            failures += usize::from(tag.name().as_ref() == b"failure");
        }
    }
    assert_eq!((cases, failures), (4, 2), "{file}");
    let allowed = |c: char| c == '\n' || !c.is_control() && u32::from(c) & 0xfffe != 0xfffe;
    assert!(file.chars().all(allowed), "{file}");

    place.run("preflight a.yml --report junit=nowhere/out.xml").exits(1).says("nowhere/out.xml");
}
