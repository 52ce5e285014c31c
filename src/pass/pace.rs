//! [`Pace`]: how fast a deep pass may read.

use std::time::Duration;

use rate_limit::RateLimiter;

use crate::model::Size;

/// How often bytes are allotted: a burst is no longer than this.
const INTERVAL: Duration = Duration::from_millis(100);

/// Lets bytes through at a limited rate, whoever of many readers asks.
pub(super) struct Pace(RateLimiter);

impl Pace {
    /// So many bytes a second.
    pub(super) fn new(per_second: Size) -> Self {
        let share = usize::try_from(per_second.0 / 10).unwrap_or(usize::MAX >> 2).max(1);
        let limiter = RateLimiter::builder()
            .interval(INTERVAL)
            .refill(share)
            .initial(share)
            .max(share)
            .build();
        Self(limiter)
    }

    /// Waits until so many bytes may have been read.
    pub(super) async fn wait_for(&self, bytes: usize) {
        self.0.acquire(bytes).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn readers_together_stay_within_five_percent() {
        for (limit, chunk) in [(1 << 20, 16 << 10), (10_000, 65_536), (64 << 20, 1 << 20)] {
            let pace = Pace::new(Size(limit));
            let began = Instant::now();
            let total = usize::try_from(limit * 20).unwrap();
            let chunks = total / chunk;
            let reader = async |n: usize| {
                for _ in 0..n {
                    pace.wait_for(chunk).await;
                }
            };
            tokio::join!(reader(chunks / 2), reader(chunks - chunks / 2));
            let fair = 20_000 * (chunks * chunk) / total;
            let took = usize::try_from(began.elapsed().as_millis()).unwrap();
            assert!(took.abs_diff(fair) * 20 < fair, "{limit}: {took} ms for {fair} ms");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_bandwidth_is_too_small_or_too_large() {
        for limit in [0, 1, 9, u64::MAX / 2, u64::MAX] {
            let pace = Pace::new(Size(limit));
            pace.wait_for(3).await;
            tokio::time::sleep(Duration::from_hours(100)).await;
            pace.wait_for(3).await;
        }
    }
}
