//! The peak resident memory of a shallow audit over 100,000 and over 1,000,000 objects, each in a
//! process of its own, with a catalog and a store that hold nothing in memory.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a benchmark takes time")]

mod support {
    pub(crate) mod audited;
    pub(crate) mod generated;
    pub(crate) mod world;
}

use std::env;
use std::process::{Command as Process, Stdio};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};

use support::audited::{audit, layout, peak_mib};
use support::generated::GeneratedCatalog;
use support::world::World;

const SMALL: u64 = 100_000;
const LARGE: u64 = 1_000_000;
const REPETITIONS: usize = 3;
const CHILD: &str = "--audit-of";
const TARGET_MIB: f64 = 64.0;
const TARGET_GROWTH: f64 = 1.1;

fn main() -> anyhow::Result<()> {
    let mut arguments = env::args().skip_while(|argument| argument != CHILD).skip(1);
    if let Some(objects) = arguments.next() {
        return child(objects.parse()?);
    }
    let small = worst_of(SMALL)?;
    let large = worst_of(LARGE)?;
    let growth = large / small;
    println!(
        "peak memory of {LARGE} over that of {SMALL}: {growth:.2} (target at most {TARGET_GROWTH})"
    );
    ensure!(large < TARGET_MIB, "{large:.1} MiB is over the target of {TARGET_MIB} MiB");
    ensure!(growth <= TARGET_GROWTH, "memory grows with the number of objects: {growth:.2}");
    Ok(())
}

/// The largest peak in MiB of some audits of this many objects.
fn worst_of(objects: u64) -> anyhow::Result<f64> {
    let mut worst = 0.0_f64;
    for _ in 0..REPETITIONS {
        let output = Process::new(env::current_exe()?)
            .args([CHILD, &objects.to_string()])
            .stderr(Stdio::inherit())
            .output()?;
        ensure!(output.status.success(), "the audit of {objects} objects failed");
        let line = String::from_utf8(output.stdout)?;
        print!("{line}");
        let peak = line.split_once("peak ").and_then(|(_, rest)| rest.split(' ').next());
        worst = worst.max(peak.context("no peak was printed")?.parse()?);
    }
    Ok(worst)
}

fn child(objects: u64) -> anyhow::Result<()> {
    let world = World::new(objects);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let before = peak_mib()?;
    let start = Instant::now();
    let catalog = Arc::new(GeneratedCatalog::new(world, layout()?));
    let summary = runtime.block_on(audit(world, catalog))?;
    let seconds = start.elapsed().as_secs_f64();
    let counts = (summary.expected, summary.missing, summary.orphans);
    let wanted = (Some(objects), Some(world.missing()), Some(world.orphans()));
    ensure!(counts == wanted, "the audit found {counts:?}, not {wanted:?}: {summary:?}");
    println!(
        "audit of {objects:>7} objects: peak {:.1} MiB ({before:.1} before it), {seconds:.2} s",
        peak_mib()?
    );
    Ok(())
}
