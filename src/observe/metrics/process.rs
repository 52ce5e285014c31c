//! What the operating system says of this process.

use chrono::{DateTime, Utc};
use prometheus::core::{Collector, Desc};
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, Result};

use super::value::seconds;

const START: &str = "process_start_time_seconds";

/// The library's metrics of this process, but for the time of its start: that is found by way of
/// `/proc/stat`, which a sandbox hides, and a start at 0 looks like a process of 1970.
pub(super) struct ProcessMetrics {
    process: ProcessCollector,
    start: Gauge,
}

impl ProcessMetrics {
    pub(super) fn new(now: DateTime<Utc>) -> Result<Self> {
        let start = Gauge::new(START, "Unix time at which the process began.")?;
        start.set(seconds(now));
        Ok(Self { process: ProcessCollector::for_self(), start })
    }
}

impl Collector for ProcessMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.process.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = self.process.collect();
        families.retain(|family| family.name() != START);
        families.extend(self.start.collect());
        families
    }
}
