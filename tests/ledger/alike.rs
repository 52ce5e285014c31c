//! The double in memory against a `SQLite` file: whatever is kept, both tell the same.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use restock::ledger::{FindingKey, Ledger, LedgerError, open};
use restock::model::{
    Attempts, BreakerState, Corruption, Depth, Finding, FindingKind, Outcome, Publishing, Removal,
    RemovalResult, Repair, RepairResult, Sighting, SourceVerdict, Summary, Unhealable, Upload,
};

use crate::memory_ledger::MemoryLedger;
use crate::removals::removal;
use crate::samples::{
    acceptance, breaker, corruption, digest, finding, minute, pass, repair, sighting, verdict,
};
use crate::suite::STORE;

type Result<T> = std::result::Result<T, LedgerError>;

const KEYS: [&str; 4] = ["a", "a/b", "b", "b/\u{e9}"];
const KINDS: usize = FindingKind::ALL.len();

/// One call; numbers choose among few values, so that they meet again.
#[derive(Debug, Clone)]
enum Call {
    Pass {
        id: u8,
        at: i64,
        outcome: usize,
        deep: bool,
        full: bool,
        found: Vec<(usize, usize, u8)>,
    },
    Corruption(usize, i64),
    ClearCorruption(usize),
    Sightings(Vec<(usize, i64)>),
    Retain(usize, Vec<usize>),
    Attempts(u8, Option<i64>),
    Verdict(u8, u8, i64),
    ClearVerdicts(u8),
    PublishBegun(usize, u8),
    PublishFailed(usize),
    Repair(usize, u8, usize, i64),
    Removal(u8, usize, i64),
    Upload(usize, i64),
    UploadEnded(usize),
    /// Knows the breaker as it is, or as this one.
    Breaker {
        known: bool,
        before: Option<u64>,
        after: Option<u64>,
    },
    Note(u8, Option<u8>),
    Accepted(u8, u8),
    ClearAccepted(u8),
    Prune(i64),
}

fn call() -> impl Strategy<Value = Call> {
    let (key, of, at) = (0..KEYS.len(), 0..4_u8, prop_oneof![4 => 0..20_i64, 1 => 0..3_000_i64]);
    let found = prop::collection::vec((0..KINDS, key.clone(), of.clone()), 0..6);
    let sighted = prop::collection::vec((key.clone(), at.clone()), 0..4);
    let number = || prop::option::of(1..3_u64);
    prop_oneof![
        8 => (of.clone(), at.clone(), 0..4_usize, any::<bool>(), any::<bool>(), found).prop_map(
            |(id, at, outcome, deep, full, found)| Call::Pass { id, at, outcome, deep, full, found }
        ),
        1 => (key.clone(), at.clone()).prop_map(|(key, at)| Call::Corruption(key, at)),
        1 => key.clone().prop_map(Call::ClearCorruption),
        2 => sighted.prop_map(Call::Sightings),
        1 => (key.clone(), prop::collection::vec(key.clone(), 0..3))
            .prop_map(|(prefix, seen)| Call::Retain(prefix, seen)),
        2 => (of.clone(), prop::option::of(at.clone())).prop_map(|(of, at)| Call::Attempts(of, at)),
        1 => (of.clone(), of.clone(), at.clone()).prop_map(|(of, by, at)| Call::Verdict(of, by, at)),
        1 => of.clone().prop_map(Call::ClearVerdicts),
        2 => (key.clone(), of.clone()).prop_map(|(key, of)| Call::PublishBegun(key, of)),
        1 => key.clone().prop_map(Call::PublishFailed),
        4 => (key.clone(), of.clone(), 0..4_usize, at.clone())
            .prop_map(|(key, of, result, at)| Call::Repair(key, of, result, at)),
        2 => (of.clone(), key.clone(), at.clone())
            .prop_map(|(plan, key, at)| Call::Removal(plan, key, at)),
        1 => (key.clone(), at.clone()).prop_map(|(key, at)| Call::Upload(key, at)),
        1 => key.prop_map(Call::UploadEnded),
        2 => (any::<bool>(), number(), number())
            .prop_map(|(known, before, after)| Call::Breaker { known, before, after }),
        1 => (of.clone(), prop::option::of(of.clone())).prop_map(|(name, text)| Call::Note(name, text)),
        1 => (of.clone(), of.clone()).prop_map(|(of, day)| Call::Accepted(of, day)),
        1 => of.prop_map(Call::ClearAccepted),
        2 => at.prop_map(Call::Prune),
    ]
}

/// With less than a millisecond behind it.
fn exactly(at: i64) -> DateTime<Utc> {
    minute(at) + TimeDelta::nanoseconds(at * 321)
}

fn summary(id: u8, at: i64, outcome: usize, deep: bool) -> Summary {
    let outcome = [Outcome::Failed, Outcome::Findings, Outcome::Clean, Outcome::Refused][outcome];
    Summary {
        depth: if deep { Depth::Deep } else { Depth::Shallow },
        outcome,
        finished_at: exactly(at),
        expected: (outcome != Outcome::Failed).then_some(100),
        ..pass(&format!("p{id}"), at)
    }
}

/// As a pass does it, with the sightings that this ledger knows.
async fn record(
    ledger: &dyn Ledger,
    summary: &Summary,
    found: &[(usize, usize, u8)],
    full: bool,
) -> Result<()> {
    let mut all: Vec<(FindingKey, Finding)> = Vec::new();
    for (kind, key, of) in found {
        let (key, mut new) = finding(FindingKind::ALL[*kind], KEYS[*key], 0);
        new.first_seen = summary.finished_at;
        new.digest = (*of > 0).then(|| digest(*of));
        new.reason = (*of > 1).then(|| "flagged".to_owned());
        new.healable = (*of > 2).then_some(false);
        new.unhealable = [None, Some(Unhealable::NoSource), Some(Unhealable::SourceGone), None]
            [usize::from(*of)];
        new.accepted = *of == 3;
        if all.iter().all(|(known, _)| *known != key) {
            all.push((key, new));
        }
    }
    let keys: Vec<_> = all.iter().map(|(key, _)| key.clone()).collect();
    let seen = ledger.first_seen(&keys).await?;
    for ((_, finding), seen) in all.iter_mut().zip(seen) {
        finding.first_seen = seen.unwrap_or(finding.first_seen);
    }
    ledger.record_pass(summary, &all, full).await
}

fn repaired(key: usize, of: u8, result: usize) -> Repair {
    use RepairResult::{AlreadyPresent, Failed, Held, Restored};
    let result = [Restored, AlreadyPresent, Failed, Held][result];
    Repair { key: KEYS[key].to_owned(), ..repair(digest(of), result) }
}

fn upload(key: usize) -> Upload {
    Upload { key: KEYS[key].to_owned(), id: format!("{}", key % 2) }
}

fn latched(number: u64) -> BreakerState {
    BreakerState { opened_at: exactly(7), ..breaker(number) }
}

async fn swap(ledger: &dyn Ledger, known: bool, before: Option<u64>, after: Option<u64>) -> bool {
    let is = ledger.breaker().await.unwrap();
    let before = if known { is } else { before.map(latched) };
    ledger.swap_breaker(before.as_ref(), after.map(latched).as_ref()).await.unwrap()
}

/// Tells what it was answered, where it is answered something.
async fn make(ledger: &dyn Ledger, call: &Call) -> Option<u64> {
    if let &Call::Prune(at) = call {
        return ledger.prune(exactly(at)).await.ok();
    }
    if let &Call::Breaker { known, before, after } = call {
        return Some(swap(ledger, known, before, after).await.into());
    }
    keep(ledger, call.clone()).await.unwrap();
    None
}

async fn keep(ledger: &dyn Ledger, call: Call) -> Result<()> {
    match call {
        Call::Corruption(key, at) => {
            let found = Corruption { found_at: exactly(at), ..corruption(KEYS[key]) };
            ledger.put_corruption(&found).await
        }
        Call::ClearCorruption(key) => ledger.clear_corruption(KEYS[key]).await,
        Call::Sightings(seen) => {
            let mut all: Vec<Sighting> = Vec::new();
            for (key, at) in seen {
                let one = Sighting { counted_at: exactly(at), ..sighting(KEYS[key], 2) };
                all.retain(|known| known.key != one.key);
                all.push(one);
            }
            ledger.put_sightings(&all).await
        }
        Call::Retain(prefix, seen) => {
            let seen: Vec<_> = seen.into_iter().map(|key| KEYS[key].to_owned()).collect();
            ledger.retain_sightings(&KEYS[prefix][..1], &seen).await
        }
        Call::Attempts(of, at) => {
            let last_at = at.map(exactly);
            let kept = Attempts { failures: of.into(), last_at, ..Attempts::default() };
            ledger.put_attempts(&digest(of), at.map(|_| &kept)).await
        }
        Call::Verdict(of, by, at) => {
            let one = SourceVerdict { at: exactly(at), ..verdict(digest(of), &format!("s{by}")) };
            ledger.put_verdict(&one).await
        }
        Call::ClearVerdicts(of) => ledger.clear_verdicts(&digest(of)).await,
        Call::PublishBegun(key, of) => {
            let replaces = (of > 1).then(|| corruption("k").meta);
            let (pass_id, repair) = (format!("p{of}"), repaired(key, of, 0));
            ledger.publish_begun(&Publishing { pass_id, repair, replaces }).await
        }
        Call::PublishFailed(key) => ledger.publish_failed(KEYS[key]).await,
        Call::Repair(key, of, result, at) => {
            ledger.record_repair("p", exactly(at), &repaired(key, of, result)).await
        }
        Call::Removal(plan, key, at) => {
            let kept = removal(&format!("p{plan}"), KEYS[key], RemovalResult::Moved, at);
            let of = digest(plan % 2);
            ledger.record_removal(&Removal { at: exactly(at), digest: of, ..kept }).await
        }
        Call::Upload(key, at) => ledger.upload_begun(&upload(key), exactly(at)).await,
        Call::UploadEnded(key) => ledger.upload_ended(&upload(key)).await,
        Call::Note(name, text) => {
            let text = text.map(|text| text.to_string());
            ledger.set_note(&format!("n{name}"), text.as_deref()).await
        }
        Call::Accepted(of, day) => {
            let mut one = acceptance(digest(of));
            one.until = format!("2026-09-2{}", 1 + day % 2).parse().unwrap();
            ledger.put_accepted(&one).await
        }
        Call::ClearAccepted(of) => ledger.clear_accepted(&digest(of)).await,
        Call::Pass { id, at, outcome, deep, full, found } => {
            record(ledger, &summary(id, at, outcome, deep), &found, full).await
        }
        Call::Prune(_) | Call::Breaker { .. } => Ok(()),
    }
}

/// All that a ledger tells.
async fn told(ledger: &dyn Ledger) -> Vec<String> {
    let mut told = Vec::new();
    let mut after = None;
    loop {
        let page = ledger.passes_page(after.as_ref(), 2).await.unwrap();
        told.push(format!("{page:?}"));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    for kind in FindingKind::ALL.map(Some).into_iter().chain([None]) {
        let mut after = None;
        loop {
            let page = ledger.findings_page(kind, after.as_ref(), 3).await.unwrap();
            told.push(format!("{kind:?} {page:?}"));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    told.push(format!("{:?}", ledger.last_full().await.unwrap()));
    told.push(format!("{:?}", ledger.last_full_summary().await.unwrap()));
    told.push(format!("{:?}", ledger.pass_totals().await.unwrap()));
    told.push(format!("{:?}", ledger.finding_counts().await.unwrap()));
    told.push(format!("{:?}", ledger.corruptions().await.unwrap()));
    told.push(format!("{:?}", ledger.verdicts().await.unwrap()));
    told.push(format!("{:?}", ledger.uploads().await.unwrap()));
    told.push(format!("{:?}", ledger.breaker().await.unwrap()));
    told.push(format!("{:?}", ledger.accepted().await.unwrap()));
    told.push(format!("{:?}", ledger.removals(3).await.unwrap()));
    told.push(format!("{:?}", ledger.pending_attempts(Some(&digest(1)), 2).await.unwrap()));
    told.extend(told_of_each(ledger).await);
    told
}

async fn told_of_each(ledger: &dyn Ledger) -> Vec<String> {
    let mut told = Vec::new();
    let mut publishings = ledger.publishings().await.unwrap();
    publishings.sort_by(|a, b| a.repair.key.cmp(&b.repair.key));
    told.push(format!("{publishings:?}"));
    for of in 0..4 {
        told.push(format!("{:?}", ledger.findings_of(&digest(of)).await.unwrap()));
        told.push(format!("{:?}", ledger.repairs(&digest(of), 3).await.unwrap()));
        told.push(format!("{:?}", ledger.removals_of(&digest(of)).await.unwrap()));
        told.push(format!("{:?}", ledger.attempts(&[digest(of)]).await.unwrap()));
        told.push(format!("{:?}", ledger.note(&format!("n{of}")).await.unwrap()));
    }
    told.push(format!("{:?}", ledger.sightings(&KEYS.map(str::to_owned)).await.unwrap()));
    told
}

async fn same(calls: &[Call]) -> std::result::Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let file = open("sqlite://ledger.db", STORE, folder.path()).await.unwrap();
    let memory = MemoryLedger::new();
    for (n, call) in calls.iter().enumerate() {
        let answers = (make(&memory, call).await, make(&*file, call).await);
        prop_assert_eq!(answers.0, answers.1, "call {}", n);
        let (is, should) = (told(&memory).await, told(&*file).await);
        for (is, should) in is.iter().zip(&should) {
            prop_assert_eq!(is, should, "after call {}: {:?}", n, call);
        }
        prop_assert_eq!(is.len(), should.len());
    }
    Ok(())
}

#[test]
fn whatever_is_kept_the_double_and_a_file_tell_the_same() {
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    TestRunner::new(config)
        .run(&prop::collection::vec(call(), 1..40), |calls| runtime.block_on(same(&calls)))
        .unwrap();
}
