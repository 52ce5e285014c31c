//! The join agrees with set operations, and each pair is judged as the rules say.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/tally.rs"]
mod tally;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use proptest::prelude::*;
use restock::model::{Digest, Record, UNSURE_SIZE};
use restock::reconcile::{Join, JoinError, Joined, Judgement, Rules};
use restock::sorter::{Sorted, Sorter, SorterError, SorterOptions};
use rstest::rstest;
use tally::Tally;

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const NOW: i64 = 1_000_000;
const RULES: Rules = Rules { now_epoch_seconds: NOW, grace_seconds: 600 };

fn digest(number: u8) -> Digest {
    Digest::new([number; 32])
}

/// A side that hands its records out in batches of `size`.
fn side(
    records: Vec<Record>,
    size: usize,
) -> impl FnMut(&mut Vec<Record>) -> Result<(), Infallible> {
    let mut records = records.into_iter();
    move |batch| {
        batch.clear();
        batch.extend(records.by_ref().take(size));
        Ok(())
    }
}

fn join(
    expected: Vec<Record>,
    observed: Vec<Record>,
    sizes: (usize, usize),
) -> Result<Vec<Joined>, JoinError<Infallible>> {
    let (mut join, mut all) = (Join::new(), Vec::new());
    let (mut wanted, mut listed) = (side(expected, sizes.0), side(observed, sizes.1));
    while join.step(&mut wanted, &mut listed, |joined| all.push(joined))? {}
    Ok(all)
}

fn as_set_operations(
    expected: &BTreeMap<Digest, Record>,
    observed: &BTreeMap<Digest, Record>,
) -> Vec<Joined> {
    let digests: BTreeSet<_> = expected.keys().chain(observed.keys()).collect();
    let joined = |digest| match (expected.get(digest), observed.get(digest)) {
        (Some(wanted), Some(listed)) => Some(Joined::Both(*wanted, *listed)),
        (Some(wanted), None) => Some(Joined::Expected(*wanted)),
        (None, Some(listed)) => Some(Joined::Observed(*listed)),
        (None, None) => None,
    };
    digests.into_iter().filter_map(joined).collect()
}

/// Digests that agree in their first 31 bytes or in none.
fn any_digest() -> impl Strategy<Value = Digest> {
    (0..4_u8, 0..60_u8).prop_map(|(first, last)| {
        let mut bytes = [first.wrapping_mul(0x55); 32];
        bytes[31] = last;
        Digest::new(bytes)
    })
}

fn any_side() -> impl Strategy<Value = Vec<Record>> {
    let record = (any_digest(), 0..3_u64, 0..3_i64, any::<bool>())
        .prop_map(|(digest, size, time, at_risk)| Record::new(digest, size, time, at_risk));
    proptest::collection::vec(record, 0..300)
}

fn distinct(records: &[Record], melt: fn(Record, Record) -> Record) -> BTreeMap<Digest, Record> {
    let mut melted = BTreeMap::new();
    for record in records {
        melted.entry(record.digest).and_modify(|r| *r = melt(*r, *record)).or_insert(*record);
    }
    melted
}

fn sorter(records: &[Record], melt: fn(Record, Record) -> Record) -> Sorted {
    let options = SorterOptions { memory_bytes: 2000, ..SorterOptions::default() };
    let mut sorter = Sorter::new(options, melt);
    for record in records {
        sorter.push(*record).unwrap();
    }
    sorter.finish().unwrap()
}

proptest! {
    #[test]
    fn the_join_agrees_with_set_operations(
        expected in any_side(),
        observed in any_side(),
        sizes in (1..40_usize, 1..40_usize),
    ) {
        let expected = distinct(&expected, Record::melt);
        let observed = distinct(&observed, Record::newer);
        let joined =
            join(expected.values().copied().collect(), observed.values().copied().collect(), sizes);
        prop_assert_eq!(joined.unwrap(), as_set_operations(&expected, &observed));
    }

    #[test]
    fn two_sorters_and_a_join_agree_with_set_operations_on_duplicates_too(
        expected in any_side(),
        observed in any_side(),
    ) {
        let (mut wanted, mut listed) =
            (sorter(&expected, Record::melt), sorter(&observed, Record::newer));
        let (mut join, mut all, mut tally) = (Join::new(), Vec::new(), Tally::default());
        loop {
            let more = join.step::<SorterError>(
                |batch| wanted.next_batch(batch),
                |batch| listed.next_batch(batch),
                |joined| {
                    tally.count(&joined, &RULES.judge(&joined));
                    all.push(joined);
                },
            );
            if !more.unwrap() {
                break;
            }
        }
        let (expected, observed) =
            (distinct(&expected, Record::melt), distinct(&observed, Record::newer));
        prop_assert_eq!(&all, &as_set_operations(&expected, &observed));
        prop_assert_eq!(tally.expected, u64::try_from(expected.len()).unwrap());
        prop_assert_eq!(tally.observed, u64::try_from(observed.len()).unwrap());
        prop_assert_eq!(tally.healthy + tally.young + tally.suspicions(), u64::try_from(all.len()).unwrap());
    }
}

#[test]
fn a_side_that_does_not_rise_stops_the_join() {
    let record = |number| Record::new(digest(number), 1, 0, false);
    let rising = || vec![record(1), record(2), record(3)];
    assert_eq!(join(rising(), rising(), (2, 3)).unwrap().len(), 3);
    for falling in [vec![record(2), record(1)], vec![record(1), record(1)]] {
        for size in [1, 2] {
            let error = join(falling.clone(), rising(), (size, 1)).unwrap_err();
            assert!(matches!(error, JoinError::OutOfOrder(d) if d == digest(1)), "{error}");
            assert!(join(rising(), falling.clone(), (1, size)).is_err());
        }
    }
}

#[test]
fn a_side_that_fails_stops_the_join() {
    let broken = |_: &mut Vec<Record>| Err(std::io::Error::other("disk gone"));
    let step = Join::new().step(broken, |_| Ok(()), |_| {});
    assert!(matches!(step, Err(JoinError::Side(e)) if e.to_string() == "disk gone"));
}

#[rstest]
#[case::no_time_is_old(i64::MIN, Judgement::Missing)]
#[case::as_old_as_the_grace_period(NOW - 600, Judgement::Missing)]
#[case::a_second_younger(NOW - 599, Judgement::Young)]
#[case::of_now(NOW, Judgement::Young)]
#[case::from_the_future(NOW + 900, Judgement::Young)]
#[case::further_than_grace_and_skew(NOW + 901, Judgement::Missing)]
#[case::from_the_far_future(i64::MAX, Judgement::Missing)]
#[case::from_before_all_clocks(i64::MIN + 1, Judgement::Missing)]
fn an_absent_object_is_missing_unless_its_row_is_young(
    #[case] time: i64,
    #[case] judgement: Judgement,
) {
    let row = Record::new(digest(1), 10, time, false);
    assert_eq!(RULES.judge(&Joined::Expected(row)), judgement);
    // Once its object is there, a row is judged by it, however young.
    let object = Record::new(digest(1), 10, NOW, false);
    assert_eq!(RULES.judge(&Joined::Both(row, object)), Judgement::Healthy);
}

#[rstest]
#[case(NOW, Judgement::Missing)]
#[case(i64::MIN, Judgement::Missing)]
#[case::from_the_near_future(NOW + 1, Judgement::Young)]
#[case::from_a_skewed_clock(NOW + 300, Judgement::Young)]
#[case::from_the_future(NOW + 301, Judgement::Missing)]
fn without_a_grace_period_only_rows_from_the_near_future_are_young(
    #[case] time: i64,
    #[case] judgement: Judgement,
) {
    let rules = Rules { grace_seconds: 0, ..RULES };
    assert_eq!(rules.judge(&Joined::Expected(Record::new(digest(1), 1, time, false))), judgement);
}

#[test]
fn the_oldest_row_of_a_digest_decides_its_age() {
    let row = |time| Record::new(digest(1), 1, time, false);
    let judged = |time| RULES.judge(&Joined::Expected(row(NOW).melt(row(time))));
    assert_eq!(judged(NOW - 1), Judgement::Young);
    assert_eq!(judged(NOW - 600), Judgement::Missing);
    assert_eq!(judged(i64::MIN), Judgement::Missing);
}

#[rstest]
#[case::agreed(10, 10, Judgement::Healthy)]
#[case::not_known_to_the_catalog(0, 10, Judgement::Healthy)]
#[case::another_size(10, 11, size_differs(Some(10), 11))]
#[case::truncated_to_nothing(10, 0, size_differs(Some(10), 0))]
#[case::empty_and_not_known_to_the_catalog(0, 0, size_differs(None, 0))]
#[case::rows_that_disagree(UNSURE_SIZE, 10, size_differs(None, 10))]
#[case::rows_that_disagree_and_an_empty_object(UNSURE_SIZE, 0, size_differs(None, 0))]
fn a_size_that_cannot_be_right_is_a_suspicion(
    #[case] wanted: u64,
    #[case] listed: u64,
    #[case] judgement: Judgement,
) {
    assert_eq!(judge_sizes(digest(1), wanted, listed), judgement);
}

#[rstest]
#[case::nothing(0, 0, Judgement::Healthy)]
#[case::something(0, 1, size_differs(Some(0), 1))]
#[case::nothing_of_which_the_catalog_gives_a_size(5, 0, size_differs(Some(5), 0))]
#[case::something_of_which_the_catalog_gives_the_size(5, 5, size_differs(Some(5), 5))]
fn the_digest_of_no_bytes_fits_empty_objects_alone(
    #[case] wanted: u64,
    #[case] listed: u64,
    #[case] judgement: Judgement,
) {
    assert_eq!(judge_sizes(EMPTY.parse().unwrap(), wanted, listed), judgement);
}

fn judge_sizes(digest: Digest, wanted: u64, listed: u64) -> Judgement {
    let row = Record::new(digest, wanted, i64::MIN, true);
    RULES.judge(&Joined::Both(row, Record::new(digest, listed, NOW, false)))
}

fn size_differs(expected: Option<u64>, observed: u64) -> Judgement {
    Judgement::SizeDiffers { expected, observed }
}

#[test]
fn every_digest_is_counted_once_by_what_is_thought_of_it() {
    let row = |number, time, at_risk| Record::new(digest(number), 10, time, at_risk);
    let object = |number, size| Record::new(digest(number), size, NOW, false);
    let world = [
        Joined::Both(row(1, 0, false), object(1, 10)),
        Joined::Both(row(2, NOW, true), object(2, 10)),
        Joined::Both(row(3, 0, true), object(3, 11)),
        Joined::Expected(row(4, 0, true)),
        Joined::Expected(row(5, NOW, true)),
        Joined::Observed(object(6, 10)),
    ];
    let mut tally = Tally::default();
    for joined in &world {
        tally.count(joined, &RULES.judge(joined));
    }
    let expected = Tally {
        expected: 5,
        observed: 4,
        healthy: 2,
        at_risk: 1,
        missing: 1,
        young: 1,
        size_differs: 1,
        orphans: 1,
    };
    assert_eq!(tally, expected);
    assert_eq!(tally.suspicions(), 3);
}
