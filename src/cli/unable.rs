//! The report of a pass that could not be run at all, for programs that wait for one.

use crate::clock::{Clock, SystemClock};
use crate::model::{Outcome, PassError, StoreRequests, Summary};
use crate::pass::{PassFailure, PassReport, Request, new_id};
use crate::report::{self, Color, Format, TextOptions};

use super::args::PassArgs;
use super::failure::{code, describe, exit_code};
use super::{Context, tell, textfile};

/// Hands a pass on. Where there is none, every report that was asked for is written all the same,
/// so that none of an earlier pass is taken for this one's; people are told by the error itself.
pub(super) fn told(
    ran: anyhow::Result<PassReport>,
    request: &Request,
    args: &PassArgs,
    context: &mut Context<'_>,
) -> anyhow::Result<PassReport> {
    let error = match ran {
        Ok(report) => return Ok(report),
        Err(error) => error,
    };
    let Some(summary) = summary(request, &error) else { return Err(error) };
    context.phase.writing();
    let (summary, fail_on) = (&summary, &request.fail_on);
    let (findings, repairs, healing_off) = (&[], &[], false);
    let report = report::PassReport { findings, repairs, summary, fail_on, healing_off };
    let plain = TextOptions { color: Color::Never, ..context.text };
    for target in &args.report {
        if let Err(problem) = target.write(&report, &plain) {
            tell(context.stderr, &describe(&problem.into()));
        }
    }
    if let Err(problem) = textfile::write(args.textfile.as_deref(), summary, context) {
        tell(context.stderr, &describe(&problem));
    }
    if args.output != Format::Table {
        report.write(args.output, &plain, &mut context.stdout)?;
    }
    Err(error)
}

/// The numbers of a pass that gave none; `None` where a report has no word for its end: what is
/// wrong with configuration or command line, and signals.
fn summary(request: &Request, error: &anyhow::Error) -> Option<Summary> {
    if let Some(PassFailure::Cancelled) = error.downcast_ref() {
        return None;
    }
    let exit = exit_code(error);
    let outcome =
        [Outcome::Failed, Outcome::Busy].into_iter().find(|outcome| outcome.exit_code() == exit)?;
    let now = SystemClock.now();
    let errors =
        vec![PassError { code: code(error).to_owned(), message: describe(error), subject: None }];
    Some(Summary {
        pass_id: new_id(),
        command: request.command,
        depth: request.depth(),
        slice: (!request.slice.is_whole()).then(|| request.slice.to_string()),
        started_at: now,
        finished_at: now,
        outcome,
        exit_code: outcome.exit_code(),
        expected: None,
        observed: None,
        present: None,
        verified: None,
        missing: None,
        corrupt: None,
        unknown: None,
        young: None,
        accepted: None,
        orphans: None,
        orphans_flagged: None,
        orphan_bytes: None,
        foreign: None,
        invalid_records: None,
        at_risk: None,
        healed: 0,
        heal_failed: 0,
        held: 0,
        bytes_verified: 0,
        bytes_downloaded: 0,
        store_requests: StoreRequests::default(),
        breaker: None,
        errors,
    })
}
