//! Values as Secrets and files hand them over, and those on which libraries would stumble.

use std::fs;

use restock::model::{Schedule, Span};
use restock::store::OptionValue;

use crate::{PLAIN, Place, problems_of};

#[test]
fn white_space_around_a_variable_a_credential_or_a_file_is_no_part_of_the_value() {
    let place = Place::new(PLAIN.replace("objects", "s3://b/p").as_str());
    fs::write(place.elsewhere.path().join("region"), " eu-central-1\r\n\n").unwrap();
    let environment = place
        .environment()
        .with("RESTOCK_STORE__URL", "s3://c/q\n")
        .with("RESTOCK_AUDIT__CONCURRENCY", " 7\n")
        .with("RESTOCK_AUDIT__GRACE", "2h\n")
        .with("RESTOCK_HEAL__ENABLED", "false\n")
        .with("RESTOCK_STORE__OPTIONS__AWS_REGION_FILE", "region")
        .with("AWS_ACCESS_KEY_ID", "AKIA\n");
    let options = place.load(&environment).unwrap().options;
    assert_eq!(options.store.url, "s3://c/q");
    assert_eq!((options.audit.concurrency, options.heal.enabled), (7, false));
    assert_eq!(options.audit.grace, Some(Span::seconds(7200)));
    let region = OptionValue::Text("eu-central-1".to_owned());
    assert_eq!(options.store.options.get("aws_region"), Some(&region));
}

#[test]
fn an_aws_variable_that_no_request_can_carry_is_told_by_its_name() {
    let place = Place::new(PLAIN.replace("objects", "s3://b/p").as_str());
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "AKIA\nCANARY"),
        ("AWS_SECRET_ACCESS_KEY", "CANARY\nCANARY"),
        ("AWS_SESSION_TOKEN", "CANARY CANARY"),
        ("AWS_REGION", "eu/central"),
        ("AWS_ENDPOINT_URL", "https://CANARY:99999"),
        ("AWS_ENDPOINT_URL_S3", "minio:9000"),
        ("AWS_TIMEOUT", "soon"),
    ] {
        let problems = place.problems(&place.environment().with(name, value));
        assert!(problems[0].contains(&format!("in {name} ")), "{problems:?}");
        assert!(!problems[0].contains("CANARY"), "{problems:?}");
    }
    let ours = place.environment().with("AWS_PROFILE", "a b\nc").with("AWS_BUCKET", "a\nb");
    assert!(place.load(&ours).is_ok(), "what the store does not take is nobody's");
    let folder = Place::new(PLAIN);
    let beside = folder.environment().with("AWS_REGION", "eu/central");
    assert!(folder.load(&beside).is_ok(), "a folder asks for no region");
}

#[test]
fn an_option_of_the_store_that_no_request_can_carry_is_told_with_its_line() {
    for (value, says) in [
        ("aws_access_key_id = \"CAN\\nARY\"", "no credential has"),
        ("aws_region = \"a b\"", "no region's name"),
        ("aws_endpoint = \"http://[::1\"", "no https: or http: URL"),
    ] {
        let text = PLAIN.replace("objects", "s3://b/p") + "[store.options]\n" + value + "\n";
        let problems = problems_of(&text);
        assert!(
            problems[0].contains("restock.toml:6") && problems[0].contains(says),
            "{problems:?}"
        );
    }
}

#[test]
fn no_schedule_makes_a_library_panic() {
    let odd = [
        "0 0 0 30 2 *",
        "0 0 0 LW * *",
        "0 0 0 1W,31W * *",
        "0 0 0 L-3 * *",
        "0 0 0 * * 8#9",
        "0 0 0 * * MON#5",
        "0 0 0 * * L",
        "0 0 0 W * *",
        "* * * * * * *",
        "@yearly",
        "@reboot",
        "0 0 0 ? * ?",
        "*/0 * * * * *",
        "0 */99 * * * *",
        "0 5-1 * * * *",
        "0 0 0 +1 * +MON",
        "0 0 0 29 2 ?",
        "é * * * * *",
        "0 0 0 1 JAN-é *",
        "0,,1 * * * * *",
        "- - - - - -",
        "99999999999999999999 * * * * *",
        "0 0 0 1 1 1 2026",
        "\u{0} * * * * *",
        "",
    ];
    for pattern in odd {
        let Ok(schedule) = pattern.parse::<Schedule>() else { continue };
        for (seconds, zone) in
            [(0, "UTC"), (1_796_000_000, "Europe/Berlin"), (9_000_000_000, "UTC")]
        {
            let after = chrono::DateTime::from_timestamp(seconds, 0).unwrap();
            schedule.next_after(after, zone.parse().unwrap());
        }
    }
}

#[test]
fn an_empty_variable_takes_back_the_socket_and_the_token_of_the_file() {
    let files = "[http]\nadmin_socket = \"a.sock\"\nadmin_token_file = \"a.token\"\n";
    let place = Place::new(&format!("{PLAIN}{files}"));
    let http = place.config().options.http;
    assert_eq!(http.admin_socket.unwrap(), place.folder.path().join("a.sock"));
    let none = [("RESTOCK_HTTP__ADMIN_SOCKET", ""), ("RESTOCK_HTTP__ADMIN_TOKEN_FILE", "")];
    let environment = none.iter().fold(place.environment(), |e, (name, value)| e.with(name, value));
    let http = place.load(&environment).unwrap().options.http;
    assert_eq!((http.admin_socket, http.admin_token_file), (None, None));
}
