//! `config/fleet.toml`: that it loads, and is as careful as it says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use restock::catalog::Preset;
use restock::config::{Config, Environment, Origin};
use tempfile::TempDir;

/// The file as an administrator takes it, after `change`, in a folder of its own.
fn load(change: impl Fn(&str) -> String) -> (TempDir, Config) {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/fleet.toml"));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("restock.toml"), change(&text.unwrap())).unwrap();
    let url = "mysql://restock:p%40ss@db.example.com:3306/fleet\n";
    fs::write(folder.path().join("fleet-database.url"), url).unwrap();
    let environment = Environment::empty("/");
    let config = Config::load(Some(&folder.path().join("restock.toml")), &environment).unwrap();
    (folder, config)
}

/// Every setting in it taken for set.
fn uncommented(text: &str) -> String {
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') => setting,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn it_loads_and_only_looks() {
    let (_folder, config) = load(str::to_owned);
    assert_eq!(config.catalog_url(), "mysql://restock:p%40ss@db.example.com:3306/fleet");
    assert_eq!(config.options.catalog.preset, Preset::Fleet);
    assert!(!config.options.heal.enabled, "nothing is healed on the first day");
    assert!(!config.options.source.allow_http && config.options.source.allow_private.is_empty());
}

/// What it sets differs from the defaults only where it says why.
#[test]
fn what_it_repeats_are_the_defaults() {
    let (_folder, config) = load(str::to_owned);
    let plain = |environment: &Environment| Config::load(None, environment).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let plain = plain(
        &Environment::empty(folder.path())
            .with("RESTOCK_CATALOG__URL", "mysql://restock@db/fleet")
            .with("RESTOCK_CATALOG__PRESET", "fleet")
            .with("RESTOCK_STORE__URL", "s3://b"),
    );
    let values = |config: &Config| {
        let document: toml::Table = toml::from_str(&config.show().unwrap()).unwrap();
        let section = |(name, values): (String, toml::Value)| {
            let values = values.as_table().cloned().unwrap_or_default();
            values.into_iter().map(move |(key, value)| format!("{name}.{key} = {value}"))
        };
        document.into_iter().flat_map(section).collect::<BTreeSet<_>>()
    };
    let (own, plain) = (values(&config), values(&plain));
    let differing: BTreeSet<_> =
        own.difference(&plain).map(|line| line.split(" = ").next().unwrap()).collect();
    let meant = ["catalog.url_file", "heal.enabled", "ledger.url", "store.options", "store.url"];
    assert_eq!(differing, BTreeSet::from(meant));
}

#[test]
fn each_setting_in_it_can_be_taken_up() {
    let (folder, config) = load(uncommented);
    let ca = folder.path().join("fleet-database-ca.pem");
    assert_eq!(config.options.catalog.tls_ca_file, Some(ca));
    assert_eq!(config.options.source.host.len(), 1);
    assert_eq!(config.options.source.maintained_apps, [""; 0]);
}

#[test]
fn switching_healing_on_is_one_word() {
    let (_folder, config) = load(|text| text.replace("enabled = false", "enabled = true"));
    assert!(config.options.heal.enabled);
    assert!(matches!(config.origin("heal.enabled"), Origin::File { .. }));
}

#[test]
fn a_credential_holds_over_its_file() {
    let (folder, _) = load(str::to_owned);
    let credentials = tempfile::tempdir().unwrap();
    let url = "mysql://restock:other@db/fleet";
    fs::write(credentials.path().join("restock.catalog_url"), url).unwrap();
    let environment = Environment::empty("/").with("CREDENTIALS_DIRECTORY", credentials.path());
    let config = Config::load(Some(&folder.path().join("restock.toml")), &environment).unwrap();
    assert_eq!(config.catalog_url(), url);
}
