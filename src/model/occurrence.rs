//! When a cron pattern is due in a zone whose clocks change. The pattern is asked for readings of a
//! local clock that never changes; which points in time show them is decided here.

use chrono::{DateTime, Days, MappedLocalTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;

/// How far from UTC any local clock is, and some hours more.
const FAR: TimeDelta = TimeDelta::hours(30);

const SECOND: TimeDelta = TimeDelta::seconds(1);

/// Whether a pattern says how often (every quarter of an hour) rather than at which times of day.
pub(super) fn repeats(cron: &Cron) -> bool {
    let pattern = &cron.pattern;
    let fields = [&pattern.seconds, &pattern.minutes, &pattern.hours];
    fields.iter().any(|field| field.from_wildcard) || pattern.hours.is_all_set()
}

/// The first point in time after `after` at which the pattern is due; `None` where there is none in
/// sight.
pub(super) fn next_after(cron: &Cron, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
    let after = DateTime::from_timestamp(after.timestamp(), 0)?;
    if repeats(cron) { next_repeated(cron, after, zone) } else { next_time(cron, after, zone) }
}

/// A time of day that comes twice is due the first time only; one that is left out is due when the
/// clocks have jumped.
fn next_time(cron: &Cron, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
    let shown = reading(zone, after)?;
    let from = match zone.from_local_datetime(&shown) {
        // Clocks were set back: until they show something new, everything has been due.
        MappedLocalTime::Ambiguous(first, second) if second == after => {
            let changed = change_between(zone, first.to_utc(), after)?;
            let back = second - first;
            reading(zone, changed.checked_add_signed(back)?)?.checked_sub_signed(SECOND)?
        }
        MappedLocalTime::Ambiguous(..) | MappedLocalTime::Single(_) | MappedLocalTime::None => {
            shown
        }
    };
    first_of(zone, next_reading(cron, from)?)
}

/// What repeats goes on while clocks show an hour again, or leave one out: it is due as if they did
/// not change, or at its next regular time, whichever comes first.
fn next_repeated(cron: &Cron, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
    let offset = offset(zone, after);
    let next = next_reading(cron, reading(zone, after)?)?;
    let unchanged = next.checked_sub_signed(offset)?.and_utc();
    // A change that matters is near: beyond a day, nothing is due before the next reading.
    let near = unchanged.min(after.checked_add_days(Days::new(1))?);
    let Some(changed) = change_between(zone, after, near) else {
        return if near == unchanged { Some(unchanged) } else { first_of(zone, next) };
    };
    let regular = next_changed(cron, changed, zone)?;
    // For as long as they showed something again, or would have shown what they left out.
    let odd = (self::offset(zone, changed) - offset).abs();
    Some(if unchanged - changed < odd { regular.min(unchanged) } else { regular })
}

/// The first point in time at which the pattern is due, from the one on at which clocks changed.
fn next_changed(cron: &Cron, changed: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
    let offset = offset(zone, changed);
    let next = next_reading(cron, reading(zone, changed)?.checked_sub_signed(SECOND)?)?;
    let at = next.checked_sub_signed(offset)?.and_utc();
    if self::offset(zone, at) == offset { Some(at) } else { first_of(zone, next) }
}

/// When clocks show this for the first time; where they leave it out, when they jump over it.
fn first_of(zone: Tz, shown: NaiveDateTime) -> Option<DateTime<Utc>> {
    if let Some(first) = zone.from_local_datetime(&shown).earliest() {
        return Some(first.to_utc());
    }
    let about = shown.and_utc();
    change_between(zone, about.checked_sub_signed(FAR)?, about.checked_add_signed(FAR)?)
}

/// The first second at which clocks show `to`'s offset, if `from`'s is another. Zones change their
/// clocks more rarely than any two points in time that are asked here lie apart.
fn change_between(zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let before = offset(zone, from);
    if offset(zone, to) == before {
        return None;
    }
    let (mut from, mut to) = (from.timestamp(), to.timestamp());
    while to - from > 1 {
        let middle = from.midpoint(to);
        if offset(zone, DateTime::from_timestamp(middle, 0)?) == before {
            from = middle;
        } else {
            to = middle;
        }
    }
    DateTime::from_timestamp(to, 0)
}

/// What clocks show.
fn reading(zone: Tz, at: DateTime<Utc>) -> Option<NaiveDateTime> {
    at.naive_utc().checked_add_signed(offset(zone, at))
}

/// How far clocks are ahead of UTC.
fn offset(zone: Tz, at: DateTime<Utc>) -> TimeDelta {
    let offset = zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    TimeDelta::seconds(offset.local_minus_utc().into())
}

/// The next reading of the pattern on a clock that never changes.
fn next_reading(cron: &Cron, after: NaiveDateTime) -> Option<NaiveDateTime> {
    cron.find_next_occurrence(&after.and_utc(), false).ok().map(|next| next.naive_utc())
}

#[cfg(test)]
mod tests {
    use chrono::SecondsFormat;
    use croner::parser::{CronParser, Seconds};
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Schedule, Zone};

    const QUARTER: &str = "0 */15 * * * *";
    const NIGHT: &str = "0 30 2 * * *";
    const BERLIN: &str = "Europe/Berlin";
    const NEW_YORK: &str = "America/New_York";
    const LORD_HOWE: &str = "Australia/Lord_Howe";

    /// A zone, and when its clocks are set forward and back.
    const CHANGES: [(&str, [&str; 2]); 5] = [
        (BERLIN, ["2027-03-28T01:00:00Z", "2026-10-25T01:00:00Z"]),
        (NEW_YORK, ["2027-03-14T07:00:00Z", "2026-11-01T06:00:00Z"]),
        // By half an hour.
        (LORD_HOWE, ["2026-10-03T15:30:00Z", "2027-04-03T15:00:00Z"]),
        ("America/Havana", ["2027-03-14T05:00:00Z", "2026-11-01T05:00:00Z"]),
        ("America/Santiago", ["2026-09-06T04:00:00Z", "2027-04-04T03:00:00Z"]),
    ];

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    /// All that is due after one time, up to another.
    fn due(pattern: &str, zone: &str, after: &str, until: &str) -> Vec<DateTime<Utc>> {
        let (schedule, zone): (Schedule, Zone) = (pattern.parse().unwrap(), zone.parse().unwrap());
        let next = |last: &DateTime<Utc>| schedule.next_after(*last, zone);
        let all = std::iter::successors(next(&at(after)), next);
        all.take_while(|due| *due <= at(until)).take(100_000).collect()
    }

    fn texts(due: &[DateTime<Utc>]) -> Vec<String> {
        due.iter().map(|due| due.to_rfc3339_opts(SecondsFormat::Secs, true)).collect()
    }

    #[test]
    fn a_time_of_day_that_comes_twice_is_due_once() {
        let found = due(NIGHT, BERLIN, "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z");
        assert_eq!(texts(&found), ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
        // A daemon that starts while clocks show the hour again does not make up for it.
        for start in ["2026-10-25T01:00:00Z", "2026-10-25T01:29:59Z", "2026-10-25T01:59:59Z"] {
            let found = due(NIGHT, BERLIN, start, "2026-10-26T12:00:00Z");
            assert_eq!(texts(&found), ["2026-10-26T01:30:00Z"], "{start}");
        }
        let two = due("0 0 2,3 * * *", BERLIN, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z");
        assert_eq!(texts(&two), ["2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z"]);
        let half = due("0 45 1 * * *", LORD_HOWE, "2027-04-03T00:00:00Z", "2027-04-04T00:00:00Z");
        assert_eq!(texts(&half), ["2027-04-03T14:45:00Z"]);
    }

    #[test]
    fn a_time_of_day_that_is_left_out_is_due_when_clocks_have_jumped() {
        let found = due(NIGHT, BERLIN, "2027-03-27T12:00:00Z", "2027-03-29T12:00:00Z");
        assert_eq!(texts(&found), ["2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"]);
        let half = due("0 10 2 * * *", LORD_HOWE, "2026-10-03T00:00:00Z", "2026-10-04T00:00:00Z");
        assert_eq!(texts(&half), ["2026-10-03T15:30:00Z"]);
        // A whole day was left out.
        let day =
            due("0 0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", "2012-01-31T00:00:00Z");
        assert_eq!(texts(&day), ["2011-12-30T10:00:00Z"]);
    }

    #[test]
    fn every_quarter_of_an_hour_goes_on_while_clocks_change() {
        for (zone, changes) in CHANGES {
            for change in changes {
                let change = at(change);
                let around = [change - TimeDelta::hours(3), change + TimeDelta::hours(3)];
                let around = texts(&around);
                let found = due(QUARTER, zone, &around[0], &around[1]);
                assert_eq!(found.len(), 24, "{zone}: {:?}", texts(&found));
                for pair in found.windows(2) {
                    assert_eq!(pair[1] - pair[0], TimeDelta::minutes(15), "{zone}: {pair:?}");
                }
            }
        }
    }

    #[test]
    fn a_start_while_clocks_show_an_hour_again_finds_the_next_quarter() {
        for (start, next) in [
            ("2026-10-25T01:00:00Z", "2026-10-25T01:15:00Z"),
            ("2026-10-25T01:17:30.5Z", "2026-10-25T01:30:00Z"),
            ("2026-10-25T01:59:59Z", "2026-10-25T02:00:00Z"),
        ] {
            assert_eq!(texts(&due(QUARTER, BERLIN, start, next)), [next]);
        }
    }

    #[test]
    fn what_repeats_every_two_hours_is_late_for_neither_change() {
        let every_two = "0 0 */2 * * *";
        let spring = due(every_two, BERLIN, "2027-03-27T22:59:59Z", "2027-03-28T04:00:00Z");
        let expected = [
            "2027-03-27T23:00:00Z",
            "2027-03-28T01:00:00Z",
            "2027-03-28T02:00:00Z",
            "2027-03-28T04:00:00Z",
        ];
        assert_eq!(texts(&spring), expected);
        let autumn = due(every_two, BERLIN, "2026-10-24T23:59:59Z", "2026-10-25T03:00:00Z");
        assert_eq!(
            texts(&autumn),
            ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T03:00:00Z"]
        );
    }

    #[test]
    fn rare_patterns_and_impossible_ones_are_found_or_not() {
        let leap = due("0 0 2 29 2 *", BERLIN, "2026-01-01T00:00:00Z", "2033-01-01T00:00:00Z");
        assert_eq!(texts(&leap), ["2028-02-29T01:00:00Z", "2032-02-29T01:00:00Z"]);
        let monday = due("0 0 * * * 1", BERLIN, "2026-10-24T12:00:00Z", "2026-10-26T00:00:00Z");
        assert_eq!(texts(&monday)[0], "2026-10-25T23:00:00Z");
        let never = CronParser::builder().seconds(Seconds::Required).build().parse("0 0 0 30 2 *");
        let zone = BERLIN.parse().unwrap();
        assert_eq!(next_after(&never.unwrap(), at("2026-01-01T00:00:00Z"), zone), None);
    }

    proptest! {
        /// Wherever it starts: no pause is longer than on any other day, save where it is longer than
        /// what clocks are set by; and no two times are the same.
        #[test]
        fn what_repeats_never_pauses_for_longer_and_never_storms(
            zone in 0..CHANGES.len(),
            autumn in 0..2_usize,
            start in -14_400..14_400_i64,
            step in prop::sample::select(vec![1_i64, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120]),
            minute in 0..60_i64,
        ) {
            let pattern = match step {
                60 => format!("0 {minute} * * * *"),
                120 => format!("0 {minute} */2 * * *"),
                step => format!("0 {}/{step} * * * *", minute % step),
            };
            let (zone, changes) = CHANGES[zone];
            let start = at(changes[autumn]) + TimeDelta::seconds(start);
            let bounds = texts(&[start, start + TimeDelta::hours(6)]);
            let found = due(&pattern, zone, &bounds[0], &bounds[1]);
            let step = TimeDelta::minutes(step);
            let odd = TimeDelta::minutes(if zone == LORD_HOWE { 30 } else { 60 });
            let longest = if step <= odd { step } else { step + odd };
            let first = found.first().map_or(TimeDelta::MAX, |first| *first - start);
            prop_assert!(first <= longest, "{pattern} {zone} {start}: {first}");
            let mut near = 0;
            for pair in found.windows(2) {
                let apart = pair[1] - pair[0];
                prop_assert!(TimeDelta::zero() < apart && apart <= longest, "{pattern} {zone}: {pair:?}");
                near += i32::from(apart < step);
            }
            prop_assert!(near <= 2, "{pattern} {zone}: {:?}", texts(&found));
        }

        /// A time of day is due once a day, in each zone that there is.
        #[test]
        fn a_time_of_day_is_due_once_for_each_day(
            zone in prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
            day in 0..3_650_i64,
            hour in 0..24_u32,
            minute in 0..60_u32,
        ) {
            let pattern = format!("0 {minute} {hour} * * *");
            let start = at("2024-01-01T00:00:00Z") + TimeDelta::days(day);
            let bounds = texts(&[start, start + TimeDelta::days(20)]);
            let found = due(&pattern, zone.name(), &bounds[0], &bounds[1]);
            prop_assert!((19..=21).contains(&found.len()), "{pattern} {zone}: {:?}", texts(&found));
            for pair in found.windows(2) {
                let hours = (pair[1] - pair[0]).num_minutes();
                prop_assert!((20 * 60..=28 * 60).contains(&hours), "{pattern} {zone}: {pair:?}");
            }
        }
    }
}
