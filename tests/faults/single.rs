//! One missing object in a healthy world: what is checked of every heal of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use restock::model::{
    Attempts, FailureReason, FindingKind, RepairResult, Size, SourceVerdict, Unhealable, Verdict,
};
use restock::pass::PassReport;

use crate::support::world::{Object, World, briefly, repair, unhealable};

/// The bytes of the missing object.
pub(crate) const BYTES: &[u8] = b"the bytes of an installer, every one of them";

/// The limit on sizes in these worlds, in bytes.
pub(crate) const LIMIT_BYTES: u64 = 1 << 20;

/// A world of seven objects in which one is missing.
pub(crate) struct Single {
    pub(crate) world: World,
    pub(crate) lost: Object,
    /// The store as it was before anything was lost.
    whole: BTreeMap<PathBuf, Vec<u8>>,
}

/// How a heal that fails has to end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends {
    pub(crate) result: RepairResult,
    pub(crate) reason: FailureReason,
    /// Requests that the first heal sends, and each further one unless drift keeps it from that.
    pub(crate) requests: usize,
}

/// `failed`, since the source gave nothing.
pub(crate) const fn unavailable(requests: usize) -> Ends {
    let reason = FailureReason::SourceUnavailable;
    Ends { result: RepairResult::Failed, reason, requests }
}

/// `source_gone`.
pub(crate) const fn gone() -> Ends {
    Ends { result: RepairResult::SourceGone, reason: FailureReason::SourceGone, requests: 1 }
}

/// `source_drifted`.
pub(crate) const fn drifted(requests: usize) -> Ends {
    let reason = FailureReason::SourceDrifted;
    Ends { result: RepairResult::SourceDrifted, reason, requests }
}

/// `refused`, for size or policy.
pub(crate) const fn refused(reason: FailureReason, requests: usize) -> Ends {
    Ends { result: RepairResult::Refused, reason, requests }
}

impl Single {
    pub(crate) async fn new() -> Self {
        Self::of(BYTES).await
    }

    /// The same with other bytes in the missing object.
    pub(crate) async fn of(bytes: &[u8]) -> Self {
        let (mut world, _) = World::healthy(6).await;
        world.source_options.tries = 3;
        world.settings.heal.max_object_size = Size(LIMIT_BYTES);
        let lost = Object::of(bytes, "lost.pkg");
        world.add(&lost).await;
        let whole = world.store_content();
        world.remove(&lost.key);
        Self { world, lost, whole }
    }

    /// Heals, and checks that the object is restored after so many requests and that nothing of
    /// earlier failures is remembered.
    pub(crate) async fn is_restored(&self, requests: usize) -> PassReport {
        let asked = self.world.http.requests().len();
        let report = self.world.heal().await;
        let repair = repair(&report, &self.lost);
        assert_eq!((repair.result, repair.reason), (RepairResult::Restored, None), "{repair:?}");
        assert_eq!(self.world.http.requests().len() - asked, requests, "requests");
        assert_eq!((briefly(&report), report.summary.exit_code), (vec![], 0));
        assert_eq!((report.summary.healed, report.summary.heal_failed), (1, 0));
        assert!(self.world.store_content() == self.whole, "the store is as it was before");
        assert_eq!((self.attempts().await, self.verdicts().await), (None, vec![]));
        self.nothing_is_left().await;
        report
    }

    /// Heals twice, and checks that both end so, that the store is untouched, and what is
    /// remembered.
    pub(crate) async fn fails(&self, ends: Ends) -> PassReport {
        let first = self.fails_once(ends, ends.requests, 1).await;
        let honored = ends.result == RepairResult::SourceDrifted;
        let second = self.fails_once(ends, if honored { 0 } else { ends.requests }, 2).await;
        let told = &repair(&second, &self.lost).detail;
        assert_eq!(told.contains("is not asked again"), honored, "{told}");
        first
    }

    async fn fails_once(&self, ends: Ends, requests: usize, failures: u32) -> PassReport {
        let before = self.world.store_content();
        let asked = self.world.http.requests().len();
        let report = self.world.heal().await;
        let repair = repair(&report, &self.lost);
        assert_eq!((repair.result, repair.reason), (ends.result, Some(ends.reason)), "{repair:?}");
        assert!(!repair.detail.is_empty() && repair.source.is_some(), "{repair:?}");
        assert_eq!(self.world.http.requests().len() - asked, requests, "{repair:?}");
        assert!(self.world.store_content() == before, "a failed heal leaves the store alone");
        assert_eq!(briefly(&report), [(FindingKind::Missing, self.lost.key.clone(), None)]);
        let summary = &report.summary;
        assert_eq!((summary.exit_code, summary.missing), (2, Some(1)));
        assert_eq!((summary.healed, summary.heal_failed, summary.held), (0, 1, 0));

        let attempts = self.attempts().await.unwrap();
        assert_eq!((attempts.failures, attempts.last_result), (failures, Some(ends.result)));
        let verdict = match ends.result {
            RepairResult::SourceGone => Some((Verdict::Gone, Unhealable::SourceGone)),
            RepairResult::SourceDrifted => Some((Verdict::Drifted, Unhealable::SourceDrifted)),
            RepairResult::Restored
            | RepairResult::AlreadyPresent
            | RepairResult::Refused
            | RepairResult::Held
            | RepairResult::Failed => None,
        };
        let kept: Vec<_> = self.verdicts().await.iter().map(|v| v.verdict).collect();
        assert_eq!(kept, verdict.iter().map(|(verdict, _)| *verdict).collect::<Vec<_>>());
        if let Some((_, why)) = verdict {
            assert_eq!(unhealable(&report, &self.lost), Some(why));
        }
        self.nothing_is_left().await;
        report
    }

    pub(crate) async fn attempts(&self) -> Option<Attempts> {
        let ledger = self.world.open_ledger().await;
        ledger.attempts(&[self.lost.digest]).await.unwrap().pop().map(|(_, attempts)| attempts)
    }

    pub(crate) async fn verdicts(&self) -> Vec<SourceVerdict> {
        self.world.open_ledger().await.verdicts().await.unwrap()
    }

    async fn nothing_is_left(&self) {
        assert_eq!(self.world.open_ledger().await.uploads().await.unwrap(), []);
    }
}
