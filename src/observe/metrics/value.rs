//! Numbers as metrics take them.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// A time as seconds since 1970; 0 for one before.
pub(super) fn seconds(at: DateTime<Utc>) -> f64 {
    Duration::from_millis(u64::try_from(at.timestamp_millis()).unwrap_or(0)).as_secs_f64()
}

/// The same where there may be none.
pub(super) fn seconds_or_zero(at: Option<DateTime<Utc>>) -> f64 {
    at.map_or(0.0, seconds)
}

/// How long it was from one time to another, in seconds.
pub(super) fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).to_std().unwrap_or_default().as_secs_f64()
}

/// A count.
pub(super) fn integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
