//! [`Timetable`]: what is due when, as values.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::Moment;
use crate::model::{Depth, Schedule, Span, Zone};

/// A clock that is set back by no more than this shows times of day again that have been due, as at
/// the end of summer time. One that is set back further was wrong.
const AGAIN_AT_MOST: TimeDelta = TimeDelta::hours(3);

/// A clock that is set forward again and again makes something due no more often than this.
const LEAPS_APART: Duration = Duration::from_hours(1);

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
}

#[derive(Debug, Clone)]
struct Line {
    timing: Timing,
    next: Option<DateTime<Utc>>,
    waits: bool,
    /// How much later it is due than if nobody had set the clock since it was due last.
    late: TimeDelta,
    /// When a clock that was set forward last made it due.
    leapt_at: Option<Duration>,
}

impl Line {
    fn new(timing: Timing, now: DateTime<Utc>, share: f64) -> Self {
        let next = timing.next(now, share);
        Self { timing, next, waits: false, late: TimeDelta::zero(), leapt_at: None }
    }

    fn tick(&mut self, now: DateTime<Utc>, share: f64) {
        if self.next.is_some_and(|next| next <= now) {
            self.waits = true;
            self.next = self.timing.next(now, share);
            self.late = TimeDelta::zero();
        }
    }

    /// The clock was set by `step`. What that leaps over is due now. For the rest, the new clock
    /// holds as long as that makes it little later than the old one would have.
    fn stepped(&mut self, step: TimeDelta, now: Moment, share: f64) {
        let Some(next) = self.next else { return };
        let leapt_over = next <= now.wall;
        if leapt_over && self.may_leap(step, now) {
            return;
        }
        let repeats = self.timing.schedule.repeats();
        let unset = next.checked_add_signed(step);
        let (Some(regular), Some(unset)) = (self.timing.next(now.wall, share), unset) else {
            return;
        };
        let every = self.timing.interval(now.wall).unwrap_or_default();
        // Times of day up to the next one have been due, though the clock may show them again.
        let keeps = !repeats && !leapt_over;
        let (new, bearable) = if keeps { (next, AGAIN_AT_MOST) } else { (regular, every / 2) };
        let late = self.late + (new - unset);
        if late <= bearable {
            self.next = Some(new);
            self.late = late.max(TimeDelta::zero());
        } else {
            self.next = Some(unset.min(regular));
        }
    }

    /// Whether what the clock leaps over is due at once: where so much was slept through, or a time
    /// of day that comes no more.
    fn may_leap(&mut self, step: TimeDelta, now: Moment) -> bool {
        let every = self.timing.interval(now.wall).unwrap_or(TimeDelta::MAX);
        let recently = self.leapt_at.is_some_and(|at| now.elapsed.saturating_sub(at) < LEAPS_APART);
        let may = !recently && (step >= every || !self.timing.schedule.repeats());
        if may {
            self.leapt_at = Some(now.elapsed);
        }
        may
    }
}

impl Timetable {
    /// From `now` on. `share` is a random number from 0 to 1.
    pub(super) fn new(shallow: Timing, deep: Timing, now: DateTime<Utc>, share: f64) -> Self {
        Self { shallow: Line::new(shallow, now, share), deep: Line::new(deep, now, share) }
    }

    /// Other timings from `now` on; what waits goes on waiting.
    pub(super) fn change(&mut self, shallow: Timing, deep: Timing, now: DateTime<Utc>, share: f64) {
        let waits = (self.shallow.waits, self.deep.waits);
        *self = Self::new(shallow, deep, now, share);
        (self.shallow.waits, self.deep.waits) = waits;
    }

    /// What `now` makes due waits from here on.
    pub(super) fn tick(&mut self, now: DateTime<Utc>, share: f64) {
        self.shallow.tick(now, share);
        self.deep.tick(now, share);
    }

    /// The clock was set by `step`, and shows `now`.
    pub(super) fn stepped(&mut self, step: TimeDelta, now: Moment, share: f64) {
        self.shallow.stepped(step, now, share);
        self.deep.stepped(step, now, share);
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
    use proptest::prelude::*;

    use super::*;
    use crate::clock::{Clock, ManualClock};
    use crate::daemon::steps::Steps;

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

    /// A line whose clock is set while it waits.
    struct Watched {
        clock: ManualClock,
        steps: Steps,
        table: Timetable,
        due: Vec<Duration>,
    }

    impl Watched {
        fn of(schedule: &str, start: &str) -> Self {
            let clock = ManualClock::new(start.parse().unwrap());
            let table = Timetable::new(timing(schedule, 0), timing("never", 0), clock.now(), 0.0);
            Self { steps: Steps::new(clock.moment()), clock, table, due: Vec::new() }
        }

        /// Ticks so many times, a second apart.
        fn wait(&mut self, seconds: u64) -> &mut Self {
            for _ in 0..seconds {
                self.clock.advance(TimeDelta::seconds(1));
                let now = self.clock.moment();
                if let Some(step) = self.steps.step(now) {
                    self.table.stepped(step, now, 0.0);
                }
                self.table.tick(now.wall, 0.0);
                if self.table.take().is_some() {
                    self.due.push(now.elapsed);
                }
            }
            self
        }

        fn set_by(&mut self, seconds: i64) -> &mut Self {
            self.clock.set_by(TimeDelta::seconds(seconds));
            self
        }

        fn minutes(&self) -> Vec<u64> {
            self.due.iter().map(|due| due.as_secs() / 60).collect()
        }
    }

    const QUARTER: &str = "0 */15 * * * *";
    const NIGHT: &str = "0 0 3 * * *";
    const DAY: u64 = 86_400;

    #[test]
    fn a_clock_that_is_set_back_stops_nothing_that_repeats() {
        for back in [20, 7_200, 3_000_000_000] {
            let mut each_second = Watched::of("* * * * * *", "2060-01-01T00:00:00Z");
            each_second.wait(10).set_by(-back).wait(10);
            assert!((19..=20).contains(&each_second.due.len()), "{back}: {:?}", each_second.due);
            let mut quarter = Watched::of(QUARTER, "2060-01-01T00:00:00Z");
            quarter.wait(3_600 + 300).set_by(-back).wait(3_600);
            assert_eq!(quarter.due.len(), 8, "{back}: {:?}", quarter.minutes());
        }
    }

    #[test]
    fn a_time_of_day_that_a_clock_shows_again_is_due_once() {
        let mut night = Watched::of(NIGHT, "2026-11-28T02:50:00Z");
        night.wait(1_200).set_by(-1_200).wait(2 * DAY);
        assert_eq!(night.minutes(), [10, 10 + 24 * 60 + 20]);
        // A clock that was wrong by years stops nothing.
        let mut night = Watched::of(NIGHT, "2099-11-28T02:50:00Z");
        night.wait(1_200).set_by(-2_000_000_000).wait(DAY);
        assert_eq!(night.due.len(), 2, "{:?}", night.minutes());
        // Nor does one that is set back again and again.
        let mut night = Watched::of(NIGHT, "2026-11-28T02:50:00Z");
        for _ in 0..60 {
            night.wait(3_600).set_by(-3_000);
        }
        assert!(night.due.len() >= 2, "{:?}", night.minutes());
    }

    #[test]
    fn what_a_clock_leaps_over_is_due_once_and_at_once() {
        let mut night = Watched::of(NIGHT, "2026-11-28T02:50:00Z");
        night.wait(60).set_by(1_200).wait(3_600);
        assert_eq!(night.minutes(), [1]);
        // A machine that was suspended, by a clock that stood still meanwhile.
        let mut quarter = Watched::of(QUARTER, "2026-11-28T02:51:00Z");
        quarter.wait(60).set_by(8 * 3_600).wait(1_800);
        assert_eq!(quarter.minutes(), [1, 9, 24]);
        // And one whose clock went on: one tick finds it.
        let mut quarter = Watched::of(QUARTER, "2026-11-28T02:51:00Z");
        quarter.clock.advance(TimeDelta::hours(8));
        quarter.wait(1);
        assert_eq!(quarter.due.len(), 1);
    }

    #[test]
    fn a_clock_that_is_set_to_and_fro_floods_nothing() {
        for schedule in [QUARTER, NIGHT] {
            for step in [1_200, 7_200, 20_000] {
                let mut watched = Watched::of(schedule, "2026-11-28T02:40:00Z");
                for _ in 0..720 {
                    watched.wait(5).set_by(step).wait(5).set_by(-step);
                }
                let most = if schedule == QUARTER { 18 } else { 5 };
                assert!(watched.due.len() <= most, "{schedule} {step}: {:?}", watched.minutes());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn whatever_sets_the_clock_passes_neither_stop_nor_flood(
            steps in prop::collection::vec((1..1_500_u64, -20_000..20_000_i64), 1..30),
        ) {
            let mut quarter = Watched::of(QUARTER, "2026-11-28T02:51:00Z");
            for (wait, step) in steps {
                quarter.wait(wait).set_by(step);
            }
            quarter.wait(1_400);
            let mut last = Duration::ZERO;
            for due in &quarter.due {
                prop_assert!(due.saturating_sub(last) <= Duration::from_secs(1_352), "{:?}", quarter.due);
                last = *due;
            }
            for few in quarter.due.windows(10) {
                let took = few[9].saturating_sub(few[0]);
                prop_assert!(took >= Duration::from_mins(30), "{:?}", quarter.due);
            }
        }
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
