//! What a pass prints: shapes to the letter of `restock.pass/v1`, and text for people.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken test should stop")]

#[path = "../support/golden.rs"]
mod golden;
#[path = "../support/reports.rs"]
mod reports;
#[path = "../support/schema.rs"]
mod schema;

mod preflight;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};

use restock::model::{FindingKind, Outcome};
use restock::report::{Color, Format, ReportTarget, TextOptions, schema as report_schema, shapes};
use serde_json::{Value, json};

use golden::expect_file;
use reports::{Told, audit, clean, failed, finding, heal, key, refused};

fn printed(told: &Told, format: Format, options: &TextOptions<'_>) -> String {
    let mut out = Vec::new();
    told.report().write(format, options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn plain(told: &Told, format: Format) -> String {
    printed(told, format, &TextOptions::default())
}

fn document(told: &Told) -> Value {
    serde_json::from_str(&plain(told, Format::Json)).unwrap()
}

fn worlds() -> [(&'static str, Told); 5] {
    [
        ("audit", audit()),
        ("heal", heal()),
        ("failed", failed()),
        ("refused", refused()),
        ("clean", clean()),
    ]
}

#[test]
fn tables_and_lines_are_what_the_golden_files_say() {
    for (name, told) in worlds() {
        expect_file(&format!("tests/golden/{name}.txt"), &plain(&told, Format::Table));
        expect_file(&format!("tests/golden/{name}.github.txt"), &plain(&told, Format::Github));
        if name != "refused" {
            expect_file(&format!("tests/golden/{name}.ndjson"), &plain(&told, Format::Ndjson));
            expect_file(&format!("tests/golden/{name}.junit.xml"), &plain(&told, Format::Junit));
        }
    }
}

#[test]
fn a_clean_pass_is_one_test_that_passes_and_findings_are_those_that_decide() {
    let numbers = |told: &Told| {
        let xml = plain(told, Format::Junit);
        let root = xml.lines().nth(1).unwrap().to_owned();
        root.split('"').skip(3).step_by(2).map(str::to_owned).collect::<Vec<_>>()
    };
    // Tests, skipped, failures, errors.
    assert_eq!(numbers(&clean()), ["1", "0", "0", "0"]);
    assert_eq!(numbers(&failed()), ["1", "0", "0", "1"]);
    // Of three missing, one corrupt, one unknown and one invalid, one loss is accepted.
    assert_eq!(numbers(&audit()), ["6", "0", "4", "1"]);
    let mut told = audit();
    told.fail_on = "corrupt,unknown".parse().unwrap();
    assert_eq!(numbers(&told), ["3", "0", "2", "0"]);
    let text = plain(&told, Format::Github);
    assert_eq!(text.matches("::error ").count(), 2, "{text}");
    told.fail_on = "none".parse().unwrap();
    let text = plain(&told, Format::Github);
    assert_eq!((text.matches("::error ").count(), text.matches("::warning ").count()), (0, 1));
}

#[test]
fn the_committed_schemas_are_current() {
    for shape in shapes() {
        let text = serde_json::to_string_pretty(&shape.schema).unwrap();
        expect_file(&shape.file, &format!("{text}\n"));
    }
}

/// Whatever the code calls a shape by has a published schema that says the same.
#[test]
fn each_id_of_a_shape_has_a_root_in_the_published_schemas() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut ids = BTreeSet::new();
    let mut pending = vec![root.join("src")];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let text = fs::read_to_string(path).unwrap();
            let begun =
                text.split("\"restock.").skip(1).filter_map(|rest| rest.split_once("/v1\""));
            let plain = |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            let found = begun.filter(|(name, _)| plain(name));
            ids.extend(found.map(|(name, _)| format!("restock.{name}/v1")));
        }
    }
    let published = schema::published();
    assert_eq!(ids, published.keys().cloned().collect());
    assert_eq!(ids, shapes().iter().map(|shape| shape.id.to_owned()).collect(), "none is stale");
    assert!(ids.len() >= 14, "{ids:?}");
}

#[test]
fn every_report_follows_the_schema_and_a_damaged_one_does_not() {
    let schema = serde_json::to_value(report_schema()).unwrap();
    for (name, told) in worlds() {
        let report = document(&told);
        assert_eq!(schema::violations(&schema, &schema, &report, name), [""; 0]);
        schema::follows(&report);
        for (pointer, value) in [
            ("/summary/outcome", json!("fine")),
            ("/summary/exit_code", json!(null)),
            ("/summary/missing", json!("3")),
            ("/schema", json!("restock.pass/v2")),
            ("/findings", json!([{ "type": "finding" }])),
        ] {
            let mut damaged = report.clone();
            *damaged.pointer_mut(pointer).unwrap() = value;
            let found = schema::violations(&schema, &schema, &damaged, name);
            assert!(!found.is_empty(), "{pointer} was damaged and nobody noticed");
        }
    }
}

#[test]
fn a_document_holds_the_contracts_members_and_no_others() {
    let report = document(&heal());
    let members = |value: &Value| {
        let mut names: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(members(&report), "findings repairs schema summary");
    assert_eq!(
        members(&report["findings"][0]),
        "accepted collection detail digest expected_size first_seen healable key kind names \
         observed_digest observed_size reason refs rows sources type unhealable"
    );
    assert_eq!(
        members(&report["repairs"][0]),
        "bytes cause collection corrupt detail digest key reason result seconds source type"
    );
    assert_eq!(
        members(&report["summary"]),
        "accepted at_risk breaker bytes_downloaded bytes_verified command corrupt depth errors \
         exit_code expected finished_at foreign heal_failed healed held invalid_records missing \
         observed orphan_bytes orphans orphans_flagged outcome pass_id present slice started_at \
         store_requests type unknown verified young"
    );
}

#[test]
fn lines_hold_the_same_records_as_the_document_and_one_summary_last() {
    for (name, told) in worlds() {
        let mut lines: Vec<Value> = plain(&told, Format::Ndjson)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let document = document(&told);
        let mut summary = lines.pop().unwrap();
        assert_eq!(summary.as_object_mut().unwrap().remove("schema").unwrap(), "restock.pass/v1");
        assert_eq!(summary, document["summary"], "{name}");
        let records: Vec<_> = ["findings", "repairs"]
            .iter()
            .flat_map(|part| document[*part].as_array().unwrap().clone())
            .collect();
        assert_eq!(lines, records, "{name}");
        assert!(lines.iter().all(|line| line["type"] != "summary"));
    }
}

#[test]
fn findings_come_by_kind_collection_and_key_whatever_order_they_were_found_in() {
    let mut told = audit();
    let before = plain(&told, Format::Json);
    told.findings.reverse();
    assert_eq!(plain(&told, Format::Json), before);
    let kinds: Vec<_> = document(&told)["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["kind"].as_str().unwrap().to_owned())
        .collect();
    let mut expected = vec!["missing"; 2];
    expected.extend(FindingKind::ALL.map(FindingKind::as_str));
    assert_eq!(kinds, expected);
}

#[test]
fn counts_that_were_not_established_are_null_and_not_missing() {
    let report = document(&failed());
    for name in ["expected", "present", "missing", "orphan_bytes", "at_risk"] {
        assert_eq!(report["summary"].get(name), Some(&Value::Null), "{name}");
    }
    let text = plain(&failed(), Format::Table);
    assert!(!text.contains("0 expected") && !text.contains("all "), "{text}");
}

#[test]
fn times_are_utc_with_milliseconds() {
    let report = document(&audit());
    assert_eq!(report["summary"]["started_at"], "2026-11-23T13:00:00.123Z");
    assert_eq!(report["findings"][0]["first_seen"], "2026-11-23T13:00:00.123Z");
}

#[test]
fn a_file_name_cannot_write_to_the_terminal() {
    let mut told = audit();
    let hostile = "\u{1b}]0;owned\u{7}\u{9b}2J\r\n\u{202e}txt.exe";
    for finding in &mut told.findings {
        finding.names = vec![hostile.into()];
        finding.key = Some(hostile.into());
        finding.refs = vec![hostile.into()];
        finding.reason = Some(hostile.into());
        finding.detail = hostile.into();
    }
    told.repairs = heal().repairs;
    for repair in &mut told.repairs {
        (repair.key, repair.detail) = (hostile.into(), hostile.into());
    }
    told.summary.errors = failed().summary.errors;
    told.summary.errors[0].message = hostile.into();
    told.summary.errors[0].subject = Some(hostile.into());
    let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    for format in [Format::Table, Format::Junit, Format::Github] {
        let text = plain(&told, format);
        assert!(!text.contains(steers), "{text:?}");
        assert!(text.contains(r"\u{1b}]0;owned"), "{text}");
    }
    let text = plain(&told, Format::Table);
    for line in text.lines() {
        assert!(!line.starts_with("\\u{202e}"), "a name broke its line: {line}");
    }
}

#[test]
fn color_is_written_only_when_told_to_and_says_nothing_more() {
    let colored = TextOptions { color: Color::Always, invocation: "restock" };
    for (name, told) in worlds() {
        let text = plain(&told, Format::Table);
        assert!(!text.contains('\u{1b}'), "{name}");
        let mut stripped = printed(&told, Format::Table, &colored);
        assert!(stripped.contains('\u{1b}'), "{name}");
        while let Some(at) = stripped.find('\u{1b}') {
            let end = stripped[at..].find('m').unwrap();
            stripped.replace_range(at..=at + end, "");
        }
        assert_eq!(stripped, text, "{name}");
    }
}

#[test]
fn a_kind_with_many_findings_takes_a_screenful_and_says_how_many_more() {
    let text = plain(&refused(), Format::Table);
    assert_eq!(text.lines().filter(|line| line.contains("installer-")).count(), 20);
    assert!(text.contains("… and 130 more (see --output json)"), "{text}");
    let mut told = refused();
    told.findings.truncate(20);
    assert!(!plain(&told, Format::Table).contains("more (see"));
}

#[test]
fn the_last_line_is_the_next_command() {
    let last = |told: &Told, options: &TextOptions<'_>| {
        printed(told, Format::Table, options).lines().last().unwrap().to_owned()
    };
    let here = TextOptions { invocation: "restock -c demo/restock.toml", ..Default::default() };
    assert_eq!(last(&audit(), &here), "next: restock -c demo/restock.toml heal");
    let told = audit();
    let mut off = Vec::new();
    let report = restock::report::PassReport { healing_off: true, ..told.report() };
    report.write(Format::Table, &here, &mut off).unwrap();
    let off = String::from_utf8(off).unwrap();
    assert_eq!(
        off.lines().last(),
        Some(
            "next: RESTOCK_HEAL__ENABLED=true restock -c demo/restock.toml heal --dry-run \
             (healing is off)"
        )
    );
    let plain = TextOptions::default();
    assert!(
        last(&refused(), &plain).starts_with("next: restock breaker ack --expect-missing 150 ")
    );
    let stuck = key(2).split_once('/').unwrap().1.to_owned();
    assert_eq!(last(&heal(), &plain), format!("next: restock show {stuck}"));
    assert_eq!(last(&clean(), &plain), "clean: all 200 expected objects are there");
}

#[test]
fn a_single_object_is_not_spoken_of_as_many() {
    let mut told = clean();
    (told.summary.expected, told.summary.present) = (Some(1), Some(0));
    (told.summary.missing, told.summary.outcome) = (Some(1), Outcome::Findings);
    told.findings = vec![finding(FindingKind::Missing, 1)];
    let text = plain(&told, Format::Table);
    assert!(
        text.contains("the one expected object is not there, 1 missing, 1 of 1 can be healed"),
        "{text}"
    );
    told.summary.orphans = Some(1);
    assert!(plain(&told, Format::Table).contains("1 orphan ("));
}

#[test]
fn a_report_file_appears_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("report.json");
    fs::write(&path, "old").unwrap();
    let target: ReportTarget = format!("json={}", path.display()).parse().unwrap();
    target.write(&audit().report(), &TextOptions::default()).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), plain(&audit(), Format::Json));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");

    let absent = dir.path().join("absent/report.json");
    let target = ReportTarget { format: Format::Json, path: absent.clone() };
    let error = target.write(&audit().report(), &TextOptions::default()).unwrap_err();
    assert!(error.to_string().contains(absent.to_str().unwrap()), "{error}");
    assert!(std::error::Error::source(&error).is_some());

    let folder = ReportTarget { format: Format::Json, path: dir.path().into() };
    assert!(folder.write(&audit().report(), &TextOptions::default()).is_err());
}

#[cfg(unix)]
#[test]
fn a_report_file_is_as_readable_as_the_umask_makes_it_and_a_link_stays_a_link() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (beside, path) = (dir.path().join("beside"), dir.path().join("report.json"));
    fs::write(&beside, "").unwrap();
    std::os::unix::fs::symlink(&beside, &path).unwrap();
    let target = ReportTarget { format: Format::Ndjson, path: path.clone() };
    target.write(&clean().report(), &TextOptions::default()).unwrap();
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&beside).unwrap(), plain(&clean(), Format::Ndjson));

    let fresh = dir.path().join("fresh");
    fs::write(&fresh, "").unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&beside), mode(&fresh));
}

#[test]
fn what_is_no_report_target_is_refused_with_an_example() {
    for bad in ["report.json", "json=", "xml=report.xml", "=x"] {
        let error = bad.parse::<ReportTarget>().unwrap_err().to_string();
        assert!(error.contains("json"), "{error}");
    }
}

#[test]
fn a_closed_pipe_is_told_apart_from_other_errors() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for format in Format::ALL {
        let error =
            audit().report().write(format, &TextOptions::default(), &mut Closed).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe, "{format}");
    }
}
