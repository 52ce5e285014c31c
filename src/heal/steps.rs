//! One object: its sources in turn, until one gives the bytes that the digest asks for. Between two
//! requests it waits in the lane of the host that is asked next, and holds nothing: also where a
//! redirect or a manifest leads from one to the other.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Cause, FailureReason, Repair, RepairResult, Sources, Verdict, redact_url};
use crate::observe::Event;
use crate::source::Route;

use super::lanes::Heard;
use super::restore::{Answer, End, refusal};
use super::transfer::{Next, Requested, Transfer, Tries};
use super::{Healer, Job, UNRECORDED, held, hold_of};

/// Sources of one object that are asked in one pass, at most; the others have their turn in the
/// next one.
const SOURCES_AT_MOST: usize = 20;

/// An object on its way from source to source.
pub(super) struct Restoring<'a> {
    /// Its place in the plan.
    pub(super) at: usize,
    job: Job<'a>,
    sources: Vec<&'a str>,
    /// At which of all sources this pass began.
    first: usize,
    /// The source whose turn it is.
    turn: usize,
    /// How many were asked, of those that are not known without.
    asked: usize,
    tries: Tries,
    /// Where the source has led so far; `None` where it is asked from the beginning.
    route: Option<Route>,
    said: Vec<(&'a str, Verdict)>,
    best: Option<(End, Option<&'a str>)>,
    bytes: u64,
    began: Option<Instant>,
}

/// Where an object is after a step.
pub(super) enum Step<'a> {
    /// It waits until this host may be asked, after this time.
    Wait(String, Duration, Box<Restoring<'a>>),
    /// The first of these hosts led it to the second one, where it waits now.
    Led(String, String, Box<Restoring<'a>>),
    /// What led it here is too old: this host is asked again.
    Stale(String, Box<Restoring<'a>>),
    /// It is decided; what became of it is written down.
    Decided(usize, Repair),
    /// The heal was told to end.
    Cancelled,
}

impl Healer {
    /// Decides what can be decided without asking a source, and where to ask first.
    pub(super) async fn begin<'a>(&self, at: usize, job: Job<'a>) -> Step<'a> {
        if let Some(repair) = hold_of(job.action) {
            return self.decided(at, &job, repair).await;
        }
        if self.cancel.is_cancelled() {
            return Step::Cancelled;
        }
        if job.rows.is_empty() {
            let repair = held(job.action, "no row wants it any more");
            return self.decided(at, &job, repair).await;
        }
        let read_needed = job.action.cause == Cause::Corrupt && !job.replaces_unreadable();
        if read_needed && job.read.is_none() {
            let repair = held(job.action, "it could not be read again in this pass");
            return self.decided(at, &job, repair).await;
        }
        let sources = Sources::of_rows(job.rows);
        let known = job.rows.iter().filter_map(|row| row.size).min().unwrap_or(0);
        let mut restoring = Box::new(Restoring {
            at,
            job,
            sources,
            first: 0,
            turn: 0,
            asked: 0,
            tries: Tries::default(),
            route: None,
            said: Vec::new(),
            best: None,
            bytes: 0,
            began: None,
        });
        if known > self.options.max_object_size.0 {
            let limit = self.options.max_object_size;
            let detail = format!("{known} bytes are more than heal.max_object_size ({limit})");
            restoring.best = Some((refusal(FailureReason::TooLarge, detail), None));
            return self.finish(*restoring).await;
        }
        self.rotate(&mut restoring).await;
        self.proceed(restoring).await
    }

    /// Goes on to the next source that has to be asked.
    async fn proceed<'a>(&self, mut restoring: Box<Restoring<'a>>) -> Step<'a> {
        while let Some(url) = restoring.sources.get(restoring.turn).copied() {
            if let Some(answer) = self.remembered(&restoring.job, url) {
                restoring.take(url, answer);
                continue;
            }
            if restoring.asked >= SOURCES_AT_MOST {
                break;
            }
            restoring.asked += 1;
            return Step::Wait(self.first_host(url), Duration::ZERO, restoring);
        }
        self.keep_turn(&restoring).await;
        self.finish(*restoring).await
    }

    /// Asks this host, for the source whose turn it is, once. Tells what was heard.
    pub(super) async fn ask_once<'a>(
        &self,
        host: &str,
        mut restoring: Box<Restoring<'a>>,
    ) -> (Step<'a>, Heard) {
        if restoring.job.unrecorded.is_any() {
            let Restoring { at, job, .. } = *restoring;
            let repair = held(job.action, UNRECORDED);
            return (self.decided(at, &job, repair).await, Heard::Unasked);
        }
        restoring.began.get_or_insert_with(Instant::now);
        let Some(url) = restoring.sources.get(restoring.turn).copied() else {
            return (self.finish(*restoring).await, Heard::Unasked);
        };
        let route = restoring.route.take().unwrap_or_else(|| Route::of(url));
        if route.is_stale() {
            return (Step::Stale(self.first_host(url), restoring), Heard::Unasked);
        }
        let Restoring { job, tries, bytes, .. } = &mut *restoring;
        let Requested { next, heard } = self.transfer(job, route, tries, bytes).await;
        (self.follow(host, url, restoring, next).await, heard)
    }

    /// The host that a source is asked at first.
    fn first_host(&self, url: &str) -> String {
        self.source.host(&Route::of(url)).unwrap_or_default()
    }

    /// What follows from what a host said.
    async fn follow<'a>(
        &self,
        host: &str,
        url: &'a str,
        mut restoring: Box<Restoring<'a>>,
        next: Next,
    ) -> Step<'a> {
        let transfer = match next {
            Next::Led(route) => {
                let job = &restoring.job;
                if let Some(to) = route.just_named()
                    && let Some(answer) = self.led_back(job, &restoring.said, url, to).await
                {
                    restoring.take(url, answer);
                    return self.proceed(restoring).await;
                }
                let next = self.source.host(&route).unwrap_or_default();
                restoring.route = Some(route);
                return Step::Led(host.to_owned(), next, restoring);
            }
            Next::Again(wait) => return Step::Wait(self.first_host(url), wait, restoring),
            Next::Done(Transfer::Cancelled) => return Step::Cancelled,
            Next::Done(transfer) => transfer,
        };
        let answer = self.judge(&restoring.job, url, transfer).await;
        let End { result, reason, .. } = &answer.0;
        // A store that does not take these bytes takes no other source's.
        let is_settled = result.is_success()
            || *result == RepairResult::Held
            || *reason == Some(FailureReason::StoreWrite);
        restoring.take(url, answer);
        if is_settled { self.finish(*restoring).await } else { self.proceed(restoring).await }
    }

    /// Passes by the source whose turn it is: its host is left alone.
    pub(super) async fn pass_by<'a>(
        &self,
        host: &str,
        mut restoring: Box<Restoring<'a>>,
    ) -> Step<'a> {
        if self.cancel.is_cancelled() {
            return Step::Cancelled;
        }
        if let Some(url) = restoring.sources.get(restoring.turn).copied() {
            let detail = format!(
                "not asked: {host} was silent too often in this pass, and is left alone until the \
                 next one"
            );
            let reason = Some(FailureReason::HostSilent);
            restoring.take(url, (End { result: RepairResult::Held, reason, detail }, None));
        }
        self.proceed(restoring).await
    }

    /// What became of an object whose sources are done with.
    async fn finish<'a>(&self, restoring: Restoring<'a>) -> Step<'a> {
        let Restoring { at, job, best, bytes, began, sources, asked, turn, .. } = restoring;
        let (mut end, source) = best.unwrap_or_else(|| {
            let detail = "no row names a source: the file has to come from elsewhere".to_owned();
            (End { result: RepairResult::Failed, reason: None, detail }, None)
        });
        if asked >= SOURCES_AT_MOST && turn < sources.len() && !end.result.is_success() {
            let of_all = sources.len();
            end.detail = format!(
                "{}; of {of_all} sources {asked} were asked, and others are next time",
                end.detail
            );
        }
        let repair = Repair {
            source: source.map(redact_url),
            result: end.result,
            reason: end.reason,
            bytes,
            seconds: began.map_or(0.0, |began| began.elapsed().as_secs_f64()),
            corrupt: job.corrupt_bytes(job.aside.get().cloned()),
            ..held(job.action, &end.detail)
        };
        self.remember(&job, repair.result).await;
        if repair.result.is_success() && sources.len() > SOURCES_AT_MOST {
            self.tell_unless_written(self.ledger.set_note(&turn_note(&job), None).await);
        }
        self.decided(at, &job, repair).await
    }

    /// Writes a repair down. In here, and not where steps are awaited: between two polls of those
    /// nothing may wait for the ledger, since another step may be waiting with its connection in
    /// hand.
    async fn decided<'a>(&self, place: usize, job: &Job<'a>, repair: Repair) -> Step<'a> {
        let at = self.clock.now();
        if !job.unrecorded.is_any()
            && let Err(error) = self.ledger.record_repair(job.pass_id, at, &repair).await
        {
            job.unrecorded.keep(error);
        }
        self.observer.notice(&Event::Repaired { repair: &repair, at });
        Step::Decided(place, repair)
    }

    /// Begins with the source at which the last pass left off, where there are too many for one.
    async fn rotate(&self, restoring: &mut Restoring<'_>) {
        if restoring.sources.len() <= SOURCES_AT_MOST {
            return;
        }
        let note = self.ledger.note(&turn_note(&restoring.job)).await;
        let from: usize = note.ok().flatten().and_then(|text| text.parse().ok()).unwrap_or(0);
        let from = from % restoring.sources.len();
        restoring.sources.rotate_left(from);
        restoring.first = from;
    }

    /// Keeps at which source the next pass begins.
    async fn keep_turn(&self, restoring: &Restoring<'_>) {
        let of_all = restoring.sources.len();
        if of_all <= SOURCES_AT_MOST {
            return;
        }
        let next = (restoring.first + restoring.turn) % of_all;
        let note = turn_note(&restoring.job);
        self.tell_unless_written(self.ledger.set_note(&note, Some(&next.to_string())).await);
    }
}

impl<'a> Restoring<'a> {
    /// Takes what a source came to, and goes on to the next one. The best result counts.
    fn take(&mut self, url: &'a str, (end, verdict): Answer) {
        self.said.extend(verdict.map(|verdict| (url, verdict)));
        let is_last = end.result == RepairResult::Held && end.reason.is_none();
        let is_better =
            self.best.as_ref().is_none_or(|(so_far, _)| end.result < so_far.result) || is_last;
        if is_better {
            self.best = Some((end, Some(url)));
        }
        self.turn += 1;
        self.tries = Tries::default();
        self.route = None;
    }
}

/// Under which name the ledger keeps at which source of an object the next pass begins.
fn turn_note(job: &Job<'_>) -> String {
    format!("sources of {}", job.action.target.digest)
}
