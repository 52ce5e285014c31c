//! Reports, member by member, as the contract with other programs has them.

use std::collections::BTreeSet;
use std::fs;

use chrono::DateTime;
use serde_json::Value;

use crate::place::{CONFIGURATION, Place};
use crate::schema::{follows, line_follows, published};
use crate::support::world::Object;

const SUMMARY: &str = "type pass_id command depth slice started_at finished_at outcome exit_code \
    expected observed present verified missing corrupt unknown young accepted orphans \
    orphans_flagged orphan_bytes foreign invalid_records at_risk healed heal_failed held \
    bytes_verified bytes_downloaded store_requests breaker errors";

const FINDING: &str = "type kind collection key digest names rows refs sources expected_size \
    observed_size observed_digest reason healable unhealable accepted detail first_seen";

const REPAIR: &str = "type key digest cause result reason source bytes seconds detail";

const KINDS: &str = "missing corrupt unknown orphan foreign invalid_record";

const UNHEALABLE: &str = "no_source source_gone source_drifted policy_blocked too_large disabled";

const RESULTS: &str = "restored already_present source_gone source_drifted refused held failed";

const FAILURES: &str = "source_unavailable source_gone source_drifted policy_blocked too_large \
    store_write verify_after_write";

/// Holds a document against the contract; the pass must not have failed.
#[track_caller]
pub(crate) fn check(document: &Value) {
    let members: BTreeSet<_> = document.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, BTreeSet::from(["findings", "repairs", "schema", "summary"]));
    assert_eq!(document["schema"], "restock.pass/v1");
    let findings = document["findings"].as_array().unwrap();
    findings.iter().for_each(check_finding);
    document["repairs"].as_array().unwrap().iter().for_each(check_repair);
    check_summary(&document["summary"], findings);
}

#[track_caller]
fn check_summary(summary: &Value, findings: &[Value]) {
    has(summary, SUMMARY, "schema");
    let n = |name: &str| summary[name].as_u64().unwrap_or_else(|| panic!("{name} in {summary}"));
    assert_eq!(summary["type"], "summary");
    one_of(&summary["depth"], "shallow deep");
    one_of(&summary["outcome"], "clean failed findings incomplete refused busy");
    assert_eq!(
        n("present") + n("missing") + n("corrupt") + n("unknown"),
        n("expected"),
        "{summary}"
    );
    assert!(n("verified") <= n("present") && n("at_risk") <= n("present"), "{summary}");
    assert!(n("orphans_flagged") <= n("orphans"), "{summary}");
    let of = |kind| u64::try_from(findings.iter().filter(|f| f["kind"] == kind).count()).unwrap();
    for (kind, count) in [
        ("missing", "missing"),
        ("corrupt", "corrupt"),
        ("unknown", "unknown"),
        ("orphan", "orphans"),
        ("foreign", "foreign"),
        ("invalid_record", "invalid_records"),
    ] {
        assert_eq!(of(kind), n(count), "{kind}: {summary}");
    }
    for name in ["healed", "heal_failed", "held", "bytes_verified", "bytes_downloaded", "young"] {
        n(name);
    }
    has(&summary["store_requests"], "list head get put", "");
    for error in summary["errors"].as_array().unwrap() {
        has(error, "code message subject", "");
    }
    if !summary["breaker"].is_null() {
        has(&summary["breaker"], "reason missing expected", "");
    }
    is_time(&summary["started_at"]);
    is_time(&summary["finished_at"]);
}

#[track_caller]
fn check_finding(finding: &Value) {
    has(finding, FINDING, "");
    assert_eq!(finding["type"], "finding");
    one_of(&finding["kind"], KINDS);
    if !finding["unhealable"].is_null() {
        one_of(&finding["unhealable"], UNHEALABLE);
        assert_eq!(finding["healable"], false, "{finding}");
    }
    assert!(finding["accepted"].is_boolean() && finding["rows"].is_u64(), "{finding}");
    for list in ["names", "refs", "sources"] {
        assert!(finding[list].as_array().unwrap().len() <= 20, "{finding}");
    }
    for digest in ["digest", "observed_digest"] {
        is_digest_or_null(&finding[digest]);
    }
    if finding["kind"] == "missing" {
        let said = format!("package not found with hash {}", finding["digest"].as_str().unwrap());
        assert_eq!(finding["detail"], said);
    }
    is_time(&finding["first_seen"]);
}

#[track_caller]
fn check_repair(repair: &Value) {
    has(repair, REPAIR, "collection corrupt");
    if repair["cause"] == "missing" {
        assert!(repair["corrupt"].is_null(), "{repair}");
    } else {
        has(&repair["corrupt"], "observed_digest observed_size quarantine_key", "");
    }
    assert_eq!(repair["type"], "repair");
    one_of(&repair["cause"], "missing corrupt");
    one_of(&repair["result"], RESULTS);
    if !repair["reason"].is_null() {
        one_of(&repair["reason"], FAILURES);
    }
    is_digest_or_null(&repair["digest"]);
    assert!(repair["bytes"].is_u64() && repair["seconds"].is_number(), "{repair}");
}

/// All of `members`, and no other but those that were added since.
#[track_caller]
fn has(value: &Value, members: &str, added: &str) {
    let found: BTreeSet<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    let members: BTreeSet<_> = members.split_whitespace().collect();
    let missing: Vec<_> = members.difference(&found).collect();
    assert!(missing.is_empty(), "{missing:?} not in {value}");
    let other = found.difference(&members).filter(|name| !added.split(' ').any(|a| a == **name));
    assert_eq!(other.count(), 0, "more than is agreed in {value}");
}

#[track_caller]
fn one_of(value: &Value, words: &str) {
    let word = value.as_str().unwrap_or_else(|| panic!("{value} is no word"));
    assert!(words.split_whitespace().any(|known| known == word), "{word} is none of {words}");
}

#[track_caller]
fn is_digest_or_null(value: &Value) {
    let Some(text) = value.as_str() else { return assert!(value.is_null(), "{value}") };
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    assert!(text.len() == 64 && text.bytes().all(is_hex), "{text}");
}

#[track_caller]
fn is_time(value: &Value) {
    let text = value.as_str().unwrap();
    assert!(text.ends_with('Z') && DateTime::parse_from_rfc3339(text).is_ok(), "{text}");
}

/// A world with a finding of each kind that a directory can have.
fn damaged() -> Place {
    let (place, objects) = Place::healthy(30);
    place.lose(&objects[..2]);
    place.world.put(&objects[2].key, b"cut");
    place.world.put(&Object::of("nobody's", "x").key, b"nobody's");
    place.world.put("software-installers/read me.txt", b"hello");
    place.sql("INSERT INTO packages (sha256, filename) VALUES ('abc', 'broken.pkg')");
    place
}

#[test]
fn a_json_report_holds_to_the_contract_before_and_after_a_heal() {
    let place = damaged();
    let audit = place.run("audit --output json").exits(2).json();
    check(&audit);
    let kinds: BTreeSet<_> =
        audit["findings"].as_array().unwrap().iter().map(|f| f["kind"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        BTreeSet::from(["missing", "corrupt", "orphan", "foreign", "invalid_record"])
    );
    assert_eq!(audit["summary"]["command"], "audit");

    let heal = place.run("heal --output json").exits(2).json();
    check(&heal);
    assert_eq!(heal["summary"]["command"], "heal");
    assert_eq!(heal["summary"]["healed"], 3);
    assert_eq!(heal["summary"]["present"], 30);
    assert_eq!(heal["repairs"].as_array().unwrap().len(), 3);
}

#[test]
fn a_stream_ends_with_its_one_summary() {
    let place = damaged();
    let lines = place.run("audit --output ndjson").exits(2).lines();
    let (summary, findings) = lines.split_last().unwrap();
    assert_eq!(summary["schema"], "restock.pass/v1");
    assert_eq!(findings.len(), 6);
    findings.iter().for_each(check_finding);
    check_summary(summary, findings);
}

/// Holds the document of a pass that gave no verdict against the contract.
#[track_caller]
pub(crate) fn check_unable(document: &Value, outcome: &str, code: u64) {
    let summary = &document["summary"];
    has(summary, SUMMARY, "schema");
    assert_eq!((&summary["outcome"], &summary["exit_code"]), (&outcome.into(), &code.into()));
    for count in ["expected", "observed", "present", "missing", "corrupt", "unknown", "orphans"] {
        assert!(summary[count].is_null(), "{count}: {summary}");
    }
    let errors = summary["errors"].as_array().unwrap();
    assert!(!errors.is_empty(), "{summary}");
    for error in errors {
        has(error, "code message subject", "");
    }
}

#[test]
fn a_pass_that_could_not_be_run_is_reported_with_null_for_what_it_did_not_establish() {
    for (absent, code) in [("store", "store"), ("catalog.db", "catalog")] {
        let place = damaged();
        fs::write(place.path("out.json"), "of an earlier pass").unwrap();
        fs::rename(place.path(absent), place.path("elsewhere")).unwrap();
        for line in ["audit --output json --report json=out.json", "heal --output json"] {
            let ran = place.run(line).exits(1).says(absent);
            check_unable(&ran.json(), "failed", 1);
            assert_eq!(ran.json()["summary"]["errors"][0]["code"], code);
        }
        let file = fs::read_to_string(place.path("out.json")).unwrap();
        check_unable(&serde_json::from_str(&file).unwrap(), "failed", 1);
        let lines = place.run("audit --output ndjson").exits(1).lines();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["schema"], "restock.pass/v1");
        assert_eq!(place.run("audit").exits(1).stdout, "");
    }
}

#[test]
fn ci_systems_get_test_cases_and_annotations_whatever_becomes_of_the_pass() {
    let place = damaged();
    for line in ["audit", "heal --dry-run"] {
        place
            .run(&format!("{line} --output junit"))
            .exits(2)
            .prints("<testsuites name=\"restock audit\" tests=\"5\" skipped=\"0\" failures=\"4\"");
        let ran = place.run(&format!("{line} --output github")).exits(2);
        assert_eq!(ran.stdout.matches("::error title=").count(), 4, "{}", ran.stdout);
        assert_eq!(ran.stdout.matches("::notice title=").count(), 1, "{}", ran.stdout);
    }
    place.run("heal --output junit").exits(2).prints("tests=\"2\" skipped=\"0\" failures=\"1\"");
    fs::rename(place.path("store"), place.path("elsewhere")).unwrap();
    place.run("audit --output junit").exits(1).prints("errors=\"1\"").prints("no_such_store");
    place.run("audit --output github").exits(1).prints("::error title=restock audit%3A store::");
}

#[test]
fn a_pass_that_fails_on_its_way_is_reported_too() {
    let place = damaged();
    fs::remove_dir_all(place.path("store/software-installers")).unwrap();
    fs::write(place.path("store/software-installers"), "no folder").unwrap();
    let ran = place.run("audit --output json").exits(1);
    check_unable(&ran.json(), "failed", 1);
}

#[test]
fn every_report_that_is_asked_for_is_written() {
    let place = damaged();
    let line = "audit --output ndjson --report json=out.json --report table=out.txt \
                --report ndjson=out.ndjson";
    let ran = place.run(line).exits(2);
    let read = |name: &str| fs::read_to_string(place.path(name)).unwrap();
    check(&serde_json::from_str(&read("out.json")).unwrap());
    assert!(read("out.txt").contains("missing: in the catalog, not in the store (2)"));
    assert_eq!(read("out.ndjson"), ran.stdout);

    place.run("audit --report json=nowhere/out.json").exits(1).says("nowhere/out.json");
    place.run("audit --report xml=out.xml").exits(64).says("ndjson");
    place.run("audit --report out.json").exits(64).says("FORMAT=PATH");
}

#[test]
fn what_is_shown_of_one_object_and_of_all_is_there_for_people_and_programs() {
    let place = damaged();
    let ran = place.run("audit --output json");
    let missing = ran.json()["findings"][0]["digest"].as_str().unwrap().to_owned();
    place.run("heal").exits(2);
    place
        .run(&format!("show {missing}"))
        .exits(0)
        .prints(&missing)
        .prints("app-")
        .prints("restored");
    let shown = place.run(&format!("show {missing} --output json")).exits(0).json();
    assert_eq!(shown["digest"], missing.as_str());
    assert_eq!(shown["places"][0]["object"]["state"], "present");
    assert_eq!(shown["repairs"][0]["result"], "restored");

    place.run("status").exits(0).prints("heal").prints("breaker: closed");
    let status = place.run("status --output json").exits(0).json();
    assert_eq!(status["passes"].as_array().unwrap().len(), 2);
    assert_eq!(status["passes"][0]["command"], "heal");
    let standing: Vec<_> = status["standing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["kind"].as_str().unwrap())
        .collect();
    assert_eq!(standing.len(), 3, "{status}");

    let unknown = "00".repeat(32);
    place.run(&format!("show {unknown}")).exits(0).prints(&unknown);
}

/// What each command prints for programs, held against what is published.
#[test]
fn every_document_follows_the_published_schema_of_its_shape() {
    let place = damaged();
    place.configure(&format!("{CONFIGURATION}\n[orphans]\ngrace = \"0s\"\nsightings = 1\n"));
    let lost = Object::nth(0).digest;
    let printed = |line: &str| {
        let ran = place.run(line);
        assert_ne!(ran.stdout, "", "{line}: {}", ran.stderr);
        follows(&ran.json());
        let document = ran.json();
        document["schema"].as_str().unwrap().to_owned()
    };
    place.run(&format!("accept {lost} --until 2999-01-01 --reason gone")).exits(0);
    let mut seen = BTreeSet::new();
    for line in [
        "audit --output json",
        "audit --deep --output json",
        "heal --dry-run --output json",
        "accept --list --output json",
        "sources --output json",
        "orphans list --output json",
        "heal --deep --output json",
        "status --output json",
        "quarantine list --output json",
    ] {
        seen.insert(printed(line));
    }
    for digest in [lost, Object::nth(1).digest, Object::nth(2).digest] {
        seen.insert(printed(&format!("show {digest} --output json")));
    }
    let file = |name: &str| fs::read_to_string(place.path(name)).unwrap();
    // A row that may want any object would keep orphans from being planned.
    place.sql("DELETE FROM packages WHERE sha256 = 'abc'");
    place.run("heal --plan heal.json").exits(0);
    place.run("orphans plan -o plan.json").exits(0);
    for plan in ["heal.json", "plan.json"] {
        let document = serde_json::from_str(&file(plan)).unwrap();
        follows(&document);
        seen.insert(document["schema"].as_str().unwrap().to_owned());
    }
    seen.insert(printed("orphans apply plan.json --max-delete 9 --output json"));
    let record = "restock.orphans-applied/v1";
    for line in file("plan.json.applied.ndjson").lines() {
        line_follows(record, &serde_json::from_str(line).unwrap());
    }
    seen.insert(record.to_owned());
    seen.insert(printed("orphans restore plan.json.applied.ndjson --output json"));
    fs::write(place.path("team.yml"), "software:\n  packages:\n    - hash_sha256: abc\n").unwrap();
    seen.insert(printed("preflight team.yml --output json"));
    // The pages of lists are the API's.
    let mut all: BTreeSet<_> = published().into_keys().collect();
    all.retain(|id| !matches!(id.as_str(), "restock.findings/v1" | "restock.passes/v1"));
    assert_eq!(seen, all);
}

/// A stream of lines has the records of the document among its `$defs`.
#[test]
fn the_summary_of_a_stream_names_a_published_shape() {
    let place = damaged();
    for line in ["audit", "sources", "orphans list", "quarantine list"] {
        let lines = place.run(&format!("{line} --output ndjson")).lines();
        let (summary, items) = lines.split_last().unwrap();
        let id = summary["schema"].as_str().unwrap();
        assert!(published().contains_key(id), "{line}: {id}");
        assert!(items.iter().all(|item| item.get("schema").is_none()), "{line}");
    }
}
