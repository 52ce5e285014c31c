//! [`Steps`]: whether the wall clock was set while it ran.

use chrono::TimeDelta;

use crate::clock::Moment;
use crate::model::Span;

/// Less is a leap second, or a clock that is being drawn to the right time.
const STEP_AT_LEAST: TimeDelta = TimeDelta::seconds(2);

/// Compares the wall clock with one that nobody sets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steps {
    last: Moment,
}

impl Steps {
    /// From `now` on.
    pub(super) const fn new(now: Moment) -> Self {
        Self { last: now }
    }

    /// How far the wall clock was set since the last call; `None` where it was not.
    pub(super) fn step(&mut self, now: Moment) -> Option<TimeDelta> {
        let passed = Span(now.elapsed.saturating_sub(self.last.elapsed)).delta();
        let step = (now.wall - self.last.wall).checked_sub(&passed)?;
        self.last = now;
        (step.abs() >= STEP_AT_LEAST).then_some(step)
    }
}

/// Tells of it in the log.
pub(super) fn log_step(step: TimeDelta) {
    let way = if step < TimeDelta::zero() { "back" } else { "forward" };
    let seconds = (step.num_milliseconds().unsigned_abs() + 500) / 1_000;
    tracing::warn!(
        step_seconds = step.num_seconds(),
        "the system clock was set {way} by {}; passes go on, and their times are of the new clock",
        Span::seconds(seconds)
    );
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::clock::{Clock, ManualClock};

    #[test]
    fn a_step_is_told_once_and_time_that_passes_is_none() {
        let clock = ManualClock::new(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
        let mut steps = Steps::new(clock.moment());
        let mut step = || steps.step(clock.moment());
        for passes in [1, 0, 86_400] {
            clock.advance(TimeDelta::seconds(passes));
            assert_eq!(step(), None);
        }
        for set in [-20, 7_200, -7_200, 3_000_000_000] {
            clock.set_by(TimeDelta::seconds(set));
            clock.advance(TimeDelta::seconds(1));
            assert_eq!(step(), Some(TimeDelta::seconds(set)));
            clock.advance(TimeDelta::seconds(1));
            assert_eq!(step(), None);
        }
        clock.set_by(TimeDelta::milliseconds(-1_000));
        assert_eq!(step(), None, "a leap second");
    }
}
