//! [`Clock`]: the wall clock as an input, so that every age in a test is what the test says.

use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use rustix::time::{ClockId, clock_gettime};

/// Tells the time of day.
pub trait Clock: Send + Sync {
    /// Now, in UTC, to the millisecond.
    fn now(&self) -> DateTime<Utc>;

    /// How long it is since some moment, whatever the wall clock was set to meanwhile. The time for
    /// which the machine was suspended counts.
    fn elapsed(&self) -> Duration;

    /// Both, read at the same moment.
    fn moment(&self) -> Moment {
        let mut before = self.elapsed();
        let mut tries = 0_u8;
        loop {
            let wall = self.now();
            let elapsed = self.elapsed();
            tries += 1;
            // A process that stood still between the two would see a clock that was set.
            if elapsed.saturating_sub(before) < TOGETHER || tries == PAIRS_AT_MOST {
                return Moment { wall, elapsed };
            }
            before = elapsed;
        }
    }
}

/// Two readings that are no farther apart are of the same moment.
const TOGETHER: Duration = Duration::from_millis(50);

/// Pairs of readings that are tried: a machine this slow is told of once too often.
const PAIRS_AT_MOST: u8 = 10;

/// What both clocks show at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The time of day.
    pub wall: DateTime<Utc>,
    /// How long it is since some moment.
    pub elapsed: Duration,
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> DateTime<Utc> {
        // Reports and ledger keep milliseconds: what is told is what was measured.
        Utc::now().trunc_subsecs(3)
    }

    fn elapsed(&self) -> Duration {
        // The usual monotonic clock of Linux stands still while the machine is suspended.
        #[cfg(target_os = "linux")]
        const STEADY: ClockId = ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        const STEADY: ClockId = ClockId::Monotonic;
        clock_gettime(STEADY).try_into().unwrap_or_default()
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(Mutex<Moment>);

impl ManualClock {
    /// A clock that stands at `now`.
    pub const fn new(now: DateTime<Utc>) -> Self {
        Self(Mutex::new(Moment { wall: now, elapsed: Duration::ZERO }))
    }

    /// Lets this time pass.
    pub fn advance(&self, by: TimeDelta) {
        let mut now = self.lock();
        now.wall += by;
        now.elapsed = now.elapsed.saturating_add(by.to_std().unwrap_or_default());
    }

    /// Sets the time of day forward or back; no time passes.
    pub fn set_by(&self, by: TimeDelta) {
        self.lock().wall += by;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Moment> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        self.lock().wall
    }

    fn elapsed(&self) -> Duration {
        self.lock().elapsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steady_clock_is_not_the_time_of_day() {
        let (first, year) = (SystemClock.elapsed(), Duration::from_hours(24 * 365));
        assert!(first < year * 30, "no machine runs since 1970: {first:?}");
        assert!(SystemClock.elapsed() >= first);
    }
}
