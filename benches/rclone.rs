//! restock beside rclone on the same 20,000 files of 4 KiB, in turns: existence and size, and all
//! bytes. Both have to find the same things.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a benchmark takes time and waits for programs")]

mod support {
    pub(crate) mod measure;
    pub(crate) mod shelf;
    #[expect(dead_code, reason = "only its generator of numbers is used here")]
    pub(crate) mod world;
}

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use support::measure::{Cost, run};
use support::shelf::{Damage, Shelf};

const REPETITIONS: usize = 7;
const TARGET_MIB: f64 = 40.0;

/// How both programs are asked, and what they can find.
struct Contest {
    name: &'static str,
    restock: &'static [&'static str],
    rclone: &'static [&'static str],
    reads_bytes: bool,
}

const CONTESTS: [Contest; 2] = [
    Contest {
        name: "existence and size",
        restock: &["-c", "restock.toml", "-q", "audit", "--output", "json"],
        rclone: &["check", "--size-only", "good", Shelf::STORE, "--combined", "combined.out", "-q"],
        reads_bytes: false,
    },
    Contest {
        name: "all bytes",
        restock: &["-c", "restock.toml", "-q", "audit", "--deep", "--output", "json"],
        rclone: &[
            "checksum",
            "sha256",
            "good.sums",
            Shelf::STORE,
            "--download",
            "--checkers",
            "8",
            "--combined",
            "combined.out",
            "-q",
        ],
        reads_bytes: true,
    },
];

fn main() -> anyhow::Result<()> {
    let Some(rclone) = env::var_os("RESTOCK_TEST_RCLONE").map(PathBuf::from) else {
        println!("rclone: not run, since RESTOCK_TEST_RCLONE names no rclone; benches/run does");
        ensure!(env::var_os("CI").is_none_or(|ci| ci != "true"), "CI has to run it");
        return Ok(());
    };
    let restock = Path::new(env!("CARGO_BIN_EXE_restock"));
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let shelf = Shelf::stock(folder.path(), restock)?;
    for contest in &CONTESTS {
        hold(contest, &shelf, restock, &rclone, folder.path())
            .with_context(|| format!("comparing {}", contest.name))?;
    }
    Ok(())
}

fn hold(
    contest: &Contest,
    shelf: &Shelf,
    restock: &Path,
    rclone: &Path,
    folder: &Path,
) -> anyhow::Result<()> {
    let mut expected = shelf.damage.clone();
    if !contest.reads_bytes {
        expected.corrupt.clear();
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..REPETITIONS {
        shelf.forget()?;
        let finished = run(restock, contest.restock, folder)?;
        ensure!(finished.exit_code == Some(2), "restock exited with {:?}", finished.exit_code);
        agree("restock", &of_report(&finished.stdout)?, &expected)?;
        ours.push(finished.cost);

        let finished = run(rclone, contest.rclone, folder)?;
        ensure!(finished.exit_code == Some(1), "rclone exited with {:?}", finished.exit_code);
        let combined = fs::read_to_string(folder.join("combined.out"))?;
        agree("rclone", &of_combined(&combined)?, &expected)?;
        theirs.push(finished.cost);
    }
    let (ours, theirs) = (Cost::median(&ours), Cost::median(&theirs));
    show(contest.name, "restock", &ours);
    show(contest.name, "rclone", &theirs);
    println!(
        "{}: restock takes {:.2} of rclone's wall time, {:.2} of its processor time and {:.2} of \
         its memory (targets: below 1 in wall time, at most {TARGET_MIB} MiB); same findings",
        contest.name,
        ours.wall_seconds / theirs.wall_seconds,
        ours.cpu_seconds / theirs.cpu_seconds,
        ours.peak_mib / theirs.peak_mib,
    );
    ensure!(ours.peak_mib <= TARGET_MIB, "restock took {:.1} MiB", ours.peak_mib);
    Ok(())
}

fn show(contest: &str, program: &str, cost: &Cost) {
    let Cost { wall_seconds, cpu_seconds, peak_mib } = cost;
    println!(
        "{contest}: {program:<7} {wall_seconds:6.3} s wall, {cpu_seconds:5.2} s processor, \
         {peak_mib:6.1} MiB (medians of {REPETITIONS})"
    );
}

fn agree(program: &str, found: &Damage, expected: &Damage) -> anyhow::Result<()> {
    ensure!(found == expected, "{program} found {found:?}\nwhere there is {expected:?}");
    Ok(())
}

/// What restock says, from its report.
fn of_report(report: &[u8]) -> anyhow::Result<Damage> {
    let report: Value = serde_json::from_slice(report).context("restock printed no report")?;
    let findings = report.get("findings").and_then(Value::as_array).context("no findings")?;
    let mut damage = Damage::default();
    for finding in findings {
        let word = |member| finding.get(member).and_then(Value::as_str);
        let digest = word("digest").with_context(|| format!("no digest: {finding}"))?.to_owned();
        match word("kind") {
            Some("missing") => damage.missing.insert(digest),
            Some("corrupt") => damage.corrupt.insert(digest),
            Some("orphan") => damage.strays.insert(digest),
            _ => bail!("an unexpected finding: {finding}"),
        };
    }
    Ok(damage)
}

/// What rclone says, from its combined list: a sign and a name a line.
fn of_combined(list: &str) -> anyhow::Result<Damage> {
    let mut damage = Damage::default();
    for line in list.lines() {
        let (sign, name) = line.split_once(' ').context("a line without a sign")?;
        match sign {
            "=" => false,
            "+" => damage.missing.insert(name.to_owned()),
            "*" => damage.corrupt.insert(name.to_owned()),
            "-" => damage.strays.insert(name.to_owned()),
            _ => bail!("an unexpected line: {line}"),
        };
    }
    Ok(damage)
}
