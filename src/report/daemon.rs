//! A running daemon for people: what it is doing, and what is in its way.

use std::io::{self, Write};

use super::status::{ActivityView, DaemonView, SideView};
use super::text::{TextOptions, Tone, escape, or_dash, time};

/// Writes a line of what the daemon does, and one for each thing that is in its way.
pub(super) fn daemon_lines(
    daemon: &DaemonView,
    options: &TextOptions<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    let due = |at: Option<_>| or_dash(at.map(time));
    writeln!(
        out,
        "daemon: {}; next shallow pass {}, next deep pass {}",
        daemon.activity.sentence(),
        due(daemon.next_shallow),
        due(daemon.next_deep)
    )?;
    for (name, side) in [("catalog", &daemon.catalog), ("store", &daemon.store)] {
        if let SideView::Down { cause } = side {
            let line = format!("{name} does not answer: {}", escape(cause));
            writeln!(out, "{}", options.paint(Tone::Bad, &line))?;
        }
    }
    if daemon.paused {
        writeln!(out, "{}", options.paint(Tone::Doubtful, "healing is paused by an operator"))?;
    }
    if let Some(problem) = &daemon.reload_problem {
        let line = format!("the configuration was not taken over: {}", escape(problem));
        writeln!(out, "{}", options.paint(Tone::Bad, &line))?;
    }
    Ok(())
}

impl ActivityView {
    /// What it is in words, completing "the daemon …".
    pub fn sentence(&self) -> String {
        match self {
            Self::Starting => "starts".to_owned(),
            Self::Standby => "waits as a spare for another instance to end".to_owned(),
            Self::Idle => "waits for the next pass".to_owned(),
            Self::Pass { depth, since } => {
                format!("runs a {} pass since {}", depth.as_str(), time(*since))
            }
            Self::Draining => "ends, and finishes what it began".to_owned(),
        }
    }
}
