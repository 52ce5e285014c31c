//! The fixtures, and files that cannot be kept in a repository.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;

use restock::gitops::{Among, Found, Install, Kind, Place, Text};

use crate::golden::expect_file;
use crate::{fixtures, read};

fn place(place: &Place) -> String {
    format!("{}:{}:{}", place.file.display(), place.line, place.column)
}

/// Everything that was found, a line for each.
fn told(found: &Found) -> String {
    let mut out = String::new();
    for reference in &found.references {
        let kind = match reference.kind {
            Kind::Inline => "inline",
            Kind::PackageFile => "package file",
        };
        let hash = reference.hash_sha256.as_ref().map_or("-", Text::value);
        let url = reference.url.as_ref().map_or("-", Text::value);
        let always = if reference.always_download { " always" } else { "" };
        writeln!(out, "{} {kind}{always}\n    {hash}\n    {url}", place(&reference.at)).unwrap();
        for used in reference.used_at.iter().filter(|used| **used != reference.at) {
            writeln!(out, "    used at {}", place(used)).unwrap();
        }
    }
    for install in &found.installs {
        let hash = install.hash_sha256.as_ref().map_or("-", Text::value);
        let among = match &install.among {
            Among::Team(at) => format!("at {}", place(at)),
            Among::Nothing => "nothing".to_owned(),
            Among::Unsure => "unsure".to_owned(),
            Among::Server => "the server".to_owned(),
        };
        let (at, team) = (place(&install.at), install.team.display());
        writeln!(out, "{at} policy of {team}\n    {hash}\n    {among}").unwrap();
    }
    for problem in &found.problems {
        writeln!(out, "{} problem\n    {}", place(&problem.at), problem.message).unwrap();
    }
    for (kind, notes) in [("note", &found.notes), ("remark", &found.remarks)] {
        for note in notes {
            writeln!(out, "{} {kind}\n    {}", place(&note.at), note.message).unwrap();
        }
    }
    for (path, cause) in &found.unreadable {
        writeln!(out, "{} unreadable\n    {cause}", path.display()).unwrap();
    }
    out
}

#[test]
fn good_files_give_their_packages_and_no_problem() {
    let found = read(&fixtures(), &["good"]);
    expect_file("tests/golden/gitops-good.txt", &told(&found));
    assert_eq!(found.problems, []);
    assert_eq!(found.unreadable, []);
    assert!(found.references.len() > 20);
    let lost = |install: &&Install| matches!(install.among, Among::Nothing | Among::Unsure);
    assert_eq!(found.installs.iter().find(lost), None);
    assert!(found.installs.len() > 4);
}

#[test]
fn bad_files_are_told_by_line_and_the_rest_of_them_is_read() {
    let found = read(&fixtures(), &["bad"]);
    expect_file("tests/golden/gitops-bad.txt", &told(&found));
    assert_eq!(found.unreadable, []);
    let with_problems = |name: &str| found.problems.iter().any(|p| p.at.file.ends_with(name));
    for name in ["unclosed.yml", "half.yml", "tabs.yml", "template.yml", "latin1.yml"] {
        assert!(with_problems(name), "{name}");
    }
    assert!(fixtures().join("bad").read_dir().unwrap().count() > 30);
}

/// A folder with one file, and the digest in it.
fn folder_with(name: &str, text: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    folder
}

fn team(items: &str) -> String {
    format!("name: T\nsoftware:\n  packages:\n{items}")
}

fn lines(found: &Found) -> Vec<(u32, u32)> {
    found.references.iter().map(|reference| (reference.at.line, reference.at.column)).collect()
}

#[test]
fn a_byte_order_mark_and_lines_of_windows_change_no_place() {
    let text = team("    - url: https://h/é.pkg\n      hash_sha256: $DIGEST # é\n    - url: u\n");
    for text in [
        text.clone(),
        text.replace('\n', "\r\n"),
        format!("\u{feff}{text}"),
        format!("\u{feff}{}", text.replace('\n', "\r\n")),
    ] {
        let folder = folder_with("t.yml", text.as_bytes());
        let found = read(folder.path(), &["t.yml"]);
        assert_eq!((lines(&found), found.problems.len()), (vec![(5, 20), (6, 7)], 0), "{text:?}");
    }
}

#[test]
fn a_file_met_in_several_ways_is_told_once() {
    let fixtures = fixtures();
    let once = read(&fixtures, &["bad"]);
    let often = read(&fixtures, &["bad", "bad/*.yml", "bad/../bad", "bad/unset.yml", "**/one.yml"]);
    // Only the outside of `good` is new.
    assert_eq!(told(&often), told(&once));
}

#[test]
fn patterns_and_files_are_read_and_what_is_not_there_is_told() {
    let found = read(&fixtures(), &["good/teams/no-*.yml", "good/lib/software/hash-only.yml"]);
    assert_eq!(found.references.len(), 3);
    assert_eq!(found.references[0].used_at.len(), 1, "a package file that no team names");
    let absent = read(&fixtures(), &["nowhere", "good/*.none", "good/[", "good/default.yml"]);
    let causes: Vec<_> = absent
        .unreadable
        .iter()
        .map(|(path, cause)| format!("{}: {cause}", path.display()))
        .collect();
    assert!(causes[0].starts_with("nowhere: No such file"), "{causes:?}");
    assert_eq!(causes[1], "good/*.none: matches no file");
    assert!(causes[2].starts_with("good/[: is no pattern"), "{causes:?}");
    assert_eq!(causes.len(), 3);
}

#[test]
fn a_name_with_signs_of_a_pattern_is_a_name_where_there_is_such_a_file() {
    let folder = folder_with("a[1].yml", team("    - url: u\n").as_bytes());
    assert_eq!(read(folder.path(), &["a[1].yml"]).references.len(), 1);
}

#[test]
fn links_that_go_round_pipes_and_devices_are_not_read_for_ever() {
    let folder = folder_with(
        "teams/a.yml",
        team("    - path: ../pipe.yml\n    - path: zero.yml\n").as_bytes(),
    );
    let at = |name: &str| folder.path().join(name);
    symlink(folder.path(), at("teams/round")).unwrap();
    symlink(at("self.yml"), at("self.yml")).unwrap();
    symlink("/dev/zero", at("teams/zero.yml")).unwrap();
    symlink(at("teams/a.yml"), at("linked.yml")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(at("pipe.yml")).status().unwrap();
    assert!(made.success());
    let found = read(folder.path(), &["."]);
    let problems: Vec<_> = found.problems.iter().map(|p| (p.at.line, p.message.as_str())).collect();
    assert_eq!(
        problems,
        [
            (4, "cannot read the package file ../pipe.yml: it is no regular file"),
            (5, "cannot read the package file zero.yml: it is no regular file"),
        ]
    );
    let named = read(folder.path(), &["pipe.yml", "self.yml"]);
    assert_eq!(named.unreadable.len(), 2, "{:?}", named.unreadable);
}

#[test]
fn files_that_are_huge_are_not_read() {
    let long = team(&format!("    - url: u\n#{}\n", "x".repeat(5 << 20)));
    let folder = folder_with("long.yml", long.as_bytes());
    let many = team(&"    -\n".repeat(600_000));
    fs::write(folder.path().join("many.yml"), many).unwrap();
    let deep = team(&format!("    {}\n", "- ".repeat(300)));
    fs::write(folder.path().join("deep.yml"), deep).unwrap();
    let found = read(folder.path(), &["."]);
    let problems: Vec<_> = found.problems.iter().map(|p| (p.at.line, p.message.as_str())).collect();
    assert_eq!(
        problems,
        [
            (4, "nests deeper than 100 values, and is not read"),
            (1, "is larger than 4 MiB, and is not read"),
            (500_000 - 3, "holds more than 500000 values, and is not read"),
        ]
    );
}

#[test]
fn a_path_may_leave_the_folder_that_was_named() {
    let found = read(&fixtures(), &["good/teams/outside.yml"]);
    assert_eq!(found.references[0].at.file, std::path::Path::new("outside/package.yml"));
    let elsewhere = read(&fixtures().join("good/teams"), &["outside.yml"]);
    assert_eq!(elsewhere.references[0].at.file, fixtures().join("outside/package.yml"));
}

#[test]
fn a_package_file_counts_where_a_team_or_the_command_line_names_it() {
    let folder = folder_with("lib/a.yml", b"hash_sha256: $DIGEST\n");
    fs::write(folder.path().join("lib/bad.yml"), "hash_sha256: $NOT_SET\n").unwrap();
    let of = |paths: &[&str]| {
        let found = read(folder.path(), paths);
        (found.references.len(), found.problems.len(), found.notes.len())
    };
    assert_eq!(of(&["lib"]), (1, 1, 0), "no team is looked at");
    fs::write(folder.path().join("t.yml"), team("    - url: u\n")).unwrap();
    assert_eq!(of(&["lib", "t.yml"]), (1, 0, 2));
    assert_eq!(of(&["."]), (1, 0, 2));
    assert_eq!(of(&[".", "lib/a.yml"]), (2, 0, 1));
    assert_eq!(of(&["lib/*.yml", "t.yml"]), (2, 1, 0));
    fs::write(folder.path().join("t.yml"), team("    - path: lib/a.yml\n")).unwrap();
    assert_eq!(of(&["lib", "t.yml"]), (1, 0, 1));
}

#[test]
fn templates_are_passed_by_unless_they_are_named() {
    let folder = folder_with("chart/templates/a.yaml", b"{{- $x := 1 }}\nkind: X\n{{- end }}\n");
    let found = read(folder.path(), &["."]);
    assert_eq!((found.problems.len(), found.remarks.len()), (0, 1));
    assert_eq!(read(folder.path(), &["chart/templates/a.yaml"]).problems.len(), 1);
    let of_a_team = folder_with("a.yml", b"{{- if x }}\nsoftware: {{ x }}\n{{- end }}\n");
    assert_eq!(read(of_a_team.path(), &["."]).problems.len(), 1);
}

#[test]
fn of_a_team_that_cannot_be_read_whole_nobody_says_what_it_lacks() {
    let policies = "  - install_software: {hash_sha256: $DIGEST}\n";
    let text = |item: &str| format!("controls:\npolicies:\n{policies}{}", team(item));
    for (item, among) in [
        ("    - url: u\n      hash_sha256: x\n", Among::Nothing),
        ("    - hash_sha256: $NOT_SET\n", Among::Unsure),
        ("    - path: none.yml\n", Among::Unsure),
        ("    - url: u\n", Among::Unsure),
    ] {
        let folder = folder_with("t.yml", text(item).as_bytes());
        let found = read(folder.path(), &["t.yml"]);
        assert_eq!(found.installs.len(), 1, "{item}: {:?}", found.problems);
        assert_eq!(found.installs[0].among, among, "{item}");
    }
}

#[test]
fn policies_of_other_programs_are_passed_by() {
    let text = "policies:\n  - path: none.yml\n  - install_software: {hash_sha256: $NONE}\n";
    let folder = folder_with("p.yml", text.as_bytes());
    let found = read(folder.path(), &["p.yml"]);
    assert_eq!((found.installs.as_slice(), found.problems.as_slice()), (&[][..], &[][..]));
}

#[test]
fn an_alias_asks_for_its_package_once_more() {
    let text = team("    - &a {hash_sha256: $DIGEST}\n    - *a\n    - *a\n");
    let folder = folder_with("t.yml", text.as_bytes());
    let found = read(folder.path(), &["t.yml"]);
    assert_eq!(found.references.len(), 1);
    assert_eq!(found.references[0].used_at.len(), 2);
}
