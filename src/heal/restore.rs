//! One object: its sources in turn, until one gives the bytes that the digest asks for.

use tokio::time::Instant;

use crate::ledger::LedgerError;
use crate::model::{
    Attempts, Cause, Digest, FailureReason, Repair, RepairResult, SourceVerdict, Sources, Verdict,
    error_chain, redact_url,
};
use crate::observe::Event;

use super::transfer::{Drift, Failure, Transfer};
use super::{Healer, Job, held};

/// The best end so far of an object's heal.
pub(super) struct End {
    pub(super) result: RepairResult,
    pub(super) reason: Option<FailureReason>,
    pub(super) detail: String,
}

/// What one source came to, and the verdict that stands on it from now on.
type Answer = (End, Option<Verdict>);

impl Healer {
    /// Restores one object; `None` where the heal was told to end before it was decided.
    pub(super) async fn restore(&self, job: &Job<'_>) -> Option<Repair> {
        if job.rows.is_empty() {
            return Some(held(job.action, "no row wants it any more"));
        }
        let read_needed = job.action.cause == Cause::Corrupt && !job.replaces_unreadable();
        if read_needed && job.read.is_none() {
            return Some(held(job.action, "it could not be read again in this pass"));
        }
        let began = Instant::now();
        let mut bytes = 0;
        let (end, source) = self.try_sources(job, &mut bytes).await?;
        let repair = Repair {
            source: source.map(|url| redact_url(&url)),
            result: end.result,
            reason: end.reason,
            bytes,
            seconds: began.elapsed().as_secs_f64(),
            corrupt: job.corrupt_bytes(job.aside.get().cloned()),
            ..held(job.action, &end.detail)
        };
        self.remember(job, repair.result).await;
        Some(repair)
    }

    async fn try_sources(&self, job: &Job<'_>, bytes: &mut u64) -> Option<(End, Option<String>)> {
        let known = job.rows.iter().filter_map(|row| row.size).min().unwrap_or(0);
        if known > self.options.max_object_size.0 {
            let limit = self.options.max_object_size;
            let detail = format!("{known} bytes are more than heal.max_object_size ({limit})");
            return Some((refusal(FailureReason::TooLarge, detail), None));
        }
        let mut best: Option<(End, Option<String>)> = None;
        let mut said = Vec::new();
        for url in Sources::of_rows(job.rows) {
            let (end, verdict) = match self.remembered(job, url) {
                Some(end) => end,
                None => match self.led_back(job, url, &said).await {
                    Some(end) => end,
                    None => self.try_source(job, url, bytes).await?,
                },
            };
            said.extend(verdict.map(|verdict| (url, verdict)));
            let settled = end.result.is_success() || end.result == RepairResult::Held;
            if best.as_ref().is_none_or(|(so_far, _)| end.result < so_far.result) || settled {
                best = Some((end, Some(url.to_owned())));
            }
            if settled {
                break;
            }
        }
        Some(best.unwrap_or_else(|| {
            let detail = "no row names a source: the file has to come from elsewhere".to_owned();
            (End { result: RepairResult::Failed, reason: None, detail }, None)
        }))
    }

    /// What is known without asking: the policy's refusal, or drift that still stands.
    fn remembered(&self, job: &Job<'_>, url: &str) -> Option<Answer> {
        if let Err(why) = self.source.permits(url) {
            return Some((refusal(FailureReason::PolicyBlocked, format!("policy: {why}")), None));
        }
        // The pass has forgotten by now what was said of other rows than these.
        let id = SourceVerdict::id_of(url);
        let drift = job.verdicts.iter().find(|verdict| {
            verdict.verdict == Verdict::Drifted
                && verdict.digest == job.action.target.digest
                && verdict.source_id == id
        })?;
        let end = End {
            result: RepairResult::SourceDrifted,
            reason: Some(FailureReason::SourceDrifted),
            detail: format!(
                "source served other bytes on {}, and is not asked again before its row changes \
                 (`restock heal {}` asks all the same)",
                drift.at.format("%Y-%m-%d %H:%M UTC"),
                job.action.target.digest
            ),
        };
        Some((end, Some(Verdict::Drifted)))
    }

    /// What follows for a source that only names another, where that one was asked for this object
    /// just now and a verdict on it stands: no large file is downloaded twice to be found wrong.
    async fn led_back(&self, job: &Job<'_>, url: &str, said: &[(&str, Verdict)]) -> Option<Answer> {
        let to = self.source.leads_to(url, &job.action.target.digest).await?;
        let (_, verdict) = said.iter().find(|(source, _)| *source == to)?;
        let (result, reason, what) = match verdict {
            Verdict::Gone => (RepairResult::SourceGone, FailureReason::SourceGone, "is gone"),
            Verdict::Drifted => {
                let reason = FailureReason::SourceDrifted;
                (RepairResult::SourceDrifted, reason, "serves other bytes")
            }
        };
        self.keep_verdict(job, url, *verdict, None).await;
        let detail = format!("its manifest names {}, which {what}", redact_url(&to));
        Some((End { result, reason: Some(reason), detail }, Some(*verdict)))
    }

    async fn try_source(&self, job: &Job<'_>, url: &str, bytes: &mut u64) -> Option<Answer> {
        match self.transfer(job, url, bytes).await {
            Transfer::Cancelled => None,
            Transfer::Proven(staged, length) => {
                Some((self.publish(job, url, staged, length).await, None))
            }
            Transfer::Drifted(drift) => {
                let end = End {
                    result: RepairResult::SourceDrifted,
                    reason: Some(FailureReason::SourceDrifted),
                    detail: drift_sentence(&drift),
                };
                if drift.page {
                    return Some((end, None));
                }
                self.keep_verdict(job, url, Verdict::Drifted, Some(drift)).await;
                Some((end, Some(Verdict::Drifted)))
            }
            Transfer::Failed(Failure { result, reason, detail }) => {
                let gone = (reason == FailureReason::SourceGone).then_some(Verdict::Gone);
                if let Some(verdict) = gone {
                    self.keep_verdict(job, url, verdict, None).await;
                }
                Some((End { result, reason: Some(reason), detail }, gone))
            }
        }
    }

    async fn keep_verdict(&self, job: &Job<'_>, url: &str, what: Verdict, drift: Option<Drift>) {
        let verdict = SourceVerdict {
            digest: job.action.target.digest,
            source_id: SourceVerdict::id_of(url),
            source: redact_url(url),
            verdict: what,
            etag: drift.as_ref().and_then(|drift| drift.etag.clone()),
            length: drift.as_ref().map(|drift| drift.length),
            observed_digest: drift.map(|drift| drift.observed),
            at: self.clock.now(),
        };
        let kept = self.ledger.put_verdict(&verdict).await;
        self.tell_unless_written(kept);
        // The rows that it was said of, at once: a heal that ends early must not leave a verdict
        // that no change of the rows could clear.
        let attempts = self.attempts_so_far(job).await;
        let digest = &job.action.target.digest;
        self.tell_unless_written(self.ledger.put_attempts(digest, Some(&attempts)).await);
    }

    /// What is remembered of the object's heals, under the rows as they are now.
    async fn attempts_so_far(&self, job: &Job<'_>) -> Attempts {
        let fingerprint = Attempts::fingerprint_of(job.rows);
        let before = self.ledger.attempts(&[job.action.target.digest]).await;
        let before = before.ok().and_then(|mut known| known.pop()).map(|(_, attempts)| attempts);
        before
            .filter(|attempts| attempts.fingerprint == fingerprint)
            .unwrap_or_else(|| Attempts { fingerprint, ..Attempts::default() })
    }

    /// Keeps what the next heal has to know. Only finished failures count.
    async fn remember(&self, job: &Job<'_>, result: RepairResult) {
        let digest = &job.action.target.digest;
        if result.is_success() {
            self.forget_troubles(&job.action.target.key, digest).await;
            return;
        }
        if result == RepairResult::Held {
            return;
        }
        let mut attempts = self.attempts_so_far(job).await;
        attempts.failures = attempts.failures.saturating_add(1);
        attempts.last_result = Some(result);
        attempts.last_at = Some(self.clock.now());
        self.tell_unless_written(self.ledger.put_attempts(digest, Some(&attempts)).await);
    }

    /// What is remembered of an object only until it is right again.
    pub(super) async fn forget_troubles(&self, key: &str, digest: &Digest) {
        self.tell_unless_written(self.ledger.clear_corruption(key).await);
        self.tell_unless_written(self.ledger.put_attempts(digest, None).await);
        self.tell_unless_written(self.ledger.clear_verdicts(digest).await);
    }

    /// A ledger that does not take a note must not undo a heal: it is told, and the record of the
    /// repair itself, which follows, fails the run.
    pub(super) fn tell_unless_written(&self, written: Result<(), LedgerError>) {
        if let Err(error) = written {
            let line = error_chain(&error);
            self.observer.notice(&Event::Notice(&line));
        }
    }
}

fn drift_sentence(drift: &Drift) -> String {
    let Drift { length, observed, page, etag: _ } = drift;
    if *page {
        return format!(
            "source serves a web page in place of the file ({length} bytes with digest \
             {observed}): the next heal asks it again"
        );
    }
    format!("source serves other bytes: {length} bytes with digest {observed}")
}

fn refusal(reason: FailureReason, detail: String) -> End {
    End { result: RepairResult::Refused, reason: Some(reason), detail }
}
