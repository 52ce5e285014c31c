//! When the daemon tries an object again.

use chrono::{DateTime, Utc};

use crate::model::Attempts;

use super::HealOptions;

/// When an object may be tried again: `retry_after` after the first finished failure, doubling to
/// `retry_at_most`. `None` where nothing holds it back.
///
/// A failure after `now` does not: the clock was set back since, and nobody knows how long ago it
/// was.
pub fn next_try(
    attempts: &Attempts,
    options: &HealOptions,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let last = attempts.last_at.filter(|last| attempts.failures > 0 && *last <= now)?;
    let doublings = attempts.failures.saturating_sub(1).min(31);
    let wait = options.retry_after.0.saturating_mul(1 << doublings).min(options.retry_at_most.0);
    last.checked_add_signed(crate::model::Span(wait).delta())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn the_wait_doubles_up_to_its_limit() {
        let last = DateTime::UNIX_EPOCH;
        let after = |failures| {
            let attempts = Attempts { failures, last_at: Some(last), ..Attempts::default() };
            next_try(&attempts, &HealOptions::default(), last).map(|at| at - last)
        };
        assert_eq!(after(0), None);
        assert_eq!(after(1), Some(TimeDelta::minutes(15)));
        assert_eq!(after(2), Some(TimeDelta::minutes(30)));
        assert_eq!(after(7), Some(TimeDelta::hours(16)));
        assert_eq!(after(8), Some(TimeDelta::hours(24)));
        assert_eq!(after(u32::MAX), Some(TimeDelta::hours(24)));
    }
    #[test]
    fn no_clock_that_was_set_back_makes_a_wait_longer() {
        let last = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let attempts = Attempts { failures: 1, last_at: Some(last), ..Attempts::default() };
        let at = |now| next_try(&attempts, &HealOptions::default(), now).map(|at| at - last);
        for hours in [1, 2, 100_000] {
            assert_eq!(at(last - TimeDelta::hours(hours)), None);
        }
        assert_eq!(at(last), Some(TimeDelta::minutes(15)));
    }
}
