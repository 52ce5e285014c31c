//! [`Rotation`]: which slice of the digest space is read next, so that all of it is read once in a
//! cycle.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::model::{Digest, Slice};

/// More stretches than this are melted into fewer; what is lost is that some were read later.
const STRETCHES_AT_MOST: usize = 4096;

/// How far the rotation has come, and when each part of the digest space was read last.
///
/// The cursor stands where the next slice begins. `accounted_to` is the time up to which its way
/// has been paid: a cursor on time has `accounted_to` = now, and one that lags behind owes the
/// difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// The position (see [`Digest::position`]) where the next slice begins.
    pub cursor: u64,
    /// Up to when the way of the cursor is paid for.
    pub accounted_to: DateTime<Utc>,
    /// When which part was read, in the order of the digest space, without gaps or overlaps.
    stretches: Vec<Stretch>,
    /// Bytes in the whole digest space, as the last slice suggests; 0 where nothing is known.
    pub bytes_estimated: u64,
    /// When the rotation began.
    pub began_at: DateTime<Utc>,
}

/// What a slice held when it was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reading {
    /// Objects whose bytes had their digest.
    pub objects: u64,
    /// Bytes that were read.
    pub bytes: u64,
}

/// One part of the digest space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stretch {
    /// Where it begins; it ends where the next one begins.
    from: u64,
    /// When the pass began that read it; `None` where none has yet.
    read_at: Option<DateTime<Utc>>,
    /// Objects that were found right then. Of a stretch that was read again in part, as many are
    /// left as its rest is of the whole: digests lie evenly.
    objects: u64,
}

impl Rotation {
    /// A rotation that begins now, with the way of one `interval` to go.
    pub fn beginning(now: DateTime<Utc>, interval: TimeDelta) -> Self {
        Self {
            cursor: 0,
            accounted_to: now.checked_sub_signed(interval).unwrap_or(now),
            stretches: vec![Stretch { from: 0, read_at: None, objects: 0 }],
            bytes_estimated: 0,
            began_at: now,
        }
    }

    /// The rotation by a clock that shows `now`. One that was set back makes what it shows only later
    /// the present: what was read by then was read by now, and the way of one `interval` is to go.
    #[must_use]
    pub fn by(mut self, now: DateTime<Utc>, interval: TimeDelta) -> Self {
        if self.accounted_to > now {
            self.accounted_to = now.checked_sub_signed(interval).unwrap_or(now);
        }
        self.began_at = self.began_at.min(now);
        for stretch in &mut self.stretches {
            stretch.read_at = stretch.read_at.map(|at| at.min(now));
        }
        self
    }

    /// The slice to read now: as wide as the unpaid time is to the cycle, but no wider than
    /// `affordable_bytes` seem to reach, and never beyond the end of the digest space. `None` where
    /// nothing is due.
    pub fn due(
        &self,
        now: DateTime<Utc>,
        cycle: TimeDelta,
        affordable_bytes: Option<u64>,
    ) -> Option<Slice> {
        let owed = (now - self.accounted_to).clamp(TimeDelta::zero(), cycle);
        let (owed, cycle) = (milliseconds(owed), milliseconds(cycle).max(1));
        let mut width = Slice::END / cycle * owed + Slice::END % cycle * owed / cycle;
        if let Some(bytes) = affordable_bytes.filter(|_| self.bytes_estimated > 0) {
            let estimated = u128::from(self.bytes_estimated);
            width = width.min((u128::from(bytes) << 64) / estimated);
        }
        let from = u128::from(self.cursor);
        let slice = Slice::between(from, from.saturating_add(width));
        (slice.range().end > from).then_some(slice)
    }

    /// The rotation after a pass that began at `began` has read a whole slice.
    #[must_use]
    pub fn advanced(
        &self,
        slice: Slice,
        began: DateTime<Utc>,
        cycle: TimeDelta,
        read: Reading,
    ) -> Self {
        let range = slice.range();
        let width = range.end.saturating_sub(range.start).max(1);
        let paid = milliseconds(cycle).saturating_mul(width) >> 64;
        let paid = TimeDelta::milliseconds(i64::try_from(paid).unwrap_or(i64::MAX));
        // What is older than a cycle is no debt any more: everything will have been read by then.
        let oldest = began.checked_sub_signed(cycle).unwrap_or(began);
        let accounted = self.accounted_to.max(oldest);
        let estimated = (u128::from(read.bytes) << 64) / width;
        Self {
            cursor: u64::try_from(range.end).unwrap_or(0),
            accounted_to: accounted.checked_add_signed(paid).unwrap_or(began).min(began),
            stretches: self.with_stretch(range.start, range.end, began, read.objects),
            bytes_estimated: u64::try_from(estimated).unwrap_or(u64::MAX),
            began_at: self.began_at,
        }
    }

    /// How far the cursor lags behind.
    pub fn debt(&self, now: DateTime<Utc>) -> TimeDelta {
        (now - self.accounted_to).max(TimeDelta::zero())
    }

    /// When the part was read in which this digest lies; `None` where it was not yet.
    pub fn read_at(&self, digest: &Digest) -> Option<DateTime<Utc>> {
        let position = digest.position();
        let behind = self.stretches.partition_point(|stretch| stretch.from <= position);
        self.stretches.get(behind.checked_sub(1)?)?.read_at
    }

    /// Objects that were found right at `since` or later.
    pub fn verified_since(&self, since: DateTime<Utc>) -> u64 {
        let recent = |stretch: &&Stretch| stretch.read_at.is_some_and(|at| at >= since);
        self.stretches.iter().filter(recent).map(|stretch| stretch.objects).sum()
    }

    /// When the part was read that was not read for longest; of one that never was, when the
    /// rotation began.
    pub fn oldest_read(&self) -> DateTime<Utc> {
        let read = self.stretches.iter().map(|stretch| stretch.read_at.unwrap_or(self.began_at));
        read.min().unwrap_or(self.began_at)
    }

    fn with_stretch(
        &self,
        from: u128,
        to: u128,
        read_at: DateTime<Utc>,
        objects: u64,
    ) -> Vec<Stretch> {
        let start = u64::try_from(from).unwrap_or(u64::MAX);
        let read = Stretch { from: start, read_at: Some(read_at), objects };
        let before = self.cut(0, from);
        let behind = self.cut(to, Slice::END);
        let mut stretches: Vec<_> = before.into_iter().chain([read]).chain(behind).collect();
        stretches.dedup_by(|next, earlier| {
            let same = next.read_at == earlier.read_at;
            if same {
                earlier.objects = earlier.objects.saturating_add(next.objects);
            }
            same
        });
        while stretches.len() > STRETCHES_AT_MOST {
            stretches = melted(&stretches);
        }
        stretches
    }

    /// The stretches between two positions, those at the ends cut to what lies inside.
    fn cut(&self, from: u128, to: u128) -> Vec<Stretch> {
        let ends = self.stretches.iter().skip(1).map(|next| u128::from(next.from));
        let parts = self.stretches.iter().zip(ends.chain([Slice::END]));
        let inside = parts.filter_map(|(stretch, end)| {
            let begin = u128::from(stretch.from);
            let (first, last) = (begin.max(from), end.min(to));
            let left = last.checked_sub(first).filter(|left| *left > 0)?;
            let whole = end.saturating_sub(begin).max(1);
            Some(Stretch {
                from: u64::try_from(first).ok()?,
                objects: share(stretch.objects, left, whole),
                ..*stretch
            })
        });
        inside.collect()
    }
}

/// Pairs of stretches as one each, as old as the older of the two: never is a read promised that was not.
fn melted(stretches: &[Stretch]) -> Vec<Stretch> {
    let pair = |pair: &[Stretch]| {
        let first = pair.first()?;
        let read_at = pair.iter().map(|stretch| stretch.read_at).min()?;
        let objects = pair.iter().map(|stretch| stretch.objects).sum();
        Some(Stretch { from: first.from, read_at, objects })
    };
    stretches.chunks(2).filter_map(pair).collect()
}

/// This part of a number of objects, rounded down.
fn share(objects: u64, part: u128, whole: u128) -> u64 {
    if part == whole {
        return objects;
    }
    // Half the bits of each are enough, and cannot overflow.
    let (part, whole) = (part >> 32, (whole >> 32).max(1));
    u64::try_from(u128::from(objects).saturating_mul(part) / whole).unwrap_or(u64::MAX)
}

fn milliseconds(delta: TimeDelta) -> u128 {
    u128::try_from(delta.num_milliseconds()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CYCLE: TimeDelta = TimeDelta::days(30);
    const HOUR: TimeDelta = TimeDelta::hours(1);

    fn bytes(bytes: u64) -> Reading {
        Reading { objects: 0, bytes }
    }

    fn digest(position: u64) -> Digest {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&position.to_be_bytes());
        Digest::new(bytes)
    }

    #[test]
    fn a_cycle_of_hourly_slices_reads_everything_once_and_no_more() {
        let start = DateTime::UNIX_EPOCH;
        let mut rotation = Rotation::beginning(start, HOUR);
        let mut covered = 0_u128;
        for hour in 0..720 {
            let now = start + HOUR * hour;
            let slice = rotation.due(now, CYCLE, None).unwrap();
            assert_eq!(slice.range().start, u128::from(rotation.cursor));
            covered += slice.range().end - slice.range().start;
            rotation = rotation.advanced(slice, now, CYCLE, bytes(1));
        }
        let rest = Slice::END.abs_diff(covered);
        assert!(rest < Slice::END / 1_000_000, "{rest:x} of the space is left or read twice");
    }

    #[test]
    fn what_did_not_fit_is_owed_and_read_later() {
        let start = DateTime::UNIX_EPOCH;
        let mut rotation = Rotation::beginning(start, HOUR);
        rotation.bytes_estimated = 720_000;
        let slice = rotation.due(start, CYCLE, Some(500)).unwrap();
        rotation = rotation.advanced(slice, start, CYCLE, bytes(500));
        let owed = rotation.debt(start);
        assert!((owed - HOUR / 2).abs() < TimeDelta::seconds(1), "{owed}");
        let next = rotation.due(start + HOUR, CYCLE, Some(5000)).unwrap();
        let width = next.range().end - next.range().start;
        let off = Slice::END.abs_diff(width * 720 * 2 / 3);
        assert!(off < Slice::END / 100_000, "{off:x}");
    }

    #[test]
    fn after_a_long_sleep_no_more_than_everything_is_due() {
        let start = DateTime::UNIX_EPOCH;
        let rotation = Rotation::beginning(start, HOUR);
        let slice = rotation.due(start + CYCLE * 5, CYCLE, None).unwrap();
        assert!(slice.is_whole());
        let after = rotation.advanced(slice, start + CYCLE * 5, CYCLE, bytes(1));
        assert_eq!((after.cursor, after.debt(start + CYCLE * 5)), (0, TimeDelta::zero()));
        assert_eq!(after.due(start + CYCLE * 5, CYCLE, None), None);
    }

    #[test]
    fn a_clock_that_ran_ahead_stops_no_rotation() {
        let start = DateTime::UNIX_EPOCH + CYCLE * 100;
        let ahead = start + CYCLE * 500;
        let rotation = Rotation::beginning(ahead, HOUR);
        let slice = rotation.due(ahead, CYCLE, None).unwrap();
        let rotation = rotation.advanced(slice, ahead, CYCLE, bytes(1)).by(start, HOUR);
        assert_eq!(rotation.read_at(&digest(0)), Some(start));
        assert_eq!((rotation.oldest_read(), rotation.debt(start)), (start, HOUR));
        let next = rotation.due(start, CYCLE, None).unwrap();
        assert_eq!(next.range().start, slice.range().end);
        assert_eq!(rotation.clone().by(start, HOUR), rotation);
    }

    #[test]
    fn it_is_known_when_each_part_was_read() {
        let start = DateTime::UNIX_EPOCH;
        let rotation = Rotation::beginning(start, HOUR);
        let later = start + HOUR;
        let rotation = rotation.advanced(Slice::between(0, 100), start, CYCLE, bytes(1));
        let rotation = rotation.advanced(Slice::between(50, 70), later, CYCLE, bytes(1));
        for (position, read_at) in [
            (0, Some(start)),
            (49, Some(start)),
            (50, Some(later)),
            (69, Some(later)),
            (70, Some(start)),
            (100, None),
        ] {
            assert_eq!(rotation.read_at(&digest(position)), read_at, "{position}");
        }
    }

    #[test]
    fn what_was_found_right_counts_until_it_is_too_old_or_read_again() {
        let start = DateTime::UNIX_EPOCH;
        let found = |objects| Reading { objects, bytes: 0 };
        let half = Slice::END / 2;
        let rotation = Rotation::beginning(start, HOUR);
        assert_eq!((rotation.verified_since(start), rotation.oldest_read()), (0, start));
        let later = start + HOUR;
        let rotation = rotation.advanced(Slice::between(0, half), later, CYCLE, found(500));
        assert_eq!(rotation.verified_since(start), 500);
        assert_eq!(rotation.oldest_read(), start, "the other half was never read");
        let last = later + HOUR;
        let rotation = rotation.advanced(Slice::between(half, Slice::END), last, CYCLE, found(480));
        assert_eq!((rotation.verified_since(start), rotation.verified_since(last)), (980, 480));
        assert_eq!(rotation.oldest_read(), later);
        let again = Slice::between(0, half / 4);
        let rotation = rotation.advanced(again, last + HOUR, CYCLE, found(100));
        assert_eq!(rotation.verified_since(start), 100 + 375 + 480, "a quarter of 500 is gone");
        assert_eq!(rotation.verified_since(last), 100 + 480);
        let rotation = Rotation { stretches: melted(&rotation.stretches), ..rotation };
        assert_eq!(rotation.verified_since(start), 955);
    }

    proptest! {
        #[test]
        fn never_is_a_read_promised_that_was_not(
            reads in prop::collection::vec((0..1000_u64, 1..500_u64), 1..40),
            asked in 0..1500_u64,
        ) {
            let mut rotation = Rotation::beginning(DateTime::UNIX_EPOCH, HOUR);
            let mut truth = None;
            for (n, (from, width)) in (1_i32..).zip(&reads) {
                let at = DateTime::UNIX_EPOCH + HOUR * n;
                let slice = Slice::between((*from).into(), (from + width).into());
                rotation = rotation.advanced(slice, at, CYCLE, bytes(1));
                if slice.contains(&digest(asked)) {
                    truth = Some(at);
                }
            }
            prop_assert_eq!(rotation.read_at(&digest(asked)), truth);
            let melted = Rotation { stretches: melted(&rotation.stretches), ..rotation };
            prop_assert!(melted.read_at(&digest(asked)) <= truth);
        }
    }
}
