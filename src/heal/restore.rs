//! What a source comes to for one object, and what is remembered of it.

use crate::ledger::LedgerError;
use crate::model::{
    Attempts, Digest, FailureReason, RepairResult, SourceVerdict, Verdict, error_chain, redact_url,
};
use crate::observe::Event;

use super::transfer::{Drift, Failure, Transfer};
use super::{Healer, Job};

/// The best end so far of an object's heal.
pub(super) struct End {
    pub(super) result: RepairResult,
    pub(super) reason: Option<FailureReason>,
    pub(super) detail: String,
}

/// What one source came to, and the verdict that stands on it from now on.
pub(super) type Answer = (End, Option<Verdict>);

impl Healer {
    /// What is known without asking: the policy's refusal, or drift that still stands.
    pub(super) fn remembered(&self, job: &Job<'_>, url: &str) -> Option<Answer> {
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
    pub(super) async fn led_back(
        &self,
        job: &Job<'_>,
        said: &[(&str, Verdict)],
        url: &str,
        to: &str,
    ) -> Option<Answer> {
        let (_, verdict) = said.iter().find(|(source, _)| *source == to)?;
        let (result, reason, what) = match verdict {
            Verdict::Gone => (RepairResult::SourceGone, FailureReason::SourceGone, "is gone"),
            Verdict::Drifted => {
                let reason = FailureReason::SourceDrifted;
                (RepairResult::SourceDrifted, reason, "serves other bytes")
            }
        };
        self.keep_verdict(job, url, *verdict, None).await;
        let detail = format!("its manifest names {}, which {what}", redact_url(to));
        Some((End { result, reason: Some(reason), detail }, Some(*verdict)))
    }

    /// What a source is worth that is done with.
    pub(super) async fn judge(&self, job: &Job<'_>, url: &str, transfer: Transfer) -> Answer {
        match transfer {
            Transfer::Cancelled => {
                let detail = "the heal was told to end".to_owned();
                (End { result: RepairResult::Held, reason: None, detail }, None)
            }
            Transfer::Proven(staged, length) => {
                (self.publish(job, url, staged, length).await, None)
            }
            Transfer::Drifted(drift) => {
                let end = End {
                    result: RepairResult::SourceDrifted,
                    reason: Some(FailureReason::SourceDrifted),
                    detail: drift_sentence(&drift),
                };
                if drift.page {
                    return (end, None);
                }
                self.keep_verdict(job, url, Verdict::Drifted, Some(drift)).await;
                (end, Some(Verdict::Drifted))
            }
            Transfer::Failed(Failure { result, reason, detail }) => {
                let gone = (reason == FailureReason::SourceGone).then_some(Verdict::Gone);
                if let Some(verdict) = gone {
                    self.keep_verdict(job, url, verdict, None).await;
                }
                (End { result, reason: Some(reason), detail }, gone)
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
    pub(super) async fn remember(&self, job: &Job<'_>, result: RepairResult) {
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

pub(super) fn refusal(reason: FailureReason, detail: String) -> End {
    End { result: RepairResult::Refused, reason: Some(reason), detail }
}
