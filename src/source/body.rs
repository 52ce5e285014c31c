//! The body of an answer, under guard: counted, limited, and given up when it is cut off, silent
//! or too slow.

use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

use super::FetchError;

/// How long a body is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// How long nothing may come.
    pub(super) silence: Duration,
    /// Bytes that have to come in a second. So the size of an object bounds its time: a download
    /// that is kept alive by a byte now and then would block its place for weeks.
    pub(super) slowest: u64,
    /// The time over which that is measured; the allowed silence where that is longer.
    pub(super) slow_window: Duration,
}

impl Patience {
    fn window(&self) -> Duration {
        self.slow_window.max(self.silence)
    }

    /// The fewest bytes that have to come in the window.
    fn fewest(&self) -> u64 {
        let millis = u64::try_from(self.window().as_millis()).unwrap_or(u64::MAX);
        self.slowest.saturating_mul(millis) / 1_000
    }
}

/// A body that is under way. Errors of `chunks` are texts without secrets.
pub(super) struct Download {
    /// What comes.
    pub(super) chunks: BoxStream<'static, Result<Bytes, String>>,
    /// The URL as it may be printed.
    pub(super) shown: String,
    /// Length in bytes as said.
    pub(super) said: Option<u64>,
    /// The most bytes that are handed on.
    pub(super) limit: u64,
    /// How long it is waited for.
    pub(super) patience: Patience,
    /// Whose body it is.
    pub(super) host: String,
    /// The place in the host's queue, held until the body ends or is dropped.
    #[expect(dead_code, reason = "it is held, and released by being dropped")]
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

/// The same bytes, ending in an error where they are not the whole.
pub(super) fn guard(download: Download) -> BoxStream<'static, Result<Bytes, FetchError>> {
    stream::try_unfold(Guarded::new(download), Guarded::next).boxed()
}

struct Guarded {
    download: Download,
    received: u64,
    window: Window,
}

/// The bytes of one stretch of waiting.
#[derive(Default)]
struct Window {
    waited: Duration,
    bytes: u64,
}

impl Guarded {
    fn new(download: Download) -> Self {
        Self { download, received: 0, window: Window::default() }
    }

    async fn next(mut self) -> Result<Option<(Bytes, Self)>, FetchError> {
        let began = Instant::now();
        let answer = timeout(self.download.patience.silence, self.download.chunks.next()).await;
        self.window.waited += began.elapsed();
        match answer {
            Err(_) => {
                let silence = humantime::format_duration(self.download.patience.silence);
                Err(self.silent(&format!("silent for {silence} after {}", self.progress())))
            }
            Ok(Some(Err(cause))) => {
                Err(self.gave_up(&format!("cut off after {}: {cause}", self.progress())))
            }
            Ok(Some(Ok(chunk))) => self.hand_on(chunk),
            Ok(None) if self.download.said.is_some_and(|said| said != self.received) => {
                Err(self.gave_up(&format!("cut off after {}", self.progress())))
            }
            Ok(None) => Ok(None),
        }
    }

    fn hand_on(mut self, chunk: Bytes) -> Result<Option<(Bytes, Self)>, FetchError> {
        let bytes = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        self.received = self.received.saturating_add(bytes);
        if self.received > self.download.limit {
            return Err(FetchError::TooLarge { limit: self.download.limit });
        }
        self.window.bytes = self.window.bytes.saturating_add(bytes);
        let patience = self.download.patience;
        if self.window.waited >= patience.window() {
            if self.window.bytes < patience.fewest() {
                let came = self.window.bytes;
                let waited = humantime::format_duration(patience.window());
                return Err(self.silent(&format!(
                    "too slow: {came} bytes in {waited}, after {} (source.slowest)",
                    self.progress()
                )));
            }
            self.window = Window::default();
        }
        Ok(Some((chunk, self)))
    }

    fn progress(&self) -> String {
        match self.download.said {
            Some(said) => format!("{} of {said} bytes", self.received),
            None => format!("{} bytes", self.received),
        }
    }

    fn silent(&self, what: &str) -> FetchError {
        FetchError::Silent {
            host: self.download.host.clone(),
            message: format!("{}: {what}", self.download.shown),
        }
    }

    fn gave_up(&self, what: &str) -> FetchError {
        FetchError::Transient {
            message: format!("{}: {what}", self.download.shown),
            retry_after: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::TryStreamExt;
    use tokio::sync::Semaphore;
    use tokio::time::sleep;

    use super::*;

    const fn patience(silence: Duration) -> Patience {
        Patience { silence, slowest: 10 << 10, slow_window: Duration::from_mins(1) }
    }

    fn download(chunks: BoxStream<'static, Result<Bytes, String>>) -> Download {
        Download {
            chunks,
            shown: "https://h.example/a".to_owned(),
            said: None,
            limit: u64::MAX,
            patience: patience(Duration::from_mins(1)),
            host: "h.example".to_owned(),
            permit: None,
        }
    }

    /// `count` chunks of `size` bytes, each after a wait.
    fn dripping(
        count: usize,
        size: usize,
        wait: Duration,
    ) -> BoxStream<'static, Result<Bytes, String>> {
        stream::iter(0..count)
            .then(move |_| async move {
                sleep(wait).await;
                Ok(Bytes::from(vec![b'x'; size]))
            })
            .boxed()
    }

    async fn length(download: Download) -> Result<usize, String> {
        guard(download)
            .try_fold(0, |sum, chunk| async move { Ok(sum + chunk.len()) })
            .await
            .map_err(|error| error.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_drips_is_given_up_after_a_minute() {
        let slow = download(dripping(1_000, 5, Duration::from_secs(1)));
        let error = length(slow).await.unwrap_err();
        let told =
            "https://h.example/a: too slow: 300 bytes in 1m, after 300 bytes (source.slowest)";
        assert_eq!(error, told);
    }

    #[tokio::test(start_paused = true)]
    async fn no_object_takes_longer_than_its_size_at_the_least_rate_and_a_minute() {
        // 200 to 400 bytes a second, and a rate just below the least one.
        for (size, wait) in [(300, 1_000), (1, 4), (10_200, 1_000), (300_000, 30_000)] {
            let began = Instant::now();
            let slow = download(dripping(1_000_000, size, Duration::from_millis(wait)));
            let error = length(slow).await.unwrap_err();
            assert!(error.contains("too slow"), "{error}");
            assert!(began.elapsed() <= Duration::from_mins(2), "{:?}", began.elapsed());
        }
        let none = Patience { slowest: 0, ..patience(Duration::from_mins(1)) };
        let slow =
            Download { patience: none, ..download(dripping(1_000, 1, none.slow_window / 2)) };
        assert_eq!(length(slow).await, Ok(1_000), "0 is no bound");
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_was_fast_at_first_is_given_up_when_it_drips() {
        let fast = dripping(996, 60_000, Duration::from_secs(5));
        let slow = dripping(1_000, 5, Duration::from_secs(1));
        let error = length(download(fast.chain(slow).boxed())).await.unwrap_err();
        assert!(error.contains("too slow: 300 bytes in 1m, after 59760300 bytes"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_source_above_the_least_rate_may_take_all_day() {
        let slow = download(dripping(10_000, 52_000, Duration::from_secs(5)));
        assert_eq!(length(slow).await, Ok(520_000_000));
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_slow_reader_is_not_the_sources() {
        let mut body = guard(download(dripping(200, 5, Duration::from_millis(1))));
        let mut count = 0;
        while let Some(chunk) = body.next().await {
            chunk.unwrap();
            count += 1;
            sleep(Duration::from_hours(1)).await;
        }
        assert_eq!(count, 200);
    }

    #[tokio::test(start_paused = true)]
    async fn a_patience_above_the_window_widens_it() {
        let patient = Download {
            patience: patience(Duration::from_mins(5)),
            ..download(dripping(6, 1_100_000, Duration::from_secs(100)))
        };
        assert_eq!(length(patient).await, Ok(6_600_000));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_told_with_what_came_before() {
        let silent = Download {
            said: Some(50),
            patience: patience(Duration::from_secs(30)),
            ..download(dripping(3, 10, Duration::from_secs(5)).chain(stream::pending()).boxed())
        };
        let error = length(silent).await.unwrap_err();
        assert_eq!(error, "https://h.example/a: silent for 30s after 30 of 50 bytes");
    }

    #[tokio::test]
    async fn the_limit_is_exact() {
        for (limit, outcome) in [
            (30, Ok(30)),
            (29, Err("larger than 29 bytes".to_owned())),
            (0, Err("larger than 0 bytes".to_owned())),
        ] {
            let body = Download { limit, ..download(dripping(3, 10, Duration::ZERO)) };
            assert_eq!(length(body).await, outcome);
        }
    }

    #[tokio::test]
    async fn a_body_of_another_length_than_said_is_cut_off() {
        let body = Download { said: Some(31), ..download(dripping(3, 10, Duration::ZERO)) };
        let error = length(body).await.unwrap_err();
        assert_eq!(error, "https://h.example/a: cut off after 30 of 31 bytes");
    }

    #[tokio::test]
    async fn the_place_in_the_queue_is_held_as_long_as_the_body() {
        let queue = Arc::new(Semaphore::new(1));
        let permit = Some(Arc::clone(&queue).try_acquire_owned().unwrap());
        let mut body = guard(Download { permit, ..download(dripping(2, 1, Duration::ZERO)) });
        for _ in 0..2 {
            body.next().await.unwrap().unwrap();
            assert_eq!(queue.available_permits(), 0);
        }
        assert!(body.next().await.is_none());
        assert_eq!(queue.available_permits(), 1);
    }
}
