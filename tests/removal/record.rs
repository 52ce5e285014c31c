//! The file that tells what was done.

use std::fs;

use restock::model::RemovalResult::Moved;
use restock::plan::OrphansPlan;
use restock::removal::{Record, RecordError};

use crate::bench::{Bench, results};

#[tokio::test(flavor = "multi_thread")]
async fn every_line_is_a_record_and_the_first_says_of_what() {
    let bench = Bench::in_memory(2).await;
    bench.apply().await;
    let text = fs::read_to_string(bench.record_path()).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let types: Vec<_> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["applied", "step", "step", "removal", "step", "step", "removal"]);
    assert_eq!(lines[0]["schema"], "restock.orphans-applied/v1");
    assert_eq!(lines[0]["plan_id"], bench.plan.plan_id);
    assert_eq!(lines[0]["for"]["store"], bench.plan.identity.store);
    assert_eq!((&lines[1]["step"], &lines[2]["step"]), (&"copying".into(), &"copied".into()));
    assert_eq!(lines[3]["result"], "moved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_line_that_was_cut_off_anywhere_is_none() {
    let bench = Bench::in_memory(1).await;
    bench.apply().await;
    let whole = fs::read(bench.record_path()).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for length in last..whole.len() {
        fs::write(bench.record_path(), &whole[..length]).unwrap();
        assert_eq!(results(&bench.apply().await), [Moved], "{length} bytes of {}", whole.len());
        let text = fs::read_to_string(bench.record_path()).unwrap();
        assert_eq!(text.lines().count(), 4, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_cut_off_before_it_began_begins_anew() {
    let bench = Bench::in_memory(1).await;
    drop(bench.record());
    let first = fs::read(bench.record_path()).unwrap();
    for length in [0, 1, 10, 30, first.len() - 1] {
        fs::write(bench.record_path(), &first[..length]).unwrap();
        let read = Record::read(&bench.record_path()).unwrap_err();
        assert!(matches!(read, RecordError::CutOff { .. }), "{read}");
        drop(bench.record());
        assert_eq!(fs::read(bench.record_path()).unwrap().len(), first.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_record_is_told_and_left_as_it_is() {
    let bench = Bench::in_memory(1).await;
    let path = bench.record_path();
    let header = "{\"type\":\"applied\",\"schema\":\"restock.orphans-applied/v2\",\"plan_id\":\"x\",\
                  \"for\":{\"catalog\":\"c\",\"store\":\"s\"},\"at\":\"2026-01-01T00:00:00Z\"}\n";
    for text in ["notes of mine", "notes of mine\n", "\n", "{}\n", header] {
        fs::write(&path, text).unwrap();
        let open = || Record::open(&path, "plan", &bench.plan.identity, bench.now());
        for error in [Record::read(&path).unwrap_err(), open().unwrap_err()] {
            assert!(matches!(error, RecordError::NotARecord { line: 1, .. }), "{text}: {error}");
            assert!(error.to_string().contains("plan.json.applied.ndjson"), "{error}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_of_an_earlier_plan_in_the_same_file_is_kept() {
    let bench = Bench::in_memory(1).await;
    bench.apply().await;
    let earlier = fs::read(bench.record_path()).unwrap();
    let plan_id = uuid::Uuid::now_v7().to_string();
    let later = OrphansPlan { plan_id: plan_id.clone(), ..bench.plan.clone() };
    let record =
        Record::open(&bench.record_path(), &later.plan_id, &later.identity, bench.now()).unwrap();
    assert_eq!(record.plan_id(), plan_id);
    let mut aside = bench.record_path().into_os_string();
    aside.push(format!(".{}", bench.plan.plan_id));
    assert_eq!(fs::read(&aside).unwrap(), earlier);
    assert_eq!(Record::read(aside.as_ref()).unwrap().plan_id(), bench.plan.plan_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_takes_the_place_of_no_other_and_is_written_through_no_link() {
    let bench = Bench::in_memory(1).await;
    let path = bench.record_path();
    let open = |plan: &str| Record::open(&path, plan, &bench.plan.identity, bench.now()).map(drop);
    // Two plans take turns in one file.
    for plan in ["a", "b", "a", "b"] {
        open(plan).unwrap();
    }
    let beside = fs::read_dir(path.parent().unwrap()).unwrap();
    let mut names: Vec<_> = beside
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|name| Some(name.split_once(".applied.ndjson")?.1.to_owned()))
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["", ".a", ".a.2", ".b"]);

    let precious = path.with_extension("precious");
    fs::write(&precious, "").unwrap();
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&precious, &path).unwrap();
    assert!(matches!(open("a"), Err(RecordError::File { .. })));
    assert_eq!(fs::read_to_string(&precious).unwrap(), "");
}
