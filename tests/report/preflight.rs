//! What a preflight prints.

use std::path::Path;

use restock::gitops::{Found, Place, Problem};
use restock::preflight::{Answer, Healed, Report, Resolved, Verdict};
use restock::report::{Format, PreflightReport, Render, TextOptions, preflight_schema};
use serde_json::{Value, json};

use crate::golden::expect_file;
use crate::reports::{digest, heal, key};
use crate::schema::violations;

/// A preflight with everything that can be in it.
fn preflight() -> Report {
    let at = |line| Place { file: "teams/a.yml".into(), line, column: 20 };
    let found = Found {
        problems: vec![Problem { at: at(9), message: "no YAML: x".to_owned() }],
        notes: vec![Problem { at: at(11), message: "no team names it".to_owned() }],
        unreadable: vec![("nowhere".into(), "No such file".to_owned())],
        ..Found::default()
    };
    let answer = |line, verdict| Answer {
        at: at(line),
        policy_of: None,
        hash: Some(digest(1).to_string().into()),
        verdict,
        message: "\u{1b}[2Jsaid\n".to_owned(),
        detail: Some("because".to_owned()),
        collection: Some("software-installers".to_owned()),
        key: Some(key(1)),
        corrupt: false,
    };
    let verdicts = [Verdict::Ok, Verdict::WillDownload, Verdict::Unknown, Verdict::WouldFail];
    let mut answers: Vec<_> =
        (1..).zip(verdicts).map(|(line, verdict)| answer(line, verdict)).collect();
    answers[0].corrupt = true;
    answers[3] =
        Answer { hash: None, collection: None, key: None, detail: None, ..answers[3].clone() };
    let healed = Healed { repairs: heal().repairs, ..Healed::default() };
    Report::new(found, Resolved { answers, absent: Vec::new() }, healed)
}

fn preflight_as(format: Format) -> String {
    let (report, prefix) = (preflight(), Path::new("sub"));
    let mut out = Vec::new();
    let view = PreflightReport { report: &report, quiet: false, prefix };
    view.render(format, &TextOptions::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_preflight_is_what_the_golden_files_say() {
    for format in Format::ALL {
        let text = preflight_as(format);
        assert!(!text.contains('\u{1b}'), "{text}");
        expect_file(&format!("tests/golden/preflight.{format}.txt"), &text);
    }
}

#[test]
fn a_preflight_follows_its_schema_and_a_damaged_one_does_not() {
    let schema = serde_json::to_value(preflight_schema()).unwrap();
    let report: Value = serde_json::from_str(&preflight_as(Format::Json)).unwrap();
    assert_eq!(violations(&schema, &schema, &report, "preflight"), [""; 0]);
    for (pointer, value) in [
        ("/summary/outcome", json!("fine")),
        ("/references/0/verdict", json!("bad")),
        ("/references/0/line", json!(null)),
        ("/problems", json!([{ "type": "problem" }])),
        ("/schema", json!("restock.preflight/v2")),
    ] {
        let mut damaged = report.clone();
        *damaged.pointer_mut(pointer).unwrap() = value;
        let found = violations(&schema, &schema, &damaged, "preflight");
        assert!(!found.is_empty(), "{pointer} was damaged and nobody noticed");
    }
}
