//! The units for systemd: what systemd itself cannot know of them.

use std::collections::BTreeSet;
use std::fs;

use restock::config::{Config, Environment};

use crate::files::read;

const DAEMON: &str = "deploy/systemd/restock.service";
const AUDIT: &str = "deploy/systemd/restock-audit.service";

/// The values that a key has in a unit, in their order.
fn values(unit: &str, key: &str) -> Vec<String> {
    let set = |line: &str| line.strip_prefix(key)?.strip_prefix('=').map(str::to_owned);
    read(unit).lines().filter_map(set).collect()
}

/// The lines from the sandbox's first to its last.
fn sandbox(unit: &str) -> Vec<String> {
    let text = read(unit);
    let lines = text.lines().skip_while(|line| *line != "AmbientCapabilities=");
    let sandbox: Vec<_> = lines.take_while(|line| !line.is_empty()).map(str::to_owned).collect();
    assert!(sandbox.len() > 25, "{sandbox:?}");
    sandbox
}

#[test]
fn daemon_and_audit_share_sandbox_identity_ledger_and_secrets() {
    assert_eq!(sandbox(DAEMON), sandbox(AUDIT));
    for key in ["User", "Group", "StateDirectory", "StateDirectoryMode", "EnvironmentFile"] {
        assert_eq!(values(DAEMON, key), values(AUDIT, key), "{key}");
        assert_eq!(values(DAEMON, key).len(), 1, "{key}");
    }
    let secrets: BTreeSet<_> = values(DAEMON, "LoadCredential").into_iter().collect();
    let of_audit: BTreeSet<_> = values(AUDIT, "LoadCredential").into_iter().collect();
    assert!(of_audit.len() > 3 && of_audit.is_subset(&secrets), "{of_audit:?}");
}

#[test]
fn the_daemon_tells_when_it_is_ready_alive_and_reloading() {
    assert_eq!(values(DAEMON, "Type"), ["notify"]);
    assert_eq!(values(DAEMON, "WatchdogSec"), ["60s"]);
    let [check, signal] = <[String; 2]>::try_from(values(DAEMON, "ExecReload")).unwrap();
    assert!(check.starts_with("/usr/bin/restock config check "), "{check}");
    assert_eq!(signal, "/bin/kill -HUP $MAINPID");
    // The exit codes of a wrong command line and of a wrong configuration.
    assert_eq!(values(DAEMON, "RestartPreventExitStatus"), ["64 78"]);
    // That of a SIGTERM before there is anything to drain, which is no failure.
    assert_eq!(values(DAEMON, "SuccessExitStatus"), ["143"]);
}

/// A secret under a name that is no setting would be left alone without a word.
#[test]
fn secrets_set_what_their_names_say() {
    let folder = tempfile::tempdir().unwrap();
    let credentials = folder.path().join("credentials");
    fs::create_dir(&credentials).unwrap();
    let file = folder.path().join("restock.toml");
    fs::write(&file, "[store]\nurl = \"s3://bucket/prefix\"\n").unwrap();
    let names = values(DAEMON, "LoadCredential");
    // The token is no setting: `[http] admin_token_file` points at it.
    let settings: Vec<_> = names.iter().filter(|name| *name != "restock.admin_token").collect();
    assert_eq!(settings.len() + 1, names.len());
    for name in &settings {
        let url = if name.ends_with("_url") { "sqlite://x.db" } else { "secret" };
        fs::write(credentials.join(name), url).unwrap();
    }
    let environment =
        Environment::empty(folder.path()).with("CREDENTIALS_DIRECTORY", credentials.as_path());
    let config = Config::load(Some(&file), &environment).unwrap();
    for name in settings {
        let key = name.strip_prefix("restock.").unwrap();
        let key = key.replace("store_options_", "store.options.").replacen("_url", ".url", 1);
        assert_eq!(format!("{:?}", config.origin(&key)), format!("Credential({name:?})"), "{key}");
    }
}

/// The examples in the environment file, taken at their word.
#[test]
fn the_environment_file_names_settings_that_exist() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("restock.toml");
    fs::write(&file, "[store]\nurl = \"s3://bucket/prefix\"\n").unwrap();
    let mut environment = Environment::empty(folder.path());
    let mut seen = 0;
    for line in read("deploy/systemd/restock.env").lines() {
        let Some((name, value)) = line.strip_prefix('#').and_then(|line| line.split_once('='))
        else {
            assert!(line.is_empty() || line == "#" || line.starts_with("# "), "{line}");
            continue;
        };
        let value = if name.ends_with("_FILE") {
            let named = folder.path().join("value");
            fs::write(&named, "sqlite://catalog.db").unwrap();
            named.to_str().unwrap().to_owned()
        } else {
            value.to_owned()
        };
        environment = environment.with(name, value);
        seen += 1;
    }
    assert!(seen > 4, "{seen}");
    Config::load(Some(&file), &environment).unwrap();
}
