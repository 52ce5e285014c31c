//! `--textfile`: what a run leaves for Prometheus.

use std::fs;

use crate::place::{CONFIGURATION, Place};
use crate::support::promtool;

/// The numbers that a run left, by sample; the text is one that Prometheus takes.
fn left(place: &Place) -> Vec<(String, f64)> {
    let text = fs::read_to_string(place.path("restock.prom")).unwrap();
    promtool::check(&text);
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let parsed = samples.map(|line| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.replace("restock_audit_", ""), value)
    });
    parsed.map(|(name, value)| (name, value.parse().unwrap())).collect()
}

#[track_caller]
fn holds(samples: &[(String, f64)], wanted: &[(&str, f64)]) {
    for (name, value) in wanted {
        let (metric, state) = name.split_once(' ').unwrap_or((name, ""));
        let wanted = match state {
            "" => format!("{metric}{{store=\"default\"}}"),
            state => format!("{metric}{{state=\"{state}\",store=\"default\"}}"),
        };
        let found = samples.iter().find(|(own, _)| *own == wanted);
        assert_eq!(found.map(|(_, found)| *found), Some(*value), "{name} in {samples:?}");
    }
}

#[test]
fn a_run_leaves_its_numbers_whole_and_readable() {
    let (place, objects) = Place::healthy(12);
    place.lose(&objects[..2]);
    place.run("audit --deep --textfile restock.prom").exits(2);
    let found = left(&place);
    holds(
        &found,
        &[
            ("last_exit_code", 2.0),
            ("objects missing", 2.0),
            ("objects verified", 10.0),
            ("objects present", 0.0),
            ("orphans flagged", 0.0),
        ],
    );
    place.run("heal --textfile restock.prom").exits(0);
    let healed = left(&place);
    holds(&healed, &[("last_exit_code", 0.0), ("objects missing", 0.0)]);
    let folder: Vec<_> =
        fs::read_dir(place.dir()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(folder.iter().all(|name| !name.to_string_lossy().contains("report")), "{folder:?}");
}

#[test]
fn a_run_that_fails_says_so_and_keeps_what_the_last_one_established() {
    let (place, objects) = Place::healthy(12);
    place.lose(&objects[..2]);
    place.run("audit --textfile restock.prom").exits(2);
    let before = left(&place);
    place.configure(&CONFIGURATION.replace("url = \"store\"", "url = \"gone\""));
    place.run("audit --textfile restock.prom").exits(1);
    let after = left(&place);
    holds(&after, &[("last_exit_code", 1.0), ("objects missing", 2.0)]);
    let at = |samples: &[(String, f64)], name: &str| {
        samples.iter().find(|(own, _)| own.starts_with(name)).unwrap().1
    };
    let success = "last_success_timestamp_seconds";
    assert!((at(&after, success) - at(&before, success)).abs() < 0.001);
    let completion = "last_completion_timestamp_seconds";
    assert!(at(&after, completion) > at(&before, completion));

    // By a clock that was set back since, that run has not come yet.
    let text = fs::read_to_string(place.path("restock.prom")).unwrap();
    let kept = text.lines().find(|line| line.contains(success) && !line.starts_with('#')).unwrap();
    let (name, _) = kept.rsplit_once(' ').unwrap();
    fs::write(place.path("restock.prom"), text.replace(kept, &format!("{name} 4000000000")))
        .unwrap();
    place.run("audit --textfile restock.prom").exits(1);
    let now = left(&place);
    assert!((at(&now, success) - at(&now, completion)).abs() < 0.001, "it grows old from now on");
}

#[test]
fn a_file_that_cannot_be_written_is_told_before_the_work() {
    let (place, objects) = Place::healthy(3);
    place.lose(&objects[..1]);
    let ran = place.run("heal --textfile nowhere/restock.prom").exits(1);
    ran.says("nowhere/restock.prom");
    assert!(place.world.http.requests().is_empty(), "nothing was healed");
    let ran = place.run("audit --textfile .").exits(1);
    ran.says("cannot write");
}
