//! What every ledger tells page by page, and in numbers.

use restock::ledger::{FindingCursor, PassCursor};
use restock::model::{
    Attempts, Depth, Finding, FindingCount, FindingKind, Outcome, PassTotals, Unhealable,
};

use crate::samples::{digest, finding, minute, pass};
use crate::suite::{Fixture, STORE};

/// Findings of three kinds in two collections, whose order by collection is not that by key.
fn many() -> Vec<(restock::ledger::FindingKey, Finding)> {
    let mut found = Vec::new();
    for kind in [FindingKind::Missing, FindingKind::Orphan, FindingKind::Foreign] {
        for n in 0..11 {
            let (key, mut finding) = finding(kind, &format!("k{n:02}"), 1);
            finding.collection = String::from(if n % 2 == 0 { "b" } else { "a~%" });
            found.push((key, finding));
        }
    }
    found
}

pub(crate) async fn pages_of_findings_hold_each_once(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let found = many();
    ledger.record_pass(&pass("p1", 1), &found, true).await.unwrap();
    let mut all: Vec<Finding> = found.iter().map(|(_, finding)| finding.clone()).collect();
    all.sort();
    for kind in [None, Some(FindingKind::Orphan), Some(FindingKind::Corrupt)] {
        let wanted: Vec<_> =
            all.iter().filter(|finding| kind.is_none_or(|kind| kind == finding.kind)).collect();
        for limit in [1, 4, 11, 33, 100] {
            let (mut told, mut after) = (Vec::new(), None::<FindingCursor>);
            loop {
                let page = ledger.findings_page(kind, after.as_ref(), limit).await.unwrap();
                assert!(page.items.len() <= usize::try_from(limit).unwrap());
                told.extend(page.items);
                // As a browser sends it back.
                let Some(next) = page.next else { break };
                after = Some(next.to_string().parse().unwrap());
            }
            assert_eq!(told.iter().collect::<Vec<_>>(), wanted, "{kind:?} by {limit}");
        }
    }
    // A cursor stays good when what it names is gone.
    let page = ledger.findings_page(None, None, 5).await.unwrap();
    ledger.record_pass(&pass("p2", 2), &found[11..], true).await.unwrap();
    let rest = ledger.findings_page(None, page.next.as_ref(), 100).await.unwrap();
    assert_eq!(rest.items, all[11..]);
    assert_eq!(rest.next, None);
}

pub(crate) async fn pages_of_passes_hold_each_once(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    // Some ended in the same moment, and some within the same millisecond.
    for n in 0..12 {
        let mut summary = pass(&format!("p{n:02}"), n / 4);
        summary.finished_at += chrono::TimeDelta::nanoseconds(n % 2 * 500);
        ledger.record_pass(&summary, &[], false).await.unwrap();
    }
    let all: Vec<_> =
        ledger.passes(100).await.unwrap().into_iter().map(|one| one.pass_id).collect();
    assert_eq!(all[..4], ["p11", "p09", "p10", "p08"]);
    for limit in [1, 3, 4, 12] {
        let (mut told, mut after) = (Vec::new(), None::<PassCursor>);
        loop {
            let page = ledger.passes_page(after.as_ref(), limit).await.unwrap();
            told.extend(page.items.into_iter().map(|one| one.pass_id));
            let Some(next) = page.next else { break };
            after = Some(next.to_string().parse().unwrap());
        }
        assert_eq!(told, all, "by {limit}");
    }
}

pub(crate) async fn findings_are_counted_by_what_they_are(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    assert_eq!(ledger.finding_counts().await.unwrap(), []);
    let mut found = Vec::new();
    let mut add = |key: &str, seen, change: fn(&mut Finding)| {
        let (key, mut finding) = finding(FindingKind::Missing, key, seen);
        change(&mut finding);
        found.push((key, finding));
    };
    add("a", 3, |finding| finding.healable = Some(true));
    add("b", 2, |finding| finding.healable = Some(true));
    add("c", 4, |finding| {
        finding.healable = Some(false);
        finding.unhealable = Some(Unhealable::SourceGone);
    });
    add("d", 1, |finding| {
        finding.healable = Some(false);
        finding.unhealable = Some(Unhealable::SourceGone);
        finding.accepted = true;
    });
    let (key, mut flagged) = finding(FindingKind::Orphan, "o", 5);
    flagged.reason = Some("flagged".to_owned());
    found.push((key, flagged));
    ledger.record_pass(&pass("p1", 9), &found, true).await.unwrap();
    let none = FindingCount {
        kind: FindingKind::Missing,
        reason: None,
        healable: Some(false),
        unhealable: Some(Unhealable::SourceGone),
        accepted: false,
        count: 1,
        oldest: minute(4),
    };
    let counts = [
        none.clone(),
        FindingCount { accepted: true, oldest: minute(1), ..none.clone() },
        FindingCount {
            healable: Some(true),
            unhealable: None,
            count: 2,
            oldest: minute(2),
            ..none.clone()
        },
        FindingCount {
            kind: FindingKind::Orphan,
            reason: Some("flagged".to_owned()),
            healable: None,
            unhealable: None,
            oldest: minute(5),
            ..none
        },
    ];
    assert_eq!(ledger.finding_counts().await.unwrap(), counts);
    // What is closed counts no more, and what changed counts as it is now.
    found.truncate(3);
    found[2].1.accepted = true;
    ledger.record_pass(&pass("p2", 10), &found, true).await.unwrap();
    let left = ledger.finding_counts().await.unwrap();
    let told: Vec<_> = left.iter().map(|one| (one.accepted, one.count)).collect();
    assert_eq!(told, [(true, 1), (false, 2)]);
}

pub(crate) async fn the_findings_of_an_object_are_its_own(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let mut found = Vec::new();
    for (kind, key, of) in [
        (FindingKind::InvalidRecord, "a", Some(1)),
        (FindingKind::Missing, "b", Some(1)),
        (FindingKind::Missing, "c", Some(2)),
        (FindingKind::Foreign, "d", None),
    ] {
        let (key, mut finding) = finding(kind, key, 1);
        finding.digest = of.map(digest);
        found.push((key, finding));
    }
    ledger.record_pass(&pass("p1", 1), &found, true).await.unwrap();
    let of_one = [found[1].1.clone(), found[0].1.clone()];
    assert_eq!(ledger.findings_of(&digest(1)).await.unwrap(), of_one);
    assert_eq!(ledger.findings_of(&digest(3)).await.unwrap(), []);
    ledger.record_pass(&pass("p2", 2), &found[1..], true).await.unwrap();
    assert_eq!(ledger.findings_of(&digest(1)).await.unwrap(), of_one[..1]);
}

pub(crate) async fn attempts_of_standing_findings_are_pending(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let mut found = Vec::new();
    for n in 0..7 {
        let (key, mut finding) = finding(FindingKind::Missing, &format!("k{n}"), 1);
        finding.digest = Some(digest(n));
        found.push((key, finding));
        let failures = u32::from(n);
        let attempts = Attempts { failures, ..Attempts::default() };
        ledger.put_attempts(&digest(n), Some(&attempts)).await.unwrap();
    }
    // Of one there are two findings; two stand no more.
    let (key, twice) = finding(FindingKind::InvalidRecord, "k3", 1);
    found.push((key, Finding { digest: Some(digest(3)), ..twice }));
    ledger.record_pass(&pass("p1", 1), &found, true).await.unwrap();
    ledger.record_pass(&pass("p2", 2), &found[2..], true).await.unwrap();
    let (mut told, mut after) = (Vec::new(), None);
    loop {
        let page = ledger.pending_attempts(after.as_ref(), 2).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        told.extend(page.into_iter().map(|(of, attempts)| (of, attempts.failures)));
    }
    let wanted: Vec<_> = (2..7).map(|n| (digest(n), u32::from(n))).collect();
    assert_eq!(told, wanted);
}

pub(crate) async fn attempts_of_what_waits_for_a_person_are_not_pending(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let mut found = Vec::new();
    for (n, why) in (1..).zip(Unhealable::ALL) {
        let (key, mut finding) = finding(FindingKind::Missing, why.as_str(), 1);
        (finding.digest, finding.unhealable) = (Some(digest(n)), Some(why));
        found.push((key, finding));
        ledger.put_attempts(&digest(n), Some(&Attempts::default())).await.unwrap();
    }
    ledger.record_pass(&pass("p1", 1), &found, true).await.unwrap();
    let pending = ledger.pending_attempts(None, 9).await.unwrap();
    let gone = Unhealable::ALL.iter().position(|why| *why == Unhealable::SourceGone).unwrap();
    assert_eq!(pending, [(digest(u8::try_from(gone).unwrap() + 1), Attempts::default())]);
}

pub(crate) async fn totals_outlive_the_passes(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    assert_eq!(ledger.pass_totals().await.unwrap(), []);
    for (id, ended, depth, outcome) in [
        ("a", 1, Depth::Shallow, Outcome::Clean),
        ("b", 5, Depth::Shallow, Outcome::Failed),
        // Kept after one that ended later.
        ("c", 3, Depth::Shallow, Outcome::Findings),
        ("d", 4, Depth::Deep, Outcome::Failed),
    ] {
        let mut summary = pass(id, ended);
        (summary.depth, summary.outcome) = (depth, outcome);
        ledger.record_pass(&summary, &[], false).await.unwrap();
    }
    ledger.prune(minute(100)).await.unwrap();
    assert_eq!(ledger.passes(10).await.unwrap(), []);
    let shallow = PassTotals {
        depth: Depth::Shallow,
        runs: 3,
        failures: 1,
        started_at: minute(4),
        finished_at: minute(5),
        succeeded_at: Some(minute(3)),
    };
    let deep = PassTotals {
        depth: Depth::Deep,
        runs: 1,
        failures: 1,
        started_at: minute(3),
        finished_at: minute(4),
        succeeded_at: None,
    };
    assert_eq!(ledger.pass_totals().await.unwrap(), [shallow, deep]);
}

pub(crate) async fn the_last_full_pass_is_known_whole(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    assert_eq!(ledger.last_full_summary().await.unwrap(), None);
    ledger.record_pass(&pass("full", 1), &[], true).await.unwrap();
    ledger.record_pass(&pass("part", 2), &[], false).await.unwrap();
    assert_eq!(ledger.last_full_summary().await.unwrap(), Some(pass("full", 1)));
}
