//! The command line as users type it.

use super::*;
use crate::model::Slice;
use crate::report::Format;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    let digest = "ab".repeat(32);
    let line = format!("restock {}", line.replace("DIGEST", &digest));
    Cli::try_parse_from(line.split_whitespace())
}

fn audit(line: &str) -> AuditArgs {
    let command = parse(line).unwrap().command;
    let Command::Audit(args) = command else { panic!("{command:?}") };
    args
}

#[test]
fn the_definition_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn common_options_stand_before_or_behind_the_command() {
    for line in ["-c x.toml -vv --no-color audit", "audit -c x.toml -vv --no-color"] {
        let common = parse(line).unwrap().common;
        assert_eq!(common.config, Some("x.toml".into()), "{line}");
        assert_eq!((common.verbose, common.no_color), (2, true), "{line}");
    }
    for bad in ["restock -q config schema -v", "restock config schema -v -q"] {
        assert!(Cli::read(bad.split(' ').map(OsString::from)).is_err(), "{bad}");
    }
    assert!(parse("audit --log-format xml").is_err());
}

#[test]
fn deep_takes_its_slice_behind_an_equals_sign_only() {
    assert_eq!(audit("audit").pass.deep, None);
    assert_eq!(audit("audit --deep").pass.deep, Some(Slice::WHOLE));
    assert_eq!(audit("audit --deep=2/4").pass.deep, Slice::new(2, 4));
    for bad in ["audit --deep 2/4", "audit --deep=5/4", "audit --slice 0/4", "audit --slice /0"] {
        assert!(parse(bad).is_err(), "{bad}");
    }
    assert_eq!(audit("audit --slice /4").pass.slice, Some(SliceArg::Indexed(4)));
}

#[test]
fn only_named_objects_are_replaced_unread() {
    assert!(parse("heal DIGEST --replace-unreadable --plan p.json").is_ok());
    for bad in ["heal --replace-unreadable", "heal --from-plan p.json --replace-unreadable"] {
        assert!(parse(bad).is_err(), "{bad}");
    }
    assert!(parse("heal abcdef0123 --replace-unreadable").is_err(), "all 64 digits");
}

#[test]
fn lists_are_made_by_repeating_and_the_last_of_single_values_holds() {
    let line = "audit --collection a --collection b --report json=x --report table=y \
                --output json --output ndjson";
    let pass = audit(line).pass;
    assert_eq!(pass.collection, ["a", "b"]);
    assert_eq!(pass.report.len(), 2);
    assert_eq!(pass.output, Format::Ndjson);
    for bad in ["audit --output xml", "audit --report json", "audit --fail-on missing,all"] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_plan_is_made_or_carried_out_and_not_both() {
    for good in [
        "heal",
        "heal DIGEST DIGEST --deep",
        "heal --dry-run --plan p",
        "heal --plan p --slice 1/2",
        "heal --from-plan p --wait-lock 10m",
    ] {
        parse(good).unwrap();
    }
    for bad in [
        "heal --from-plan p --plan q",
        "heal --from-plan p --dry-run",
        "heal --from-plan p DIGEST",
        "heal --from-plan p --collection a",
        "heal --dry-run --wait-lock 10m",
        "heal --wait-lock soon",
        "audit --dry-run",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_malformed_digest_is_named() {
    for line in ["heal abc", "probe abc", "probe DIGEST abc", "show abc"] {
        let error = parse(line).unwrap_err().to_string();
        assert!(error.contains("not a SHA-256 digest: `abc`"), "{error}");
    }
    assert!(parse("probe").is_err());
    assert!(parse("show DIGEST DIGEST").is_err());
}

#[test]
fn the_breaker_is_answered_with_exactly_one_number() {
    parse("breaker show").unwrap();
    parse("breaker ack --expect-missing 4").unwrap();
    parse("breaker ack --expect-records 0").unwrap();
    for bad in [
        "breaker",
        "breaker ack",
        "breaker ack --expect-missing 1 --expect-records 1",
        "breaker ack --expect-missing many",
        "breaker ack --expect-missing -1",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn what_else_is_there_takes_what_the_contract_says() {
    for good in [
        "demo",
        "demo --dir d --keep",
        "import a b --source-url-base https://h/p",
        "show DIGEST --output json",
        "sources --collection a --collection b --output ndjson",
        "status --output table",
        "probe DIGEST --collection a",
        "config check --online",
        "config show --origin",
        "config schema",
    ] {
        parse(good).unwrap();
    }
    for bad in ["import", "import a --source-url-base h/p", "status --output ndjson", "config"] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}
