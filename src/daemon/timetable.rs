//! [`Timetable`]: what is due when, as values.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{Depth, Schedule, Span, Zone};

/// A clock that is set back by more than this makes everything due anew be reckoned again.
const SET_BACK: TimeDelta = TimeDelta::seconds(60);

/// When one kind of pass is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// The points in time.
    pub schedule: Schedule,
    /// Whose clocks they mean.
    pub zone: Zone,
    /// How much later a pass may begin, at random.
    pub jitter: Span,
}

impl Timing {
    /// The next point in time after `now`, later by `share` (from 0 to 1) of the jitter.
    fn next(&self, now: DateTime<Utc>, share: f64) -> Option<DateTime<Utc>> {
        let next = self.schedule.next_after(now, self.zone)?;
        let late = self.jitter.0.mul_f64(share.clamp(0.0, 1.0));
        next.checked_add_signed(Span(late).delta())
    }

    /// How far two points in time lie apart from `now` on; `None` where nothing is ever due.
    pub fn interval(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        let next = self.schedule.next_after(now, self.zone)?;
        Some(self.schedule.next_after(next, self.zone)? - next)
    }
}

/// When passes are due next, and which wait. Activations that were missed, or that fall into a
/// running pass, become one.
#[derive(Debug, Clone)]
pub(super) struct Timetable {
    shallow: Line,
    deep: Line,
    told: DateTime<Utc>,
}

#[derive(Debug, Clone)]
struct Line {
    timing: Timing,
    next: Option<DateTime<Utc>>,
    waits: bool,
}

impl Line {
    fn new(timing: Timing, now: DateTime<Utc>, share: f64) -> Self {
        let next = timing.next(now, share);
        Self { timing, next, waits: false }
    }

    fn tick(&mut self, now: DateTime<Utc>, share: f64) {
        if self.next.is_some_and(|next| next <= now) {
            self.waits = true;
            self.next = self.timing.next(now, share);
        }
    }
}

impl Timetable {
    /// From `now` on. `share` is a random number from 0 to 1.
    pub(super) fn new(shallow: Timing, deep: Timing, now: DateTime<Utc>, share: f64) -> Self {
        Self {
            shallow: Line::new(shallow, now, share),
            deep: Line::new(deep, now, share),
            told: now,
        }
    }

    /// Other timings from `now` on; what waits goes on waiting.
    pub(super) fn change(&mut self, shallow: Timing, deep: Timing, now: DateTime<Utc>, share: f64) {
        let waits = (self.shallow.waits, self.deep.waits);
        *self = Self::new(shallow, deep, now, share);
        (self.shallow.waits, self.deep.waits) = waits;
    }

    /// What `now` makes due waits from here on.
    pub(super) fn tick(&mut self, now: DateTime<Utc>, share: f64) {
        if now < self.told - SET_BACK {
            self.shallow.next = self.shallow.timing.next(now, share);
            self.deep.next = self.deep.timing.next(now, share);
        }
        self.told = now;
        self.shallow.tick(now, share);
        self.deep.tick(now, share);
    }

    /// A pass is wanted as soon as may be.
    pub(super) fn want(&mut self, depth: Depth) {
        match depth {
            Depth::Shallow => self.shallow.waits = true,
            Depth::Deep => self.deep.waits = true,
        }
    }

    /// The pass to run now: a shallow one before a deep one, which takes long.
    pub(super) fn take(&mut self) -> Option<Depth> {
        if std::mem::take(&mut self.shallow.waits) {
            return Some(Depth::Shallow);
        }
        std::mem::take(&mut self.deep.waits).then_some(Depth::Deep)
    }

    /// When a pass of this depth is due next.
    pub(super) const fn next(&self, depth: Depth) -> Option<DateTime<Utc>> {
        match depth {
            Depth::Shallow => self.shallow.next,
            Depth::Deep => self.deep.next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn timing(schedule: &str, jitter: u64) -> Timing {
        Timing {
            schedule: schedule.parse().unwrap(),
            zone: Zone::UTC,
            jitter: Span::seconds(jitter),
        }
    }

    fn table() -> Timetable {
        Timetable::new(timing("*/10 * * * * *", 0), timing("0 * * * * *", 0), at(0), 0.0)
    }

    #[test]
    fn what_was_missed_is_due_once() {
        let mut table = table();
        table.tick(at(5), 0.0);
        assert_eq!(table.take(), None);
        table.tick(at(500), 0.0);
        assert_eq!(table.take(), Some(Depth::Shallow));
        assert_eq!(table.take(), Some(Depth::Deep));
        assert_eq!(table.take(), None);
        assert_eq!(table.next(Depth::Shallow), Some(at(510)));
    }

    #[test]
    fn what_falls_into_a_running_pass_waits_as_one() {
        let mut table = table();
        for second in 1..=25 {
            table.tick(at(second), 0.0);
        }
        table.want(Depth::Shallow);
        assert_eq!((table.take(), table.take()), (Some(Depth::Shallow), None));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_stop_it() {
        let mut table = table();
        table.tick(at(100_000), 0.0);
        table.take();
        table.take();
        table.tick(at(0), 0.0);
        table.tick(at(11), 0.0);
        assert_eq!(table.take(), Some(Depth::Shallow));
    }

    #[test]
    fn jitter_delays_and_other_timings_keep_what_waits() {
        let late = timing("*/10 * * * * *", 8);
        let mut table = Timetable::new(late.clone(), timing("never", 0), at(0), 0.5);
        assert_eq!(table.next(Depth::Shallow), Some(at(14)));
        assert_eq!(table.next(Depth::Deep), None);
        table.want(Depth::Deep);
        table.change(late.clone(), timing("never", 0), at(1), 0.0);
        assert_eq!((table.next(Depth::Shallow), table.take()), (Some(at(10)), Some(Depth::Deep)));
        assert_eq!(late.interval(at(0)), Some(TimeDelta::seconds(10)));
    }
}
