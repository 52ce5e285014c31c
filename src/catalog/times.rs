//! Times as databases and programs write them into a column.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

/// Integers from here on are milliseconds since 1970, since the year 5138 is no time of writing.
const MILLISECONDS_FROM: u64 = 100_000_000_000;

/// Seconds or milliseconds since 1970.
pub(super) fn of_number(number: i64) -> Option<DateTime<Utc>> {
    if number.unsigned_abs() >= MILLISECONDS_FROM {
        return DateTime::from_timestamp_millis(number);
    }
    DateTime::from_timestamp(number, 0)
}

/// The same with a fraction, which is cut off.
pub(super) fn of_real(number: f64) -> Option<DateTime<Utc>> {
    of_number(number.trunc().to_string().parse().ok()?)
}

/// RFC 3339, `YYYY-MM-DD HH:MM:SS` in UTC or with an offset, a date, or seconds since 1970.
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

/// The nanoseconds of a fraction, if there is one, and what stands behind it.
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let Some(digits) = text.strip_prefix(b".") else { return Some((0, text)) };
    let n = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = digits.split_at_checked(n)?;
    let padded = digits.iter().copied().chain(std::iter::repeat(b'0')).take(9);
    let nanoseconds = padded.into_iter().try_fold(0, |sum, byte| Some(sum * 10 + digit(byte)?))?;
    Some((nanoseconds, rest))
}

fn digit(byte: u8) -> Option<u32> {
    byte.is_ascii_digit().then(|| u32::from(byte - b'0'))
}

fn odd(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
            return Some(time.and_utc());
        }
    }
    // What Go programs write: an offset without a colon, and a zone name behind it.
    let (main, _zone) = text.rsplit_once(' ').unwrap_or((text, ""));
    for candidate in [text, main] {
        for format in ["%Y-%m-%d %H:%M:%S%.f %z", "%Y-%m-%d %H:%M:%S%.f%#z"] {
            if let Ok(time) = DateTime::parse_from_str(candidate, format) {
                return Some(time.to_utc());
            }
        }
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(date.and_time(NaiveTime::MIN).and_utc());
    }
    text.parse().ok().map_or_else(|| of_real(text.parse().ok()?), of_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_spelling_that_databases_use() {
        let expected = DateTime::from_timestamp(1_700_000_000, 0);
        assert_eq!(of_number(1_700_000_000), expected);
        assert_eq!(of_number(1_700_000_000_000), expected);
        assert_eq!(of_real(1_700_000_000.9), expected);
        for text in [
            "2023-11-14 22:13:20",
            "2023-11-14T22:13:20",
            "2023-11-14T22:13:20Z",
            "2023-11-15T00:13:20+02:00",
            "2023-11-14 22:13:20+00:00",
            "2023-11-14 22:13:20+00",
            "2023-11-15 00:13:20+02",
            "2023-11-15 03:43:20+05:30",
            "2023-11-15 00:13:20 +0200",
            "2023-11-15 00:13:20 +0200 CEST",
            " 2023-11-14 22:13:20 \n",
            "1700000000",
            "1700000000000",
            "1700000000.000",
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
        let millis = |text| parse(text).unwrap().timestamp_millis();
        assert_eq!(millis("2023-11-14 22:13:20.25"), 1_700_000_000_250);
        assert_eq!(millis("2023-11-14 22:13:20.250000+00"), 1_700_000_000_250);
        assert_eq!(millis("2023-11-14T22:13:20.250Z"), 1_700_000_000_250);
        assert_eq!(parse("2023-11-14").unwrap().timestamp(), 1_699_920_000);
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "soon",
            "infinity",
            "0000-00-00 00:00:00",
            "2023-02-30 00:00:00",
            "2023-11-14 22:13:20 or so",
            "2023-11-14 22:13:99",
            "0044-03-15 00:00:00 BC",
            "NaN",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(of_number(i64::MAX), None);
        assert_eq!(of_real(f64::NAN), None);
    }
}
