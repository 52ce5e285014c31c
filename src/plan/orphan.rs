//! When an object without a row is flagged.

use chrono::{DateTime, Utc};

use crate::model::Sighting;

use super::OrphanOptions;

/// An orphan as this pass saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrphanSeen {
    /// When it was last modified, by the store's clock.
    pub modified: Option<DateTime<Utc>>,
    /// The store's clock as the pass began.
    pub store_now: DateTime<Utc>,
    /// restock's clock as the pass began.
    pub now: DateTime<Utc>,
}

/// The sighting to keep, and whether the orphan is flagged.
///
/// Flagged is an object whose modification and first sighting are both older than `grace`, and
/// which was seen in `sightings` complete passes at least `grace / sightings` apart. A clock that
/// was set back makes a time that has not come yet the present.
pub fn judge_orphan(
    key: &str,
    before: Option<&Sighting>,
    seen: OrphanSeen,
    options: &OrphanOptions,
) -> (Sighting, bool) {
    let grace = options.grace.delta();
    let apart = grace / i32::try_from(options.sightings.max(1)).unwrap_or(i32::MAX);
    let sighting = match before {
        None => Sighting {
            key: key.to_owned(),
            first_seen: seen.now,
            counted_at: seen.now,
            sightings: 1,
        },
        Some(before) => {
            let counts = seen.now - before.counted_at >= apart;
            Sighting {
                key: before.key.clone(),
                first_seen: before.first_seen.min(seen.now),
                counted_at: if counts { seen.now } else { before.counted_at.min(seen.now) },
                sightings: before.sightings.saturating_add(u32::from(counts)),
            }
        }
    };
    let old = seen.modified.is_some_and(|at| seen.store_now - at > grace)
        && seen.now - sighting.first_seen > grace;
    let flagged = old && sighting.sightings >= options.sightings;
    (sighting, flagged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn an_orphan_is_flagged_only_when_old_and_seen_often_enough_apart() {
        let start = DateTime::UNIX_EPOCH;
        let options = OrphanOptions::default();
        let (mut sighting, mut flags) = (None, Vec::new());
        for hours in [0, 1, 16, 32, 48, 49] {
            let now = start + TimeDelta::hours(hours);
            let seen = OrphanSeen { modified: Some(start), store_now: now, now };
            let (next, flagged) = judge_orphan("k", sighting.as_ref(), seen, &options);
            flags.push((next.sightings, flagged));
            sighting = Some(next);
        }
        let expected = [(1, false), (1, false), (2, false), (3, false), (4, false), (4, true)];
        assert_eq!(flags, expected);
    }

    #[test]
    fn a_clock_that_ran_ahead_for_a_pass_delays_and_does_not_stop_for_good() {
        let start = DateTime::UNIX_EPOCH + TimeDelta::days(30);
        let options = OrphanOptions::default();
        let (mut sighting, mut told) = (None, Vec::new());
        for hours in [0, 100_000, 1, 17, 33, 50] {
            let now = start + TimeDelta::hours(hours);
            let modified = Some(DateTime::UNIX_EPOCH);
            let seen = OrphanSeen { modified, store_now: start, now };
            let (next, flagged) = judge_orphan("k", sighting.as_ref(), seen, &options);
            assert_eq!(next.first_seen, start);
            told.push((next.sightings, flagged));
            sighting = Some(next);
        }
        assert_eq!(told, [(1, false), (2, false), (2, false), (3, false), (4, false), (5, true)]);
    }

    #[test]
    fn an_object_that_was_just_written_or_has_no_time_is_no_old_orphan() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(30);
        let before = Sighting {
            key: "k".to_owned(),
            first_seen: DateTime::UNIX_EPOCH,
            counted_at: DateTime::UNIX_EPOCH,
            sightings: 9,
        };
        for modified in [None, Some(now), Some(now - TimeDelta::hours(47))] {
            let seen = OrphanSeen { modified, store_now: now, now };
            assert!(!judge_orphan("k", Some(&before), seen, &OrphanOptions::default()).1);
        }
    }
}
