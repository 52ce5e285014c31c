//! One object: its sources in turn, until one gives the bytes that the digest asks for. Between two
//! requests it waits in the lane of the host that is asked next, and holds nothing.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Cause, FailureReason, Repair, RepairResult, Sources, Verdict, redact_url};
use crate::observe::Event;
use crate::source::FetchError;

use super::restore::{Answer, End, refusal};
use super::transfer::{Asked, Next, Transfer, Tries};
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
    /// Whether it is known where the source leads.
    is_led: bool,
    said: Vec<(&'a str, Verdict)>,
    best: Option<(End, Option<&'a str>)>,
    bytes: u64,
    began: Option<Instant>,
}

/// Where an object is after a step.
pub(super) enum Step<'a> {
    /// It waits until this host may be asked, after this time.
    Wait(String, Duration, Box<Restoring<'a>>),
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
            is_led: false,
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
            let host = self.source.host(url).unwrap_or_default();
            return Step::Wait(host, Duration::ZERO, restoring);
        }
        self.keep_turn(&restoring).await;
        self.finish(*restoring).await
    }

    /// Asks the source whose turn it is, at this host, once. Tells which host was silent.
    pub(super) async fn ask_once<'a>(
        &self,
        host: &str,
        mut restoring: Box<Restoring<'a>>,
    ) -> (Step<'a>, Option<String>) {
        if restoring.job.unrecorded.is_any() {
            let Restoring { at, job, .. } = *restoring;
            let repair = held(job.action, UNRECORDED);
            return (self.decided(at, &job, repair).await, None);
        }
        restoring.began.get_or_insert_with(Instant::now);
        let Some(url) = restoring.sources.get(restoring.turn).copied() else {
            return (self.finish(*restoring).await, None);
        };
        if !restoring.is_led {
            restoring.is_led = true;
            let digest = restoring.job.action.target.digest;
            let led = tokio::select! {
                () = self.cancel.cancelled() => return (Step::Cancelled, None),
                led = self.source.resolve(url, &digest) => led,
            };
            match led {
                Ok(Some(to)) => {
                    if let Some(answer) =
                        self.led_back(&restoring.job, &restoring.said, url, &to).await
                    {
                        restoring.take(url, answer);
                        return (self.proceed(restoring).await, None);
                    }
                    if let Some(next) = self.source.host(&to).filter(|next| next != host) {
                        return (Step::Wait(next, Duration::ZERO, restoring), None);
                    }
                }
                Err(FetchError::Silent { host: silent, message }) => {
                    restoring.is_led = false;
                    let asked = self.unanswered(&mut restoring.tries, silent, message);
                    return self.follow(host, url, restoring, asked).await;
                }
                // What it says is told when it is asked for the bytes.
                Ok(None) | Err(_) => {}
            }
        }
        let Restoring { job, tries, bytes, .. } = &mut *restoring;
        let asked = self.transfer(job, url, tries, bytes).await;
        self.follow(host, url, restoring, asked).await
    }

    /// What follows from what a source said.
    async fn follow<'a>(
        &self,
        host: &str,
        url: &'a str,
        mut restoring: Box<Restoring<'a>>,
        Asked { outcome, silent }: Asked,
    ) -> (Step<'a>, Option<String>) {
        let transfer = match outcome {
            Next::Again(wait) => return (Step::Wait(host.to_owned(), wait, restoring), silent),
            Next::Done(Transfer::Cancelled) => return (Step::Cancelled, None),
            Next::Done(transfer) => transfer,
        };
        let answer = self.judge(&restoring.job, url, transfer).await;
        let End { result, reason, .. } = &answer.0;
        // A store that does not take these bytes takes no other source's.
        let is_settled = result.is_success()
            || *result == RepairResult::Held
            || *reason == Some(FailureReason::StoreWrite);
        restoring.take(url, answer);
        let step =
            if is_settled { self.finish(*restoring).await } else { self.proceed(restoring).await };
        (step, silent)
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
        self.is_led = false;
    }
}

/// Under which name the ledger keeps at which source of an object the next pass begins.
fn turn_note(job: &Job<'_>) -> String {
    format!("sources of {}", job.action.target.digest)
}
