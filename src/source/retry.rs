//! How long to wait before a source is asked again. Pure: the caller counts, rolls and sleeps.

use std::time::Duration;

/// The longest first wait; it doubles with each further failure.
const BASE: Duration = Duration::from_millis(250);
/// The longest wait of our own choice.
const CAP: Duration = Duration::from_secs(10);
/// The longest wait that a source may ask for; what is longer is left to a later pass.
const RETRY_AFTER_CAP: Duration = Duration::from_mins(1);

/// The wait after `attempt` failed tries (from 1).
///
/// A source's own wish wins, up to 60 s. Otherwise it is a share of an exponentially growing
/// ceiling, `random` being that share (0 to 1): full jitter, so that many waiters do not come back
/// at once.
pub fn next_delay(attempt: u32, retry_after: Option<Duration>, random: f64) -> Duration {
    if let Some(wish) = retry_after {
        return wish.min(RETRY_AFTER_CAP);
    }
    let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
    let ceiling = BASE.saturating_mul(doubled).min(CAP);
    Duration::try_from_secs_f64(ceiling.as_secs_f64() * random.clamp(0.0, 1.0)).unwrap_or(ceiling)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_ten_seconds() {
        let millis = |attempt| next_delay(attempt, None, 1.0).as_millis();
        assert_eq!(
            [1, 2, 3, 6, 7, 40, u32::MAX].map(millis),
            [250, 500, 1_000, 8_000, 10_000, 10_000, 10_000]
        );
        assert_eq!(millis(0), 250);
    }

    #[test]
    fn chance_takes_a_share_of_the_ceiling() {
        assert_eq!(next_delay(3, None, 0.0), Duration::ZERO);
        assert_eq!(next_delay(3, None, 0.5), Duration::from_millis(500));
        for nonsense in [7.0, f64::NAN, f64::INFINITY] {
            assert_eq!(next_delay(3, None, nonsense), Duration::from_secs(1));
        }
    }

    #[test]
    fn the_wish_of_a_source_wins_up_to_a_minute() {
        let wish = |seconds| next_delay(1, Some(Duration::from_secs(seconds)), 0.0).as_secs();
        assert_eq!([0, 7, 60, 3_600].map(wish), [0, 7, 60, 60]);
    }
}
