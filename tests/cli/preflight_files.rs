//! `restock preflight`: what is read of GitOps files, and what of them is shown.

use std::fs;

use serde_json::Value;

use crate::binary::{command, run};
use crate::place::Place;
use crate::preflight::{NOBODY, alone, verdicts, with_url};

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

/// UTF-16 with its byte order mark.
fn wide(text: &str) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn files_that_fleets_parser_reads_are_not_called_wrong() {
    let (place, objects) = Place::healthy(4);
    let [a, b, c, d] = [0, 1, 2, 3].map(|n| objects[n].digest.to_string());
    place.file(
        "fleets/tab.yml",
        &format!("name:\tT\nsoftware:\n  packages:\n    - hash_sha256:\t{a}\n"),
    );
    place.team(
        "fleets/twice.yml",
        &[format!("    - hash_sha256: nonsense\n      hash_sha256: {b}\n")],
    );
    let document = |digest: &str| format!("name: T\nsoftware:\n  packages:\n{}", alone(digest));
    place.file("fleets/two.yml", &format!("{}---\n{}", document(&c), document("nonsense")));
    place.file("fleets/wide.yml", "");
    fs::write(place.path("fleets/wide.yml"), wide(&document(&d))).unwrap();
    place.file("chart/templates/x.yaml", "{{- $x := .Values }}\nkind: X\n{{- end }}\n");
    place.file("lib/unused.yml", &format!("hash_sha256: {NOBODY}\n"));
    let ran = place.run("preflight fleets lib chart -v").exits(0);
    let verdicts = verdicts(&ran);
    let of = |wanted: &str| verdicts.iter().filter(|(_, verdict)| verdict == wanted).count();
    assert_eq!((of("ok"), of("note"), verdicts.len()), (4, 1, 5), "{}", ran.stdout);
    let ran = ran.prints("lib/unused.yml:1  -  note  no team names this package file");
    let ran =
        ran.prints("clean: 4 packages in 4 files, 4 ok").says("chart/templates/x.yaml:1: is a");
    ran.says("fleets/twice.yml:5: `hash_sha256` stands here again").says("fleets/two.yml:5: Fleet");
    let quiet = place.run("preflight fleets lib chart -q").exits(0);
    assert_eq!(quiet.stdout, "");
    let json = place.run("preflight fleets lib --output json").exits(0).json();
    assert_eq!(json["notes"][0]["file"], "lib/unused.yml");
    place.run("preflight fleets lib/unused.yml").exits(2);
    place.run("preflight lib").exits(2);
}

#[test]
fn what_fleets_client_refuses_of_a_package_fails_in_its_words() {
    let (place, objects) = Place::healthy(1);
    let digest = objects[0].digest;
    place.team(
        "t.yml",
        &[
            "    - url: https://h.example/a.exe\n".to_owned(),
            "    - url: https://u:CANARY@h.example/a.tgz?CANARY\n".to_owned(),
            "    - path: lib/a.yml\n".to_owned(),
            "    - path: lib/b.yml\n      icon: {path: x.png}\n".to_owned(),
        ],
    );
    place.file("lib/a.yml", &format!("hash_sha256: {digest}\nself_service: true\n"));
    place.file("lib/b.yml", "url: https://h.example/$FLEET_SECRET_TOKEN.pkg\n");
    let ran = place.run("preflight t.yml").exits(2);
    for part in [
        "t.yml:4  -  would_fail  software URL https://h.example/a.exe refers to an .exe package, which requires both",
        "t.yml:5  -  would_fail  software URL https://h.example/a.tgz refers to a .tar.gz archive, which requires both",
        "t.yml:8  -  would_fail  the software package defined in lib/b.yml must not have icons",
        "lib/a.yml:2  -  would_fail  labels, categories, setup_experience, and self_service values must be",
        "lib/b.yml:1  -  would_fail  environment variables with \"FLEET_SECRET_\" prefix are only allowed in",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("CANARY"), "{}", ran.stdout);
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
fn what_a_folder_holds_and_nobody_can_read_is_told_and_no_all_clear() {
    let (place, _) = Place::healthy(1);
    place.file("fleets/default.yml", "org_settings:\n");
    std::os::unix::fs::symlink("nowhere.yml", place.path("fleets/a.yml")).unwrap();
    let ran = place.run("preflight fleets").exits(1);
    assert!(ran.stdout.contains("fleets/a.yml"), "{ran:?}");
}

#[test]
fn where_there_is_nothing_to_check_that_is_told() {
    let (place, _) = Place::healthy(1);
    place.file("fleets/a.yml", "name: T\ncontrols:\n");
    place.file("other/values.yml", "image: {tag: 1}\n");
    for paths in ["fleets", "other", "other -q"] {
        place.run(&format!("preflight {paths}")).exits(0).says("nothing was checked");
    }
    let with = "software:\n  packages:\n    - hash_sha256: 5\n    - url: [1]\n";
    place.file("fleets/b.yml", &format!("name: U\n{with}"));
    let ran = place.run("preflight fleets").exits(2);
    assert_eq!(ran.stderr, "");
    ran.prints("findings: 2 packages in 1 file, 2 would fail");
}
