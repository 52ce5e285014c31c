//! [`Tally`]: the numbers of a join, to hold them against those of plain sets.

use restock::reconcile::{Joined, Judgement};

/// The numbers of a join.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Distinct digests that the catalog wants, whether young or not.
    pub(crate) expected: u64,
    /// Distinct digests that the store lists.
    pub(crate) observed: u64,
    /// Judged healthy.
    pub(crate) healthy: u64,
    /// The healthy ones of which no source may be used. Where a suspicion turns out to be present
    /// after all, its record says whether it is one more.
    pub(crate) at_risk: u64,
    /// Judged missing.
    pub(crate) missing: u64,
    /// Absent, and too young to be judged.
    pub(crate) young: u64,
    /// Listed with a doubtful size.
    pub(crate) size_differs: u64,
    /// Listed and not wanted.
    pub(crate) orphans: u64,
}

impl Tally {
    /// Counts one digest and what is thought of it.
    #[inline]
    pub(crate) fn count(&mut self, joined: &Joined, judgement: &Judgement) {
        match joined {
            Joined::Both(expected, _) => {
                self.expected += 1;
                self.observed += 1;
                let healthy = *judgement == Judgement::Healthy;
                self.at_risk += u64::from(healthy && expected.is_marked());
            }
            Joined::Expected(_) => self.expected += 1,
            Joined::Observed(_) => self.observed += 1,
        }
        match judgement {
            Judgement::Healthy => self.healthy += 1,
            Judgement::Missing => self.missing += 1,
            Judgement::Young => self.young += 1,
            Judgement::SizeDiffers { .. } => self.size_differs += 1,
            Judgement::Orphan => self.orphans += 1,
        }
    }

    /// How many suspicions there are to confirm.
    pub(crate) const fn suspicions(&self) -> u64 {
        self.missing + self.size_differs + self.orphans
    }
}
