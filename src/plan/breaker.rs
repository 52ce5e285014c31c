//! The breaker: it asks a person before a plan that no sane world produces, and does not judge.

use chrono::{DateTime, Utc};

use crate::model::{BreakerReason, BreakerState, LastFull};

use super::BreakerOptions;

/// What a pass counted over its whole scope.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PassCounts {
    /// Distinct expected objects.
    pub expected: u64,
    /// Those of them that nobody can say anything about.
    pub unknown: u64,
    /// Missing and corrupt objects.
    pub damaged: u64,
    /// Distinct digests that rows name: `expected`, and those that are too young to be judged.
    pub named: u64,
}

impl PassCounts {
    /// The whole that a breaker of this reason speaks of.
    const fn whole(&self, reason: BreakerReason) -> u64 {
        match reason {
            BreakerReason::MassMissing => self.expected,
            BreakerReason::InventoryShrunk => self.named,
        }
    }
}

/// The breaker after a pass, from the breaker before it.
///
/// `last_full` is the last full pass before this one, and `None` where this pass is not full: only
/// a full pass can tell a shrunk inventory, or close the breaker.
pub fn judge_breaker(
    before: Option<&BreakerState>,
    counts: PassCounts,
    last_full: Option<Option<&LastFull>>,
    options: &BreakerOptions,
    now: DateTime<Utc>,
) -> Option<BreakerState> {
    let full = last_full.is_some();
    let tripped = trips(counts, last_full.flatten(), options);
    let fresh = |reason, opened_at| BreakerState {
        reason,
        missing: counts.damaged,
        expected: counts.whole(reason),
        opened_at,
        acknowledged: None,
    };
    let Some(latched) = before else {
        return tripped.map(|reason| fresh(reason, now));
    };
    match (latched.acknowledged, tripped) {
        (Some(_), None) if full => None,
        (Some(agreed), Some(reason)) if exceeds(latched.reason, reason, agreed, counts) => {
            Some(fresh(reason, now))
        }
        (None, Some(reason)) if full => Some(fresh(reason, latched.opened_at)),
        _ if full => Some(BreakerState {
            missing: counts.damaged,
            expected: counts.whole(latched.reason),
            ..latched.clone()
        }),
        _ => Some(latched.clone()),
    }
}

/// The breaker after a person answered with a number; `Err` holds the number that was asked for.
pub fn acknowledge(
    state: &BreakerState,
    reason: BreakerReason,
    number: u64,
) -> Result<BreakerState, u64> {
    let asked = match reason {
        BreakerReason::MassMissing => state.missing,
        BreakerReason::InventoryShrunk => state.expected,
    };
    if state.reason != reason || number != asked {
        return Err(asked);
    }
    Ok(BreakerState { acknowledged: Some(number), ..state.clone() })
}

fn exceeds(was: BreakerReason, is: BreakerReason, agreed: u64, counts: PassCounts) -> bool {
    match (was, is) {
        (BreakerReason::MassMissing, BreakerReason::MassMissing) => counts.damaged > agreed,
        (BreakerReason::InventoryShrunk, BreakerReason::InventoryShrunk) => counts.named < agreed,
        // Another trouble than the one that was agreed to.
        _ => true,
    }
}

fn trips(
    counts: PassCounts,
    last_full: Option<&LastFull>,
    options: &BreakerOptions,
) -> Option<BreakerReason> {
    let judged = counts.expected.saturating_sub(counts.unknown);
    let over_share =
        options.missing_share < 1.0 && exceeds_share(counts.damaged, judged, options.missing_share);
    if (over_share && counts.damaged >= options.missing_at_least)
        || counts.damaged > options.missing_at_most
    {
        return Some(BreakerReason::MassMissing);
    }
    let before = last_full?.named;
    let lost = before.saturating_sub(counts.named);
    let shrunk =
        lost >= options.shrunk_at_least && exceeds_share(lost, before, options.shrunk_share);
    shrunk.then_some(BreakerReason::InventoryShrunk)
}

/// Whether `part` is more than this share of `whole`; of nothing, anything is.
fn exceeds_share(part: u64, whole: u64, share: f64) -> bool {
    // Millionths keep the comparison in whole numbers: 5 of 25 is exactly 0.2, and not more.
    let millionths = to_millionths(share);
    u128::from(part) * 1_000_000 > u128::from(whole) * u128::from(millionths)
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share between 0 and 1 is clamped, and there is no other conversion from f64"
)]
fn to_millionths(share: f64) -> u32 {
    (share.clamp(0.0, 1.0) * 1_000_000.0).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn after(
        before: Option<&BreakerState>,
        expected: u64,
        damaged: u64,
        last: Option<u64>,
    ) -> Option<BreakerState> {
        let counts = PassCounts { expected, unknown: 0, damaged, named: expected };
        full(before, counts, last)
    }

    fn full(
        before: Option<&BreakerState>,
        counts: PassCounts,
        last: Option<u64>,
    ) -> Option<BreakerState> {
        let last = last.map(|named| LastFull { pass_id: String::new(), finished_at: NOW, named });
        judge_breaker(before, counts, Some(last.as_ref()), &BreakerOptions::default(), NOW)
    }

    #[test]
    fn five_of_25_is_the_edge_and_six_open_it() {
        assert_eq!(after(None, 25, 5, None), None);
        let state = after(None, 25, 6, None).unwrap();
        assert_eq!((state.reason, state.missing), (BreakerReason::MassMissing, 6));
        assert_eq!(after(None, 5, 4, None), None, "fewer than missing_at_least");
        assert!(after(None, 1_000_000, 1001, None).is_some(), "more than missing_at_most");
        assert_eq!(after(None, 1_000_000, 1000, None), None);
    }

    #[test]
    fn unknown_objects_are_no_part_of_the_whole() {
        let counts = PassCounts { expected: 25, unknown: 5, damaged: 5, named: 25 };
        let options = BreakerOptions::default();
        assert!(judge_breaker(None, counts, Some(None), &options, NOW).is_some());
    }

    #[test]
    fn an_inventory_that_shrank_by_more_than_a_fifth_opens_it() {
        assert_eq!(after(None, 80, 0, Some(100)), None);
        let state = after(None, 79, 0, Some(100)).unwrap();
        assert_eq!(state.reason, BreakerReason::InventoryShrunk);
        assert!(acknowledge(&state, BreakerReason::InventoryShrunk, 79).is_ok());
        assert!(acknowledge(&state, BreakerReason::MassMissing, 0).is_err());
    }

    #[test]
    fn fewer_than_shrunk_at_least_never_open_it() {
        assert_eq!(after(None, 3, 0, Some(4)), None);
        assert_eq!(after(None, 0, 0, Some(4)), None);
        assert_eq!(after(None, 4, 0, Some(8)), None);
        assert!(after(None, 3, 0, Some(8)).is_some());
    }

    #[test]
    fn rows_that_are_too_young_to_be_judged_are_named_all_the_same() {
        let young = |expected, named| PassCounts { expected, unknown: 0, damaged: 0, named };
        assert_eq!(full(None, young(10, 100), Some(100)), None);
        let open = full(None, young(10, 50), Some(100)).unwrap();
        assert_eq!((open.reason, open.expected), (BreakerReason::InventoryShrunk, 50));
        let agreed = acknowledge(&open, BreakerReason::InventoryShrunk, 50).unwrap();
        assert_eq!(full(Some(&agreed), young(0, 50), Some(100)), Some(agreed.clone()));
        assert_eq!(full(Some(&agreed), young(0, 50), Some(50)), None);
        let less = full(Some(&agreed), young(0, 49), Some(100)).unwrap();
        assert_eq!((less.acknowledged, less.expected), (None, 49));
    }

    #[test]
    fn it_stays_latched_until_a_person_answers_with_the_right_number() {
        let open = after(None, 25, 6, None).unwrap();
        let still = after(Some(&open), 25, 1, None).unwrap();
        assert_eq!((still.missing, still.acknowledged), (1, None), "a better world does not close");
        assert_eq!(acknowledge(&open, BreakerReason::MassMissing, 7), Err(6));
        let agreed = acknowledge(&open, BreakerReason::MassMissing, 6).unwrap();
        assert_eq!(after(Some(&agreed), 25, 6, None).unwrap().acknowledged, Some(6));
        assert_eq!(after(Some(&agreed), 25, 7, None).unwrap().acknowledged, None, "worse reopens");
        assert_eq!(after(Some(&agreed), 25, 5, None), None, "inside the limits closes it");
        let partial = PassCounts { expected: 3, unknown: 0, damaged: 0, named: 3 };
        let options = BreakerOptions::default();
        assert!(judge_breaker(Some(&agreed), partial, None, &options, NOW).is_some());
    }

    proptest! {
        #[test]
        fn more_damage_never_closes_it(expected in 0_u64..5000, damaged in 0_u64..5000, more in 0_u64..5000) {
            let open = |damaged| after(None, expected, damaged, None).is_some();
            prop_assert!(!open(damaged) || open(damaged + more));
        }
    }
}
