//! Text of strangers: names, keys, paths and what servers say, in everything that people read.

use std::fs;

use crate::binary::{command, run};
use crate::place::Place;

/// What a CI system takes for a command, and what turns, hides or breaks a line.
const HOSTILE: &str = "::error::a##[error]b\u{1b}[2Jc\rd\u{85}e\u{9b}f\u{202e}g\u{2066}h\u{61c}i\
                       \u{200f}j\u{fffe}k\u{ffff}l";

#[track_caller]
fn is_harmless(text: &str, line: &str) {
    for odd in text.chars() {
        let harmless = odd == '\n'
            || !odd.is_control() && !HOSTILE.contains(odd)
            || odd.is_ascii() && !odd.is_ascii_control();
        assert!(harmless, "{line}: {odd:?} in\n{text:?}");
    }
    assert!(!text.contains("##["), "{line}:\n{text}");
    let github = line.contains("github");
    for shown in text.lines().map(str::trim_start).filter(|shown| shown.starts_with("::")) {
        let levels = ["error", "warning", "notice"].map(|level| format!("::{level} title=restock"));
        let own = levels.iter().map(String::as_str).chain(["::error file="]).collect::<Vec<_>>();
        assert!(github && own.iter().any(|own| shown.starts_with(own)), "{line}: {shown}");
    }
}

#[test]
fn no_name_key_or_path_steers_a_terminal_or_a_ci_system() {
    let (place, objects) = Place::healthy(6);
    place.lose(&objects[..2]);
    place.sql(&format!("UPDATE packages SET filename = '{HOSTILE}'"));
    place.sql(&format!("INSERT INTO packages (sha256, filename) VALUES ('{HOSTILE}', 'x')"));
    place.world.put(&format!("software-installers/{HOSTILE}"), b"foreign");
    fs::create_dir(place.path("gitops")).unwrap();
    let team = "name: x\nsoftware:\n  packages:\n    - hash_sha256: nonsense\n";
    fs::write(place.path(&format!("gitops/{HOSTILE}.yml")), team).unwrap();
    for line in [
        "audit",
        "audit --log-format text -vv",
        "audit --log-format journald -vv",
        "audit --output junit",
        "audit --output github",
        "heal --dry-run",
        "heal --log-format text",
        "show 0000000000000000000000000000000000000000000000000000000000000000",
        &format!("show {}", objects[3].digest),
        "status",
        "sources",
        "preflight gitops",
        "preflight gitops --output github",
        "preflight gitops --output junit",
        "import gitops --source-url-base https://h.example",
    ] {
        let mut restock = command(place.dir(), line);
        let ran = run(restock.env("GITHUB_ACTIONS", "true"));
        is_harmless(&ran.stdout, line);
        is_harmless(&ran.stderr, line);
    }
    let gitops = fs::canonicalize(place.path("gitops")).unwrap();
    let ran = run(command(&gitops, "-c ../restock.toml preflight").arg(format!("{HOSTILE}.yml")));
    assert!(ran.stdout.starts_with(r"\u{3a}:error::a##\u{5b}error]b\u{1b}"), "{ran:?}");
    is_harmless(&ran.stdout, "preflight");
    for wrong in ["audit --collection", "show", "-c"] {
        let ran = run(command(place.dir(), wrong).arg(HOSTILE).arg(HOSTILE));
        assert_ne!(ran.code, 0);
        is_harmless(&ran.stderr, wrong);
    }
}
