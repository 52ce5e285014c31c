//! [`Activations`]: the scheduler, which wakes the daemon and does nothing else.
//!
//! It is given no pass to run: it would start one beside the last, stop without waiting for
//! either, and go an hour wrong when clocks change, since it keeps the offset that its zone had
//! when the job was made. So it ticks once a second in UTC, and what is due is reckoned from
//! calendars by [`super::timetable`]. A tick that finds the last one unheard is the same tick.

use tokio::sync::mpsc;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

const EACH_SECOND: &str = "* * * * * *";

/// Ticks, as long as this value lives and its scheduler runs.
pub struct Activations {
    scheduler: JobScheduler,
    ticks: mpsc::Receiver<()>,
}

/// The scheduler did not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the scheduler")]
pub struct ActivationError(#[from] JobSchedulerError);

impl Activations {
    /// Starts to tick.
    pub async fn start() -> Result<Self, ActivationError> {
        let scheduler = JobScheduler::new().await?;
        let (told, ticks) = mpsc::channel(1);
        let job = Job::new(EACH_SECOND, move |_, _| {
            // A full channel holds a tick already, and a closed one means that nobody listens.
            let _: Result<(), _> = told.try_send(());
        })?;
        scheduler.add(job).await?;
        scheduler.start().await?;
        Ok(Self { scheduler, ticks })
    }

    /// Waits for the next tick.
    pub(super) async fn tick(&mut self) {
        if self.ticks.recv().await.is_none() {
            // A scheduler that ended would end the schedule silently; others may still act.
            std::future::pending::<()>().await;
        }
    }

    /// Stops ticking.
    pub(super) async fn stop(&mut self) {
        if let Err(error) = self.scheduler.shutdown().await {
            tracing::warn!(%error, "the scheduler did not stop cleanly");
        }
    }
}
