//! How far a pass is, as numbers and as one line of text.

use std::time::Duration;

use indicatif::{BinaryBytes, HumanCount, HumanDuration};
use tokio::time::Instant;

use crate::observe::Event;

/// How far the current phase is.
#[derive(Debug, Clone)]
pub(super) struct Numbers {
    pub(super) phase: &'static str,
    pub(super) since: Instant,
    total_objects: Option<u64>,
    total_bytes: Option<u64>,
    pub(super) rows: u64,
    pub(super) objects: u64,
    pub(super) bytes: u64,
}

impl Default for Numbers {
    fn default() -> Self {
        Self::of("starting", None, None)
    }
}

impl Numbers {
    fn of(phase: &'static str, total_objects: Option<u64>, total_bytes: Option<u64>) -> Self {
        let since = Instant::now();
        Self { phase, since, total_objects, total_bytes, rows: 0, objects: 0, bytes: 0 }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "few events are steps of a pass")]
    pub(super) fn add(&mut self, event: &Event<'_>) {
        match *event {
            Event::Phase { name, total_objects, total_bytes } => {
                *self = Self::of(name, total_objects, total_bytes);
            }
            Event::Rows(rows) => self.rows += rows,
            Event::Listed(objects) | Event::Confirmed(objects) => self.objects += objects,
            Event::Verified { bytes, done } => {
                self.bytes += bytes;
                self.objects += u64::from(done);
            }
            Event::Downloaded(bytes) => self.bytes += bytes,
            Event::Repaired { .. } => self.objects += 1,
            _ => {}
        }
    }

    /// Steps done and steps in all: bytes where their total is known, else objects.
    pub(super) fn steps(&self) -> (u64, Option<u64>) {
        if self.total_bytes.is_some() {
            return (self.bytes, self.total_bytes);
        }
        (self.objects, self.total_objects)
    }

    /// At the average rate of the phase; `None` before anything is done.
    fn left(&self, elapsed: Duration) -> Option<Duration> {
        let (done, total) = self.steps();
        let rest = u128::from(total?.saturating_sub(done));
        let millis = (elapsed.as_millis() * rest).checked_div(u128::from(done))?;
        u64::try_from(millis).ok().map(Duration::from_millis)
    }

    /// `reading: 1,234 of 5,000 objects, 1.20 GiB, 61/s, 64.00 MiB/s, 2 minutes left`
    pub(super) fn line(&self, elapsed: Duration) -> String {
        let mut line = format!("{}:", self.phase);
        let mut part = |text: &str| {
            line += if line.ends_with(':') { " " } else { ", " };
            line += text;
        };
        if self.rows > 0 {
            part(&format!("{} rows", HumanCount(self.rows)));
        }
        let of = self.total_objects.map(|total| format!(" of {}", HumanCount(total)));
        part(&format!("{}{} objects", HumanCount(self.objects), of.unwrap_or_default()));
        if self.bytes > 0 {
            let of = self.total_bytes.map(|total| format!(" of {}", BinaryBytes(total)));
            part(&format!("{}{}", BinaryBytes(self.bytes), of.unwrap_or_default()));
        }
        if let Some(rate) = per_second(self.objects, elapsed) {
            part(&format!("{}/s", HumanCount(rate)));
        }
        if let Some(rate) = per_second(self.bytes, elapsed) {
            part(&format!("{}/s", BinaryBytes(rate)));
        }
        if let Some(left) = self.left(elapsed) {
            part(&format!("{} left", HumanDuration(left)));
        }
        line
    }
}

/// `None` where it would be 0.
fn per_second(count: u64, elapsed: Duration) -> Option<u64> {
    let rate = (u128::from(count) * 1_000).checked_div(elapsed.as_millis())?;
    u64::try_from(rate).ok().filter(|rate| *rate > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const READING: Event<'_> =
        Event::Phase { name: "reading", total_objects: Some(5_000), total_bytes: None };
    const LISTING: Event<'_> =
        Event::Phase { name: "listing", total_objects: None, total_bytes: None };

    #[test]
    fn a_line_tells_counts_rates_and_what_is_left() {
        let mut numbers = Numbers::default();
        numbers.add(&Event::Listed(9));
        numbers.add(&READING);
        assert_eq!(numbers.line(Duration::ZERO), "reading: 0 of 5,000 objects");
        for _ in 0..1_000 {
            numbers.add(&Event::Verified { bytes: 1 << 20, done: false });
            numbers.add(&Event::Verified { bytes: 0, done: true });
        }
        assert_eq!(
            numbers.line(Duration::from_secs(10)),
            "reading: 1,000 of 5,000 objects, 1000.00 MiB, 100/s, 100.00 MiB/s, 40 seconds left"
        );
        numbers.add(&LISTING);
        numbers.add(&Event::Rows(1_234_567));
        numbers.add(&Event::Listed(2));
        assert_eq!(numbers.line(Duration::from_secs(10)), "listing: 1,234,567 rows, 2 objects");
    }

    #[test]
    fn bytes_decide_what_is_left_where_their_total_is_known() {
        let mut numbers = Numbers::of("reading", Some(10), Some(1 << 30));
        numbers.add(&Event::Verified { bytes: 1 << 28, done: false });
        assert_eq!(
            numbers.line(Duration::from_secs(4)),
            "reading: 0 of 10 objects, 256.00 MiB of 1.00 GiB, 64.00 MiB/s, 12 seconds left"
        );
    }
}
