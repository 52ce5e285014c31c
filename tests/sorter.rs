//! The sorter agrees with a plain sort, whatever its memory, and says where it failed.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use restock::model::{Digest, Record, UNSURE_SIZE};
use restock::sorter::{BATCH_RECORDS, Melt, Sorted, Sorter, SorterOptions};

fn options(memory_bytes: usize) -> SorterOptions {
    SorterOptions { memory_bytes, spill_dir: None }
}

fn sorted(records: &[Record], memory_bytes: usize, melt: Melt) -> Sorted {
    let mut sorter = Sorter::new(options(memory_bytes), melt);
    for record in records {
        sorter.push(*record).unwrap();
    }
    sorter.finish().unwrap()
}

fn drain(sorted: &mut Sorted) -> Vec<Record> {
    let (mut all, mut batch) = (Vec::new(), Vec::new());
    loop {
        sorted.next_batch(&mut batch).unwrap();
        if batch.is_empty() {
            return all;
        }
        assert!(batch.len() <= BATCH_RECORDS);
        all.extend_from_slice(&batch);
    }
}

fn plainly(records: &[Record], melt: Melt) -> Vec<Record> {
    let mut melted = BTreeMap::<Digest, Record>::new();
    for record in records {
        melted.entry(record.digest).and_modify(|r| *r = melt(*r, *record)).or_insert(*record);
    }
    melted.into_values().collect()
}

/// A digest of a small space, so that duplicates and long common beginnings are frequent.
fn any_digest() -> impl Strategy<Value = Digest> {
    let tight = (0..40_u8, 0..3_u8).prop_map(|(last, first)| {
        let mut bytes = [first; 32];
        bytes[31] = last;
        Digest::new(bytes)
    });
    prop_oneof![1 => tight, 2 => any::<[u8; 32]>().prop_map(Digest::new)]
}

fn any_record() -> impl Strategy<Value = Record> {
    let size = prop_oneof![Just(0), Just(1), Just(2), Just(UNSURE_SIZE)];
    let time = prop_oneof![Just(i64::MIN), -2..3_i64];
    (any_digest(), size, time, any::<bool>())
        .prop_map(|(digest, size, time, at_risk)| Record::new(digest, size, time, at_risk))
}

fn agrees(records: &[Record], memory_bytes: usize, melt: Melt) -> Result<(), TestCaseError> {
    let mut sorted = sorted(records, memory_bytes, melt);
    let all = drain(&mut sorted);
    prop_assert_eq!(&all, &plainly(records, melt));
    prop_assert_eq!(sorted.pushed(), u64::try_from(records.len()).unwrap());
    prop_assert_eq!(sorted.distinct(), u64::try_from(all.len()).unwrap());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_memory_sorts_and_melts_as_a_map_does(
        records in proptest::collection::vec(any_record(), 0..1500),
        memory_bytes in prop_oneof![Just(0_usize), 500..5000_usize, Just(40_000), Just(1 << 20)],
    ) {
        agrees(&records, memory_bytes, Record::melt)?;
        agrees(&records, memory_bytes, Record::newer)?;
    }
}

/// Numbers scattered over the digest space, each the number of its digest.
fn scattered(count: u64) -> Vec<Record> {
    let digest = |number: u64| {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        Digest::new(bytes)
    };
    (0..count).map(|n| Record::new(digest(n % (count - count / 10)), n, 0, false)).collect()
}

#[test]
fn hundreds_of_runs_are_merged_level_by_level_within_the_memory() {
    // 64 KiB: runs of 1,170 records, of which four can be read at once.
    let records = scattered(100_000);
    let mut sorted = sorted(&records, 64 << 10, Record::newer);
    assert_eq!(drain(&mut sorted), plainly(&records, Record::newer));
    assert_eq!((sorted.pushed(), sorted.distinct()), (100_000, 90_000));
}

#[test]
fn a_batch_that_ends_between_two_rows_of_one_digest_melts_them_all_the_same() {
    let one_more = u64::try_from(BATCH_RECORDS).unwrap() + 1;
    let twice: Vec<_> = scattered(one_more).into_iter().flat_map(|r| [r, r]).collect();
    assert_eq!(drain(&mut sorted(&twice, 1 << 20, Record::melt)), plainly(&twice, Record::melt));
}

#[test]
fn what_fits_in_memory_needs_no_folder() {
    let spill_dir = Some("/nonexistent/spill".into());
    let mut sorter = Sorter::new(SorterOptions { memory_bytes: 56_000, spill_dir }, Record::melt);
    for record in scattered(1000) {
        sorter.push(record).unwrap();
    }
    assert_eq!(sorter.len(), 1000);
    assert_eq!(drain(&mut sorter.finish().unwrap()).len(), 900);
}

#[test]
fn an_unusable_folder_is_named_with_what_to_do() {
    let spill_dir = Some("/nonexistent/spill".into());
    let mut sorter = Sorter::new(SorterOptions { memory_bytes: 5600, spill_dir }, Record::melt);
    let error = scattered(200).into_iter().find_map(|record| sorter.push(record).err()).unwrap();
    let message = error.to_string();
    assert!(message.contains("cannot make a temporary file in /nonexistent/spill"), "{message}");
    assert!(message.contains("TMPDIR"), "{message}");
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_spilled_sorter_leaves_nothing_in_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let spill_dir = Some(folder.path().to_owned());
    let mut sorter = Sorter::new(SorterOptions { memory_bytes: 5600, spill_dir }, Record::melt);
    for record in scattered(5000) {
        sorter.push(record).unwrap();
    }
    let names = || std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(names(), 0, "the temporary file has a name");
    drop(sorter);
    assert_eq!(names(), 0);
}
