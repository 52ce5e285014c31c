//! `restock preflight`: files of a GitOps repository against a catalog and a store.

use std::fs;

use serde_json::Value;

use crate::binary::{Ran, command, run};
use crate::place::{CONFIGURATION, Place};
use crate::support::http_server::Answer;
use crate::support::world::{COLLECTION, Object};

/// A digest that nothing has.
const NOBODY: &str = "00000000000000000000000000000000000000000000000000000000000f1eec";

impl Place {
    /// Writes a team's file whose packages begin in its fourth line.
    fn team(&self, name: &str, packages: &[String]) {
        let packages = packages.concat();
        self.file(name, &format!("name: T\nsoftware:\n  packages:\n{packages}"));
    }

    fn file(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn url(&self, object: &Object) -> String {
        self.world.row_of(object).url.unwrap()
    }
}

fn alone(digest: impl std::fmt::Display) -> String {
    format!("    - hash_sha256: {digest}\n")
}

fn with_url(digest: impl std::fmt::Display, url: &str) -> String {
    format!("    - hash_sha256: {digest}\n      url: {url}\n")
}

/// `file:line verdict` of every line that was printed.
fn verdicts(ran: &Ran) -> Vec<(String, String)> {
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
fn a_policy_whose_package_its_team_lacks_fails_in_fleets_words() {
    let (place, objects) = Place::healthy(3);
    let [here, there, other] = [0, 1, 2].map(|n| objects[n].digest.to_string());
    let policy = |install: &str| format!("  - name: P\n    install_software: {{{install}}}\n");
    let by = |digest: &str| policy(&format!("hash_sha256: {digest}"));
    let head = "name: T\ncontrols:\npolicies:\n";
    let software = format!("software:\n  packages:\n    - hash_sha256: {here}\n");
    let file = |name: &str, policies: &[String], software: &str| {
        place.file(name, &format!("{head}{}{software}", policies.concat()));
    };
    file("fleets/a.yml", &[by(&here), by(&there), "  - paths: ../lib/p/*.yml\n".into()], &software);
    file("fleets/b.yml", &[by(&there), by(NOBODY)], "");
    file("fleets/c.yml", &[by(&there)], &format!("{software}    - url: https://h.example/x.pkg\n"));
    let in_file = format!(
        "- install_software: {{package_path: ../s/other.yml}}\n- install_software: true\n\
         - install_software: {{hash_sha256: {here}}}\n"
    );
    place.file("lib/p/a.yml", &in_file);
    place.file("lib/s/other.yml", &format!("hash_sha256: {other}\n"));

    let ran = place.run("preflight fleets").exits(2);
    let told = [
        ("fleets/a.yml:5", "ok", ""),
        (
            "fleets/a.yml:7",
            "would_fail",
            &*format!("package not found with hash {there} (the team of"),
        ),
        ("fleets/a.yml:11", "ok", ""),
        ("fleets/b.yml:5", "unknown", "fleets/b.yml leaves its software to the server"),
        ("fleets/b.yml:7", "would_fail", &*format!("package not found with hash {NOBODY} (no row")),
        ("fleets/c.yml:5", "unknown", "cannot tell whether the team of fleets/c.yml has"),
        ("fleets/c.yml:8", "ok", ""),
        (
            "lib/p/a.yml:1",
            "would_fail",
            &*format!(
                "install_software.package_path SHA256 {other} not found on team: ../s/other.yml"
            ),
        ),
        ("lib/p/a.yml:3", "ok", "the team of fleets/a.yml has its package: see fleets/a.yml:11"),
    ];
    let lines: Vec<_> = ran.stdout.lines().take(told.len()).collect();
    for (line, (at, verdict, message)) in lines.iter().zip(told) {
        let parts: Vec<_> = line.split("  ").collect();
        assert_eq!((parts[0], parts[2]), (at, verdict), "{}", ran.stdout);
        assert!(parts[3].starts_with(message), "{message}: {}", ran.stdout);
    }
    place.run("preflight fleets/b.yml fleets/c.yml -q").exits(2);
    place.run("preflight fleets/c.yml").exits(3);
    let json = place.run("preflight fleets/a.yml --output json").exits(2).json();
    assert_eq!(json["summary"]["policies"], 3);
    assert_eq!(json["references"][0]["policy_of"], "fleets/a.yml");
    assert_eq!(json["references"][2]["policy_of"], Value::Null);
}

/// A secret that would be taken for a digest, and one that would not.
const SECRETS: [(&str, &str); 4] = [
    ("TOKEN", "c4a7a7c4a7a7c4a7a7c4a7a7c4a7a7c4a7a7c4a7a7c4a7a7c4a7a7c4a7a7c4a7"),
    ("PASSWORD", "CANARY-1"),
    ("STRAY", "CANARY-2: [%@`{"),
    ("FOLDER", "CANARY-3"),
];

#[test]
fn what_a_variable_holds_is_shown_in_no_form_of_a_report() {
    let (place, objects) = Place::healthy(3);
    place.lose(&objects[..1]);
    let inline = [
        alone("$TOKEN"),
        alone("$PASSWORD"),
        alone("x${PASSWORD}y"),
        with_url("$TOKEN", "https://h.example/$PASSWORD/x.pkg"),
        "    - path: $FOLDER/x.yml\n".to_owned(),
        "    - path: $FOLDER.txt\n".to_owned(),
        alone("$LOST"),
    ];
    place.team("a.yml", &inline);
    place.team("b.yml", &["    - url: u\n      x: [$STRAY\n".to_owned()]);
    let lost = objects[0].digest.to_string();
    for line in ["table", "json", "ndjson", "junit", "github", "json --heal", "table -v"] {
        let line = format!("preflight a.yml b.yml --output {line}");
        let mut command = command(place.dir(), &line);
        let ran = run(command.envs(SECRETS).env("LOST", &lost)).exits(2);
        let told = ran.stdout.replace("%24", "$");
        assert!(told.contains("package not found with hash $TOKEN"), "{line}: {told}");
        assert!(told.contains("$PASSWORD") && told.contains("x${PASSWORD}y"), "{line}: {told}");
        assert!(told.contains("$FOLDER/x.yml"), "{line}: {told}");
        for (name, secret) in SECRETS {
            assert!(!format!("{ran:?}").contains(secret), "{line} tells {name}: {ran:?}");
        }
        assert!(!told.contains("CANARY"), "{line}: {told}");
    }
}

#[test]
fn variables_of_restock_the_store_the_database_and_the_job_are_refused_set_or_not() {
    let (place, _) = Place::healthy(1);
    let names = ["AWS_SECRET_ACCESS_KEY", "RESTOCK_X", "FLEET_MYSQL_PASSWORD", "PGPASSWORD"];
    let more = ["GITHUB_TOKEN", "CI_JOB_TOKEN", "ACTIONS_RUNTIME_TOKEN", "MYSQL_PWD"];
    let names: Vec<_> = names.into_iter().chain(more).collect();
    let items: Vec<_> = names.iter().map(|name| alone(format_args!("${name}"))).collect();
    place.team("a.yml", &items);
    let line = "preflight a.yml";
    let unset = place.run(line).exits(2);
    let mut command = command(place.dir(), line);
    // Variables of restock itself must be ones that it knows.
    let set = names.iter().filter(|name| !name.starts_with("RESTOCK_"));
    let ran = run(command.envs(set.map(|name| (name, "CANARY")))).exits(2);
    assert_eq!(ran.stdout, unset.stdout, "whether they are set is not told either");
    assert!(!format!("{ran:?}").contains("CANARY"), "{ran:?}");
    for (line, name) in (4..).zip(names) {
        let told = format!("a.yml:{line}  -  would_fail  environment variable \"{name}\" is kept");
        assert!(ran.stdout.contains(&told), "{told}: {}", ran.stdout);
    }
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
