//! Whether an object could be had again, as far as can be said without network, and whether the
//! configuration lets it be healed at all. The two are apart: what may not be healed today is
//! judged by its sources all the same, so that people can decide whether to let it be healed.

use crate::model::{Cause, Unhealable, Verdict};

use super::{HealOptions, Hold};

/// One source of an object, as far as it is known without asking it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceStanding {
    /// Whether the policy allows it as written.
    pub permitted: bool,
    /// What it said when it was last asked, where that still stands.
    pub verdict: Option<Verdict>,
}

/// Why an object could not be healed; `None` where it could. `size` in bytes, where known. Sources
/// are looked at up to the first that could give it back.
pub fn unhealable(
    options: &HealOptions,
    collection_heals: bool,
    size: Option<u64>,
    sources: impl IntoIterator<Item = SourceStanding>,
) -> Option<Unhealable> {
    if !collection_heals {
        return Some(Unhealable::Disabled);
    }
    if size.is_some_and(|size| size > options.max_object_size.0) {
        return Some(Unhealable::TooLarge);
    }
    unhealable_from(sources)
}

/// Why none of these sources could give an object back; `None` where one could.
pub fn unhealable_from(sources: impl IntoIterator<Item = SourceStanding>) -> Option<Unhealable> {
    let mut nearest = Unhealable::NoSource;
    for source in sources {
        let why = match (source.permitted, source.verdict) {
            (true, None) => return None,
            (true, Some(Verdict::Gone)) => Unhealable::SourceGone,
            (true, Some(Verdict::Drifted)) => Unhealable::SourceDrifted,
            (false, _) => Unhealable::PolicyBlocked,
        };
        nearest = nearest.nearer(why);
    }
    Some(nearest)
}

/// Why the configuration holds an action back, whatever the sources are; `None` where it does not.
pub fn switched_off(options: &HealOptions, collection_heals: bool, cause: Cause) -> Option<Hold> {
    let kept = matches!(cause, Cause::Corrupt) && !options.replace_corrupt;
    (!options.enabled || !collection_heals || kept).then_some(Hold::HealingOff)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USABLE: SourceStanding = SourceStanding { permitted: true, verdict: None };
    const BLOCKED: SourceStanding = SourceStanding { permitted: false, verdict: None };

    fn said(verdict: Verdict) -> SourceStanding {
        SourceStanding { permitted: true, verdict: Some(verdict) }
    }

    #[test]
    fn one_usable_source_is_enough_and_the_reason_is_the_nearest_otherwise() {
        let options = HealOptions::default();
        let judge = |sources: &[_]| unhealable(&options, true, Some(1), sources.iter().copied());
        assert_eq!(judge(&[BLOCKED, said(Verdict::Gone), USABLE]), None);
        assert_eq!(judge(&[]), Some(Unhealable::NoSource));
        assert_eq!(judge(&[BLOCKED]), Some(Unhealable::PolicyBlocked));
        assert_eq!(judge(&[said(Verdict::Drifted), BLOCKED]), Some(Unhealable::SourceDrifted));
        assert_eq!(
            judge(&[said(Verdict::Drifted), said(Verdict::Gone)]),
            Some(Unhealable::SourceGone)
        );
    }

    #[test]
    fn a_collection_that_is_switched_off_and_sizes_come_before_sources() {
        let options = HealOptions::default();
        let large = options.max_object_size.0 + 1;
        let judge = |heals, size| unhealable(&options, heals, Some(size), [USABLE]);
        assert_eq!(judge(true, large), Some(Unhealable::TooLarge));
        assert_eq!(judge(false, 1), Some(Unhealable::Disabled));
    }

    #[test]
    fn what_is_switched_off_is_held_and_judged_by_its_sources_all_the_same() {
        let on = HealOptions::default();
        let off = HealOptions { enabled: false, ..on.clone() };
        let holes = HealOptions { replace_corrupt: false, ..on.clone() };
        for (options, heals, cause, held) in [
            (&on, true, Cause::Missing, false),
            (&on, true, Cause::Corrupt, false),
            (&on, false, Cause::Missing, true),
            (&off, true, Cause::Missing, true),
            (&holes, true, Cause::Corrupt, true),
            (&holes, true, Cause::Missing, false),
        ] {
            let hold = held.then_some(Hold::HealingOff);
            assert_eq!(switched_off(options, heals, cause), hold, "{options:?} {cause:?}");
        }
        for options in [&on, &off, &holes] {
            assert_eq!(unhealable(options, true, Some(1), [USABLE]), None, "{options:?}");
            assert_eq!(unhealable(options, true, None, []), Some(Unhealable::NoSource));
        }
    }
}
