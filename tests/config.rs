//! Where the values of a configuration come from, and what is said of those that cannot be.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a broken test should stop")]

#[path = "config/values.rs"]
mod values;

use std::fs;
use std::path::{Path, PathBuf};

use restock::catalog::Preset;
use restock::config::{Config, ConfigError, Environment, Origin};
use restock::model::Span;
use restock::store::OptionValue;
use tempfile::TempDir;

const PLAIN: &str = "[catalog]\nurl = \"sqlite://catalog.db\"\n[store]\nurl = \"objects\"\n";

/// A folder with a configuration file, and a working directory elsewhere.
struct Place {
    folder: TempDir,
    elsewhere: TempDir,
}

impl Place {
    fn new(text: &str) -> Self {
        let place =
            Self { folder: tempfile::tempdir().unwrap(), elsewhere: tempfile::tempdir().unwrap() };
        fs::write(place.file(), text).unwrap();
        place
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("restock.toml")
    }

    fn environment(&self) -> Environment {
        Environment::empty(self.elsewhere.path())
    }

    fn load(&self, environment: &Environment) -> Result<Config, ConfigError> {
        Config::load(Some(&self.file()), environment)
    }

    fn config(&self) -> Config {
        self.load(&self.environment()).unwrap()
    }

    /// What is wrong, with the folder's name cut from places.
    fn problems(&self, environment: &Environment) -> Vec<String> {
        let error = self.load(environment).unwrap_err();
        let ConfigError::Invalid { problems, .. } = error else { panic!("{error}") };
        let folder = format!("{}/", self.folder.path().display());
        problems.iter().map(|problem| problem.to_string().replace(&folder, "")).collect()
    }
}

fn problems_of(text: &str) -> Vec<String> {
    let place = Place::new(text);
    place.problems(&place.environment())
}

/// The plain configuration with lines of one more section.
fn problem_of(section: &str) -> String {
    let problems = problems_of(&format!("{PLAIN}{section}"));
    let [only] = problems.as_slice() else { panic!("{problems:?}") };
    only.clone()
}

#[test]
fn the_environment_wins_over_credentials_over_the_file_over_defaults() {
    let place = Place::new(&format!("{PLAIN}name = \"from-file\"\n"));
    let credentials = tempfile::tempdir().unwrap();
    let name =
        |config: &Config| (config.options.store.name.clone(), config.origin("store.name").clone());

    let bare = Place::new(PLAIN).config();
    assert_eq!(name(&bare), ("default".to_owned(), Origin::Default));

    let file = Origin::File { path: place.file(), line: 5 };
    assert_eq!(name(&place.config()), ("from-file".to_owned(), file));

    fs::write(credentials.path().join("restock.store_name"), "from-credential\n").unwrap();
    let environment = place.environment().with("CREDENTIALS_DIRECTORY", credentials.path());
    let credential = Origin::Credential("restock.store_name".to_owned());
    let config = place.load(&environment).unwrap();
    assert_eq!(name(&config), ("from-credential".to_owned(), credential));

    let environment = environment.with("RESTOCK_STORE__NAME", "from-variable");
    let variable = Origin::Variable("RESTOCK_STORE__NAME".to_owned());
    let config = place.load(&environment).unwrap();
    assert_eq!(name(&config), ("from-variable".to_owned(), variable));
}

#[test]
fn the_environment_alone_is_a_configuration() {
    let place = Place::new("");
    let environment = place
        .environment()
        .with("RESTOCK_CATALOG__URL", "sqlite:c.db")
        .with("RESTOCK_STORE__URL", "s3://b/p");
    let config = Config::load(None, &environment).unwrap();
    let elsewhere = place.elsewhere.path();
    assert_eq!(config.file, None);
    assert_eq!(config.base, elsewhere);
    assert_eq!(config.catalog_url(), format!("sqlite://{}/c.db", elsewhere.display()));
    assert_eq!(config.ledger_url(), format!("sqlite://{}/ledger.db", elsewhere.display()));
}

#[test]
fn no_configuration_at_all_names_the_places_and_the_ways_to_make_one() {
    let place = Place::new("");
    let error = Config::load(None, &place.environment()).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("restock.toml") && message.contains("/etc/restock/"), "{message}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("restock import PATH") && hint.contains("restock demo"), "{hint}");
}

#[test]
fn a_named_file_that_is_absent_is_an_error_even_where_another_is_there() {
    let place = Place::new(PLAIN);
    let environment = Environment::empty(place.folder.path());
    assert!(Config::load(None, &environment).is_ok());
    let error = Config::load(Some(Path::new("nowhere.toml")), &environment).unwrap_err();
    assert!(error.to_string().contains("nowhere.toml"), "{error}");
}

#[test]
fn variables_reach_nested_keys_in_any_case_and_take_the_type_of_the_key() {
    let place = Place::new(PLAIN.replace("objects", "s3://b/p").as_str());
    let environment = place
        .environment()
        .with("RESTOCK_STORE__OPTIONS__AWS_REGION", "eu-central-1")
        .with("restock_heal__Enabled", "false")
        .with("RESTOCK_AUDIT__CONCURRENCY", "7")
        .with("RESTOCK_AUDIT__GRACE", "2h")
        .with("RESTOCK_BREAKER__MISSING_SHARE", "0.5")
        .with("RESTOCK_BREAKER__SHRUNK_SHARE", "1")
        .with("RESTOCK_SOURCE__ALLOW_PRIVATE", "127.0.0.0/8, 10.0.0.0/8")
        .with("RESTOCK_COLLECTION", r#"[{ name = "icons", key = "icons/{digest}" }]"#);
    let options = place.load(&environment).unwrap().options;
    let region = OptionValue::Text("eu-central-1".to_owned());
    assert_eq!(options.store.options.get("aws_region"), Some(&region));
    assert!(!options.heal.enabled);
    assert_eq!(options.audit.concurrency, 7);
    assert_eq!(options.audit.grace, Some(Span::seconds(7200)));
    assert_eq!((options.breaker.missing_share, options.breaker.shrunk_share), (0.5, 1.0));
    assert_eq!(options.source.allow_private.len(), 2);
    assert_eq!(options.collection[0].name, "icons");
}

#[test]
fn a_variable_that_ends_in_file_reads_it_unless_that_is_a_key_itself() {
    let place = Place::new(PLAIN.replace("objects", "s3://b/p").as_str());
    let write =
        |name: &str, text: &str| fs::write(place.elsewhere.path().join(name), text).unwrap();
    write("secret", "from-a-file\n");
    write("url", "sqlite:///abs/c.db\n");
    let environment = place
        .environment()
        .with("RESTOCK_STORE__OPTIONS__AWS_SECRET_ACCESS_KEY_FILE", "secret")
        .with("RESTOCK_STORE__OPTIONS__AWS_WEB_IDENTITY_TOKEN_FILE", "token")
        .with("RESTOCK_CATALOG__URL_FILE", "url");
    let config = place.load(&environment).unwrap();
    let option = |key: &str| config.options.store.options.get(key).cloned();
    let text = |text: &str| Some(OptionValue::Text(text.to_owned()));
    assert_eq!(option("aws_secret_access_key"), text("from-a-file"));
    assert_eq!(option("aws_web_identity_token_file"), text("token"));
    assert_eq!(
        config.catalog_url(),
        "sqlite:///abs/c.db",
        "the variable is stronger than the file"
    );
    let environment = place.environment().with("RESTOCK_LEDGER__URL_FILE", "nowhere");
    let problems = place.problems(&environment);
    assert!(problems[0].contains("RESTOCK_LEDGER__URL_FILE cannot be read from"), "{problems:?}");
}

#[test]
fn variables_that_are_no_settings_are_left_alone_and_near_misses_are_not() {
    let place = Place::new(PLAIN);
    let environment = place
        .environment()
        .with("RESTOCK_SERVICE_HOST", "10.0.0.1")
        .with("RESTOCK_STORE_PORT", "tcp://10.0.0.1:80")
        .with("RESTOCK_TEST_MOTO", "http://127.0.0.1:5000");
    place.load(&environment).unwrap();
    for (name, said) in [
        (
            "RESTOCK_STORE_URL",
            "unknown variable for `store.url` in RESTOCK_STORE_URL: did you mean RESTOCK_STORE__URL?",
        ),
        (
            "RESTOCK_STORE__ULR",
            "unknown key `store.ulr` in RESTOCK_STORE__ULR: did you mean `url`?",
        ),
        (
            "RESTOCK_STOER__URL",
            "unknown key `stoer.url` in RESTOCK_STOER__URL: did you mean `store`?",
        ),
        (
            "RESTOCK_STORE",
            "`store` in RESTOCK_STORE is a section: name one of its keys behind two underscores",
        ),
        (
            "RESTOCK_AUDIT__CONCURRENCY",
            "`audit.concurrency` in RESTOCK_AUDIT__CONCURRENCY must be a whole number from 0",
        ),
        ("RESTOCK_HEAL__ENABLED", "`heal.enabled` in RESTOCK_HEAL__ENABLED must be true or false"),
    ] {
        assert_eq!(place.problems(&place.environment().with(name, "SECRET")), [said]);
    }
}

#[test]
fn credentials_reach_nested_keys_and_others_of_that_name_are_left_alone() {
    let place = Place::new(PLAIN.replace("objects", "s3://b/p").as_str());
    let credentials = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(credentials.path().join(name), text).unwrap();
    write("restock.catalog_url", "sqlite:///abs/c.db\n");
    write("restock.store_options_aws_secret_access_key", "s3cret");
    write("restock.artifacts-token", "for a bearer_token_file");
    write("other", "of another service");
    let environment = place.environment().with("CREDENTIALS_DIRECTORY", credentials.path());
    let config = place.load(&environment).unwrap();
    assert_eq!(config.catalog_url(), "sqlite:///abs/c.db");
    let secret = OptionValue::Text("s3cret".to_owned());
    assert_eq!(config.options.store.options.get("aws_secret_access_key"), Some(&secret));

    write("restock.catalog_ulr", "sqlite:///abs/c.db");
    let said = "unknown key `catalog.ulr` in credential restock.catalog_ulr: did you mean `url`?";
    assert_eq!(place.problems(&environment), [said]);
}

#[test]
fn relative_paths_of_the_file_start_at_its_folder_and_others_at_the_working_directory() {
    let host = "[[source.host]]\nname = \"h\"\nbearer_token_file = \"./token\"\n";
    let place = Place::new(&format!("{PLAIN}{host}"));
    let (folder, elsewhere) = (place.folder.path(), place.elsewhere.path());
    let config = place.config();
    assert_eq!(config.base, folder);
    assert_eq!(config.catalog_url(), format!("sqlite://{}/catalog.db", folder.display()));
    assert_eq!(config.ledger_url(), format!("sqlite://{}/ledger.db", folder.display()));
    assert_eq!(Path::new(&config.options.store.url), folder.join("objects"));
    let token = config.options.source.host[0].bearer_token_file.clone();
    assert_eq!(token, Some(folder.join("token")));

    let environment =
        place.environment().with("RESTOCK_STORE__URL", "objects").with("STATE_DIRECTORY", "/state");
    let config = place.load(&environment).unwrap();
    assert_eq!(Path::new(&config.options.store.url), elsewhere.join("objects"));
    assert_eq!(config.ledger_url(), "sqlite:///state/ledger.db");
}

#[test]
fn a_url_file_is_read_beside_the_configuration() {
    let place = Place::new("[catalog]\nurl_file = \"url\"\n[store]\nurl = \"/s\"\n");
    let problems = place.problems(&place.environment());
    assert!(
        problems[0].starts_with("`catalog.url_file` at restock.toml:2 cannot be read"),
        "{problems:?}"
    );
    fs::write(place.folder.path().join("url"), "sqlite://c.db\n").unwrap();
    let config = place.config();
    assert_eq!(config.catalog_url(), format!("sqlite://{}/c.db", place.folder.path().display()));
    assert!(!config.show().unwrap().contains("c.db"), "{}", config.show().unwrap());
}

#[test]
fn the_grace_period_depends_on_who_writes_the_rows() {
    assert_eq!(Place::new(PLAIN).config().grace(), Span::seconds(0));
    let custom =
        "[[collection]]\nname = \"a\"\nkey = \"a/{digest}\"\nquery = \"SELECT digest FROM a\"\n";
    let text = PLAIN.replace("[store]", "preset = \"custom\"\n[store]");
    let config = Place::new(&format!("{text}{custom}")).config();
    assert_eq!(config.options.catalog.preset, Preset::Custom);
    assert_eq!(config.grace(), Span::seconds(600));
    let config = Place::new(&format!("{text}{custom}[audit]\ngrace = \"3s\"\n")).config();
    assert_eq!(config.grace(), Span::seconds(3));
}

#[test]
fn an_unknown_key_is_told_with_its_line_and_the_key_that_was_meant() {
    for (section, said) in [
        (
            "[audit]\ngrase = \"1s\"\n",
            "unknown key `audit.grase` at restock.toml:6: did you mean `grace`?",
        ),
        ("[audti]\n", "unknown key `audti` at restock.toml:5: did you mean `audit`?"),
        (
            "[deep]\nmax_redirects = 3\n",
            "unknown key `deep.max_redirects` at restock.toml:6: did you mean `source.max_redirects`?",
        ),
        (
            "[ledger]\nzzz = 3\n",
            "unknown key `ledger.zzz` at restock.toml:6: the keys of `ledger` are `retain`, `url`",
        ),
        (
            "[[source.host]]\nname = \"h\"\nallow_htp = true\n",
            "unknown key `source.host[0].allow_htp` at restock.toml:7: did you mean `allow_http`?",
        ),
    ] {
        assert_eq!(problem_of(section), said);
    }
}

#[test]
fn a_wrong_type_is_told_with_its_line_and_what_is_expected() {
    for (section, said) in [
        (
            "[audit]\nconcurrency = \"many\"\n",
            "`audit.concurrency` at restock.toml:6 must be a whole number from 0, not a text",
        ),
        (
            "[audit]\nconcurrency = -1\n",
            "`audit.concurrency` at restock.toml:6 must be a whole number from 0, not -1",
        ),
        (
            "[audit]\ngrace = 600\n",
            "`audit.grace` at restock.toml:6 must be a duration such as \"15m\" or \"48h\", not a number",
        ),
        (
            "[heal]\nenabled = \"yes\"\n",
            "`heal.enabled` at restock.toml:6 must be true or false, not a text",
        ),
        (
            "[heal]\nmax_object_size = 5\n",
            "`heal.max_object_size` at restock.toml:6 must be a size such as \"64MiB\", not a number",
        ),
        (
            "[source]\nallow_private = \"::/0\"\n",
            "`source.allow_private` at restock.toml:6 must be a list, each a text in quotes, not a text",
        ),
        (
            "[source]\nhost = [1]\n",
            "`source.host[0]` at restock.toml:6 must be a table, not a number",
        ),
        (
            "[[source.host]]\nallow_http = true\n",
            "`source.host[0].name` at restock.toml:5 is missing: write a text in quotes",
        ),
        (
            "[breaker]\nmissing_share = true\n",
            "`breaker.missing_share` at restock.toml:6 must be a number, not true or false",
        ),
    ] {
        assert_eq!(problem_of(section), said);
    }
    let said = problem_of("[audit]\ngrace = \"soon\"\n");
    let expected =
        "`audit.grace` at restock.toml:6 cannot be used: `soon` is no duration such as 15m";
    assert!(said.starts_with(expected), "{said}");
    let preset = problems_of(&PLAIN.replace("[store]", "preset = \"restok\"\n[store]"));
    let said = "`catalog.preset` at restock.toml:3 must be one of \"restock\", \"fleet\", \"custom\": did you mean \"restock\"?";
    assert_eq!(preset, [said]);
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_their_lines() {
    let problems = problems_of(
        "[store]\nname = 3\n[audit]\ngrace = \"soon\"\nconcurrency = 0\n[heal]\nretry_after = \"x\"\nno = 1\n",
    );
    let about = |problem: &String| problem.split('`').nth(1).unwrap().to_owned();
    assert_eq!(
        problems.iter().map(about).collect::<Vec<_>>(),
        [
            "catalog.url",
            "store.url",
            "store.name",
            "audit.grace",
            "audit.concurrency",
            "heal.retry_after",
            "heal.no"
        ],
        "{problems:#?}"
    );
}

#[test]
fn broken_toml_is_told_with_its_line_and_without_the_line_itself() {
    let problems = problems_of("[catalog]\nurl = \"mysql://root:SECRET@db/x\n[store]\n");
    assert!(problems[0].starts_with("no TOML at restock.toml:2: "), "{problems:?}");
    assert!(!problems[0].contains("SECRET"), "{problems:?}");
    let problems = problems_of("[catalog]\nurl = \"sqlite:a\"\nurl = \"sqlite:b\"\n");
    assert!(
        problems[0].contains("restock.toml:3") && problems[0].contains("duplicate"),
        "{problems:?}"
    );
}
