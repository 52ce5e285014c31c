//! Whether an object could be had again, as far as can be said without network.

use crate::model::{Cause, Unhealable, Verdict};

use super::HealOptions;

/// One source of an object, as far as it is known without asking it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceStanding {
    /// Whether the policy allows it as written.
    pub permitted: bool,
    /// What it said when it was last asked, where that still stands.
    pub verdict: Option<Verdict>,
}

/// Why an object could not be healed; `None` where it could. `size` in bytes, where known.
pub fn unhealable(
    options: &HealOptions,
    collection_heals: bool,
    cause: Cause,
    size: Option<u64>,
    sources: &[SourceStanding],
) -> Option<Unhealable> {
    let forbidden = matches!(cause, Cause::Corrupt) && !options.replace_corrupt;
    if !options.enabled || !collection_heals || forbidden {
        return Some(Unhealable::Disabled);
    }
    if size.is_some_and(|size| size > options.max_object_size.0) {
        return Some(Unhealable::TooLarge);
    }
    unhealable_from(sources)
}

/// Why none of these sources could give an object back; `None` where one could.
pub fn unhealable_from(sources: &[SourceStanding]) -> Option<Unhealable> {
    if sources.is_empty() {
        return Some(Unhealable::NoSource);
    }
    let mut permitted = sources.iter().filter(|source| source.permitted).peekable();
    if permitted.peek().is_none() {
        return Some(Unhealable::PolicyBlocked);
    }
    let mut worst = None;
    for source in permitted {
        match source.verdict {
            None => return None,
            Some(Verdict::Gone) => worst = Some(Unhealable::SourceGone),
            Some(Verdict::Drifted) => worst = worst.or(Some(Unhealable::SourceDrifted)),
        }
    }
    worst
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
        let judge = |sources: &[_]| unhealable(&options, true, Cause::Missing, Some(1), sources);
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
    fn switches_and_sizes_come_before_sources() {
        let options = HealOptions::default();
        let large = options.max_object_size.0 + 1;
        let judge = |options: &HealOptions, heals, cause, size| {
            unhealable(options, heals, cause, Some(size), &[USABLE])
        };
        assert_eq!(judge(&options, true, Cause::Missing, large), Some(Unhealable::TooLarge));
        assert_eq!(judge(&options, false, Cause::Missing, 1), Some(Unhealable::Disabled));
        let off = HealOptions { enabled: false, ..options.clone() };
        assert_eq!(judge(&off, true, Cause::Missing, 1), Some(Unhealable::Disabled));
        let holes = HealOptions { replace_corrupt: false, ..options };
        assert_eq!(judge(&holes, true, Cause::Corrupt, 1), Some(Unhealable::Disabled));
        assert_eq!(judge(&holes, true, Cause::Missing, 1), None);
    }
}
