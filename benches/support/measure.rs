//! One run of a program: its wall time, its processor time and its peak resident memory.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;

/// Where GNU time is, if it is installed. It tells the kernel's own figure of the peak.
const GNU_TIME: &str = "/usr/bin/time";

/// What a run took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) wall_seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_mib: f64,
}

/// A finished run.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) cost: Cost,
    pub(crate) exit_code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
}

impl Cost {
    /// The median of each figure.
    pub(crate) fn median(costs: &[Self]) -> Self {
        let middle = |figure: fn(&Self) -> f64| {
            let mut figures: Vec<f64> = costs.iter().map(figure).collect();
            figures.sort_unstable_by(f64::total_cmp);
            figures.get(figures.len() / 2).copied().unwrap_or_default()
        };
        Self {
            wall_seconds: middle(|cost| cost.wall_seconds),
            cpu_seconds: middle(|cost| cost.cpu_seconds),
            peak_mib: middle(|cost| cost.peak_mib),
        }
    }
}

/// Runs `program` in `folder` and waits for its end, whatever its exit code.
pub(crate) fn run(program: &Path, arguments: &[&str], folder: &Path) -> anyhow::Result<Finished> {
    let (stdout, figures) = (folder.join("stdout.out"), folder.join("time.out"));
    let gnu_time = Path::new(GNU_TIME).exists();
    let mut command = if gnu_time {
        let mut command = Command::new(GNU_TIME);
        command.args(["-f", "%M"]).arg("-o").arg(&figures).arg(program);
        command
    } else {
        Command::new(program)
    };
    command
        .args(arguments)
        .current_dir(folder)
        .env("RCLONE_CONFIG", "/dev/null")
        .stdin(Stdio::null())
        .stdout(fs::File::create(&stdout)?)
        .stderr(Stdio::null());
    let (cpu_before, start) = (cpu_seconds_of_children()?, Instant::now());
    let mut child =
        command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
    let sampled = if gnu_time { 0.0 } else { sample_peak_kib(&mut child)? };
    let status = child.wait()?;
    let wall_seconds = start.elapsed().as_secs_f64();
    let cpu_seconds = cpu_seconds_of_children()? - cpu_before;
    let peak_kib = if gnu_time { told_peak_kib(&figures)? } else { sampled };
    Ok(Finished {
        cost: Cost { wall_seconds, cpu_seconds, peak_mib: peak_kib / 1024.0 },
        exit_code: status.code(),
        stdout: fs::read(&stdout)?,
    })
}

/// The last line is the figure; one before it may tell the exit code.
fn told_peak_kib(figures: &Path) -> anyhow::Result<f64> {
    let text = fs::read_to_string(figures)?;
    Ok(text.lines().last().context("GNU time wrote nothing")?.trim().parse()?)
}

/// Looks at the peak so far each millisecond until the child ends.
fn sample_peak_kib(child: &mut Child) -> anyhow::Result<f64> {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0_f64;
    while child.try_wait()?.is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak = peak.max(kib.unwrap_or_default());
        thread::sleep(Duration::from_millis(1));
    }
    Ok(peak)
}

/// User and system time of all children that were waited for, and of theirs. The kernel counts
/// it in hundredths of a second there.
fn cpu_seconds_of_children() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("this benchmark reads /proc")?;
    // The second field is a name in brackets that may hold spaces; two of the others are wanted.
    let (_, fields) = stat.rsplit_once(") ").context("cannot read /proc/self/stat")?;
    let ticks: Vec<f64> =
        fields.split(' ').skip(13).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}
