//! Events: what happens while restock works. Everything that is shown or counted comes from here.

mod census;
mod event;
mod metrics;
mod remembered;
mod tee;

pub use census::Census;
pub use event::{Event, LogLevel, PassEnd, PassFault, PassFound, Side};
pub use metrics::{AuditMetrics, Metrics, MetricsError};
pub use remembered::{LastPasses, PastPass, Remembered};
pub use tee::Tee;

/// Is told of events. Must not block.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn notice(&self, event: &Event<'_>);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn notice(&self, _: &Event<'_>) {}
}
