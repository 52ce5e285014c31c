//! What a ledger keeps, held against what was told and what is true; and what was reached.

use std::collections::BTreeSet;

use restock::ledger::Ledger as _;
use restock::model::{FindingKind, Outcome};
use restock::pass::PassReport;

use crate::play::Player;
use crate::step::{Kind, Pass};
use crate::things::thing_at;

/// What the details of repairs say: a part of a sentence for each way in which publishing ends.
pub(crate) const ENDINGS: &[&str] = &[
    "no row wants it any more",
    "it changed since it was read",
    "its corrupt bytes cannot be copied",
    "its row cannot be read again",
    "and still shows the corrupt version",
    "proven bytes were published, and",
    "and now answers that they are absent",
    "somebody else restored it",
    "somebody else wrote under its key meanwhile, and it cannot be read",
    "the next heal replaces them",
    "its row was taken away meanwhile",
    "what nobody could read was copied to",
    "whether it can be read is not known",
    "it can be read by now: its bytes are right",
    "it can be read by now, and",
    "bytes proven and published",
    "the breaker is open",
    "a part of the pass failed",
    "healing is off for it",
    "healing is paused",
    "its last heal failed",
    "the plan no longer fits",
    "no row names a source",
    "source serves other bytes",
    "source serves a web page",
    "is not asked again before its row changes",
    "policy: ",
    "larger than",
    "nothing is healed unrecorded",
];

impl Player {
    pub(crate) fn tell(&self, report: &PassReport) {
        let fate = &self.world.fate;
        fate.log(|| {
            let s = &report.summary;
            format!(
                "outcome {:?} {}: expected {:?} present {:?} missing {:?} corrupt {:?} unknown {:?} \
                 young {:?} breaker {:?} errors {:?}",
                s.outcome,
                s.exit_code,
                s.expected,
                s.present,
                s.missing,
                s.corrupt,
                s.unknown,
                s.young,
                s.breaker,
                s.errors
            )
        });
        for finding in &report.findings {
            let key = finding.key.as_deref().unwrap_or("-");
            fate.log(|| {
                format!(
                    "finding {} {key} {:?}: {}",
                    finding.kind.as_str(),
                    finding.reason,
                    finding.detail
                )
            });
        }
    }

    /// Report and ledger agree (I8).
    pub(crate) async fn agrees(&mut self, report: &PassReport, is_full: bool) {
        let ledger = &self.world.ledger;
        if !is_full || report.summary.outcome == Outcome::Failed {
            return;
        }
        let mut kept: Vec<_> = ledger.findings(u32::MAX).await.unwrap();
        let mut told = report.findings.clone();
        kept.sort();
        told.sort();
        if kept != told {
            let only = |a: &[restock::model::Finding], b: &[restock::model::Finding]| {
                a.iter().filter(|f| !b.contains(f)).cloned().collect::<Vec<_>>()
            };
            self.wrong.push(format!(
                "I8: kept are other findings than told: kept alone {:#?}, told alone {:#?}",
                only(&kept, &told),
                only(&told, &kept)
            ));
        }
        let last = self.world.ledger.last_full_summary().await.unwrap();
        let told = &report.summary;
        // One that ended a little ahead is not told from one of a host whose clock is ahead.
        let is_ahead = |last: &restock::model::Summary| {
            let ahead = last.finished_at - told.finished_at;
            ahead > chrono::TimeDelta::zero()
                && ahead <= self.set_back + chrono::TimeDelta::minutes(5)
        };
        if last.as_ref() != Some(told) && !last.as_ref().is_some_and(is_ahead) {
            self.wrong.push(format!("I8: another last full pass is kept: {last:?}, not {told:?}"));
        }
    }

    /// What is told as corrupt is remembered, so that the next shallow pass tells it too.
    pub(crate) async fn is_remembered(&mut self, report: &PassReport) {
        let known = self.world.ledger.corruptions().await.unwrap();
        for finding in report.findings.iter().filter(|f| f.kind == FindingKind::Corrupt) {
            if !known.iter().any(|corruption| Some(&corruption.key) == finding.key.as_ref()) {
                self.wrong.push(format!("nobody remembers that it is corrupt: {:?}", finding.key));
            }
        }
    }

    /// Whatever was published stands in the ledger: as repaired, or as about to be published.
    pub(crate) async fn is_written_down(&mut self, published: &BTreeSet<String>) {
        let publishings = self.world.ledger.publishings().await.unwrap();
        for thing in published.iter().filter_map(|key| thing_at(key)) {
            let announced = publishings.iter().any(|one| one.repair.key == thing.key);
            let repaired = self.world.ledger.repairs(&thing.digest, 1).await.unwrap();
            if !announced && repaired.is_empty() {
                self.wrong.push(format!("I7: {} was published, and nobody knows", thing.key));
            }
        }
    }

    /// A calm heal leaves no upload and nothing half done (I7).
    pub(crate) async fn is_swept(&mut self) {
        let open = self.world.hands.store.open_uploads();
        if !open.is_empty() {
            self.wrong.push(format!("I7: uploads are left: {open:?}"));
        }
        let publishings = self.world.ledger.publishings().await.unwrap();
        if !publishings.is_empty() {
            self.wrong.push(format!("I7: it is left unsettled: {publishings:?}"));
        }
    }

    /// What the ledger calls corrupt was read so at some time.
    pub(crate) async fn is_true_what_is_remembered(&mut self) {
        self.altered();
        for corruption in self.world.ledger.corruptions().await.unwrap() {
            let tag = corruption.meta.etag.clone().unwrap_or_default();
            let lay = self.versions.get(&(corruption.key.clone(), tag));
            if lay != Some(&corruption.observed_digest)
                || corruption.observed_digest == corruption.digest
            {
                self.wrong.push(format!("I5: no such bytes lay there: {corruption:?}"));
            }
        }
    }

    pub(crate) fn count(&self, report: &PassReport, pass: &Pass) {
        let summary = &report.summary;
        self.reach(match summary.outcome {
            Outcome::Clean => "a pass was clean",
            Outcome::Failed => "a pass failed",
            Outcome::Findings => "findings remained",
            Outcome::Incomplete => "a pass was incomplete",
            Outcome::Refused => "a heal was refused",
            Outcome::Busy => "busy",
        });
        for finding in &report.findings {
            self.reach(match finding.kind {
                FindingKind::Missing => "found missing",
                FindingKind::Corrupt => "found corrupt",
                FindingKind::Unknown => "found unknown",
                FindingKind::InvalidRecord => "found an invalid record",
                FindingKind::Orphan => "found an orphan",
                FindingKind::Foreign => "found something foreign",
            });
            if finding.reason.as_deref() == Some("flagged") {
                self.reach("an orphan was flagged");
            }
        }
        for repair in &report.repairs {
            self.reach(repair.result.as_str());
            for ending in ENDINGS.iter().filter(|ending| repair.detail.contains(**ending)) {
                self.reach(ending);
            }
            if let Some(reason) = repair.reason {
                self.reach(reason.as_str());
            }
            if repair.corrupt.as_ref().is_some_and(|corrupt| corrupt.quarantine_key.is_some()) {
                self.reach("corrupt bytes were set aside");
            }
        }
        if pass.kind == Kind::FromPlan {
            self.reach("a plan was carried out");
        }
    }
}
