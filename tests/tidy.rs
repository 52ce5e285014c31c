//! House rules that the compiler cannot check. Each is a function from sources to complaints, so
//! that the tests below can also show that it complains.
#![expect(clippy::unwrap_used, reason = "a broken check should stop")]

#[path = "support/advisories.rs"]
mod advisories;
#[path = "support/layers.rs"]
mod layers;
#[path = "support/rust_text.rs"]
mod rust_text;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use layers::{LAYERS, May};
use rust_text::{code, paths};

/// Modules that decide and never act.
const PURE: &[&str] = &["reconcile", "plan"];

/// Crates and parts of the standard library by which one acts, or learns of the time.
const EFFECTS: &[&str] = &[
    "tokio",
    "sqlx",
    "object_store",
    "reqwest",
    "rand",
    "tempfile",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::SystemTime",
    "std::time::Instant",
];

/// By which a file, an object or a row is taken away.
const TAKES_AWAY: &[&str] = &["delete", "remove_file", "remove_dir", "unlink", "drop_table"];

/// What can remove an object, and the only places that may name it: the port with its adapters, and
/// what a person's own commands run.
const REMOVES: &[&str] = &["removingstore", "open_removing"];
const REMOVERS: &[&str] = &["src/store/", "src/removal/", "src/cli/removing.rs"];

/// Names that design.md gives other words for, and the only modules whose libraries force them.
const WORDS: &[(&str, &[&str])] = &[
    ("bucket", &["store", "config", "observe"]),
    ("checksum", &["store"]),
    ("blob", &["catalog", "ledger"]),
    ("shard", &[]),
    ("upstream", &[]),
    ("recheck", &[]),
    ("whitelist", &[]),
];

/// Spellings that are not American.
const SPELLINGS: &[&str] =
    &["colour", "behaviour", "catalogue", "honour", "favour", "neighbour", "licence", "artefact"];

const LINES_MAX: usize = 400;

struct Source {
    path: String,
    text: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// The top-level module of `src/` that the file belongs to.
    fn module(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        Some(inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs"))
    }

    /// How many modules deep the file stands: `src/a.rs` and `src/a/mod.rs` are one deep.
    fn depth(&self) -> usize {
        let inside = self.path.trim_start_matches("src/").trim_end_matches("/mod.rs");
        inside.split('/').count()
    }

    /// Its code without tests.
    fn production(&self) -> String {
        code(self.text.split("#[cfg(test)]").next().unwrap_or(""))
    }
}

fn layer(module: &str) -> Option<(usize, &'static May)> {
    LAYERS.iter().enumerate().find_map(|(at, layer)| {
        layer.iter().find(|(name, _)| *name == module).map(|(_, may)| (at, may))
    })
}

fn imports(source: &Source) -> Vec<String> {
    let Some(module) = source.module() else { return Vec::new() };
    let Some((own, may)) = layer(module) else {
        return vec![format!("{}: `{module}` has no layer", source.path)];
    };
    let code = code(&source.text);
    let mut complaints = Vec::new();
    for path in [paths(&code, "crate"), paths(&code, "restock")].concat() {
        let Some(target) = path.split("::").nth(1).filter(|target| *target != module) else {
            continue;
        };
        let allowed = match (may, layer(target)) {
            (_, None) => source.path == "src/main.rs",
            (May::Only(names), Some(_)) => names.contains(&target),
            (May::Below, Some((below, _))) => below < own,
        };
        if !allowed {
            complaints.push(format!("{}: `{module}` imports `{target}`", source.path));
        }
    }
    // `crate::` is the one way out of a module: what climbs out by `super` would go unseen.
    let to_root = |levels: usize| "super::".repeat(levels);
    let (production, depth) = (source.production(), source.depth());
    if module != "lib"
        && (production.contains(&to_root(depth)) || code.contains(&to_root(depth + 1)))
    {
        complaints.push(format!("{}: leaves `{module}` by `super`", source.path));
    }
    complaints
}

fn purity(source: &Source) -> Vec<String> {
    if !source.module().is_some_and(|module| PURE.contains(&module)) {
        return Vec::new();
    }
    let code = source.production();
    let named = |effect: &&&str| {
        let root = effect.split("::").next().unwrap_or(effect);
        let is_it = |path: &String| path.starts_with(**effect);
        paths(&code, root).iter().any(is_it)
    };
    EFFECTS
        .iter()
        .filter(named)
        .map(|effect| format!("{}: decides, and names `{effect}`", source.path))
        .chain(code.contains("async ").then(|| format!("{}: decides, and waits", source.path)))
        .collect()
}

fn takes_nothing_away(source: &Source) -> Vec<String> {
    let elsewhere = !REMOVERS.iter().any(|place| source.path.starts_with(place));
    let handles = REMOVES.iter().filter(|_| source.module().is_some() && elsewhere);
    let words = TAKES_AWAY.iter().filter(|_| source.module() == Some("heal"));
    let code = code(&source.text).to_lowercase();
    let found = handles.chain(words).filter(|word| code.contains(**word));
    found.map(|word| format!("{}: takes away, and names `{word}`", source.path)).collect()
}

fn words(source: &Source) -> Vec<String> {
    let Some(module) = source.module() else { return Vec::new() };
    let code = source.production().to_lowercase();
    let found =
        WORDS.iter().filter(|(word, forced)| code.contains(word) && !forced.contains(&module));
    found.map(|(word, _)| format!("{}: `{word}` is another word's place", source.path)).collect()
}

fn spelling(source: &Source) -> Vec<String> {
    let text = source.text.to_lowercase();
    let found = SPELLINGS.iter().filter(|word| text.contains(**word));
    found.map(|word| format!("{}: `{word}` has an American spelling", source.path)).collect()
}

fn length(source: &Source) -> Vec<String> {
    let n_lines = source.text.lines().count();
    if n_lines <= LINES_MAX {
        return Vec::new();
    }
    vec![format!("{}: {n_lines} lines, and {LINES_MAX} are the limit", source.path)]
}

/// Paths and hosts that exist on one machine only.
fn places(source: &Source) -> Vec<String> {
    // Taken apart, or this file would name them.
    let homes = ["root", "work", "home", "Users"].map(|folder| format!("/{folder}/"));
    let hosts = ["index-url", "trusted-host", "sparse+http", "replace-with", "GOPROXY="];
    let own = source.path == "tests/tidy.rs";
    let mut complaints = Vec::new();
    for (at, line) in source.text.lines().enumerate() {
        let home = homes.iter().find(|home| names_root(line, home));
        let host = hosts.iter().find(|host| !own && line.contains(**host));
        for word in home.map(String::as_str).into_iter().chain(host.copied()) {
            complaints.push(format!("{}:{}: `{word}`", source.path, at + 1));
        }
        let elsewhere = line.starts_with("source = ")
            && line != "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
        if source.path == "Cargo.lock" && elsewhere {
            complaints.push(format!("Cargo.lock:{}: {line}", at + 1));
        }
    }
    complaints
}

/// Whether a path in the line begins with the folder, rather than holding it further in.
fn names_root(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}*)/".contains(c))
    })
}

/// `ARCHITECTURE.md` has a line for each module, which starts with its name.
fn unmapped(map: &str, modules: &[String]) -> Vec<String> {
    let has = |module: &&String| map.contains(&format!("| `{module}` |"));
    modules.iter().filter(|module| !has(module)).cloned().collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn tracked() -> Vec<Source> {
    let list = Command::new("git").arg("ls-files").arg("-z").current_dir(root()).output().unwrap();
    assert!(list.status.success(), "the tracked files are known to git alone");
    let names = String::from_utf8(list.stdout).unwrap();
    let read = |path: &str| Some(Source::new(path, &fs::read_to_string(root().join(path)).ok()?));
    let sources: Vec<_> = names.split_terminator('\0').filter_map(read).collect();
    assert!(sources.iter().any(|source| source.path == "src/lib.rs"));
    sources
}

fn is_rust(source: &Source) -> bool {
    Path::new(&source.path).extension().is_some_and(|extension| extension == "rs")
}

fn src() -> Vec<Source> {
    tracked().into_iter().filter(|source| is_rust(source) && source.module().is_some()).collect()
}

fn complaints(sources: &[Source], check: fn(&Source) -> Vec<String>) -> Vec<String> {
    sources.iter().flat_map(check).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn imports_point_down() {
    assert_eq!(complaints(&src(), imports), NONE);
}

#[test]
fn an_import_that_points_up_or_aside_is_told_whatever_its_form() {
    for (path, text) in [
        ("src/model/key.rs", "use crate::plan::Plan;"),
        ("src/model/key.rs", "use crate::{clock::Clock, model::Digest};"),
        ("src/store/s3/list.rs", "fn f() { crate::source::ask() }"),
        ("src/heal/mod.rs", "use crate::pass::AuditOptions;"),
        ("src/report/mod.rs", "use crate::config::Config;"),
        ("src/pass/mod.rs", "use crate::{model as m, import};"),
        ("src/store/mod.rs", "use super::source::Http;"),
        ("src/store/s3.rs", "#[cfg(test)] mod tests { use super::super::super::source::Http; }"),
        ("src/unheard/mod.rs", ""),
        ("src/unheard.rs", ""),
        ("src/cli/mod.rs", "use crate::unheard::Thing;"),
    ] {
        assert_eq!(imports(&Source::new(path, text)).len(), 1, "{path}: {text}");
    }
    for (path, text) in [
        ("src/store/s3.rs", "#[cfg(test)] mod tests { use super::super::StoreOptions; }"),
        ("src/plan/mod.rs", "//! See [`crate::heal`].\nuse crate::model::{Finding, reason};"),
        ("src/plan/mod.rs", "const TEXT: &str = r#\"use crate::heal;\"#; // crate::heal"),
        ("src/main.rs", "fn main() -> ExitCode { restock::cli::run() }"),
    ] {
        assert_eq!(imports(&Source::new(path, text)), NONE, "{path}: {text}");
    }
}

#[test]
fn modules_that_decide_do_not_act() {
    assert_eq!(complaints(&src(), purity), NONE);
    for text in [
        "use std::{collections::BTreeMap, fs};",
        "fn now() { std::time::SystemTime::now(); }",
        "use tokio::time::Instant;",
        "async fn decide() {}",
    ] {
        assert_eq!(purity(&Source::new("src/plan/breaker.rs", text)).len(), 1, "{text}");
    }
    let tests = "fn f() {}\n#[cfg(test)] mod tests { use std::fs; }";
    assert_eq!(purity(&Source::new("src/plan/breaker.rs", tests)), NONE);
}

#[test]
fn healing_takes_nothing_away() {
    assert_eq!(complaints(&src(), takes_nothing_away), NONE);
    let text = "async fn f() { store.delete(&key).await }";
    assert_eq!(takes_nothing_away(&Source::new("src/heal/mod.rs", text)).len(), 1);
    for path in ["src/daemon/run.rs", "src/pass/mod.rs", "src/cli/world.rs"] {
        for text in ["fn f(s: Arc<dyn RemovingStore>) {}", "fn f() { store::open_removing() }"] {
            assert_eq!(takes_nothing_away(&Source::new(path, text)).len(), 1, "{path}: {text}");
        }
    }
    let text = "//! Nothing is deleted here.\nfn f() { say(\"delete\") }";
    assert_eq!(takes_nothing_away(&Source::new("src/heal/mod.rs", text)), NONE);
}

#[test]
fn one_word_a_thing() {
    assert_eq!(complaints(&src(), words), NONE);
    assert_eq!(words(&Source::new("src/pass/mod.rs", "let bucket = 1;")).len(), 1);
    assert_eq!(words(&Source::new("src/store/s3.rs", "let bucket = 1;")), NONE);
}

#[test]
fn spelling_is_american() {
    let mut sources = src();
    sources
        .extend(tracked().into_iter().filter(|source| source.path.to_lowercase().ends_with(".md")));
    assert_eq!(complaints(&sources, spelling), NONE);
    assert_eq!(spelling(&Source::new("README.md", "Colours")).len(), 1);
}

#[test]
fn files_are_short() {
    let rust: Vec<_> = tracked().into_iter().filter(is_rust).collect();
    assert_eq!(complaints(&rust, length), NONE);
    assert_eq!(length(&Source::new("src/x.rs", &"\n".repeat(LINES_MAX + 1))).len(), 1);
}

#[test]
fn nothing_names_a_machine_or_a_registry() {
    assert_eq!(complaints(&tracked(), places), NONE);
    let home = format!("cd \"/{}/main\"", "work");
    assert_eq!(places(&Source::new("README.md", &home)).len(), 1);
    assert_eq!(
        places(&Source::new("README.md", concat!("https://h.example/wo", "rk/a $DIR/ro", "ot/a"))),
        NONE
    );
    let lock = "source = \"registry+https://registry.example/index\"";
    assert_eq!(places(&Source::new("Cargo.lock", lock)).len(), 1);
    assert_eq!(places(&Source::new("tests/run", "pip install --index-url x")).len(), 1);
}

#[test]
fn every_module_is_on_the_map() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut modules: Vec<_> =
        src().iter().filter_map(|source| source.module().map(str::to_owned)).collect();
    modules.sort();
    modules.dedup();
    modules.retain(|module| module != "lib");
    assert_eq!(unmapped(&map, &modules), NONE);
    assert_eq!(unmapped("| `model` | the nouns |", &["model".into(), "new".into()]), ["new"]);
}
