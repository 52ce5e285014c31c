//! Values to keep in a ledger, each field set so that a forgotten column shows.

use chrono::{DateTime, TimeDelta, Utc};
use restock::ledger::FindingKey;
use restock::model::{
    Acceptance, BreakerReason, BreakerState, Cause, Command, Corruption, Depth, Digest,
    FailureReason, Finding, FindingKind, ObjectMeta, Outcome, Repair, RepairResult, Sighting,
    SourceVerdict, StoreRequests, Summary, Verdict,
};

/// Minute `minutes` of the test's time, with milliseconds: reports keep them.
pub(crate) fn minute(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 123_000_000).unwrap() + TimeDelta::minutes(minutes)
}

pub(crate) fn digest(seed: u8) -> Digest {
    Digest::new([seed; 32])
}

/// A clean pass that ended at this minute.
pub(crate) fn pass(id: &str, ended: i64) -> Summary {
    Summary {
        pass_id: id.to_owned(),
        command: Command::Heal,
        depth: Depth::Deep,
        slice: Some("2/5".to_owned()),
        started_at: minute(ended - 1),
        finished_at: minute(ended),
        outcome: Outcome::Findings,
        exit_code: 2,
        expected: Some(100),
        observed: Some(99),
        present: Some(97),
        verified: Some(20),
        missing: Some(2),
        corrupt: Some(1),
        unknown: Some(0),
        young: Some(3),
        accepted: Some(1),
        orphans: Some(4),
        orphans_flagged: Some(2),
        orphan_bytes: Some(1 << 40),
        foreign: None,
        invalid_records: Some(6),
        at_risk: Some(5),
        healed: 7,
        heal_failed: 8,
        held: 9,
        bytes_verified: 10,
        bytes_downloaded: 11,
        store_requests: StoreRequests { list: 1, head: 2, get: 3, put: 4 },
        breaker: None,
        errors: Vec::new(),
    }
}

/// A finding of this kind about this key, seen at this minute.
pub(crate) fn finding(kind: FindingKind, key: &str, seen: i64) -> (FindingKey, Finding) {
    let mut finding = Finding::new(kind, "installers", minute(seen), format!("about {key}"));
    finding.key = Some(key.to_owned());
    finding.names = vec!["Firefox \u{1f98a}.dmg".to_owned()];
    finding.sources = vec!["https://example.com/a".to_owned()];
    (FindingKey { kind, subject: key.to_owned() }, finding)
}

pub(crate) fn corruption(key: &str) -> Corruption {
    Corruption {
        key: key.to_owned(),
        digest: digest(1),
        observed_digest: digest(2),
        meta: ObjectMeta {
            size: 5,
            etag: Some("\"e\"".to_owned()),
            // Compared with what a file system says, which has nanoseconds.
            modified: Some(minute(0) + TimeDelta::nanoseconds(1)),
        },
        found_at: minute(1),
    }
}

pub(crate) fn sighting(key: &str, sightings: u32) -> Sighting {
    Sighting { key: key.to_owned(), first_seen: minute(0), counted_at: minute(9), sightings }
}

pub(crate) fn verdict(of: Digest, source_id: &str) -> SourceVerdict {
    SourceVerdict {
        digest: of,
        source_id: source_id.to_owned(),
        source: "https://example.com/a".to_owned(),
        verdict: Verdict::Drifted,
        etag: Some("W/\"1\"".to_owned()),
        length: Some(12),
        observed_digest: Some(digest(9)),
        at: minute(3),
    }
}

pub(crate) fn repair(of: Digest, result: RepairResult) -> Repair {
    Repair {
        collection: "installers".to_owned(),
        key: format!("installers/{of}"),
        digest: of,
        cause: Cause::Corrupt,
        result,
        reason: Some(FailureReason::SourceUnavailable),
        source: Some("https://example.com/a".to_owned()),
        bytes: 77,
        seconds: 0.25,
        corrupt: None,
        detail: "the source did not answer".to_owned(),
    }
}

pub(crate) fn breaker(missing: u64) -> BreakerState {
    BreakerState {
        reason: BreakerReason::MassMissing,
        missing,
        expected: 100,
        opened_at: minute(4),
        acknowledged: None,
    }
}

pub(crate) fn acceptance(of: Digest) -> Acceptance {
    Acceptance {
        digest: of,
        until: "2027-01-31".parse().unwrap(),
        reason: "the vendor is gone \u{1f98a}".to_owned(),
    }
}
