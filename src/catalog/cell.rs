//! [`Cell`]: what a database hands over for one column, and what it means. Whatever type a column
//! has, decoding never fails: what cannot be understood is a malformed digest, or not known.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::model::Digest;

use super::{spelling, times};

/// One value of one row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Time(DateTime<Utc>),
    Text(&'a str),
    Bytes(Cow<'a, [u8]>),
    /// Text that is not UTF-8.
    Garbled(&'a [u8]),
}

impl Cell<'_> {
    /// A value that is there, and that the library could not hand over.
    pub(super) const UNREAD: Self = Self::Garbled(&[]);

    /// The digest: hex text as [`spelling::read`] takes it, as text or as bytes, or 32 raw bytes.
    /// `None` of NULL, which wants nothing. Otherwise what the column shows, fit for printing.
    pub(super) fn digest(&self) -> Result<Option<Digest>, String> {
        match self {
            Self::Null => Ok(None),
            Self::Text(text) => spelling::read(text).map(Some),
            Self::Bytes(bytes) => {
                let raw = Digest::from_column(bytes).map_err(|error| error.shown);
                let text = |shown| str::from_utf8(bytes).map_or(Err(shown), spelling::read);
                raw.or_else(text).map(Some)
            }
            // Never 32 raw bytes: those are told from text by the column's type alone.
            Self::Garbled(bytes) => spelling::read(&String::from_utf8_lossy(bytes)).map(Some),
            Self::Integer(number) => Err(format!("`{number}`")),
            Self::Real(number) => Err(format!("`{number}`")),
            Self::Time(time) => Err(format!("`{time}`")),
        }
    }

    /// Whether a digest is spelled in a way that a look-up by [`spelling::plain`] or by its raw
    /// bytes finds.
    pub(super) fn is_plainly_spelled(&self) -> bool {
        match self {
            Self::Text(text) => spelling::is_plain(text.as_bytes()),
            Self::Bytes(bytes) => bytes.len() == 32 || spelling::is_plain(bytes),
            Self::Null | Self::Integer(_) | Self::Real(_) | Self::Time(_) | Self::Garbled(_) => {
                false
            }
        }
    }

    /// A whole number, where it is one.
    pub(super) fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Null | Self::Real(_) | Self::Time(_) | Self::Bytes(_) | Self::Garbled(_) => None,
        }
    }

    /// A size in bytes; NULL, 0 and what is no whole number mean that it is not known.
    pub(super) fn size(&self) -> Option<u64> {
        let size = match self {
            Self::Integer(number) => u64::try_from(*number).ok()?,
            Self::Real(number) => whole(*number)?,
            Self::Text(text) => parse_size(text)?,
            Self::Bytes(bytes) => parse_size(str::from_utf8(bytes).ok()?)?,
            Self::Null | Self::Time(_) | Self::Garbled(_) => return None,
        };
        (size > 0).then_some(size)
    }

    /// Whether a flag is set; NULL and what says neither yes nor no mean that it is.
    pub(super) fn flag(&self) -> bool {
        let is_no = |text: &str| {
            let text = text.trim();
            ["0", "f", "false", "n", "no", "off"].iter().any(|no| text.eq_ignore_ascii_case(no))
        };
        match self {
            Self::Integer(number) => *number != 0,
            Self::Real(number) => *number != 0.0,
            Self::Text(text) => !is_no(text),
            Self::Bytes(bytes) => !str::from_utf8(bytes).is_ok_and(is_no),
            Self::Null | Self::Time(_) | Self::Garbled(_) => true,
        }
    }

    /// A time as [`times::parse`] takes it, or a number of seconds since 1970. `None` where none is
    /// told. Otherwise what the column shows, fit for printing.
    pub(super) fn time(&self) -> Result<Option<DateTime<Utc>>, String> {
        let of_text = |text: &str| {
            if times::is_blank(text) { Some(None) } else { times::parse(text).map(Some) }
        };
        let time = match self {
            Self::Null => Some(None),
            Self::Integer(number) => times::of_number(*number).map(Some),
            Self::Real(number) => times::of_real(*number).map(Some),
            Self::Time(time) => Some(Some(*time)),
            Self::Text(text) => of_text(text),
            Self::Bytes(bytes) => str::from_utf8(bytes).ok().and_then(of_text),
            Self::Garbled(_) => None,
        };
        time.ok_or_else(|| printable(&self.shown().unwrap_or_default()))
    }

    /// A text such as a URL; NULL, blank and what is no text mean that there is none.
    pub(super) fn text(&self) -> Option<&str> {
        let text = match self {
            Self::Text(text) => text,
            Self::Bytes(bytes) => str::from_utf8(bytes).ok()?,
            Self::Null | Self::Integer(_) | Self::Real(_) | Self::Time(_) | Self::Garbled(_) => {
                return None;
            }
        };
        let text = text.trim();
        (!text.is_empty()).then_some(text)
    }

    /// A text to the last character; `None` where it is none.
    pub(super) fn content(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some((*text).to_owned()),
            Self::Bytes(bytes) => str::from_utf8(bytes).ok().map(str::to_owned),
            Self::Null | Self::Integer(_) | Self::Real(_) | Self::Time(_) | Self::Garbled(_) => {
                None
            }
        }
    }

    /// The value as people read it; NULL and blank are none.
    pub(super) fn shown(&self) -> Option<String> {
        let text = match self {
            Self::Null => return None,
            Self::Integer(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Time(time) => time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            Self::Text(text) => (*text).to_owned(),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Self::Garbled(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        };
        (!text.is_empty()).then_some(text)
    }
}

/// A text, cut and without control characters.
fn printable(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    // Databases write a decimal as `5.00`, and a large floating point number as `1e+15`.
    text.parse().ok().or_else(|| whole(text.parse().ok()?))
}

fn whole(number: f64) -> Option<u64> {
    if number.fract() == 0.0 { number.to_string().parse().ok() } else { None }
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
            Cell::Bytes(hex.as_bytes().into()),
            Cell::Bytes(digest.as_bytes().into()),
        ] {
            assert_eq!(cell.digest(), Ok(Some(digest)), "{cell:?}");
        }
        assert_eq!(Cell::Null.digest(), Ok(None), "NULL wants nothing");
        let text = "x".repeat(32);
        for (cell, shown) in [
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
        assert!(Cell::Bytes([1; 32][..].into()).is_plainly_spelled());
        assert!(Cell::Bytes(hex.as_bytes().into()).is_plainly_spelled());
        let mixed = hex.replacen('a', "A", 1);
        assert!(!Cell::Text(&mixed).is_plainly_spelled());
        assert!(!Cell::Bytes(mixed.as_bytes().into()).is_plainly_spelled());
    }

    #[test]
    fn a_prefix_or_white_space_around_a_digest_hides_it_neither_as_text_nor_as_bytes() {
        let hex = "ab01".repeat(16);
        let digest: Digest = hex.parse().unwrap();
        for (text, is_plain) in [
            (format!("sha256:{hex}"), true),
            (format!("SHA256:{hex}"), false),
            (format!("sha256:{}", hex.to_uppercase()), false),
            (format!(" {hex}\r\n"), false),
            (format!("0x{hex}"), false),
            (format!("\tSha256: 0X{hex} "), false),
            (format!("{hex}\0\0"), false),
        ] {
            for cell in [Cell::Text(&text), Cell::Bytes(text.as_bytes().into())] {
                assert_eq!(cell.digest(), Ok(Some(digest)), "{cell:?}");
                assert_eq!(cell.is_plainly_spelled(), is_plain, "{cell:?}");
            }
        }
        for text in [format!("sha512:{hex}"), format!("sha256:{hex}0"), "sha256:".to_owned()] {
            assert_eq!(Cell::Text(&text).digest(), Err(format!("`{text}`")));
        }
    }

    #[test]
    fn a_size_is_a_positive_whole_number_of_whatever_type() {
        for cell in [
            Cell::Integer(12),
            Cell::Real(12.0),
            Cell::Text(" 12 "),
            Cell::Text("12.00"),
            Cell::Text("1.2e+1"),
            Cell::Bytes(b"12"[..].into()),
        ] {
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
            Cell::Text("1.5"),
            Cell::Text("NaN"),
            Cell::Text("-1"),
            Cell::Garbled(b"\xff"),
        ] {
            assert_eq!(cell.size(), None, "{cell:?}");
        }
    }

    #[test]
    fn a_time_is_told_told_of_none_or_shown_as_what_cannot_be_read() {
        let noon = DateTime::from_timestamp(1_700_000_000, 0);
        for cell in [
            Cell::Integer(1_700_000_000),
            Cell::Real(1_700_000_000.5),
            Cell::Text("2023-11-14 22:13:20 UTC"),
            Cell::Bytes(b"2023-11-14T22:13:20Z"[..].into()),
            Cell::Time(noon.unwrap()),
        ] {
            assert_eq!(cell.time(), Ok(noon), "{cell:?}");
        }
        for cell in [Cell::Null, Cell::Text(" "), Cell::Text("0000-00-00 00:00:00")] {
            assert_eq!(cell.time(), Ok(None), "{cell:?}");
        }
        for (cell, shown) in [
            (Cell::Text("long\nago"), "long\\nago"),
            (Cell::Bytes(b"soon"[..].into()), "soon"),
            (Cell::Real(f64::NAN), "NaN"),
            (Cell::UNREAD, ""),
        ] {
            assert_eq!(cell.time(), Err(shown.to_owned()), "{cell:?}");
        }
    }

    #[test]
    fn a_blank_text_is_none() {
        assert_eq!(Cell::Text(" https://h/x\n").text(), Some("https://h/x"));
        for cell in [Cell::Null, Cell::Text(""), Cell::Text("  "), Cell::Integer(1)] {
            assert_eq!(cell.text(), None);
        }
    }

    #[test]
    fn a_flag_is_set_unless_it_says_no() {
        for cell in [Cell::Integer(0), Cell::Real(0.0), Cell::Text("f"), Cell::Text("False")] {
            assert!(!cell.flag(), "{cell:?}");
        }
        assert!(!Cell::Bytes(b"0"[..].into()).flag());
        for cell in [Cell::Null, Cell::Integer(1), Cell::Real(0.5), Cell::Text("t")] {
            assert!(cell.flag(), "{cell:?}");
        }
    }
}
