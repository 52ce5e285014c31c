//! Young rows are references, and are not judged missing.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, SecondsFormat, TimeDelta, Utc};
use restock::clock::{Clock, SystemClock};
use restock::model::FindingKind;
use restock::pass::PassReport;

use crate::helper::{clock_ahead, counts, exit};
use crate::support::world::{Object, Row, World, count};

fn ago(minutes: i64) -> DateTime<Utc> {
    SystemClock.now() - TimeDelta::minutes(minutes)
}

fn plain(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// A healthy world of two old rows with a grace period of ten minutes.
async fn world() -> World {
    let (mut world, _) = World::healthy(2).await;
    world.settings.grace = Duration::from_mins(10);
    world
}

/// The world's counts after a row of an absent object was written at this time.
async fn with_absent(world: &World, updated_at: Option<String>) -> [u64; 6] {
    let object = Object::of("an absent object", "absent.pkg");
    world.sql(&format!("DELETE FROM packages WHERE sha256 = '{}'", object.digest)).await;
    world.row(&Row { updated_at, ..world.row_of(&object) }).await;
    counts(&world.audit().await)
}

const YOUNG: [u64; 6] = [2, 2, 0, 0, 0, 1];
const MISSING: [u64; 6] = [3, 2, 1, 0, 0, 0];

#[tokio::test(flavor = "multi_thread")]
async fn a_row_younger_than_the_grace_period_is_not_missing_and_an_older_one_is() {
    let world = world().await;
    assert_eq!(with_absent(&world, Some(plain(ago(9)))).await, YOUNG);
    let report = world.heal().await;
    assert_eq!((exit(&report), report.plan.actions.len(), report.findings.len()), (0, 0, 0));
    assert_eq!(with_absent(&world, Some(plain(ago(11)))).await, MISSING);
    assert_eq!(exit(&world.audit().await), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_grace_period_is_what_the_settings_say() {
    let mut world = world().await;
    world.settings.grace = Duration::from_hours(2);
    assert_eq!(with_absent(&world, Some(plain(ago(100)))).await, YOUNG);
    world.settings.grace = Duration::from_mins(90);
    assert_eq!(with_absent(&world, Some(plain(ago(100)))).await, MISSING);
    world.settings.grace = Duration::ZERO;
    assert_eq!(with_absent(&world, Some(plain(ago(0)))).await, MISSING);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_without_a_time_is_old_and_one_from_the_near_future_is_young() {
    let mut world = world().await;
    assert_eq!(with_absent(&world, None).await, MISSING);
    assert_eq!(with_absent(&world, Some(" ".to_owned())).await, MISSING);
    assert_eq!(with_absent(&world, Some("soon".to_owned())).await, MISSING);
    for minutes in [-1, -14] {
        assert_eq!(with_absent(&world, Some(plain(ago(minutes)))).await, YOUNG);
        assert_eq!(world.audit().await.summary.invalid_records, Some(0));
    }
    world.settings.grace = Duration::MAX;
    assert_eq!(with_absent(&world, None).await, MISSING, "whatever the grace period");
}

/// The invalid records of a pass: reasons, keys and detail.
fn invalid(report: &PassReport) -> Vec<(&str, &str, &str)> {
    let of_kind = report.findings.iter().filter(|f| f.kind == FindingKind::InvalidRecord);
    of_kind
        .map(|f| (f.reason.as_deref().unwrap(), f.key.as_deref().unwrap(), f.detail.as_str()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_far_in_the_future_is_no_age_and_is_told_once() {
    let world = world().await;
    let object = Object::of("an absent object", "absent.pkg");
    world.serve(&object);
    for time in [plain(ago(-16)), "9999-12-31 23:59:59".to_owned(), "infinity".to_owned()] {
        assert_eq!(with_absent(&world, Some(time.clone())).await, MISSING, "{time}");
        let report = world.audit().await;
        assert_eq!((exit(&report), report.summary.invalid_records), (2, Some(1)));
        let [(reason, key, detail)] = invalid(&report)[..] else { panic!("{report:#?}") };
        assert_eq!((reason, key), ("future", object.key.as_str()));
        assert!(detail.contains(&time) && detail.contains("in the future"), "{detail}");
    }
    // However many rows and passes: one finding, and one place in the ledger.
    let twice = "INSERT INTO packages (sha256, updated_at) \
                 SELECT sha256, updated_at FROM packages WHERE updated_at = 'infinity'";
    world.sql(twice).await;
    let report = world.audit().await;
    assert_eq!((invalid(&report).len(), report.summary.invalid_records), (1, Some(2)));
    let finding = report.findings.iter().find(|f| f.kind == FindingKind::InvalidRecord).unwrap();
    assert_eq!((finding.rows, finding.refs.len()), (2, 2));
    let report = world.heal().await;
    assert_eq!((report.summary.healed, exit(&report)), (1, 2), "present, and told still");
    let kept = world.open_ledger().await.findings(9).await.unwrap();
    assert_eq!(kept.iter().filter(|f| f.kind == FindingKind::InvalidRecord).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_time_is_told_and_never_silently_old() {
    let world = world().await;
    for time in ["soon", "14.11.2023", "2023-11-14 22:13:20 CET"] {
        assert_eq!(with_absent(&world, Some(time.to_owned())).await, MISSING, "{time}");
        let report = world.audit().await;
        assert_eq!(report.summary.invalid_records, Some(1));
        let [(reason, _, detail)] = invalid(&report)[..] else { panic!("{report:#?}") };
        assert_eq!(reason, "unreadable_time");
        assert!(detail.contains(time), "{detail}");
    }
    // One object, two records that cannot be right: the ledger keeps both.
    let object = Object::of("an absent object", "absent.pkg");
    world.put(&object.key, &object.bytes);
    let size = format!("UPDATE packages SET size_bytes = 1 WHERE sha256 = '{}'", object.digest);
    world.sql(&size).await;
    let report = world.audit().await;
    let reasons: Vec<_> = invalid(&report).into_iter().map(|(reason, ..)| reason).collect();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    let kept = world.open_ledger().await.findings(9).await.unwrap();
    assert_eq!(kept.iter().filter(|f| f.kind == FindingKind::InvalidRecord).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn common_spellings_of_a_time_are_read() {
    let world = world().await;
    for minutes in [5, 15] {
        let expected = if minutes < 10 { YOUNG } else { MISSING };
        let at = ago(minutes);
        for format in ["%F %T UTC", "%a, %d %b %Y %T GMT", "%a, %d %b %Y %T +0000", "%FT%H:%MZ"] {
            let spelled = at.format(format).to_string();
            assert_eq!(with_absent(&world, Some(spelled.clone())).await, expected, "{spelled}");
            assert_eq!(world.audit().await.summary.invalid_records, Some(0), "{spelled}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_row_of_a_digest_decides() {
    let world = world().await;
    assert_eq!(with_absent(&world, Some(plain(ago(5)))).await, YOUNG);
    let object = Object::of("an absent object", "absent.pkg");
    let again = |updated_at| Row { updated_at, ..world.row_of(&object) };
    world.row(&again(Some(plain(ago(1))))).await;
    assert_eq!(counts(&world.audit().await), YOUNG, "two young rows");
    world.row(&again(Some(plain(ago(60))))).await;
    assert_eq!(counts(&world.audit().await), MISSING, "an old one among them");
    assert_eq!(with_absent(&world, Some(plain(ago(5)))).await, YOUNG);
    world.row(&again(None)).await;
    assert_eq!(counts(&world.audit().await), MISSING, "one without a time among them");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_without_zone_is_utc_and_one_with_a_zone_is_what_it_says() {
    let world = world().await;
    for minutes in [5, 15] {
        let expected = if minutes < 10 { YOUNG } else { MISSING };
        let at = ago(minutes);
        let in_zone = |hours: i32| {
            let zone = FixedOffset::east_opt(hours * 3600).unwrap();
            at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false)
        };
        for spelling in [plain(at), in_zone(0), in_zone(2), in_zone(-11)] {
            let counted = with_absent(&world, Some(spelling.clone())).await;
            assert_eq!(counted, expected, "{spelling}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_young_row_whose_object_is_there_is_expected_and_present() {
    let world = world().await;
    let object = Object::of("just uploaded", "new.pkg");
    world.put(&object.key, &object.bytes);
    let report = world.audit().await;
    assert_eq!(count(&report, FindingKind::Orphan), 1);
    world.row(&Row { updated_at: Some(plain(ago(1))), ..world.row_of(&object) }).await;
    let report = world.audit().await;
    assert_eq!((exit(&report), counts(&report)), (0, [3, 3, 0, 0, 0, 0]));
    assert_eq!(count(&report, FindingKind::Orphan), 0, "a young row is a reference");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_young_row_does_not_hide_that_its_object_is_corrupt() {
    let world = world().await;
    let object = Object::of("just uploaded", "new.pkg");
    world.put(&object.key, b"just");
    world.row(&Row { updated_at: Some(plain(ago(1))), ..world.row_of(&object) }).await;
    let report = world.audit().await;
    assert_eq!((exit(&report), counts(&report)), (2, [3, 2, 0, 1, 0, 0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_age_of_a_row_is_taken_by_the_clock_of_the_database() {
    let mut world = world().await;
    drop(clock_ahead(&mut world, TimeDelta::days(10)));
    assert_eq!(with_absent(&world, Some(plain(ago(5)))).await, YOUNG);
    drop(clock_ahead(&mut world, TimeDelta::days(-10)));
    assert_eq!(with_absent(&world, Some(plain(ago(60)))).await, MISSING);
}
