//! Fleet's variables among the other places that a configuration comes from.

use std::fs;

use restock::catalog::Preset;
use restock::config::{Config, ConfigError};
use restock::store::OptionValue;

use crate::place::{Place, SERVER, option, with};

#[test]
fn fleets_variables_stand_over_the_file_and_under_restocks() {
    let place = Place::beside(
        SERVER,
        &[
            ("FLEET_S3_SOFTWARE_INSTALLERS_REGION", "us-east-2"),
            ("RESTOCK_STORE__OPTIONS__AWS_REGION", "eu-west-1"),
            ("RESTOCK_AUDIT__CONCURRENCY", "3"),
        ],
    );
    let file = place.folder.path().join("restock.toml");
    let text = "[catalog]\nurl_file = \"absent\"\nstatement_timeout = \"9m\"\n\
                [store]\nurl = \"s3://other\"\nname = \"of the file\"\n\
                [store.options]\naws_region = \"x\"\naws_imdsv1_fallback = true\n\
                [audit]\nconcurrency = 2\n";
    fs::write(&file, text).unwrap();
    for named in [None, Some(file.as_path())] {
        let config = place.load(named).unwrap();
        let options = &config.options;
        assert_eq!(options.catalog.preset, Preset::Fleet);
        assert!(config.catalog_url().contains("@db.example.com"));
        assert_eq!(options.catalog.statement_timeout.to_string(), "9m");
        assert_eq!(options.store.url, "s3://fleet-software");
        assert_eq!(options.store.name, "of the file");
        let region = OptionValue::Text("eu-west-1".to_owned());
        assert_eq!(option(&config, "aws_region"), Some(&region));
        assert_eq!(option(&config, "aws_imdsv1_fallback"), Some(&OptionValue::Flag(true)));
        assert_eq!(options.audit.concurrency, 3);
    }
}

#[test]
fn whoever_names_catalog_or_store_for_restock_is_not_asked_what_fleet_does() {
    let unusable = [
        ("FLEET_MYSQL_PASSWORD", ""),
        ("FLEET_MYSQL_REGION", "us-east-2"),
        ("FLEET_MYSQL_WHATEVER", "x"),
        ("FLEET_MYSQL_TLS_CA", "/ca.pem"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_STS_ASSUME_ROLE_ARN", "arn"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_REGION", "us-east-2"),
    ];
    assert_eq!(Place::beside(SERVER, &unusable).problems().len(), 3);
    let own = [
        ("RESTOCK_CATALOG__URL", "mysql://restock@db/fleet"),
        ("RESTOCK_STORE__URL", "file:///srv"),
    ];
    let config = Place::beside(SERVER, &[&unusable[..], &own].concat()).config();
    assert_eq!(config.catalog_url(), "mysql://restock@db/fleet");
    assert_eq!(config.options.catalog.preset, Preset::Fleet);
    assert_eq!(config.options.catalog.tls_ca_file, None);
    assert_eq!(config.options.store.url, "file:///srv");
    assert_eq!(config.options.store.options.len(), 0);
}

#[test]
fn a_credential_is_stronger_than_fleets_variables() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("restock.catalog_url"), "mysql://restock:p@db/fleet").unwrap();
    let credentials = ("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap());
    assert_eq!(with(&[credentials]).catalog_url(), "mysql://restock:p@db/fleet");
}

#[test]
fn a_file_serves_for_what_fleet_does_not_say() {
    let place = Place::beside(&[], &[]);
    let file = place.folder.path().join("restock.toml");
    let text = "[catalog]\nurl = \"sqlite://c.db\"\n[store]\nurl = \"objects\"\n";
    fs::write(&file, text).unwrap();
    let config = place.load(None).unwrap();
    assert!(config.catalog_url().ends_with("/c.db"));
    assert_eq!(config.options.catalog.preset, Preset::Restock);
    assert!(config.options.store.url.ends_with("/objects"));
}

#[test]
fn origins_name_fleets_variables_and_no_secret_is_shown() {
    let place = Place::beside(
        SERVER,
        &[
            ("FLEET_MYSQL_TLS_CA", "/ca.pem"),
            ("FLEET_S3_SOFTWARE_INSTALLERS_PREFIX", "p"),
            ("FLEET_S3_SOFTWARE_INSTALLERS_ACCESS_KEY_ID", "AKIA"),
            ("FLEET_S3_SOFTWARE_INSTALLERS_SECRET_ACCESS_KEY", "CANARY"),
            ("FLEET_S3_SOFTWARE_INSTALLERS_ENDPOINT_URL", "http://127.0.0.1:9000"),
        ],
    );
    let shown = place.config().show_with_origins().unwrap();
    for line in [
        "url = \"mysql://db.example.com:3306/fleet\"  \
         # FLEET_MYSQL_ADDRESS, FLEET_MYSQL_USERNAME, FLEET_MYSQL_PASSWORD",
        "preset = \"fleet\"  # --from-fleet-env",
        "tls_ca_file = \"/ca.pem\"  # FLEET_MYSQL_TLS_CA",
        "url = \"s3://fleet-software/p\"  \
         # FLEET_S3_SOFTWARE_INSTALLERS_BUCKET, FLEET_S3_SOFTWARE_INSTALLERS_PREFIX",
        "aws_endpoint = \"http://127.0.0.1:9000\"  # FLEET_S3_SOFTWARE_INSTALLERS_ENDPOINT_URL",
        "aws_secret_access_key = \"<redacted>\"  # FLEET_S3_SOFTWARE_INSTALLERS_SECRET_ACCESS_KEY",
        "enabled = true  # default",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} is not in\n{shown}");
    }
    assert!(!shown.contains("CANARY"), "{shown}");
    assert!(!format!("{:?}", place.config()).contains("CANARY"));
}

#[test]
fn without_the_option_fleets_variables_are_nobodys() {
    let place = Place::beside(SERVER, &[]);
    let error = Config::load(None, &place.environment).unwrap_err();
    assert!(matches!(error, ConfigError::NotFound { .. }), "{error}");
}
