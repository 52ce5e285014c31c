//! [`BreakerTurn`]: what changed with the breaker, for those who are told.

use crate::model::BreakerState;

/// A change of the breaker that a person should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BreakerTurn {
    /// It was open already when somebody began to look.
    StandsOpen(BreakerState),
    /// It opened.
    Opened(BreakerState),
    /// It opened anew: the world is worse than what was acknowledged with this number, or in another
    /// way.
    OpenedAnew(BreakerState, u64),
    /// A person answered it with this number.
    Acknowledged(BreakerState, u64),
    /// A full pass found the world inside the limits.
    Closed(BreakerState),
}

impl BreakerTurn {
    /// What became of the breaker; `None` where nothing did that matters to anybody.
    pub fn between(before: Option<&BreakerState>, after: Option<&BreakerState>) -> Option<Self> {
        match (before, after) {
            (Some(before), None) => Some(Self::Closed(before.clone())),
            (_, None) => None,
            (before, Some(after)) => Self::to(before, after),
        }
    }

    fn to(before: Option<&BreakerState>, after: &BreakerState) -> Option<Self> {
        let known = before.is_some_and(|before| before.reason == after.reason);
        let answered = before.and_then(|before| before.acknowledged);
        match (after.acknowledged, answered) {
            (Some(number), _) if answered == Some(number) && known => None,
            (Some(number), _) => Some(Self::Acknowledged(after.clone(), number)),
            (None, Some(number)) => Some(Self::OpenedAnew(after.clone(), number)),
            (None, None) if known => None,
            (None, None) => Some(Self::Opened(after.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::model::BreakerReason;

    fn state(missing: u64, acknowledged: Option<u64>) -> BreakerState {
        BreakerState {
            reason: BreakerReason::MassMissing,
            missing,
            expected: 100,
            opened_at: DateTime::UNIX_EPOCH,
            acknowledged,
        }
    }

    #[test]
    fn each_turn_is_told_once_and_what_only_counts_anew_is_none() {
        let (open, more) = (state(30, None), state(40, None));
        let shrunk = BreakerState { reason: BreakerReason::InventoryShrunk, ..state(30, None) };
        let (agreed, still) = (state(30, Some(30)), state(20, Some(30)));
        for (before, after, turn) in [
            (None, None, None),
            (None, Some(&open), Some(BreakerTurn::Opened(open.clone()))),
            (Some(&open), Some(&more), None),
            (Some(&open), Some(&shrunk), Some(BreakerTurn::Opened(shrunk.clone()))),
            (Some(&open), Some(&agreed), Some(BreakerTurn::Acknowledged(agreed.clone(), 30))),
            (Some(&agreed), Some(&still), None),
            (Some(&still), Some(&more), Some(BreakerTurn::OpenedAnew(more.clone(), 30))),
            (Some(&agreed), None, Some(BreakerTurn::Closed(agreed.clone()))),
        ] {
            assert_eq!(BreakerTurn::between(before, after), turn, "{before:?} {after:?}");
        }
    }
}
