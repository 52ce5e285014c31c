//! Reports to render: one world with something wrong of every kind, and what may follow from it.

use chrono::{DateTime, TimeDelta, Utc};
use restock::model::{
    BreakerSummary, Cause, Command, Depth, Digest, FailureReason, Finding, FindingKind, Outcome,
    PassError, Repair, RepairResult, StoreRequests, Summary, Unhealable, reason,
};
use restock::pass::FailOn;
use restock::report::PassReport;

/// What a pass hands to its report.
pub(crate) struct Told {
    pub(crate) findings: Vec<Finding>,
    pub(crate) repairs: Vec<Repair>,
    pub(crate) summary: Summary,
    pub(crate) fail_on: FailOn,
}

impl Told {
    pub(crate) fn report(&self) -> PassReport<'_> {
        PassReport {
            findings: &self.findings,
            repairs: &self.repairs,
            summary: &self.summary,
            fail_on: &self.fail_on,
            healing_off: false,
        }
    }
}

/// A time with nanoseconds, which no report may show.
pub(crate) fn start() -> DateTime<Utc> {
    "2026-11-23T13:00:00.123456789Z".parse().unwrap()
}

pub(crate) fn digest(n: u8) -> Digest {
    Digest::new([n; 32])
}

pub(crate) fn key(n: u8) -> String {
    format!("software-installers/{}", digest(n))
}

pub(crate) fn finding(kind: FindingKind, n: u8) -> Finding {
    let detail = format!("package not found with hash {}", digest(n));
    let mut finding = Finding::new(kind, "software-installers", start(), detail);
    finding.key = Some(key(n));
    finding.digest = Some(digest(n));
    finding.names = vec![format!("installer-{n}.pkg")];
    finding.rows = 1;
    finding.refs = vec![n.to_string()];
    finding.sources = vec![format!("https://artifacts.example.com/{n}.pkg")];
    finding.healable = Some(true);
    finding
}

pub(crate) fn summary(command: Command, outcome: Outcome) -> Summary {
    let zero = Some(0);
    Summary {
        pass_id: "0193-pass".into(),
        command,
        depth: Depth::Shallow,
        slice: None,
        started_at: start(),
        finished_at: start() + TimeDelta::milliseconds(1500),
        outcome,
        exit_code: outcome.exit_code(),
        expected: Some(200),
        observed: Some(200),
        present: Some(200),
        verified: zero,
        missing: zero,
        corrupt: zero,
        unknown: zero,
        young: zero,
        accepted: zero,
        orphans: zero,
        orphans_flagged: zero,
        orphan_bytes: zero,
        foreign: zero,
        invalid_records: zero,
        at_risk: zero,
        healed: 0,
        heal_failed: 0,
        held: 0,
        bytes_verified: 0,
        bytes_downloaded: 0,
        store_requests: StoreRequests { list: 1, head: 3, get: 0, put: 0 },
        breaker: None,
        errors: Vec::new(),
    }
}

/// An audit that finds each kind, in no order.
pub(crate) fn audit() -> Told {
    let mut findings = vec![
        finding(FindingKind::Unknown, 5),
        finding(FindingKind::Missing, 3),
        finding(FindingKind::Missing, 1),
        finding(FindingKind::Corrupt, 4),
        finding(FindingKind::Missing, 2),
    ];
    findings[0].reason = Some("access_denied".into());
    findings[0].healable = None;
    findings[1].healable = Some(false);
    findings[1].unhealable = Some(Unhealable::NoSource);
    findings[1].sources.clear();
    findings[1].accepted = true;
    findings[3].reason = Some(reason::DIGEST_MISMATCH.into());
    findings[3].expected_size = Some(4096);
    findings[3].observed_size = Some(0);
    findings[4].healable = Some(false);
    findings[4].unhealable = Some(Unhealable::SourceGone);

    let mut row = finding(FindingKind::InvalidRecord, 6);
    (row.key, row.digest, row.healable) = (None, None, None);
    row.reason = Some(reason::MALFORMED_DIGEST.into());
    row.detail = "not a SHA-256 digest: `xyz`".into();
    let mut orphan = finding(FindingKind::Orphan, 7);
    (orphan.names, orphan.refs, orphan.sources) = (vec![], vec![], vec![]);
    (orphan.rows, orphan.healable) = (0, None);
    orphan.observed_size = Some(3 << 19);
    orphan.reason = Some(reason::CANDIDATE.into());
    let mut foreign = Finding::new(
        FindingKind::Foreign,
        "software-installers",
        start(),
        "no digest has this key".into(),
    );
    foreign.key = Some("software-installers/\u{1b}[2Jevil\n.exe".into());
    foreign.reason = Some(reason::NO_DIGEST_KEY.into());
    findings.extend([foreign, row, orphan]);

    let mut summary = summary(Command::Audit, Outcome::Findings);
    summary.present = Some(195);
    summary.missing = Some(3);
    summary.corrupt = Some(1);
    summary.unknown = Some(1);
    summary.accepted = Some(1);
    summary.invalid_records = Some(1);
    summary.foreign = Some(1);
    (summary.orphans, summary.orphans_flagged) = (Some(1), Some(0));
    summary.orphan_bytes = Some(3 << 19);
    summary.at_risk = Some(4);
    Told { findings, repairs: Vec::new(), summary, fail_on: FailOn::default() }
}

pub(crate) fn repair(n: u8, result: RepairResult, reason: Option<FailureReason>) -> Repair {
    Repair {
        collection: "software-installers".into(),
        key: key(n),
        digest: digest(n),
        cause: if n == 4 { Cause::Corrupt } else { Cause::Missing },
        result,
        reason,
        source: Some(format!("https://artifacts.example.com/{n}.pkg")),
        bytes: if result == RepairResult::Restored { 4096 } else { 0 },
        seconds: 0.25,
        corrupt: None,
        detail: format!("{} from artifacts.example.com", result.as_str()),
    }
}

/// A heal that restores two objects and leaves two.
pub(crate) fn heal() -> Told {
    let mut findings = audit().findings;
    findings.retain(|finding| finding.kind == FindingKind::Missing && finding.unhealable.is_some());
    let repairs = vec![
        repair(4, RepairResult::Restored, None),
        repair(1, RepairResult::Restored, None),
        repair(2, RepairResult::SourceGone, Some(FailureReason::SourceGone)),
        repair(3, RepairResult::Held, None),
    ];
    let mut summary = summary(Command::Heal, Outcome::Findings);
    (summary.present, summary.missing) = (Some(198), Some(2));
    summary.accepted = Some(1);
    (summary.healed, summary.heal_failed, summary.held) = (2, 1, 1);
    summary.bytes_downloaded = 8192;
    Told { findings, repairs, summary, fail_on: FailOn::default() }
}

/// A pass that could not finish: no count was established.
pub(crate) fn failed() -> Told {
    let mut summary = summary(Command::Audit, Outcome::Failed);
    for count in [
        &mut summary.expected,
        &mut summary.observed,
        &mut summary.present,
        &mut summary.verified,
        &mut summary.missing,
        &mut summary.corrupt,
        &mut summary.unknown,
        &mut summary.young,
        &mut summary.accepted,
        &mut summary.orphans,
        &mut summary.orphans_flagged,
        &mut summary.orphan_bytes,
        &mut summary.foreign,
        &mut summary.invalid_records,
        &mut summary.at_risk,
    ] {
        *count = None;
    }
    summary.errors.push(PassError {
        code: "listing".into(),
        message: "the listing broke off after 1000 keys".into(),
        subject: Some("software-installers".into()),
    });
    Told { findings: Vec::new(), repairs: Vec::new(), summary, fail_on: FailOn::default() }
}

/// A heal that an open breaker refuses.
pub(crate) fn refused() -> Told {
    let findings: Vec<_> = (0..150).map(|n| finding(FindingKind::Missing, n)).collect();
    let mut summary = summary(Command::Heal, Outcome::Refused);
    (summary.present, summary.missing) = (Some(50), Some(150));
    summary.held = 150;
    summary.breaker =
        Some(BreakerSummary { reason: "mass_missing".into(), missing: 150, expected: 200 });
    Told { findings, repairs: Vec::new(), summary, fail_on: FailOn::default() }
}

/// Nothing is wrong.
pub(crate) fn clean() -> Told {
    Told {
        findings: Vec::new(),
        repairs: Vec::new(),
        summary: summary(Command::Audit, Outcome::Clean),
        fail_on: FailOn::default(),
    }
}
