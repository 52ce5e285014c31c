//! What is known to be weak in a dependency, and cannot be reached here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// All that may be taken from `rsa`: a public key, read and used to encrypt.
const PUBLIC: [&str; 3] = ["Oaep", "RsaPublicKey", "pkcs8::DecodePublicKey"];

/// This build, as cargo knows it.
fn metadata() -> Value {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let asked = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--offline", "--format-version=1", "--filter-platform"])
        .arg(platform)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    serde_json::from_slice(&asked.stdout).unwrap()
}

fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value.get(member).and_then(Value::as_array).unwrap()
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap()
}

/// The packages that a package of this name is built into.
fn users<'a>(metadata: &'a Value, name: &str) -> Vec<&'a Value> {
    let own = format!("#{name}@");
    let has_it = |node: &&Value| {
        list(node, "dependencies").iter().any(|id| id.as_str().unwrap().contains(&own))
    };
    let nodes = list(metadata.get("resolve").unwrap(), "nodes").iter().filter(has_it);
    let users: Vec<_> = nodes.map(|node| text(node, "id")).collect();
    let packages = list(metadata, "packages").iter();
    packages.filter(|package| users.contains(&text(package, "id"))).collect()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// What a source takes from `rsa`, one path each.
fn taken(source: &str) -> BTreeSet<String> {
    let named = source.split("rsa::").skip(1).map(|rest| rest.split(';').next().unwrap().trim());
    named
        .flat_map(|list| list.trim_matches(['{', '}']).split(','))
        .map(|path| path.trim().to_owned())
        .filter(|path| !path.is_empty() && !path.contains(char::is_whitespace))
        .collect()
}

/// RUSTSEC-2023-0071 is about how long a private key's operations take.
#[test]
fn of_rsa_only_public_keys_are_reached() {
    let metadata = metadata();
    let users = users(&metadata, "rsa");
    let [client] = users.as_slice() else { panic!("{users:?}") };
    assert_eq!(text(client, "name"), "sqlx-mysql");
    let mut files = Vec::new();
    rust_files(&Path::new(text(client, "manifest_path")).with_file_name("src"), &mut files);
    let sources: Vec<_> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let all: BTreeSet<_> = sources.iter().flat_map(|source| taken(source)).collect();
    assert_eq!(all, BTreeSet::from(PUBLIC.map(str::to_owned)));
    assert!(!sources.iter().any(|source| source.contains("PrivateKey")));
    let denied = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deny.toml"));
    assert!(denied.unwrap().contains("id = \"RUSTSEC-2023-0071\""), "and that is written down");
}

/// What its run leaves out, it says in its output.
#[test]
fn ci_says_that_it_checks_no_advisories() {
    let run = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/run")).unwrap();
    let told = |line: &str| line.starts_with("printf ") && line.contains("advisories: NOT CHECKED");
    assert!(run.lines().any(told));
    assert!(run.contains("'cargo deny --locked check advisories'"), "and how to do it by hand");
}

#[test]
fn what_is_taken_is_seen_in_each_form() {
    let taken = |source: &str| taken(source).into_iter().collect::<Vec<_>>();
    assert_eq!(taken("use rsa::{a::B, C};\nrsa::D;"), ["C", "D", "a::B"]);
    assert_eq!(taken("use rsa::RsaPrivateKey;"), ["RsaPrivateKey"]);
}
