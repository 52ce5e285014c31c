//! What `show` and `status` print.
#![expect(clippy::unwrap_used, reason = "a broken test should stop")]

#[path = "support/golden.rs"]
mod golden;

use chrono::{DateTime, TimeDelta, Utc};
use restock::model::{
    Attempts, BreakerReason, BreakerState, CatalogRow, Cause, Digest, FailureReason, Finding,
    FindingCount, FindingKind, ObjectMeta, Repair, RepairResult, SourceVerdict, Sources,
    Unhealable, Verdict,
};
use restock::report::{
    ObjectState, ObjectView, PastRepair, PlaceView, RowView, SourceView, Standing, StatusView,
    TextOptions, breaker, object_json, object_table, status_json, status_table,
};
use serde_json::Value;

use golden::expect_file;

const HOSTILE: &str = "evil\u{1b}[2J\n.pkg";

fn at() -> DateTime<Utc> {
    "2026-11-23T13:00:00.123456789Z".parse().unwrap()
}

fn digest() -> Digest {
    Digest::new([0xab; 32])
}

fn finding() -> Finding {
    let detail = format!("package not found with hash {}", digest());
    let mut finding = Finding::new(FindingKind::Missing, "software-installers", at(), detail);
    (finding.healable, finding.unhealable) = (Some(false), Some(Unhealable::SourceDrifted));
    finding
}

fn object() -> ObjectView {
    let url = "https://user:SECRET@artifacts.example.com/a.pkg?token=SECRET";
    let row = CatalogRow {
        digest: digest(),
        name: Some(HOSTILE.into()),
        sources: Sources::of_url(url),
        size: Some(1 << 20),
        updated_at: Some(at()),
        reference: Some("42".into()),
        active: true,
    };
    let verdict = SourceVerdict {
        digest: digest(),
        source_id: "00".repeat(32),
        source: "https://artifacts.example.com/a.pkg".into(),
        verdict: Verdict::Drifted,
        etag: None,
        length: Some(5),
        observed_digest: Some(Digest::new([0xcd; 32])),
        at: at(),
    };
    let repair = Repair {
        collection: "software-installers".into(),
        key: format!("software-installers/{}", digest()),
        digest: digest(),
        cause: Cause::Missing,
        result: RepairResult::SourceDrifted,
        reason: Some(FailureReason::SourceDrifted),
        source: Some("https://artifacts.example.com/a.pkg".into()),
        bytes: 5,
        seconds: 0.1,
        corrupt: None,
        detail: "the source serves other bytes".into(),
    };
    ObjectView {
        digest: digest(),
        places: vec![PlaceView {
            collection: "software-installers".into(),
            key: repair.key.clone(),
            object: ObjectState::Absent,
            rows: vec![RowView::from(&row)],
            sources: vec![
                SourceView::new(url, Some(verdict)),
                SourceView::new("https://mirror.example.com/a.pkg", None),
            ],
        }],
        findings: vec![finding()],
        attempts: Some(Attempts {
            failures: 2,
            last_result: Some(RepairResult::SourceDrifted),
            last_at: Some(at()),
            fingerprint: String::new(),
        }),
        next_try: Some(at() + TimeDelta::minutes(30)),
        held: Some("every source has drifted".into()),
        repairs: vec![PastRepair { at: at(), repair }],
        removals: Vec::new(),
    }
}

fn status() -> StatusView {
    let later = FindingCount {
        kind: FindingKind::Missing,
        reason: None,
        healable: Some(false),
        unhealable: Some(Unhealable::SourceDrifted),
        accepted: false,
        count: 1,
        oldest: at() + TimeDelta::days(1),
    };
    let accepted = FindingCount {
        healable: Some(true),
        unhealable: None,
        accepted: true,
        oldest: at(),
        ..later.clone()
    };
    let unknown = FindingCount { kind: FindingKind::Unknown, healable: None, ..later.clone() };
    StatusView {
        store: "file:///srv/store".into(),
        passes: Vec::new(),
        standing: Standing::of(&[later, accepted, unknown]),
        breaker: None,
        heals_pending: 1,
        next_heal_at: Some(at()),
        daemon: None,
        uploads: 2,
    }
}

fn printed<T>(
    view: &T,
    write: impl Fn(&T, &TextOptions<'_>, &mut Vec<u8>) -> std::io::Result<()>,
) -> String {
    let mut out = Vec::new();
    write(view, &TextOptions::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn views_are_what_the_golden_files_say() {
    let elsewhere = ObjectView {
        places: vec![PlaceView {
            object: ObjectMeta { size: 1536, etag: Some("\"e1\"".into()), modified: Some(at()) }
                .into(),
            rows: Vec::new(),
            sources: Vec::new(),
            ..object().places.remove(0)
        }],
        findings: Vec::new(),
        attempts: None,
        next_try: None,
        held: None,
        repairs: Vec::new(),
        removals: Vec::new(),
        ..object()
    };
    let shown = [object(), elsewhere].map(|view| printed(&view, object_table));
    expect_file("tests/golden/show.txt", &shown.join("\n"));
    let open = BreakerState {
        reason: BreakerReason::MassMissing,
        missing: 150,
        expected: 200,
        opened_at: at(),
        acknowledged: None,
    };
    let refusing = StatusView { breaker: Some(open), standing: Vec::new(), ..status() };
    let shown = [status(), refusing].map(|view| printed(&view, status_table));
    expect_file("tests/golden/status.txt", &shown.join("\n"));
}

#[test]
fn neither_secrets_nor_escape_sequences_are_shown() {
    for text in
        [printed(&object(), object_table), printed(&object(), |v, _, out| object_json(v, out))]
    {
        assert!(!text.contains("SECRET") && !text.contains("user"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}

#[test]
fn documents_name_their_shape_and_leave_nothing_out() {
    let view: Value =
        serde_json::from_str(&printed(&object(), |v, _, out| object_json(v, out))).unwrap();
    assert_eq!(view["schema"], "restock.object/v1");
    assert_eq!(view["next_try"], "2026-11-23T13:30:00.123Z");
    assert_eq!(view["attempts"]["last_at"], "2026-11-23T13:00:00.123Z");
    assert_eq!(view["places"][0]["object"]["state"], "absent");
    assert_eq!(view["places"][0]["rows"][0]["ref"], "42");
    assert_eq!(view["places"][0]["sources"][1]["verdict"], Value::Null);
    let view: Value =
        serde_json::from_str(&printed(&status(), |v, _, out| status_json(v, out))).unwrap();
    assert_eq!(view["schema"], "restock.status/v1");
    assert_eq!(view["breaker"], Value::Null);
    assert_eq!(view["standing"][0]["count"], 2);
    assert_eq!(view["standing"][0]["healable"], 1);
    assert_eq!(view["standing"][0]["accepted"], 1);
    assert_eq!(view["standing"][0]["oldest"], "2026-11-23T13:00:00.123Z");
    assert_eq!(view["standing"][1]["kind"], "unknown");
}

#[test]
fn the_breaker_is_answered_with_the_number_that_it_prints() {
    let state = |reason, acknowledged| BreakerState {
        reason,
        missing: 3,
        expected: 7,
        opened_at: at(),
        acknowledged,
    };
    let text =
        |state: Option<BreakerState>| printed(&state, |s, o, out| breaker(s.as_ref(), o, out));
    assert_eq!(text(None), "breaker: closed\n");
    let open = text(Some(state(BreakerReason::MassMissing, None)));
    assert!(open.contains("restock breaker ack --expect-missing 3\n"), "{open}");
    let shrunk = text(Some(state(BreakerReason::InventoryShrunk, None)));
    assert!(shrunk.contains("restock breaker ack --expect-records 7\n"), "{shrunk}");
    let acknowledged = text(Some(state(BreakerReason::MassMissing, Some(3))));
    assert!(acknowledged.contains("acknowledged with 3") && !acknowledged.contains(" ack "));
}
