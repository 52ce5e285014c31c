//! Every command line, option and key that a document, a comment or a message names is one: each is
//! read as the program itself would read it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use restock::cli::args::Cli;
use serde_json::Value;

use crate::binary::restock;
use crate::documents::{document, read};

/// The one document that speaks of what is not there yet.
const COMING: &str = "docs/coming.md";

/// What that is, as others would name it.
const NOT_YET: [&str; 6] = ["mirror", "--from PATH", "Cloud Storage", "Azure", "gs://", "az://"];

/// Options of other programs that a document quotes by themselves.
const OTHERS_OPTIONS: [&str; 1] = ["--release"];

/// Ends of words that are files, and no keys.
const FILES: [&str; 8] = [".db", ".json", ".toml", ".sql", ".md", ".yml", ".rs", ".ndjson"];

/// Everything that people read, relative to the root.
fn texts() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pending: Vec<PathBuf> = ["docs", "deploy", "config", "src"].map(PathBuf::from).into();
    let mut texts = ["README.md", "CHANGELOG.md", "ARCHITECTURE.md"].map(str::to_owned).to_vec();
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            let is_text =
                fs::read(entry.path()).is_ok_and(|bytes| std::str::from_utf8(&bytes).is_ok());
            if entry.path().is_dir() {
                pending.push(path);
            } else if is_text {
                texts.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    texts.sort();
    texts.retain(|path| path != COMING);
    texts
}

fn ends_in(path: &str, end: &str) -> bool {
    Path::new(path).extension().is_some_and(|own| own == end)
}

/// What stands in backticks on one line, with what stands before it since the last.
fn spans(text: &str) -> Vec<(&str, &str)> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("```"));
    let pairs = lines.flat_map(|line| {
        let parts: Vec<_> = line.split('`').collect();
        parts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>()
    });
    pairs.collect()
}

/// Lines of shells and of files that start a program, as far as they call restock.
fn called(path: &str, text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ").replace("cargo run --release -- ", "restock ");
    let mut fenced = false;
    let mut lines = Vec::new();
    for line in joined.lines() {
        let line = line.trim_start();
        if line.starts_with("```") {
            fenced = !fenced;
        }
        let started = ["ExecStart=", "ExecReload=", "run: ", "- "];
        let started = started.iter().find_map(|start| line.strip_prefix(start));
        let args = line.strip_prefix("args: [").and_then(|list| list.strip_suffix(']'));
        if let Some(args) = args {
            lines.push(format!("restock {}", args.replace([',', '"'], " ")));
        } else if ends_in(path, "md") && fenced {
            lines.push(line.to_owned());
        } else if !ends_in(path, "md") && !ends_in(path, "rs") {
            lines.extend(started.map(str::to_owned));
        }
    }
    lines.iter().filter_map(|line| command_in(line)).collect()
}

/// The call of restock in a line of a shell, whoever runs it.
fn command_in(line: &str) -> Option<String> {
    let line = line.split(" #").next()?.split(['|', '>', ';']).next()?.split("&&").next()?;
    let words: Vec<_> = line.split_whitespace().collect();
    let at = (0..words.len()).find(|at| {
        let before = at.checked_sub(1).map(|before| words[before]);
        let own = matches!(words[*at], "restock" | "/usr/bin/restock" | "as_restock");
        own && matches!(before, None | Some("--" | "exec" | "sudo" | "restock"))
    })?;
    let rest = words.get(at + 1..).filter(|rest| !rest.is_empty())?;
    // All arguments of a shell, or a text of the source that goes on.
    if matches!(rest[0], "\"$@\"'" | "\\") {
        return None;
    }
    Some(format!("restock {}", rest.join(" ")))
}

/// Whether a command line is one; in a sentence it may end early, also before an option's value.
fn is_one(line: &str) -> bool {
    let without_value = read(line).err() == Some(ErrorKind::InvalidValue);
    let line = if without_value { format!("{line} json=report.json") } else { line.to_owned() };
    matches!(
        read(&line).err(),
        None | Some(
            ErrorKind::MissingRequiredArgument
                | ErrorKind::MissingSubcommand
                | ErrorKind::DisplayHelp
                | ErrorKind::DisplayVersion
                | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        )
    )
}

fn options() -> BTreeSet<String> {
    let (mut known, mut pending) = (BTreeSet::new(), vec![Cli::definition()]);
    while let Some(command) = pending.pop() {
        let longs =
            command.get_arguments().filter_map(|arg| Some(format!("--{}", arg.get_long()?)));
        known.extend(longs);
        pending.extend(command.get_subcommands().cloned());
    }
    known
}

fn commands() -> BTreeSet<String> {
    Cli::definition().get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

/// Whether a configuration has this key: what is behind references counts, and so does a table that
/// takes any key.
fn has<'a>(schema: &'a Value, mut node: &'a Value, path: &[&str]) -> bool {
    while let Some(inner) = node.get("$ref").and_then(Value::as_str) {
        node = schema.pointer(inner.trim_start_matches('#')).unwrap();
    }
    let Some((first, rest)) = path.split_first() else { return true };
    if let Some(inner) = node.get("properties").and_then(|keys| keys.get(*first)) {
        return has(schema, inner, rest);
    }
    let any = node.get("additionalProperties").is_some_and(Value::is_object);
    let inside = node.get("items").is_some_and(|inner| has(schema, inner, path));
    let either = node.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    any || inside || either.into_iter().any(|inner| has(schema, inner, path))
}

fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c == '_';
    !text.is_empty() && text.chars().all(plain) && !text.starts_with('_')
}

/// `[table]`, `[[table]]` and what stands behind it.
fn table(span: &str) -> Option<(Vec<&str>, &str)> {
    let (name, rest) = span.strip_prefix('[')?.split_once(']')?;
    let name = name.trim_start_matches('[');
    let parts: Vec<_> = name.split('.').collect();
    let rest = rest.trim_start_matches(']').trim();
    parts.iter().all(|part| is_name(part)).then_some((parts, rest))
}

/// The keys of a configuration that a text names, each as a path.
fn keys<'a>(text: &'a str, sections: &BTreeSet<String>) -> Vec<Vec<&'a str>> {
    let mut keys = Vec::new();
    let mut before: Option<&str> = None;
    for (between, span) in spans(text) {
        if let Some((mut path, rest)) = table(span) {
            keys.push(path.clone());
            let key = rest.split([' ', '=']).next().filter(|key| is_name(key));
            // `key` in `[table]`
            let earlier = before.filter(|key| matches!(between, " in " | " of ") && is_name(key));
            if let Some(key) = key.or(earlier) {
                path.push(key);
                keys.push(path);
            }
        }
        let dotted: Vec<_> = span.split('.').collect();
        let is_key = dotted.len() > 1
            && sections.contains(dotted[0])
            && dotted.iter().all(|part| is_name(part))
            && !FILES.iter().any(|end| span.ends_with(end));
        if is_key {
            keys.push(dotted);
        }
        before = Some(span);
    }
    keys
}

/// `RESTOCK_SECTION__KEY`, wherever it stands.
fn variables(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    let named = words.filter_map(|word| word.strip_prefix("RESTOCK_"));
    named
        .filter(|name| name.contains("__") && !name.ends_with('_'))
        .map(str::to_lowercase)
        .collect()
}

#[test]
fn every_command_line_that_is_told_to_people_can_be_read() {
    let (commands, mut seen, mut wrong) = (commands(), 0, Vec::new());
    for path in texts() {
        let text = document(&path);
        let mut lines = called(&path, &text);
        for (_, span) in spans(&text) {
            let first = span.split(' ').next().unwrap();
            if let Some(line) = command_in(span) {
                lines.push(line);
            } else if ends_in(&path, "md")
                && span.contains(' ')
                // `heal = false` is a key of the configuration.
                && !span.contains(" = ")
                && commands.contains(first)
            {
                lines.push(format!("restock {span}"));
            }
        }
        for line in lines {
            if !is_one(&line) {
                wrong.push(format!("{path}: {line}: {:?}", read(&line).err()));
            }
            seen += 1;
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert!(seen > 150, "{seen}");
}

#[test]
fn every_option_that_is_quoted_by_itself_exists() {
    let known = options();
    for path in texts().iter().filter(|path| ends_in(path, "md")) {
        let text = document(path);
        for (_, span) in spans(&text).into_iter().filter(|(_, span)| span.starts_with("--")) {
            let option = span.split([' ', '=', '[']).next().unwrap();
            let is_known = known.contains(option) || OTHERS_OPTIONS.contains(&option);
            assert!(is_known, "{path}: {span}");
        }
    }
}

#[test]
fn every_key_that_is_named_anywhere_exists() {
    let schema = restock::config::schema();
    let sections: BTreeSet<_> = schema["properties"].as_object().unwrap().keys().cloned().collect();
    let mut seen = 0;
    for path in texts() {
        let text = document(&path);
        for key in keys(&text, &sections) {
            assert!(has(&schema, &schema, &key), "{path}: {}", key.join("."));
            seen += 1;
        }
        for name in variables(&text).iter().filter(|_| !ends_in(&path, "rs")) {
            let whole: Vec<_> = name.split("__").collect();
            let value = name.trim_end_matches("_file");
            let read: Vec<_> = value.split("__").collect();
            let known = has(&schema, &schema, &whole) || has(&schema, &schema, &read);
            assert!(known, "{path}: RESTOCK_{}", name.to_uppercase());
            seen += 1;
        }
        for block in text.split("```toml\n").skip(1).filter(|_| ends_in(&path, "md")) {
            let block = block.split("```").next().unwrap().replace("\n#", "\n");
            let values: toml::Table = block.parse().unwrap();
            let values = serde_json::to_value(values).unwrap();
            for key in written(&values, &[]) {
                let key: Vec<_> = key.iter().map(String::as_str).collect();
                assert!(has(&schema, &schema, &key), "{path}: {}", key.join("."));
                seen += 1;
            }
        }
    }
    assert!(seen > 150, "{seen}");
}

/// Every key of a table, as a path.
fn written(values: &Value, path: &[String]) -> Vec<Vec<String>> {
    match values {
        Value::Object(entries) => {
            let inside = entries.iter().flat_map(|(key, value)| {
                let path = [path, std::slice::from_ref(key)].concat();
                [vec![path.clone()], written(value, &path)].concat()
            });
            inside.collect()
        }
        Value::Array(items) => items.iter().flat_map(|item| written(item, path)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

#[test]
fn what_is_not_there_yet_is_told_in_one_place_and_elsewhere_with_a_link_to_it() {
    for path in texts().iter().filter(|path| ends_in(path, "md")) {
        let text = document(path);
        let named = NOT_YET.iter().find(|word| text.contains(**word));
        let links = text.contains("coming.md");
        assert!(named.is_none() || links, "{path} speaks of {named:?}");
    }
    let text = document(COMING);
    for (_, span) in spans(&text).into_iter().filter(|(_, span)| span.starts_with("restock ")) {
        assert!(!is_one(span), "{span} is there by now");
    }
    let schema = restock::config::schema();
    for (path, _) in spans(&text).iter().filter_map(|(_, span)| table(span)) {
        let told = path != ["source"];
        assert!(!told || !has(&schema, &schema, &path), "{path:?} is there by now");
    }
    let folder = tempfile::tempdir().unwrap();
    for url in ["gs://x/y", "az://x/y"] {
        let store = format!("[catalog]\nurl = \"sqlite://c.db\"\n[store]\nurl = \"{url}\"\n");
        fs::write(folder.path().join("restock.toml"), store).unwrap();
        let ran = restock(folder.path(), "audit");
        assert_eq!(ran.code, 78, "{url} is there by now: {ran:?}");
    }
}

#[test]
fn what_is_wrong_in_a_text_is_seen() {
    for line in ["restock heal --from PATH", "restock mirror sync", "restock audit --depp"] {
        assert!(!is_one(line), "{line}");
    }
    for line in ["restock heal DIGEST…", "restock orphans", "restock orphans apply FILE"] {
        assert!(is_one(line), "{line}");
    }
    let of = |line| command_in(line).unwrap_or_default();
    assert_eq!(of("sudo -u restock restock audit | less"), "restock audit");
    assert_eq!(of("kubectl exec x/restock -- restock status -c F"), "restock status -c F");
    assert_eq!(of("kubectl --namespace restock apply"), "");
    let sections = BTreeSet::from(["heal".to_owned(), "audit".to_owned()]);
    let found = keys("`x` in `[audit]`, `[heal] on = 1`, `heal.x`, `audit.json`", &sections);
    let wanted: [&[&str]; 5] =
        [&["audit"], &["audit", "x"], &["heal"], &["heal", "on"], &["heal", "x"]];
    assert_eq!(found, wanted);
    assert_eq!(variables("RESTOCK_HEAL__X_FILE=1 RESTOCK_X"), ["heal__x_file"]);
}
