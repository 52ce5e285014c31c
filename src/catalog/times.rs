//! Times as databases and programs write them into a column.
//!
//! What names no zone is UTC. Abbreviations of zones mean nothing by themselves, since several
//! places share each of them; only UTC and GMT do, and those that RFC 2822 defines.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use super::clock_face::{Face, digit, fraction, time_of_day, zone};

/// From here on a number is milliseconds since 1970: seconds end in the year 5138. Microseconds and
/// nanoseconds begin where the smaller unit would come to the same year.
const MILLISECONDS_FROM: u64 = 100_000_000_000;
const MICROSECONDS_FROM: u64 = MILLISECONDS_FROM * 1000;
const NANOSECONDS_FROM: u64 = MICROSECONDS_FROM * 1000;

/// Days since noon of 24 November 4714 BC, as `SQLite` counts them: from 1900 to 2100. As seconds
/// since 1970 they would all lie in January of that year.
const JULIAN_DAYS: std::ops::Range<f64> = 2_415_020.0..2_488_070.0;

/// The first second of 1970 as such a day.
const JULIAN_EPOCH: f64 = 2_440_587.5;

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, or a date written as one number.
pub(super) fn of_number(number: i64) -> Option<DateTime<Utc>> {
    if let Some(time) = compact(number) {
        return Some(time);
    }
    match number.unsigned_abs() {
        NANOSECONDS_FROM.. => Some(DateTime::from_timestamp_nanos(number)),
        MICROSECONDS_FROM.. => DateTime::from_timestamp_micros(number),
        MILLISECONDS_FROM.. => DateTime::from_timestamp_millis(number),
        _ => DateTime::from_timestamp(number, 0),
    }
}

/// `YYYYMMDD` and `YYYYMMDDHHMMSS` from 1970 to 2999. As seconds and milliseconds since 1970 they
/// would lie in 1970 and after the year 2590, which are no times of writing.
fn compact(number: i64) -> Option<DateTime<Utc>> {
    let (date, clock) = match number {
        19_700_101..=29_991_231 => (number, 0),
        19_700_101_000_000..=29_991_231_235_959 => (number / 1_000_000, number % 1_000_000),
        _ => return None,
    };
    let part = |number: i64, by: i64| u32::try_from(number / by % 100).ok();
    let year = i32::try_from(date / 10_000).ok()?;
    let date = NaiveDate::from_ymd_opt(year, part(date, 100)?, part(date, 1)?)?;
    Some(date.and_hms_opt(part(clock, 10_000)?, part(clock, 100)?, part(clock, 1)?)?.and_utc())
}

/// The same with a fraction, which is cut off; and days as `SQLite` counts them.
pub(super) fn of_real(number: f64) -> Option<DateTime<Utc>> {
    if JULIAN_DAYS.contains(&number) && number.fract() != 0.0 {
        let seconds = ((number - JULIAN_EPOCH) * 86_400.0).round();
        return DateTime::from_timestamp(seconds.to_string().parse().ok()?, 0);
    }
    of_number(number.trunc().to_string().parse().ok()?)
}

/// What a column holds that was never written: nothing, or the zero date of MySQL.
pub(super) fn is_blank(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || text.starts_with("0000-00-00")
}

/// A time in any of the spellings that databases and programs use: RFC 3339 and its looser
/// relatives, RFC 2822, the one of C, and numbers. `None` where it is none of them.
pub(super) fn parse(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    plain(text).or_else(|| odd(text))
}

/// What a database writes for a time, in UTC: of every row of a scan, so that it has to be quick.
fn plain(text: &str) -> Option<DateTime<Utc>> {
    let (main, rest) = text.as_bytes().split_first_chunk::<19>()?;
    let [
        y3,
        y2,
        y1,
        y0,
        b'-',
        m1,
        m0,
        b'-',
        d1,
        d0,
        b' ' | b'T',
        h1,
        h0,
        b':',
        n1,
        n0,
        b':',
        s1,
        s0,
    ] = *main
    else {
        return None;
    };
    let two = |tens, ones| Some(digit(tens)? * 10 + digit(ones)?);
    let year = i32::try_from(two(y3, y2)? * 100 + two(y1, y0)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, two(m1, m0)?, two(d1, d0)?)?;
    let (nanoseconds, rest) = fraction(rest)?;
    let time = NaiveTime::from_hms_nano_opt(two(h1, h0)?, two(n1, n0)?, two(s1, s0)?, nanoseconds)?;
    matches!(rest, b"" | b"Z" | b"+00" | b"+00:00").then(|| date.and_time(time).and_utc())
}

fn odd(text: &str) -> Option<DateTime<Utc>> {
    match text.to_ascii_lowercase().as_str() {
        // PostgreSQL's times behind and before all others.
        "infinity" => return Some(DateTime::<Utc>::MAX_UTC),
        "-infinity" => return Some(DateTime::<Utc>::MIN_UTC),
        _ => {}
    }
    dated(text)
        .or_else(|| basic(text))
        .or_else(|| DateTime::parse_from_rfc2822(text).ok().map(|time| time.to_utc()))
        .or_else(|| of_c(text))
        .or_else(|| text.parse().ok().map_or_else(|| of_real(text.parse().ok()?), of_number))
}

/// `YYYY-MM-DD`, and behind it what there is of a time and a zone.
fn dated(text: &str) -> Option<DateTime<Utc>> {
    // Go writes its monotonic clock behind a time, and Java the name of the zone.
    let text = text.split_once(" m=").map_or(text, |(text, _)| text);
    let text = text.split_once('[').map_or(text, |(text, _)| text);
    let (date, rest) = text.split_at_checked(10)?;
    let date = ["%Y-%m-%d", "%Y/%m/%d"]
        .into_iter()
        .find_map(|format| NaiveDate::parse_from_str(date, format).ok())?;
    let clock = rest.strip_prefix(['T', 't', ' ']).map(str::trim_start);
    let Face { time, rest } = match clock.and_then(time_of_day) {
        Some(face) => face,
        None => Face { time: NaiveTime::MIN, rest },
    };
    at(date.and_time(time), zone(rest)?)
}

/// `YYYYMMDDTHHMMSS`, and behind it what there is of a zone.
fn basic(text: &str) -> Option<DateTime<Utc>> {
    let (main, rest) = text.split_at_checked(15)?;
    at(NaiveDateTime::parse_from_str(main, "%Y%m%dT%H%M%S").ok()?, zone(rest)?)
}

/// `Tue Nov 14 22:13:20 2023`, as C, and with UTC before the year, as `date` writes it.
fn of_c(text: &str) -> Option<DateTime<Utc>> {
    let formats = ["%a %b %e %H:%M:%S %Y", "%a %b %e %H:%M:%S UTC %Y", "%a %b %e %H:%M:%S GMT %Y"];
    let read = |format| NaiveDateTime::parse_from_str(text, format).ok();
    formats.into_iter().find_map(read).map(|time| time.and_utc())
}

fn at(local: NaiveDateTime, offset: FixedOffset) -> Option<DateTime<Utc>> {
    Some(local.checked_sub_offset(offset)?.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_read_in_every_spelling_that_databases_and_programs_use() {
        let expected = DateTime::from_timestamp(1_700_000_000, 0);
        for number in [
            1_700_000_000,
            1_700_000_000_000,
            1_700_000_000_000_000,
            1_700_000_000_000_000_000,
            20_231_114_221_320,
        ] {
            assert_eq!(of_number(number), expected, "{number}");
        }
        assert_eq!(of_real(1_700_000_000.9), expected);
        assert_eq!(of_real(2_460_263.425_925_926), expected, "a Julian day");
        for text in [
            "2023-11-14 22:13:20",
            "2023-11-14T22:13:20",
            "2023-11-14t22:13:20z",
            "2023-11-14T22:13:20Z",
            "2023-11-14 22:13:20 UTC",
            "2023-11-14 22:13:20 utc",
            "2023-11-14 22:13:20UTC",
            "2023-11-14 22:13:20 GMT",
            "2023-11-14 22:13:20 Z",
            "2023-11-14 22:13:20 +00",
            "2023-11-14T22:13:20.000 UTC",
            "2023/11/14 22:13:20",
            "2023-11-15T00:13:20+02:00",
            "2023-11-15T00:13:20+02:00[Europe/Berlin]",
            "2023-11-14 22:13:20+00:00",
            "2023-11-14 22:13:20+00",
            "2023-11-15 00:13:20+02",
            "2023-11-15 00:13:20+0200",
            "2023-11-14 17:13:20-05",
            "2023-11-15 03:43:20+05:30",
            "2023-11-15 00:13:20 +0200",
            "2023-11-15 00:13:20 +0200 CEST",
            "2023-11-14 22:13:20 +0000 UTC m=+0.000012345",
            "20231114T221320Z",
            "20231114T221320",
            "20231115T001320+0200",
            "Tue, 14 Nov 2023 22:13:20 +0000",
            "Tue, 14 Nov 2023 22:13:20 GMT",
            "14 Nov 2023 17:13:20 EST",
            "Wed, 15 Nov 2023 00:13:20 +0200",
            "Tue Nov 14 22:13:20 2023",
            "Tue Nov 14 22:13:20 UTC 2023",
            " 2023-11-14 22:13:20 \n",
            "1700000000",
            "1700000000000",
            "1700000000.000",
            "20231114221320",
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
        let at = |text: &str| parse(text).unwrap().timestamp();
        for text in ["2023-11-14 22:13", "2023-11-14T22:13Z", "2023-11-15T00:13+02:00"] {
            assert_eq!(at(text), 1_699_999_980, "{text}");
        }
        for text in ["2023-11-14", "20231114", "2023-11-14Z", "2023-11-14 UTC"] {
            assert_eq!(at(text), 1_699_920_000, "{text}");
        }
        let millis = |text| parse(text).unwrap().timestamp_millis();
        for text in [
            "2023-11-14 22:13:20.25",
            "2023-11-14 22:13:20,25",
            "2023-11-14 22:13:20.250000+00",
            "2023-11-14 22:13:20.2500000001 +0000 UTC",
            "2023-11-14T22:13:20.250Z",
        ] {
            assert_eq!(millis(text), 1_700_000_000_250, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "soon",
            "0000-00-00 00:00:00",
            "2023-02-30 00:00:00",
            "2023-11-14 22:13:20 or so",
            "2023-11-14 22:13:99",
            "2023-11-14 25:13",
            "2023-11-14 2",
            "2023-11-14 22:13:20 CET",
            "2023-11-14 22:13:20+99",
            "11/14/2023 10:13 PM",
            "14.11.2023",
            "0044-03-15 00:00:00 BC",
            "NaN",
            "é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(of_real(f64::NAN), None);
        assert_eq!(of_real(f64::INFINITY), None);
    }

    #[test]
    fn times_beyond_all_others_are_no_text() {
        assert_eq!(parse("infinity"), Some(DateTime::<Utc>::MAX_UTC));
        assert_eq!(parse(" -Infinity "), Some(DateTime::<Utc>::MIN_UTC));
        assert!(parse("9999-12-31 23:59:59").is_some());
        assert!(of_number(i64::MAX).is_some());
        assert!(is_blank(" ") && is_blank("0000-00-00 00:00:00.000000") && !is_blank("soon"));
    }

    proptest! {
        #[test]
        fn every_spelling_of_one_time_is_the_same_time(
            // So few microseconds since 1970 would be milliseconds: nothing was written then.
            seconds in 200_000_000_i64..4_102_444_800,
            minutes in -720_i32..=840,
        ) {
            let time = DateTime::from_timestamp(seconds, 0).unwrap();
            let zone = FixedOffset::east_opt(minutes * 60).unwrap();
            let local = time.with_timezone(&zone);
            let spelled = |format| local.format(format).to_string();
            for text in [
                time.format("%F %T").to_string(),
                time.format("%FT%TZ").to_string(),
                time.format("%F %T UTC").to_string(),
                time.format("%a %b %e %T %Y").to_string(),
                time.to_rfc2822(),
                local.to_rfc2822(),
                local.to_rfc3339(),
                spelled("%F %T%z"),
                spelled("%F %T %z"),
                spelled("%FT%T%.6f%:z"),
                spelled("%Y%m%dT%H%M%S%z"),
                time.timestamp_micros().to_string(),
            ] {
                prop_assert_eq!(parse(&text), Some(time), "{}", text);
            }
        }

        #[test]
        fn no_text_is_too_odd(text in "\\PC{0,40}") {
            let _ = parse(&text);
        }
    }
}
