//! Many seeds, over all cores; the first difference is told with the shortest history that shows
//! it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::play::{Played, play};
use crate::reached::{RARELY, REACHED};
use crate::shrink::shrink;
use crate::step::History;

/// What playing many seeds came to.
#[derive(Debug, Default)]
struct Sum {
    reached: BTreeMap<&'static str, u64>,
    steps: u64,
    passes: u64,
    /// What was wrong, without the keys of which it was, and with which seeds.
    wrong: BTreeMap<String, Vec<u64>>,
    first: Option<u64>,
}

impl Sum {
    fn take(&mut self, seed: u64, played: Played) {
        self.steps += played.steps;
        self.passes += played.passes;
        for (what, n) in played.reached {
            *self.reached.entry(what).or_default() += n;
        }
        for wrong in played.wrong.iter().flat_map(|(_, wrong)| wrong) {
            self.wrong.entry(briefly(wrong)).or_default().push(seed);
            self.first = Some(self.first.unwrap_or(seed).min(seed));
        }
    }

    fn join(mut self, other: Self) -> Self {
        self.steps += other.steps;
        self.passes += other.passes;
        for (what, n) in other.reached {
            *self.reached.entry(what).or_default() += n;
        }
        for (what, seeds) in other.wrong {
            self.wrong.entry(what).or_default().extend(seeds);
        }
        self.first = self.first.into_iter().chain(other.first).min();
        self
    }

    fn print(&self) {
        println!("{:>12} steps", self.steps);
        println!("{:>12} passes", self.passes);
        let never = REACHED.iter().chain(RARELY).filter(|what| !self.reached.contains_key(**what));
        for (what, n) in self.reached.iter().chain(never.map(|what| (what, &0))) {
            println!("{n:>12} {what}");
        }
        for (what, seeds) in &self.wrong {
            println!(
                "WRONG {what}: {} times, seeds {:?}",
                seeds.len(),
                &seeds[..seeds.len().min(5)]
            );
        }
    }

    fn assert_right(&self) {
        if let Some(seed) = self.first {
            panic!("{}", told(seed, &History::of(seed)));
        }
    }

    fn assert_reached(&self, owed: &[&str]) {
        let never: Vec<_> = owed.iter().filter(|what| !self.reached.contains_key(**what)).collect();
        assert!(never.is_empty(), "never reached: {never:?}");
    }
}

/// Plays these seeds.
#[expect(clippy::disallowed_methods, reason = "it tells how many seeds a second it plays")]
fn hunt(seeds: &Range<u64>) -> Sum {
    let began = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let mut sum = Sum::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return sum;
            }
            sum.take(seed, play(seed, &History::of(seed), false));
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let sum = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let sums = workers.into_iter().map(|worker| worker.join().unwrap());
        sums.reduce(Sum::join).unwrap_or_default()
    });
    let seconds = began.elapsed().as_secs_f64();
    println!("{seeds:?}: {:.0} seeds a second", (seeds.end - seeds.start) as f64 / seconds);
    sum
}

/// What is wrong without the key of which thing it is.
fn briefly(wrong: &str) -> String {
    let is_key = |word: &&str| !word.contains("software-installers/") && !word.contains("icons/");
    let words: Vec<_> = wrong.split(' ').filter(is_key).collect();
    words.join(" ").chars().take(150).collect()
}

fn told(seed: u64, history: &History) -> String {
    let shortest = shrink(seed, history);
    let Played { wrong, log, .. } = play(seed, &shortest, true);
    let mut text = format!("seed {seed}\n{:?}\n", shortest.settings);
    for step in &shortest.steps {
        writeln!(text, "  {step:?}").unwrap();
    }
    for line in masked(&log) {
        writeln!(text, "    {line}").unwrap();
    }
    writeln!(text, "{wrong:#?}").unwrap();
    text
}

/// A log without what is random in it: the ids of passes, by the order in which they come.
fn masked(log: &[String]) -> Vec<String> {
    let mut known: Vec<String> = Vec::new();
    let mask = |line: &String| {
        let mut line = line.clone();
        while let Some(at) = id_in(&line) {
            let id = line[at..at + 36].to_owned();
            let n = known.iter().position(|one| *one == id).unwrap_or_else(|| {
                known.push(id.clone());
                known.len() - 1
            });
            line = line.replace(&id, &format!("<{n}>"));
        }
        line
    };
    log.iter().map(mask).collect()
}

fn id_in(line: &str) -> Option<usize> {
    let bytes = line.as_bytes();
    (0..bytes.len().saturating_sub(35)).find(|at| {
        bytes[*at..*at + 36].iter().enumerate().all(|(n, byte)| match n {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    })
}

#[test]
fn two_thousand_histories_end_as_the_model_says_and_reach_every_fault() {
    let sum = hunt(&(0..2_000));
    sum.print();
    sum.assert_right();
    sum.assert_reached(REACHED);
}

#[test]
fn a_seed_gives_the_same_log_twice() {
    for seed in 0..60 {
        let history = History::of(seed);
        let (one, other) = (play(seed, &history, true), play(seed, &history, true));
        assert_eq!(masked(&one.log), masked(&other.log), "seed {seed}");
    }
}

/// What `tests/simulate` runs, with the seeds as `RESTOCK_SIMULATE=A..B`: prints sums, and what is
/// wrong.
#[test]
#[ignore = "as long as one wants it to be"]
#[expect(clippy::disallowed_methods, reason = "tests/simulate tells by it which seeds to play")]
fn simulate() {
    let text = std::env::var("RESTOCK_SIMULATE").unwrap();
    let (from, to) = text.split_once("..").unwrap();
    let seeds = from.parse().unwrap()..to.parse().unwrap();
    let sum = hunt(&seeds);
    sum.print();
    sum.assert_right();
}
