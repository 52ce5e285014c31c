//! The parts of a written time: hours and minutes, fractions of a second, zones.

use chrono::{FixedOffset, NaiveTime};

/// A time of day, and the text behind it.
pub(super) struct Face<'a> {
    pub(super) time: NaiveTime,
    pub(super) rest: &'a str,
}

/// Reads `HH:MM`, `HH:MM:SS` and fractions of a second behind it.
pub(super) fn time_of_day(text: &str) -> Option<Face<'_>> {
    let (hours, rest) = two_digits(text)?;
    let (minutes, rest) = two_digits(rest.strip_prefix(':')?)?;
    let Some(rest_of_seconds) = rest.strip_prefix(':') else {
        return Some(Face { time: NaiveTime::from_hms_opt(hours, minutes, 0)?, rest });
    };
    let (seconds, rest) = two_digits(rest_of_seconds)?;
    let (nanoseconds, rest) = fraction(rest.as_bytes())?;
    // What is left begins behind ASCII digits.
    let rest = str::from_utf8(rest).ok()?;
    // A leap second is the last one of its minute.
    let seconds = if seconds == 60 { 59 } else { seconds };
    Some(Face { time: NaiveTime::from_hms_nano_opt(hours, minutes, seconds, nanoseconds)?, rest })
}

/// The nanoseconds of a fraction, if there is one, and what stands behind it.
pub(super) fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let Some(digits) = text.strip_prefix(b".").or_else(|| text.strip_prefix(b",")) else {
        return Some((0, text));
    };
    let n = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = digits.split_at_checked(n)?;
    let padded = digits.iter().copied().chain(std::iter::repeat(b'0')).take(9);
    let nanoseconds = padded.into_iter().try_fold(0, |sum, byte| Some(sum * 10 + digit(byte)?))?;
    Some((nanoseconds, rest))
}

/// The zone that a text ends in: none, `Z`, `UTC` and `GMT` are UTC, and an offset is what it says,
/// whatever name stands behind it.
pub(super) fn zone(text: &str) -> Option<FixedOffset> {
    let text = text.trim();
    let utc = FixedOffset::east_opt(0);
    if text.is_empty() || ["Z", "UTC", "GMT"].iter().any(|name| text.eq_ignore_ascii_case(name)) {
        return utc;
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, rest) = two_digits(text.get(1..)?)?;
    let (minutes, rest) = match two_digits(rest.strip_prefix(':').unwrap_or(rest)) {
        Some(minutes) => minutes,
        None => (0, rest),
    };
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphabetic() || "/_+-".contains(c));
    if minutes > 59 || !(rest.is_empty() || rest.strip_prefix(' ').is_some_and(is_name)) {
        return None;
    }
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    FixedOffset::east_opt(sign * seconds)
}

fn two_digits(text: &str) -> Option<(u32, &str)> {
    let (tens, rest) = text.as_bytes().split_first()?;
    let ones = rest.first()?;
    Some((digit(*tens)? * 10 + digit(*ones)?, text.get(2..)?))
}

pub(super) fn digit(byte: u8) -> Option<u32> {
    byte.is_ascii_digit().then(|| u32::from(byte - b'0'))
}
