//! Tells that a pass begins, and how it ends, however it ends.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tracing::Instrument;

use crate::clock::Clock;
use crate::ledger::{Ledger, LedgerError};
use crate::model::Depth;
use crate::observe::{Census, Event, Observer, PassEnd, PassFault, PastPass, Remembered, Side};
use crate::store::StoreFault;

use super::{Auditor, PassFailure, PassReport, Request, Trouble};

/// Under which name the ledger keeps what metrics show after a restart.
const NOTE: &str = "gauges";

/// What kept a pass from finishing, and which side it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    fault: PassFault,
    side: Option<Side>,
}

impl Fault {
    pub(super) const CATALOG: Self = Self { fault: PassFault::Catalog, side: Some(Side::Catalog) };
    pub(super) const INTERNAL: Self = Self { fault: PassFault::Internal, side: None };
}

impl Trouble {
    pub(super) fn fault(&self) -> Fault {
        match self {
            Self::Catalog(_) => Fault::CATALOG,
            Self::Listing(error) => Fault {
                fault: match error.fault {
                    StoreFault::Timeout => PassFault::Timeout,
                    StoreFault::NotFound
                    | StoreFault::NoSuchStore
                    | StoreFault::AccessDenied
                    | StoreFault::Credentials
                    | StoreFault::Clock
                    | StoreFault::Throttled
                    | StoreFault::Unreachable
                    | StoreFault::Server
                    | StoreFault::Conflict
                    | StoreFault::Archived
                    | StoreFault::Malformed
                    | StoreFault::NotAFile
                    | StoreFault::Other => PassFault::Store,
                },
                side: Some(Side::Store),
            },
            Self::Sorter(_) | Self::Join(_) | Self::Ledger(_) => Fault::INTERNAL,
        }
    }
}

impl PassFailure {
    /// What kept the pass from finishing; `None` where it was told to end, or not asked rightly.
    fn fault(&self) -> Option<Fault> {
        match self {
            Self::Ledger(_) => Some(Fault::INTERNAL),
            Self::UnknownCollection { .. } | Self::Cancelled => None,
        }
    }
}

impl Auditor {
    /// Runs a pass, and tells the observer of its begin and its end. Whatever is logged meanwhile
    /// carries its id.
    pub(super) async fn told(
        &self,
        pass_id: &str,
        depth: Depth,
        pass: impl Future<Output = Result<PassReport, PassFailure>>,
    ) -> Result<PassReport, PassFailure> {
        let mut running = Running::begin(self, depth);
        let ran = pass.instrument(tracing::info_span!("pass", pass_id)).await;
        match &ran {
            Ok(report) => {
                let end = PassEnd {
                    began: report.summary.started_at,
                    at: report.summary.finished_at,
                    summary: Some(&report.summary),
                    census: report.census.as_ref(),
                    ..running.end(report.fault)
                };
                running.tell(end);
            }
            Err(failure) => running.tell(running.end(failure.fault())),
        }
        ran
    }
}

impl Auditor {
    /// Keeps in the ledger what metrics show of this pass after a restart.
    pub(super) async fn remember(
        &self,
        report: &PassReport,
        request: &Request,
    ) -> Result<(), LedgerError> {
        let (summary, census) = (&report.summary, report.census.as_ref());
        if !request.is_full() && summary.healed == 0 {
            return Ok(());
        }
        let mut remembered = remembered(&*self.ledger).await?;
        if request.is_full() {
            let (depth, began, ended) = (summary.depth, summary.started_at, summary.finished_at);
            remembered.keep(PastPass { depth, began, ended, succeeded: census.is_some() }, census);
        }
        if summary.healed > 0 {
            remembered.healed_at = Some(summary.finished_at);
        }
        // Words, times and whole numbers: there is nothing in it that JSON cannot say.
        let text = serde_json::to_string(&remembered).ok();
        self.ledger.set_note(NOTE, text.as_deref()).await
    }
}

/// What the ledger holds of passes before this process, for metrics. What cannot be read is
/// forgotten: the next pass counts everything anew.
pub async fn remembered(ledger: &dyn Ledger) -> Result<Remembered, LedgerError> {
    let note = ledger.note(NOTE).await?;
    Ok(note.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

impl PassReport {
    /// The state of the store; `None` where the pass did not see all of it.
    pub(super) fn count_all(&self) -> Option<Census> {
        if !self.full {
            return None;
        }
        let mut census = Census::of(&self.summary)?;
        census.records = self.rows?;
        census.at_risk.clone_from(&self.at_risk);
        self.findings.iter().for_each(|finding| census.add(finding));
        Some(census)
    }
}

/// A pass that runs. Dropped before its end, it was cut off, or ended in a panic.
struct Running {
    observer: Arc<dyn Observer>,
    clock: Arc<dyn Clock>,
    depth: Depth,
    began: DateTime<Utc>,
    told: bool,
}

impl Running {
    fn begin(auditor: &Auditor, depth: Depth) -> Self {
        let (observer, clock) = (Arc::clone(&auditor.observer), Arc::clone(&auditor.clock));
        let began = clock.now();
        observer.notice(&Event::PassBegan { depth, at: began });
        Self { observer, clock, depth, began, told: false }
    }

    fn end(&self, fault: Option<Fault>) -> PassEnd<'static> {
        PassEnd {
            depth: self.depth,
            began: self.began,
            at: self.clock.now(),
            summary: None,
            census: None,
            fault: fault.map(|fault| fault.fault),
            silent: fault.and_then(|fault| fault.side),
        }
    }

    fn tell(&mut self, end: PassEnd<'_>) {
        self.observer.notice(&Event::PassEnded(end));
        self.told = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.told {
            let panicked = std::thread::panicking().then_some(Fault::INTERNAL);
            self.tell(self.end(panicked));
        }
    }
}
