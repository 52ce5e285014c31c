//! What is shown of a configuration, what its schema and its example say, and its bounds.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a broken test should stop")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use restock::config::{Config, ConfigError, Environment, schema};
use serde_json::Value;
use tempfile::TempDir;

const PLAIN: &str = "[catalog]\nurl = \"sqlite://catalog.db\"\n[store]\nurl = \"s3://bucket/p\"\n";
const EXAMPLE: &str = "config/restock.example.toml";

fn load(folder: &TempDir, text: &str) -> Result<Config, ConfigError> {
    let file = folder.path().join("restock.toml");
    fs::write(&file, text).unwrap();
    Config::load(Some(&file), &Environment::empty(folder.path()))
}

fn problems(text: &str) -> Vec<String> {
    let error = load(&tempfile::tempdir().unwrap(), text).unwrap_err();
    let ConfigError::Invalid { problems, .. } = error else { panic!("{error}") };
    problems.iter().map(|problem| format!("{} {}", problem.key, problem.advice)).collect()
}

#[test]
fn what_is_shown_loads_again_as_the_same_options() {
    let folder = tempfile::tempdir().unwrap();
    let more = "[store.options]\naws_allow_http = true\n[audit]\ngrace = \"90s\"\n\
                [[source.host]]\nname = \"h\"\n[[collection]]\nname = \"a\"\nkey = \"a/{digest}\"\n\
                query = \"\"\"\nSELECT digest -- \\\"quoted\\\"\nFROM a\"\"\"\n";
    let config = load(&folder, &format!("{PLAIN}{more}")).unwrap();
    for shown in [config.show().unwrap(), config.show_with_origins().unwrap()] {
        assert_eq!(load(&folder, &shown).unwrap().options, config.options, "{shown}");
    }
}

#[test]
fn every_value_is_shown_with_its_origin() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("restock.toml");
    let list = "[[collection]]\nname = \"a\"\nkey = \"a/{digest}\"\nquery = \"\"\"\nSELECT digest\nFROM a\"\"\"\n";
    fs::write(&file, format!("{PLAIN}{list}")).unwrap();
    let environment = Environment::empty(folder.path()).with("RESTOCK_HEAL__CONCURRENCY", "9");
    let shown = Config::load(Some(&file), &environment).unwrap().show_with_origins().unwrap();
    let file = file.display();
    for line in [
        format!("url = \"s3://bucket/p\"  # {file}:4"),
        "concurrency = 9  # RESTOCK_HEAL__CONCURRENCY".to_owned(),
        "concurrency = 16  # default".to_owned(),
        format!("key = \"a/{{digest}}\"  # {file}:7"),
        format!("FROM a\"\"\"  # {file}:8"),
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} is not in\n{shown}");
    }
    let values = shown.lines().filter(|line| line.contains(" = ") && !line.ends_with("\"\"\""));
    assert!(values.clone().all(|line| line.contains("  # ")), "{shown}");
}

#[test]
fn no_secret_is_shown_or_told() {
    let folder = tempfile::tempdir().unwrap();
    let options = [
        "aws_secret_access_key",
        "secret_access_key",
        "aws_session_token",
        "aws_token",
        "token",
        "aws_sse_customer_key_base64",
        "aws_container_authorization_token_file",
    ];
    let options = options.map(|key| format!("{key} = \"CANARY\"\n")).concat();
    let text = format!(
        "[catalog]\nurl = \"sqlite://catalog.db\"\n[store]\nurl = \"s3://bucket/p\"\n\
         [source]\nmaintained_apps = [\"https://u:CANARY@h/m?CANARY\"]\n\
         [store.options]\naws_access_key_id = \"shown\"\naws_endpoint = \"https://u:CANARY@h/?CANARY\"\n{options}"
    );
    let config = load(&folder, &text).unwrap();
    let shown = config.show_with_origins().unwrap();
    let file = "aws_container_authorization_token_file = \"CANARY\"";
    assert!(shown.contains(file), "the path of a secret is none");
    assert!(!shown.replace(file, "").contains("CANARY"), "{shown}");
    assert!(
        shown.contains("aws_access_key_id = \"shown\"") && shown.contains("https://h/"),
        "{shown}"
    );
    assert_eq!(shown.matches("\"<redacted>\"").count(), 6, "{shown}");
    assert!(!format!("{config:?}").contains("CANARY"));

    // The same values where they are errors.
    for bad in [
        "[catalog]\nurl = \"mysql://root:CANARY@db/x\"\n",
        "[catalog]\nurl = \"sqlite://catalog.db?CANARY\"\n",
        "[catalog]\nurl = [\"CANARY\"]\n",
        "[store]\nurl = \"s3://u:CANARY@bucket//p?CANARY\"\n",
        "[source]\nmaintained_apps = [\"h/m?CANARY\"]\n",
        "[store.options]\naws_secret_access_key = [\"CANARY\"]\naws_token = 1.5\n",
        "[store.options]\naws_secret_access_key = \"CANARY\n",
        "[store.options]\naws_secret_access_key = CANARY\n",
    ] {
        let error = load(&folder, bad).unwrap_err();
        assert!(!error.to_string().contains("CANARY"), "{error}");
    }
}

#[test]
fn values_that_cannot_be_are_refused_by_name() {
    let collection =
        |rest: &str| format!("[[collection]]\nname = \"a\"\nkey = \"a/{{digest}}\"\n{rest}");
    for (text, said) in [
        ("[breaker]\nmissing_share = 1.5\n".to_owned(), "breaker.missing_share is 1.5"),
        ("[breaker]\nmissing_share = nan\n".to_owned(), "breaker.missing_share is NaN"),
        ("[breaker]\nshrunk_share = -0.1\n".to_owned(), "breaker.shrunk_share is -0.1"),
        ("[audit]\nconcurrency = 0\n".to_owned(), "audit.concurrency is 0"),
        ("[deep]\nconcurrency = 0\n".to_owned(), "deep.concurrency is 0"),
        ("[heal]\nconcurrency = 0\n".to_owned(), "heal.concurrency is 0"),
        ("[source]\ntries = 0\n".to_owned(), "source.tries is 0"),
        ("[source]\nread_timeout = \"0s\"\n".to_owned(), "source.read_timeout is 0"),
        ("[orphans]\nsightings = 0\n".to_owned(), "orphans.sightings is 0"),
        ("[heal]\nretry_at_most = \"1s\"\n".to_owned(), "heal.retry_at_most is shorter"),
        ("[heal]\nquarantine = \"/q\"\n".to_owned(), "heal.quarantine has an outer"),
        ("[heal]\nquarantine = \"q/\"\n".to_owned(), "heal.quarantine has an outer"),
        ("[heal]\nquarantine = \"a/../b\"\n".to_owned(), "heal.quarantine has an outer"),
        ("[heal]\nquarantine = \"software-installers\"\n".to_owned(), "heal.quarantine would hide"),
        (format!("{}[heal]\nquarantine = \"a\"\n", collection("")), "heal.quarantine would hide"),
        ("[[collection]]\nname = \"software-installers\"\nkey = \"{digest:2}/{digest}\"\n[heal]\nquarantine = \"ab\"\n".to_owned(), "heal.quarantine would hide"),
        (format!("{}{}", collection(""), collection("")), "collection[1].name is `a`, which"),
        (collection("query = \"SELECT 1; SELECT 2\"\n"), "collection[0].query holds more than one"),
        (collection("query = \" \"\n"), "collection[0].query is empty"),
        ("[[source.host]]\nname = \"https://h\"\n".to_owned(), "source.host[0].name is no host"),
        (
            "[source]\nmaintained_apps = [\"https://h/m\", \"h/m\"]\n".to_owned(),
            "source.maintained_apps[1] is no URL",
        ),
        ("[[source.host]]\nname = \"h:0\"\n".to_owned(), "source.host[0].name is no host"),
        ("[source]\nallow_hosts = [\"h:443\", \"https://h\"]\n".to_owned(), "source.allow_hosts[1] is no host"),
        ("[[source.host]]\nname = \"h:80\"\n[[source.host]]\nname = \"H.:80\"\n".to_owned(), "source.host[1].name is `H.:80`, which"),
        ("[[source.host]]\nname = \"h\"\n[[source.host]]\nname = \"H\"\n".to_owned(), "source.host[1].name is `H`, which"),
        ("[store.options]\naws_regoin = \"x\"\n".to_owned(), "store.options.aws_regoin is no option"),
        ("[ledger]\nurl = \"redis://h\"\n".to_owned(), "ledger.url has the scheme `redis`"),
    ] {
        let problems = problems(&format!("{PLAIN}{text}"));
        assert!(problems.len() == 1 && problems[0].starts_with(said), "{said}: {problems:?}");
    }
    for (text, said) in [
        ("[store]\nurl = \"/s\"\n", "catalog.url is missing"),
        ("[catalog]\nurl = \"sqlite:c\"\n", "store.url is missing"),
        (
            "[catalog]\nurl = \"sqlite:c\"\nurl_file = \"x\"\n[store]\nurl = \"/s\"\n",
            "catalog.url_file stands beside",
        ),
        (
            "[catalog]\nurl = \"sqlite:c\"\npreset = \"custom\"\n[store]\nurl = \"/s\"\n",
            "collection is missing",
        ),
        (
            "[catalog]\nurl = \"sqlite:c\"\n[store]\nurl = \"s3://b//p\"\n",
            "store.url has a prefix with a leading or double slash",
        ),
        (
            "[catalog]\nurl = \"sqlite:c\"\n[store]\nurl = \"/s\"\n[store.options]\naws_region = \"x\"\n",
            "store.options.aws_region belongs to no folder",
        ),
    ] {
        let problems = problems(text);
        assert!(problems.len() == 1 && problems[0].starts_with(said), "{said}: {problems:?}");
    }
}

#[test]
fn queries_and_keys_that_no_audit_would_take_are_refused_by_name() {
    let collection =
        |rest: &str| format!("[[collection]]\nname = \"a\"\nkey = \"a/{{digest}}\"\n{rest}");
    for (text, said) in [
        (collection("query = \"SELECT 1;\"\n"), "collection[0].query ends in `;`"),
        (
            collection("query = \"SELECT a AS digest FROM t WHERE b = ?\"\n"),
            "collection[0].query has the parameter `?`",
        ),
        (
            collection("query = \"SELECT load_extension('x') AS digest\"\n"),
            "collection[0].query calls `load_extension`",
        ),
        (collection("query = \"SELECT 'a AS digest\"\n"), "collection[0].query lacks a closing"),
        (
            "[[collection]]\nname = \"a\"\nkey = \"software-installers/{digest}\"\n".to_owned(),
            "collection[0].key is `software-installers/{digest}`, and collection",
        ),
        (
            format!("{}{}", collection(""), collection("").replace("name = \"a\"", "name = \"b\"")),
            "collection[1].key is `a/{digest}`, and collection `a`",
        ),
    ] {
        let problems = problems(&format!("{PLAIN}{text}"));
        assert!(problems.len() == 1 && problems[0].starts_with(said), "{said}: {problems:?}");
    }
}

#[test]
fn values_just_inside_the_bounds_are_taken() {
    for text in [
        "[breaker]\nmissing_share = 1\nshrunk_share = 0.0\n",
        "[heal]\nquarantine = \"\"\n",
        "[heal]\nquarantine = \"software-installers-quarantine\"\n",
        "[heal]\nquarantine = \"a/b\"\n",
        "[[collection]]\nname = \"software-installers\"\nkey = \"{digest:2}/{digest}\"\n[heal]\nquarantine = \"abc\"\n",
        "[[source.host]]\nname = \"[::1]\"\n[[source.host]]\nname = \"127.0.0.1\"\n",
    ] {
        load(&tempfile::tempdir().unwrap(), &format!("{PLAIN}{text}")).unwrap();
    }
}

/// Every key of the schema that is no table, by its dotted name, with its default.
fn keys_of(schema: &Value) -> BTreeMap<String, Option<Value>> {
    fn walk(root: &Value, node: &Value, name: &str, keys: &mut BTreeMap<String, Option<Value>>) {
        let of = |node: &Value| {
            let target = node.get("$ref").and_then(Value::as_str);
            target.map_or_else(
                || node.clone(),
                |at| root.pointer(at.trim_start_matches('#')).unwrap().clone(),
            )
        };
        let inner = of(node.get("items").unwrap_or(node));
        let inner = of(&inner);
        match inner.get("properties").and_then(Value::as_object) {
            Some(properties) => {
                for (key, value) in properties {
                    let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                    walk(root, value, &name, keys);
                }
            }
            // A table that takes any key has none of its own.
            None if inner.get("additionalProperties").is_some() => {}
            None => {
                let default = node.get("default").filter(|default| !default.is_null());
                keys.insert(name.to_owned(), default.cloned());
            }
        }
    }
    let mut keys = BTreeMap::new();
    walk(schema, schema, "", &mut keys);
    keys
}

/// Every value of a document, by its dotted name; elements of lists of tables share a name.
fn values_of(document: &Value) -> BTreeMap<String, Value> {
    fn walk(node: &Value, name: &str, values: &mut BTreeMap<String, Value>) {
        if let Value::Object(table) = node {
            for (key, value) in table {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                walk(value, &name, values);
            }
            return;
        }
        let items = node.as_array().into_iter().flatten().filter(|item| item.is_object());
        let mut leaf = true;
        for item in items {
            walk(item, name, values);
            leaf = false;
        }
        if leaf {
            values.insert(name.to_owned(), node.clone());
        }
    }
    let mut values = BTreeMap::new();
    walk(document, "", &mut values);
    values
}

fn example() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(EXAMPLE)).unwrap()
}

/// The example with every setting in it taken for set.
fn uncommented() -> String {
    let lines = example();
    let lines = lines.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') => setting,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_loads_and_holds_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let example = load(&folder, &example()).unwrap();
    let plain = PLAIN.replace("s3://bucket/p", "store");
    assert_eq!(example.options, load(&folder, &plain).unwrap().options);
}

#[test]
fn the_example_names_every_key_of_the_schema_with_its_default_and_no_other() {
    let document: toml::Table = toml::from_str(&uncommented()).unwrap();
    let mut values = values_of(&serde_json::to_value(document).unwrap());
    for (key, default) in keys_of(&schema()) {
        let Some(value) = values.remove(&key) else { panic!("`{key}` is not in {EXAMPLE}") };
        // The one needed key without an optional type: its default only says that it is missing.
        let Some(default) = default.filter(|_| key != "store.url") else { continue };
        let same = value == default || same_span(&value, &default);
        assert!(same, "`{key}` is {value} in {EXAMPLE}, and {default} by default");
    }
    values.retain(|key, _| !key.starts_with("store.options."));
    assert_eq!(values, BTreeMap::new(), "these are no keys");
}

/// Whether two texts are one duration: 48h and 2d.
fn same_span(one: &Value, other: &Value) -> bool {
    let span = |value: &Value| value.as_str()?.parse::<restock::model::Span>().ok();
    span(one).is_some() && span(one) == span(other)
}

#[test]
fn each_setting_of_the_example_can_be_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let text = uncommented()
        .replace("url_file = \"catalog.url\"\n", "")
        .replace("sqlite://catalog.db", "mysql://reader@h/packages")
        .replace("preset = \"restock\"", "preset = \"custom\"")
        .replace("\"store\"", "\"s3://b\"");
    load(&folder, &text).unwrap();
}

#[test]
fn the_schema_is_json_schema_and_the_same_each_time() {
    let schema = schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["additionalProperties"], Value::Bool(false));
    assert_eq!(keys_of(&schema)["heal.concurrency"], Some(Value::from(4)));
    let again = serde_json::to_string_pretty(&restock::config::schema()).unwrap();
    assert_eq!(serde_json::to_string_pretty(&schema).unwrap(), again);
}
