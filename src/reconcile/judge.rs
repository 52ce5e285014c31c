//! [`Judgement`]: what to think of a joined pair.

use crate::model::{Digest, Record, UNSURE_SIZE};

use super::Joined;

/// SHA-256 of no bytes: the only digest that an object of 0 bytes can have.
const EMPTY: Digest = Digest::new([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

/// What a judgement depends on besides the pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// When the pass began by the database's own clock, in seconds since 1970.
    pub now_epoch_seconds: i64,
    /// Absent objects whose rows are younger than this, in seconds, are not judged.
    pub grace_seconds: i64,
}

/// What to think of one digest. All but `Healthy` and `Young` are suspicions, to be confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// Wanted, listed, and of a possible size.
    Healthy,
    /// Wanted and not listed.
    Missing,
    /// Wanted and not listed, but too young to be judged.
    Young,
    /// Wanted and listed with a size that is not the catalog's, or that the digest cannot have.
    /// Only reading the bytes tells which of the two is wrong.
    SizeDiffers {
        /// Size in bytes that the catalog or the digest gives; `None` where rows disagree, and
        /// where none is given but the object is empty.
        expected: Option<u64>,
        /// Size in bytes as listed.
        observed: u64,
    },
    /// Listed and not wanted.
    Orphan,
}

/// How far clocks may differ, in seconds.
const SKEW_SECONDS: i64 = 300;

impl Rules {
    /// The latest time that a row may have: one further in the future than the grace period and
    /// five minutes is no age.
    pub fn latest_epoch_seconds(&self) -> i64 {
        let ahead = self.grace_seconds.saturating_add(SKEW_SECONDS);
        self.now_epoch_seconds.saturating_add(ahead)
    }

    /// Judges one digest.
    #[inline]
    pub fn judge(&self, joined: &Joined) -> Judgement {
        match joined {
            Joined::Both(expected, observed) => compare_sizes(expected, observed),
            Joined::Expected(expected) if self.is_young(expected) => Judgement::Young,
            Joined::Expected(_) => Judgement::Missing,
            Joined::Observed(_) => Judgement::Orphan,
        }
    }

    /// Whether a row is younger than the grace period. One from the near future is; one without a
    /// time (`i64::MIN`) is not, whatever the grace period, since its age saturates.
    pub fn is_young(&self, expected: &Record) -> bool {
        let age_seconds = self.now_epoch_seconds.saturating_sub(expected.time);
        age_seconds < self.grace_seconds && expected.time <= self.latest_epoch_seconds()
    }
}

#[inline]
fn compare_sizes(expected: &Record, observed: &Record) -> Judgement {
    let (wanted, listed) = (expected.size(), observed.size());
    let fits_digest = (listed == 0) == (expected.digest == EMPTY);
    if fits_digest && (wanted == 0 || wanted == listed) {
        return Judgement::Healthy;
    }
    let expected = match wanted {
        0 => (expected.digest == EMPTY).then_some(0),
        UNSURE_SIZE => None,
        known => Some(known),
    };
    Judgement::SizeDiffers { expected, observed: listed }
}
