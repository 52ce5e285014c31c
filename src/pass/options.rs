//! What a configuration says of passes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Schedule, Size, Span, Zone};

/// `[audit]`: shallow passes, and what all passes share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuditOptions {
    /// Rows younger than this are not judged missing. Default 10m; 0s with preset "restock",
    /// which is written after the object.
    pub grace: Option<Span>,
    /// Slices listed at once, confirmations in flight.
    pub concurrency: usize,
    /// When the daemon runs a pass: cron with seconds.
    pub schedule: Schedule,
    /// Whose clocks `schedule` means.
    pub timezone: Zone,
    /// How much later than `schedule` a pass may begin, at random.
    pub jitter: Span,
}

/// `[deep]`: reading and hashing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeepOptions {
    /// Objects read at once.
    pub concurrency: usize,
    /// When the daemon reads the next slice: cron with seconds.
    pub schedule: Schedule,
    /// Whose clocks `schedule` means.
    pub timezone: Zone,
    /// How much later than `schedule` reading may begin, at random.
    pub jitter: Span,
    /// The daemon reads every object once in this time.
    pub cycle: Span,
    /// Bytes a second that the daemon reads at most.
    pub bandwidth: Size,
}

impl Default for AuditOptions {
    fn default() -> Self {
        Self {
            grace: None,
            concurrency: 16,
            schedule: scheduled("0 */15 * * * *"),
            timezone: Zone::UTC,
            jitter: Span::seconds(0),
        }
    }
}

impl Default for DeepOptions {
    fn default() -> Self {
        Self {
            concurrency: 4,
            schedule: scheduled("0 30 * * * *"),
            timezone: Zone::UTC,
            jitter: Span::seconds(0),
            cycle: Span::seconds(30 * 86_400),
            bandwidth: Size(64 << 20),
        }
    }
}

/// A schedule of ours; that each of them is one, the tests say.
fn scheduled(text: &str) -> Schedule {
    text.parse().unwrap_or_else(|_| Schedule::never())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_schedules_are_schedules() {
        assert_ne!(AuditOptions::default().schedule, Schedule::never());
        assert_ne!(DeepOptions::default().schedule, Schedule::never());
    }
}
