//! Hostile and broken files: nothing panics, everything ends, and places are in the file.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use crate::{fixtures, read};

/// Every file that is written for these tests.
fn texts() -> Vec<Vec<u8>> {
    let (mut texts, mut pending) = (Vec::new(), vec![fixtures()]);
    while let Some(folder) = pending.pop() {
        let mut entries: Vec<PathBuf> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                pending.push(path);
            } else {
                texts.push(fs::read(path).unwrap());
            }
        }
    }
    texts
}

/// What YAML, Fleet and variables give a meaning to.
const PARTS: [&str; 46] = [
    "software:",
    "packages:",
    "path: ",
    "hash_sha256: ",
    "policies:",
    "install_software: ",
    "package_path: fuzzed.yml",
    "controls:",
    "-\t",
    ":\t",
    "url: ",
    "- ",
    ": ",
    "? ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\n",
    "  ",
    "\t",
    "&a ",
    "*a",
    "<<: *a",
    "!t ",
    "!!str ",
    "|",
    ">-",
    "'",
    "\"",
    "\\",
    "$DIGEST",
    "${UNSET}",
    "\\$",
    "$",
    "#",
    " # ",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "é",
    "\u{feff}",
    "\0",
    "\u{85}",
    "\r",
];

/// One file among the fixtures' neighbors, read as a team's and as a package file.
fn check(bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("fuzzed.yml"), bytes).unwrap();
    let naming = "name: T\nsoftware:\n  packages:\n    - path: fuzzed.yml\n";
    fs::write(folder.path().join("naming.yml"), naming).unwrap();
    let found = read(folder.path(), &["fuzzed.yml", "naming.yml"]);
    let ends = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let n_lines = ends.split(|byte| *byte == b'\n').count();
    let places = found.references.iter().map(|reference| &reference.at);
    for place in places.chain(found.problems.iter().map(|problem| &problem.at)) {
        let within = if place.file.ends_with("naming.yml") { 4 } else { n_lines };
        assert!(place.line >= 1 && place.column >= 1, "{place:?}");
        assert!(usize::try_from(place.line).unwrap() <= within, "{place:?} of {within}");
    }
    assert!(found.references.iter().all(|reference| !reference.used_at.is_empty()));
}

/// Files in which something is looked at again for each of very many others: if that took the
/// product of both, these would take minutes.
#[test]
fn hostile_files_take_no_more_than_their_size() {
    let wide = (0..20_000).map(|n| format!("  k{n}: v\n")).collect::<Vec<_>>().concat();
    let aliases = "    - *a\n".repeat(20_000);
    let merges = "    - {<<: *a}\n".repeat(15_000);
    let head = "software:\n  packages:\n";
    check(format!("x: &a\n{wide}{head}{aliases}").as_bytes());
    check(format!("x: &a\n{wide}{head}{merges}").as_bytes());
    check(format!("x: &a\n{}{head}{aliases}", "  url: u\n".repeat(20_000)).as_bytes());
    check(format!("- &a\n{wide}{}", "- *a\n".repeat(80_000)).as_bytes());
    let paths = "    - path: fuzzed.yml\n".repeat(10_000);
    check(format!("{head}{paths}").as_bytes());
    let listed = "- hash_sha256: 0\n".repeat(30_000);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("l.yml"), listed).unwrap();
    let naming = format!("name: T\n{head}{}", "    - path: l.yml\n".repeat(30_000));
    fs::write(folder.path().join("t.yml"), naming).unwrap();
    let found = read(folder.path(), &["t.yml"]);
    assert!(found.references.is_empty(), "numbers are no hashes");
    assert_eq!(found.problems.len(), 30_000);
    check("$UNSET".repeat(100_000).as_bytes());
    check(format!("software: {}", "\\$".repeat(200_000)).as_bytes());
    check("  description: $x\n".repeat(40_000).as_bytes());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check(&bytes);
    }

    #[test]
    fn parts_in_any_order(parts in prop::collection::vec(0..PARTS.len(), 0..60)) {
        check(parts.iter().map(|part| PARTS[*part]).collect::<String>().as_bytes());
    }

    #[test]
    fn fixtures_cut_and_mutated(
        which in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        edits in prop::collection::vec(
            (any::<prop::sample::Index>(), 0..PARTS.len(), any::<bool>()),
            0..6,
        ),
    ) {
        let texts = texts();
        let mut bytes = which.get(&texts).clone();
        for (at, part, replace) in edits {
            let at = at.index(bytes.len() + 1);
            let end = if replace { (at + PARTS[part].len()).min(bytes.len()) } else { at };
            bytes.splice(at..end, PARTS[part].bytes());
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        check(&bytes);
    }

    /// A hash stands where it is said to stand, whatever stands around it.
    #[test]
    fn places_are_those_of_the_text(
        before in "[a-zé ]{0,12}",
        comment in "(# [a-z$é]{0,9})?",
        variables in 0..4_usize,
        windows in any::<bool>(),
    ) {
        let value = "$LONG ".repeat(variables);
        let text = format!(
            "name: 'x{before}' {comment}\nother: {value}{{a: [é, \"b\"]}}\nsoftware:\n  packages:\n    \
             - {{url: '{before}${{LONG}}', hash_sha256: HERE}}\n"
        );
        let text = if windows { text.replace('\n', "\r\n") } else { text };
        // A `$` of the comment may be no variable that is set.
        let text = text.replace('$', if comment.contains('$') { "" } else { "$" });
        let text = if variables > 0 { text.replace("{a: [é, \"b\"]}", "") } else { text };
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("t.yml"), &text).unwrap();
        let long = |name: &str| (name == "LONG").then(|| "line one, é".to_owned());
        let found = restock::gitops::read(&["t.yml".into()], folder.path(), &long);
        prop_assert_eq!(&found.problems, &[]);
        let at = &found.references[0].at;
        let line = text.lines().nth(usize::try_from(at.line).unwrap() - 1).unwrap();
        let from: String = line.chars().skip(usize::try_from(at.column).unwrap() - 1).collect();
        prop_assert!(from.starts_with("HERE"), "{:?}: {}", at, text);
    }
}
