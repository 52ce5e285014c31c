//! [`Cell`]: what a database hands over for one column, and what it means. Whatever type a column
//! has, decoding never fails: what cannot be understood is a malformed digest, or not known.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use crate::model::Digest;

/// Integers from here on are milliseconds since 1970, since the year 5138 is no time of writing.
const MILLISECONDS_FROM: u64 = 100_000_000_000;

/// One value of one row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// Text that is not UTF-8.
    Garbled(&'a [u8]),
}

impl Cell<'_> {
    /// The digest: hex text in any case, as text or as bytes, or 32 raw bytes. Otherwise what the
    /// column shows, fit for printing.
    pub(super) fn digest(&self) -> Result<Digest, String> {
        match self {
            Self::Text(text) => text.parse::<Digest>().map_err(|error| error.shown),
            Self::Bytes(bytes) => Digest::from_column(bytes).map_err(|error| error.shown),
            // Never 32 raw bytes: those are told from text by the column's type alone.
            Self::Garbled(bytes) => {
                let text = String::from_utf8_lossy(bytes);
                text.parse::<Digest>().map_err(|error| error.shown)
            }
            Self::Null => Err("NULL".to_owned()),
            Self::Integer(number) => Err(format!("`{number}`")),
            Self::Real(number) => Err(format!("`{number}`")),
        }
    }

    /// Whether a digest is spelled in a way that a look-up by its lower-case hex, its upper-case
    /// hex or its raw bytes finds.
    pub(super) fn is_plainly_spelled(&self) -> bool {
        match self {
            Self::Text(text) => {
                let has = |of: fn(&u8) -> bool| text.bytes().any(|byte| of(&byte));
                !(has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase))
            }
            Self::Bytes(bytes) => bytes.len() == 32,
            Self::Null | Self::Integer(_) | Self::Real(_) | Self::Garbled(_) => false,
        }
    }

    /// A whole number, where it is one.
    pub(super) fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Null | Self::Real(_) | Self::Text(_) | Self::Bytes(_) | Self::Garbled(_) => None,
        }
    }

    /// A size in bytes; NULL, 0 and what is no whole number mean that it is not known.
    pub(super) fn size(&self) -> Option<u64> {
        let size = match self {
            Self::Integer(number) => u64::try_from(*number).ok()?,
            Self::Real(number) if number.fract() == 0.0 => number.to_string().parse().ok()?,
            Self::Text(text) => text.trim().parse().ok()?,
            Self::Bytes(bytes) => str::from_utf8(bytes).ok()?.trim().parse().ok()?,
            Self::Null | Self::Real(_) | Self::Garbled(_) => return None,
        };
        (size > 0).then_some(size)
    }

    /// A time: RFC 3339, `YYYY-MM-DD HH:MM:SS` in UTC, or seconds since 1970. `None` counts as old.
    pub(super) fn time(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Integer(number) if number.unsigned_abs() >= MILLISECONDS_FROM => {
                DateTime::from_timestamp_millis(*number)
            }
            Self::Integer(number) => DateTime::from_timestamp(*number, 0),
            Self::Real(number) => {
                let whole = number.trunc().to_string().parse().ok()?;
                Cell::Integer(whole).time()
            }
            Self::Text(text) => parse_time(text.trim()),
            Self::Bytes(bytes) => parse_time(str::from_utf8(bytes).ok()?.trim()),
            Self::Null | Self::Garbled(_) => None,
        }
    }

    /// A URL; NULL, blank and what is no text mean that there is none.
    pub(super) fn url(&self) -> Option<&str> {
        let text = match self {
            Self::Text(text) => text,
            Self::Bytes(bytes) => str::from_utf8(bytes).ok()?,
            Self::Null | Self::Integer(_) | Self::Real(_) | Self::Garbled(_) => return None,
        };
        let text = text.trim();
        (!text.is_empty()).then_some(text)
    }

    /// The value as people read it; NULL and blank are none.
    pub(super) fn shown(&self) -> Option<String> {
        let text = match self {
            Self::Null => return None,
            Self::Integer(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Text(text) => (*text).to_owned(),
            Self::Bytes(bytes) | Self::Garbled(bytes) => {
                String::from_utf8_lossy(bytes).into_owned()
            }
        };
        (!text.is_empty()).then_some(text)
    }
}

fn parse_time(text: &str) -> Option<DateTime<Utc>> {
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
        if let Ok(time) = DateTime::parse_from_str(candidate, "%Y-%m-%d %H:%M:%S%.f %z") {
            return Some(time.to_utc());
        }
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_time(NaiveTime::MIN).and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_hex_in_any_case_or_32_raw_bytes_and_nothing_else() {
        let hex = "ab01".repeat(16);
        let digest: Digest = hex.parse().unwrap();
        let upper = hex.to_uppercase();
        for cell in [
            Cell::Text(&hex),
            Cell::Text(&upper),
            Cell::Bytes(hex.as_bytes()),
            Cell::Bytes(digest.as_bytes()),
        ] {
            assert_eq!(cell.digest(), Ok(digest), "{cell:?}");
        }
        let text = "x".repeat(32);
        for (cell, shown) in [
            (Cell::Null, "NULL"),
            (Cell::Integer(7), "`7`"),
            (Cell::Text("abc"), "`abc`"),
            (Cell::Text(&text), "`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`"),
            (Cell::Garbled(&[0xff; 2]), "`\u{fffd}\u{fffd}`"),
        ] {
            assert_eq!(cell.digest(), Err(shown.to_owned()));
        }
        assert!(Cell::Garbled(&[0xff; 32]).digest().is_err());
    }

    #[test]
    fn a_mixed_case_spelling_is_not_plain() {
        let hex = "ab01".repeat(16);
        assert!(Cell::Text(&hex).is_plainly_spelled());
        assert!(Cell::Text(&hex.to_uppercase()).is_plainly_spelled());
        assert!(Cell::Bytes(&[1; 32]).is_plainly_spelled());
        assert!(!Cell::Text(&hex.replacen('a', "A", 1)).is_plainly_spelled());
        assert!(!Cell::Bytes(hex.as_bytes()).is_plainly_spelled());
    }

    #[test]
    fn a_size_is_a_positive_whole_number_of_whatever_type() {
        for cell in [Cell::Integer(12), Cell::Real(12.0), Cell::Text(" 12 "), Cell::Bytes(b"12")] {
            assert_eq!(cell.size(), Some(12), "{cell:?}");
        }
        for cell in [
            Cell::Null,
            Cell::Integer(0),
            Cell::Integer(-1),
            Cell::Real(1.5),
            Cell::Real(f64::NAN),
            Cell::Real(f64::INFINITY),
            Cell::Real(-3.0),
            Cell::Text("12 MB"),
            Cell::Garbled(b"\xff"),
        ] {
            assert_eq!(cell.size(), None, "{cell:?}");
        }
    }

    #[test]
    fn times_are_read_in_every_spelling_that_databases_use() {
        let expected = DateTime::from_timestamp(1_700_000_000, 0);
        for cell in [
            Cell::Integer(1_700_000_000),
            Cell::Integer(1_700_000_000_000),
            Cell::Real(1_700_000_000.0),
            Cell::Text("2023-11-14 22:13:20"),
            Cell::Text("2023-11-14T22:13:20"),
            Cell::Text("2023-11-14T22:13:20Z"),
            Cell::Text("2023-11-15T00:13:20+02:00"),
            Cell::Text("2023-11-14 22:13:20+00:00"),
            Cell::Text("2023-11-15 00:13:20 +0200"),
            Cell::Text("2023-11-15 00:13:20 +0200 CEST"),
            Cell::Bytes(b"2023-11-14 22:13:20"),
        ] {
            assert_eq!(cell.time(), expected, "{cell:?}");
        }
        let fraction = Cell::Text("2023-11-14 22:13:20.25").time().unwrap();
        assert_eq!(fraction.timestamp_millis(), 1_700_000_000_250);
        assert_eq!(Cell::Text("2023-11-14").time().unwrap().timestamp(), 1_699_920_000);
        for cell in [
            Cell::Null,
            Cell::Text("soon"),
            Cell::Text(""),
            Cell::Integer(i64::MAX),
            Cell::Real(f64::NAN),
        ] {
            assert_eq!(cell.time(), None, "{cell:?}");
        }
    }

    #[test]
    fn a_blank_url_is_none() {
        assert_eq!(Cell::Text(" https://h/x\n").url(), Some("https://h/x"));
        for cell in [Cell::Null, Cell::Text(""), Cell::Text("  "), Cell::Integer(1)] {
            assert_eq!(cell.url(), None);
        }
    }
}
