//! What Fleet's own variables become, and which of them cannot be followed.

use std::fs;

use restock::catalog::Preset;
use restock::store::OptionValue;

use crate::place::{Place, SERVER, option, problem, text, with};

#[test]
fn without_a_file_a_fleet_server_becomes_catalog_and_store() {
    let place = Place::beside(SERVER, &[]);
    let config = place.config();
    assert_eq!(
        config.catalog_url(),
        "mysql://fleet:CANARY%40%2F%3A%3F%23%20%C3%A9%2541@db.example.com:3306/fleet"
    );
    assert_eq!(config.options.catalog.preset, Preset::Fleet);
    assert_eq!(config.options.store.url, "s3://fleet-software");
    assert_eq!(config.options.store.options.len(), 0);
    assert_eq!(config.file, None);
    let ledger = format!("sqlite://{}/ledger.db", place.folder.path().display());
    assert_eq!(config.ledger_url(), ledger);
    let kept = Place::beside(SERVER, &[("STATE_DIRECTORY", "/var/lib/restock")]).config();
    assert_eq!(kept.ledger_url(), "sqlite:///var/lib/restock/ledger.db");
    assert_eq!(config.grace().to_string(), "10m");
    assert!(config.options.heal.enabled, "an audit changes nothing; who heals asks for it");
}

#[test]
fn an_empty_variable_is_none_and_fleets_defaults_hold() {
    let only = &[("FLEET_MYSQL_PASSWORD", "p"), ("FLEET_SOFTWARE_INSTALLER_STORE_DIR", "/srv/a b")];
    let config = Place::beside(only, &[("FLEET_MYSQL_ADDRESS", "")]).config();
    assert_eq!(config.catalog_url(), "mysql://fleet:p@localhost:3306/fleet");
    assert_eq!(config.options.store.url, "file:///srv/a%20b");
    let config = with(&[("FLEET_MYSQL_REGION", ""), ("FLEET_MYSQL_TLS_CA", "")]);
    assert_eq!(config.options.catalog.tls_ca_file, None);
}

#[test]
fn every_part_of_the_database_url_is_encoded() {
    let config = with(&[
        ("FLEET_MYSQL_USERNAME", "a b@c"),
        ("FLEET_MYSQL_DATABASE", "fleet/2?x"),
        ("FLEET_MYSQL_ADDRESS", "[2001:db8::1]:3307"),
        ("FLEET_MYSQL_PASSWORD", ""),
    ]);
    assert_eq!(config.catalog_url(), "mysql://a%20b%40c@[2001:db8::1]:3307/fleet%2F2%3Fx");
    let config = with(&[
        ("FLEET_MYSQL_PROTOCOL", "unix"),
        ("FLEET_MYSQL_ADDRESS", "/run/my sql/d.sock"),
        ("FLEET_MYSQL_TLS_CA", "/ca.pem"),
    ]);
    assert_eq!(config.options.catalog.tls_ca_file, None, "nobody listens on the way to a socket");
    assert!(
        config.catalog_url().ends_with("@localhost:3306/fleet?socket=%2Frun%2Fmy%20sql%2Fd.sock"),
        "{}",
        config.catalog_url()
    );
}

#[test]
fn a_password_may_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    fs::write(&path, " CAN ARY\n\n").unwrap();
    let file = ("FLEET_MYSQL_PASSWORD_PATH", path.to_str().unwrap());
    let config = with(&[("FLEET_MYSQL_PASSWORD", ""), file]);
    assert!(config.catalog_url().starts_with("mysql://fleet:CAN%20ARY@db."));
    assert!(!config.show_with_origins().unwrap().contains("CAN"));
    let said = problem(&[file]);
    assert!(
        said.contains("FLEET_MYSQL_PASSWORD_PATH stands beside FLEET_MYSQL_PASSWORD"),
        "{said}"
    );
    let absent =
        problem(&[("FLEET_MYSQL_PASSWORD", ""), ("FLEET_MYSQL_PASSWORD_PATH", "not/there")]);
    assert!(absent.contains("FLEET_MYSQL_PASSWORD_PATH names /"), "{absent}");
    assert!(absent.contains("not/there, which cannot be read: No such file"), "{absent}");
}

#[test]
fn encryption_is_as_fleet_asks_for_it() {
    let ca = ("FLEET_MYSQL_TLS_CA", "tls/ca.pem");
    let pair = [("FLEET_MYSQL_TLS_CERT", "tls/cert.pem"), ("FLEET_MYSQL_TLS_KEY", "/k.pem")];
    let place = Place::beside(SERVER, &[ca, pair[0], pair[1], ("FLEET_MYSQL_TLS_CONFIG", "x")]);
    let options = place.config().options.catalog;
    let own = |path: &str| Some(place.folder.path().join(path));
    assert_eq!(options.tls_ca_file, own("tls/ca.pem"));
    assert_eq!(options.tls_cert_file, own("tls/cert.pem"));
    assert_eq!(options.tls_key_file, own("/k.pem"));
    assert!(options.url.unwrap().ends_with("/fleet"), "an authority of its own says it all");

    // As Fleet, which looks at a certificate only beside an authority.
    let options = with(&pair).options.catalog;
    assert_eq!((options.tls_cert_file, options.tls_key_file), (None, None));

    for (config, query) in [
        ("true", "?ssl-mode=VERIFY_IDENTITY"),
        ("True", "?ssl-mode=VERIFY_IDENTITY"),
        ("1", "?ssl-mode=VERIFY_IDENTITY"),
        ("skip-verify", "?ssl-mode=REQUIRED"),
        ("preferred", ""),
        ("false", ""),
        ("", ""),
    ] {
        let url = with(&[("FLEET_MYSQL_TLS_CONFIG", config)]).catalog_url().to_owned();
        assert!(url.ends_with(&format!("3306/fleet{query}")), "{config}: {url}");
    }
    for (name, more) in [
        ("FLEET_MYSQL_TLS_CONFIG", vec![("FLEET_MYSQL_TLS_CONFIG", "custom")]),
        ("FLEET_MYSQL_TLS_CONFIG", vec![("FLEET_MYSQL_TLS_CONFIG", "rdsmysql")]),
        ("FLEET_MYSQL_TLS_CERT", vec![ca, pair[0]]),
        ("FLEET_MYSQL_TLS_SERVER_NAME", vec![ca, ("FLEET_MYSQL_TLS_SERVER_NAME", "other")]),
    ] {
        let said = problem(&more);
        assert!(said.contains(&format!(" in {name} ")), "{said}");
    }
    let named = with(&[ca, ("FLEET_MYSQL_TLS_SERVER_NAME", "DB.example.com")]);
    assert!(named.options.catalog.tls_ca_file.is_some(), "the name that it connects to");
    with(&[("FLEET_MYSQL_TLS_SERVER_NAME", "without an authority it means nothing")]);
}

#[test]
fn a_bucket_becomes_the_store_with_its_options() {
    let config = with(&[
        ("FLEET_S3_SOFTWARE_INSTALLERS_PREFIX", "./prefix-here//x/"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_REGION", "eu-central-1"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_ACCESS_KEY_ID", "AKIA"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_SECRET_ACCESS_KEY", "CANARY"),
    ]);
    assert_eq!(config.options.store.url, "s3://fleet-software/prefix-here/x");
    assert_eq!(option(&config, "aws_region"), Some(&text("eu-central-1")));
    assert_eq!(option(&config, "aws_access_key_id"), Some(&text("AKIA")));
    assert_eq!(option(&config, "aws_secret_access_key"), Some(&text("CANARY")));
    assert_eq!(config.options.store.options.len(), 3, "Amazon's S3 needs no endpoint");
    for half in ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY"] {
        let name = format!("FLEET_S3_SOFTWARE_INSTALLERS_{half}");
        assert_eq!(with(&[(&name, "x")]).options.store.options.len(), 0, "half a pair is none");
    }
}

#[test]
fn an_endpoint_keeps_its_scheme_and_gets_the_one_that_fleet_gave_it() {
    let bucket = "fleet-software";
    for (endpoint, disable_ssl, path_style, becomes) in [
        ("https://s3.example.com", "", "true", "https://s3.example.com"),
        ("https://s3.example.com/", "true", "1", "https://s3.example.com"),
        ("http://minio:9000", "false", "true", "http://minio:9000"),
        ("localhost:9000", "true", "true", "http://localhost:9000"),
        ("localhost:9000", "", "t", "https://localhost:9000"),
        ("https://s3.example.com:9443", "", "", "https://fleet-software.s3.example.com:9443"),
        ("https://s3.example.com", "", "false", "https://fleet-software.s3.example.com"),
        ("http://127.0.0.1:9000", "", "", "http://127.0.0.1:9000"),
    ] {
        let config = with(&[
            ("FLEET_S3_SOFTWARE_INSTALLERS_ENDPOINT_URL", endpoint),
            ("FLEET_S3_SOFTWARE_INSTALLERS_DISABLE_SSL", disable_ssl),
            ("FLEET_S3_SOFTWARE_INSTALLERS_FORCE_S3_PATH_STYLE", path_style),
        ]);
        assert_eq!(option(&config, "aws_endpoint"), Some(&text(becomes)), "{endpoint}");
        let plain = becomes.starts_with("http:").then_some(&OptionValue::Flag(true));
        assert_eq!(option(&config, "aws_allow_http"), plain, "{endpoint}");
        let named = becomes.contains(bucket).then_some(&OptionValue::Flag(true));
        assert_eq!(option(&config, "aws_virtual_hosted_style_request"), named, "{endpoint}");
    }
    let dotted = with(&[
        ("FLEET_S3_SOFTWARE_INSTALLERS_BUCKET", "my.bucket"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_ENDPOINT_URL", "https://s3.example.com"),
    ]);
    assert_eq!(option(&dotted, "aws_endpoint"), Some(&text("https://s3.example.com")));
}

#[test]
fn what_restock_cannot_do_as_fleet_does_is_told_by_the_variables_name() {
    for (name, value, said) in [
        ("FLEET_MYSQL_PROTOCOL", "memory", "tcp and unix"),
        ("FLEET_MYSQL_ADDRESS", "db:mysql", "host and port"),
        ("FLEET_MYSQL_STS_ASSUME_ROLE_ARN", "arn:aws:iam::1:role/x", "a role to be assumed"),
        ("FLEET_MYSQL_TLS_CONFIG", "CANARY", "skip-verify"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_STS_ASSUME_ROLE_ARN", "arn:aws:iam::1:role/x", "a role"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_STS_EXTERNAL_ID", "CANARY", "a role"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_GCS_IAM_AUTH", "true", "gs: is not supported"),
        (
            "FLEET_S3_SOFTWARE_INSTALLERS_ENDPOINT_URL",
            "https://storage.googleapis.com",
            "gs: is not supported",
        ),
        ("FLEET_S3_SOFTWARE_INSTALLERS_ENDPOINT_URL", "ftp://CANARY@h", "no URL with a scheme"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_ENDPOINT_URL", "https://u:CANARY@h", "no URL"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_DISABLE_SSL", "yes", "must be true or false"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_PREFIX", "/prefix", "begins with a slash"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_PREFIX", "//prefix", "begins with a slash"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_PREFIX", "a/../../b", "leads out"),
        ("FLEET_MYSQL_PASWORD", "CANARY", "did you mean FLEET_MYSQL_PASSWORD?"),
        ("FLEET_MYSQL_DIALECT", "CANARY", "restock does not know what it changes"),
        (
            "FLEET_S3_SOFTWARE_INSTALLERS_ENDPOIN_URL",
            "CANARY",
            "did you mean FLEET_S3_SOFTWARE_INSTALLERS_ENDPOINT_URL?",
        ),
        ("FLEET_S3_SOFTWARE_INSTALLERS_KMS_KEY", "CANARY", "does not know what it changes"),
    ] {
        let problem = problem(&[(name, value)]);
        assert!(problem.contains(&format!(" in {name}")) && problem.contains(said), "{problem}");
    }
    let region = problem(&[("FLEET_MYSQL_REGION", "us-east-2"), ("FLEET_MYSQL_PASSWORD", "")]);
    assert!(region.contains(" in FLEET_MYSQL_REGION without a password asks for IAM"), "{region}");
    with(&[("FLEET_MYSQL_REGION", "us-east-2")]);

    let several = [("FLEET_MYSQL_ADDRESS", "a b"), ("FLEET_MYSQL_PROTOCOL", "tcp")];
    let wrong = Place::beside(SERVER, &several);
    assert_eq!(wrong.problems().len(), 1, "{:?}", wrong.problems());
    let wrong = Place::beside(
        SERVER,
        &[
            ("FLEET_MYSQL_ADDRESS", "a b"),
            ("FLEET_MYSQL_TLS_CONFIG", "custom"),
            ("FLEET_S3_SOFTWARE_INSTALLERS_PREFIX", "/"),
            ("FLEET_S3_SOFTWARE_INSTALLERS_DISABLE_SSL", "-"),
            ("FLEET_S3_SOFTWARE_INSTALLERS_BUKET", "x"),
        ],
    );
    assert_eq!(wrong.problems().len(), 5, "all are told at once: {:#?}", wrong.problems());
}

#[test]
fn what_makes_no_difference_to_restock_is_passed_over() {
    let quiet = with(&[
        ("FLEET_MYSQL_MAX_OPEN_CONNS", "50"),
        ("FLEET_MYSQL_MAX_IDLE_CONNS", "50"),
        ("FLEET_MYSQL_CONN_MAX_LIFETIME", "0"),
        ("FLEET_MYSQL_SQL_MODE", "ANSI"),
        ("FLEET_MYSQL_READ_REPLICA_ADDRESS", "replica:3306"),
        ("FLEET_MYSQL_READ_REPLICA_REGION", "us-east-2"),
        ("FLEET_MYSQL_SERVICE_HOST", "10.0.0.1"),
        ("FLEET_MYSQL_PORT_3306_TCP_ADDR", "10.0.0.1"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_CLOUDFRONT_URL", "https://cdn.example.com"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_CLOUDFRONT_URL_SIGNING_PRIVATE_KEY", "CANARY"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_SIGNED_URL", "true"),
        ("FLEET_S3_CARVES_BUCKET", "carves"),
        ("FLEET_S3_BUCKET", "carves"),
        ("FLEET_SERVER_PRIVATE_KEY", "CANARY"),
        ("FLEET_REDIS_ADDRESS", "redis:6379"),
        ("FLEET_SOFTWARE_INSTALLER_STORE_DIR", "/a bucket holds instead"),
    ]);
    let (quiet, plain) = (quiet.options, with(&[]).options);
    assert_eq!((quiet.catalog, quiet.store), (plain.catalog, plain.store));
}

#[test]
fn a_fleet_without_a_bucket_keeps_files_in_a_folder() {
    let without: &[_] = &[("FLEET_S3_SOFTWARE_INSTALLERS_BUCKET", "")];
    let place = |more: &[(&str, &str)]| Place::beside(SERVER, &[without, more].concat());
    let folder = ("FLEET_SOFTWARE_INSTALLER_STORE_DIR", "/opt/fleet/installers");
    assert_eq!(place(&[folder]).config().options.store.url, "file:///opt/fleet/installers");
    let icons = ("FLEET_SOFTWARE_TITLE_ICON_STORE_DIR", "/opt/fleet/installers");
    assert_eq!(place(&[folder, icons]).config().options.store.url, "file:///opt/fleet/installers");
    let elsewhere = place(&[folder, ("FLEET_SOFTWARE_TITLE_ICON_STORE_DIR", "/icons")]).problems();
    assert!(elsewhere[0].contains(" in FLEET_SOFTWARE_TITLE_ICON_STORE_DIR is another folder"));

    let nowhere = place(&[]).problems();
    assert_eq!(nowhere.len(), 1, "{nowhere:?}");
    assert!(nowhere[0].contains(" in FLEET_S3_SOFTWARE_INSTALLERS_BUCKET is not set, nor"));
    assert!(nowhere[0].contains("temporary folder"), "{nowhere:?}");
    for carves in ["FLEET_S3_BUCKET", "FLEET_S3_CARVES_BUCKET"] {
        let said = place(&[(carves, "carves")]).problems();
        assert!(said[0].contains(&format!("({carves} is for file carves alone)")), "{said:?}");
    }
}

#[test]
fn where_there_is_no_fleet_both_halves_are_asked_for() {
    let problems = Place::beside(&[], &[]).problems();
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(problems[0].contains("FLEET_MYSQL_ADDRESS is not set, nor any other"), "{problems:?}");
    assert!(problems[1].contains("FLEET_S3_SOFTWARE_INSTALLERS_BUCKET is not set"), "{problems:?}");
}

#[test]
fn white_space_that_a_secret_leaves_around_a_value_of_the_bucket_is_no_part_of_it() {
    let config = with(&[
        ("FLEET_S3_SOFTWARE_INSTALLERS_BUCKET", "fleet-software\n"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_REGION", " us-east-2\r\n"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_ACCESS_KEY_ID", "AKIA\n"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_SECRET_ACCESS_KEY", "CANARY\n"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_ENDPOINT_URL", "https://s3.example.com\n"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_FORCE_S3_PATH_STYLE", "true\n"),
    ]);
    assert_eq!(config.options.store.url, "s3://fleet-software");
    assert_eq!(option(&config, "aws_region"), Some(&text("us-east-2")));
    assert_eq!(option(&config, "aws_access_key_id"), Some(&text("AKIA")));
    assert_eq!(option(&config, "aws_secret_access_key"), Some(&text("CANARY")));
    assert_eq!(option(&config, "aws_endpoint"), Some(&text("https://s3.example.com")));
}

#[test]
fn a_value_of_the_bucket_that_no_request_can_carry_is_told_by_its_variable() {
    let inside = problem(&[
        ("FLEET_S3_SOFTWARE_INSTALLERS_ACCESS_KEY_ID", "AKIA\nCANARY"),
        ("FLEET_S3_SOFTWARE_INSTALLERS_SECRET_ACCESS_KEY", "CANARY"),
    ]);
    assert!(inside.contains(" in FLEET_S3_SOFTWARE_INSTALLERS_ACCESS_KEY_ID "), "{inside}");
}
