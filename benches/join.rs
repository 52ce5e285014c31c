//! The sorter and the join on 1,000,000 expected and 1,000,000 observed objects, each beside the
//! plainest code that does the same work, in the same run.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a benchmark takes time")]

mod support {
    pub(crate) mod world;
}

#[path = "../tests/support/tally.rs"]
mod tally;

use std::convert::Infallible;
use std::hint::black_box;
use std::time::{Duration, Instant};

use restock::model::Record;
use restock::reconcile::{Join, Judgement, Rules};
use restock::sorter::{DEFAULT_MEMORY_BYTES, Sorter, SorterError, SorterOptions};

use support::world::{LONG_AGO, World, digest, size};
use tally::Tally;

const OBJECTS: u64 = 1_000_000;
const REPETITIONS: usize = 9;
const ROOMY_BYTES: usize = 128 << 20;

fn main() -> anyhow::Result<()> {
    let world = World::new(OBJECTS);
    let expected: Vec<Record> = (0..world.objects()).map(record).collect();
    let stored = (0..world.objects() + world.orphans()).filter(|n| world.is_stored(*n));
    let observed: Vec<Record> = stored.map(record).collect();
    println!(
        "objects: {} expected, {} observed, {} missing, {} orphans",
        expected.len(),
        observed.len(),
        world.missing(),
        world.orphans()
    );
    compare_joins(world, &expected, &observed)?;
    compare_sorts(&expected)
}

/// The same on both sides; the numbers rise and the digests do not.
fn record(number: u64) -> Record {
    Record::new(digest(number), size(number), LONG_AGO, false)
}

fn compare_joins(world: World, expected: &[Record], observed: &[Record]) -> anyhow::Result<()> {
    let (expected, observed) = (in_order(expected), in_order(observed));
    let digests = |side: &[Record]| side.iter().map(|r| *r.digest.as_bytes()).collect::<Vec<_>>();
    let (left, right) = (digests(&expected), digests(&observed));
    let (mut plain, mut joined) = (Vec::new(), Vec::new());
    for _ in 0..REPETITIONS {
        let (time, pairs) = timed(|| plain_merge(black_box(&left), black_box(&right)));
        anyhow::ensure!(pairs == OBJECTS - world.missing(), "the plain merge found {pairs} pairs");
        plain.push(time);
        let (time, tally) = timed(|| join(black_box(&expected), black_box(&observed)));
        let tally = tally?;
        anyhow::ensure!(
            (tally.missing, tally.orphans) == (world.missing(), world.orphans()),
            "the join found {tally:?}"
        );
        joined.push(time);
    }
    let (plain, joined) = (rate(OBJECTS, plain), rate(OBJECTS, joined));
    println!("plain merge of 32-byte digests:  {plain:6.1} M pairs/s");
    println!(
        "join with judgement and tally:   {joined:6.1} M pairs/s  ({:.2} of plain)",
        joined / plain
    );
    Ok(())
}

fn compare_sorts(records: &[Record]) -> anyhow::Result<()> {
    let (mut plain, mut memory, mut spilled) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..REPETITIONS {
        let (time, sorted) = timed(|| in_order(black_box(records)));
        black_box(sorted);
        plain.push(time);
        for (memory_bytes, times) in
            [(ROOMY_BYTES, &mut memory), (DEFAULT_MEMORY_BYTES, &mut spilled)]
        {
            let (time, distinct) = timed(|| through_sorter(black_box(records), memory_bytes));
            anyhow::ensure!(distinct? == OBJECTS, "the sorter lost records");
            times.push(time);
        }
    }
    let records = OBJECTS;
    let plain = rate(records, plain);
    println!("slice::sort_unstable of a copy:  {plain:6.1} M records/s");
    for (name, times) in [("in memory:         ", memory), ("spilled, 4 MiB:    ", spilled)] {
        let rate = rate(records, times);
        println!("sorter {name}      {rate:6.1} M records/s  ({:.2} of plain)", rate / plain);
    }
    Ok(())
}

fn in_order(records: &[Record]) -> Vec<Record> {
    let mut records = records.to_vec();
    records.sort_unstable();
    records
}

/// The least that a join can be: two cursors and a comparison.
fn plain_merge(mut left: &[[u8; 32]], mut right: &[[u8; 32]]) -> u64 {
    let mut pairs = 0;
    while let (Some((a, left_rest)), Some((b, right_rest))) =
        (left.split_first(), right.split_first())
    {
        match a.cmp(b) {
            std::cmp::Ordering::Less => left = left_rest,
            std::cmp::Ordering::Greater => right = right_rest,
            std::cmp::Ordering::Equal => {
                pairs += 1;
                (left, right) = (left_rest, right_rest);
            }
        }
    }
    pairs
}

fn join(expected: &[Record], observed: &[Record]) -> anyhow::Result<Tally> {
    let rules = Rules { now_epoch_seconds: 1_800_000_000, grace_seconds: 600 };
    let (mut join, mut tally) = (Join::new(), Tally::default());
    let (mut wanted, mut listed) = (in_batches(expected), in_batches(observed));
    let mut suspicions = Vec::new();
    while join.step(&mut wanted, &mut listed, |joined| {
        let judgement = rules.judge(&joined);
        tally.count(&joined, &judgement);
        if !matches!(judgement, Judgement::Healthy | Judgement::Young) {
            suspicions.push((joined, judgement));
        }
    })? {}
    anyhow::ensure!(u64::try_from(suspicions.len())? == tally.suspicions(), "suspicions were lost");
    Ok(tally)
}

fn in_batches(records: &[Record]) -> impl FnMut(&mut Vec<Record>) -> Result<(), Infallible> {
    let mut chunks = records.chunks(restock::sorter::BATCH_RECORDS);
    move |batch| {
        batch.clear();
        batch.extend_from_slice(chunks.next().unwrap_or_default());
        Ok(())
    }
}

fn through_sorter(records: &[Record], memory_bytes: usize) -> Result<u64, SorterError> {
    let options = SorterOptions { memory_bytes, ..SorterOptions::default() };
    let mut sorter = Sorter::new(options, Record::melt);
    for record in records {
        sorter.push(*record)?;
    }
    let (mut records, mut batch) = (sorter.finish()?, Vec::new());
    loop {
        records.next_batch(&mut batch)?;
        if batch.is_empty() {
            return Ok(records.distinct());
        }
        black_box(&batch);
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed(), result)
}

/// Millions a second in the fastest repetition, which is the one that other work disturbed least.
fn rate(items: u64, times: Vec<Duration>) -> f64 {
    let fastest = times.into_iter().min().unwrap_or_default();
    let millions = f64::from(u32::try_from(items).unwrap_or(u32::MAX)) / 1e6;
    millions / fastest.as_secs_f64()
}
