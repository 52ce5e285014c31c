//! What an answer's head says: success, a redirect, or which kind of failure. Pure.

use std::time::Duration;

use chrono::DateTime;
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER,
};
use http::{HeaderMap, HeaderName, StatusCode};
use url::Url;

use super::FetchError;
use crate::model::{URL_BYTES, cut_owned, redact_url};

/// What to do about an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// The whole body follows.
    Whole,
    /// Ask there instead.
    Redirect(Url),
}

/// Judges the head of the answer to `url`. Only 200 is a whole answer.
pub(super) fn judge(
    url: &Url,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Head, FetchError> {
    let answered = || format!("{} answered {status}", redact_url(url.as_str()));
    match status.as_u16() {
        200 => Ok(Head::Whole),
        301 | 302 | 303 | 307 | 308 => match headers.get(LOCATION) {
            Some(location) if location.len() > URL_BYTES => {
                let bytes = location.len();
                Err(FetchError::Permanent(format!(
                    "{} with a Location of {bytes} bytes",
                    answered()
                )))
            }
            Some(location) => {
                next_url(url, location.as_bytes()).map(Head::Redirect).ok_or_else(|| {
                    FetchError::Permanent(format!("{} with a Location that is no URL", answered()))
                })
            }
            None => Err(FetchError::Permanent(format!("{} without a Location", answered()))),
        },
        status @ (404 | 410) => Err(FetchError::Gone { status }),
        408 | 425 | 429 | 500..=599 => {
            Err(FetchError::Transient { message: answered(), retry_after: retry_after(headers) })
        }
        201..=299 => Err(FetchError::Permanent(format!(
            "{}, which is no whole answer; only 200 is",
            answered()
        ))),
        _ => Err(FetchError::Permanent(answered())),
    }
}

fn next_url(url: &Url, location: &[u8]) -> Option<Url> {
    let mut next = url.join(std::str::from_utf8(location).ok()?).ok()?;
    next.set_fragment(None);
    Some(next)
}

/// Retry-After as a duration. A date is taken against the answer's own Date, so that a skewed
/// clock here or there does not matter; without one it says nothing.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let wish = text_of(headers, RETRY_AFTER)?;
    if let Ok(seconds) = wish.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(&wish).ok()?;
    let sent = DateTime::parse_from_rfc2822(&text_of(headers, DATE)?).ok()?;
    Some(until.signed_duration_since(sent).to_std().unwrap_or(Duration::ZERO))
}

/// A header as text, white space around it removed; bytes that are not UTF-8 become U+FFFD. A long
/// one is cut.
pub(super) fn text_of(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(cut_owned(String::from_utf8_lossy(value.as_bytes()).trim().to_owned()))
}

/// Whether an answer says that it is a web page. Sites send one with 200 in place of a file: to log
/// in, to wait, or to say that they are busy.
pub(super) fn is_page(headers: &HeaderMap) -> bool {
    let said = text_of(headers, CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    let media_type = said.split(';').next().unwrap_or("").trim_end();
    matches!(media_type, "text/html" | "application/xhtml+xml")
}

/// The length in bytes of the whole body, as an answer that may come without it says.
pub(super) fn whole_length(status: StatusCode, headers: &HeaderMap) -> Option<u64> {
    if status == StatusCode::PARTIAL_CONTENT {
        let range = text_of(headers, CONTENT_RANGE)?;
        return range.rsplit_once('/')?.1.parse().ok();
    }
    text_of(headers, CONTENT_LENGTH)?.parse().ok()
}

/// How a body is encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Not at all.
    Identity,
    /// gzip, or x-gzip.
    Gzip,
    /// deflate: zlib, or what some servers take it for, bare deflate.
    Deflate,
    /// Something that cannot be undone here, as said.
    Other(String),
}

/// The Content-Encoding of an answer.
pub(super) fn encoding(headers: &HeaderMap) -> Encoding {
    let codings: Vec<String> = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .flat_map(|value| {
            let text = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
            text.split(',').map(|coding| coding.trim().to_owned()).collect::<Vec<_>>()
        })
        .filter(|coding| !coding.is_empty() && coding != "identity")
        .collect();
    let said = codings.join(", ");
    match said.as_str() {
        "" => Encoding::Identity,
        "gzip" | "x-gzip" => Encoding::Gzip,
        "deflate" => Encoding::Deflate,
        _ => Encoding::Other(cut_owned(said)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect()
    }

    fn judged(status: u16, lines: &[(&'static str, &'static str)]) -> Result<Head, FetchError> {
        let url = Url::parse("https://u:CANARY@h.example/a?t=CANARY").unwrap();
        judge(&url, StatusCode::from_u16(status).unwrap(), &headers(lines))
    }

    #[test]
    fn each_status_has_its_class() {
        for status in 200..=999 {
            let class = match judged(status, &[]) {
                Ok(_) => "whole",
                Err(FetchError::Gone { status: gone }) if gone == status => "gone",
                Err(FetchError::Transient { .. }) => "transient",
                Err(FetchError::Permanent(_)) => "permanent",
                Err(other) => panic!("{status}: {other}"),
            };
            let expected = match status {
                200 => "whole",
                404 | 410 => "gone",
                408 | 425 | 429 => "transient",
                500.. if status < 600 => "transient",
                _ => "permanent",
            };
            assert_eq!(class, expected, "{status}");
        }
    }

    #[test]
    fn refusals_name_the_url_without_its_secrets() {
        for status in [204, 301, 403, 503, 999] {
            let text = judged(status, &[]).unwrap_err().to_string();
            assert!(text.starts_with(&format!("https://h.example/a answered {status}")), "{text}");
        }
        let long: &'static str = format!("https://h/{}", "x".repeat(URL_BYTES)).leak();
        let text = judged(302, &[("location", long)]).unwrap_err().to_string();
        assert!(text.ends_with("302 Found with a Location of 8202 bytes"), "{text}");
        let text = judged(302, &[("location", "https://[CANARY")]).unwrap_err().to_string();
        assert!(text.ends_with("302 Found with a Location that is no URL"), "{text}");
    }

    #[test]
    fn what_a_stranger_writes_into_a_header_is_cut() {
        let long: &'static str = "x".repeat(100_000).leak();
        let headers = headers(&[("etag", long), ("content-encoding", long)]);
        assert_eq!(text_of(&headers, http::header::ETAG).unwrap().len(), 1024);
        let Encoding::Other(said) = encoding(&headers) else { panic!("no encoding of ours") };
        assert_eq!(said.len(), 1024);
    }

    #[test]
    fn a_redirect_may_be_relative_and_loses_its_fragment() {
        for (location, next) in [
            ("/b", "https://u:CANARY@h.example/b"),
            ("//other.example/b", "https://other.example/b"),
            ("http://10.0.0.1/b#f", "http://10.0.0.1/b"),
        ] {
            let next = Url::parse(next).unwrap();
            assert_eq!(judged(307, &[("location", location)]).unwrap(), Head::Redirect(next));
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_by_the_servers_own_clock() {
        let date = ("date", "Sun, 22 Nov 2026 10:00:00 GMT");
        for (lines, seconds) in [
            (vec![("retry-after", "7")], Some(7)),
            (vec![("retry-after", " 7 ")], Some(7)),
            (vec![date, ("retry-after", "Sun, 22 Nov 2026 10:02:00 GMT")], Some(120)),
            (vec![date, ("retry-after", "Sun, 22 Nov 2026 09:00:00 GMT")], Some(0)),
            (vec![("retry-after", "Sun, 22 Nov 2026 10:02:00 GMT")], None),
            (vec![("retry-after", "-7")], None),
            (vec![("retry-after", "soon")], None),
            (vec![], None),
        ] {
            for status in [408, 425, 429, 500, 503] {
                let Err(FetchError::Transient { retry_after, .. }) = judged(status, &lines) else {
                    panic!("{status} is transient");
                };
                assert_eq!(retry_after, seconds.map(Duration::from_secs), "{lines:?}");
            }
        }
    }

    #[test]
    fn a_page_is_told_by_its_media_type() {
        for (said, page) in [
            ("text/html", true),
            ("Text/HTML; charset=UTF-8", true),
            ("application/xhtml+xml ;q=1", true),
            ("text/plain", false),
            ("application/octet-stream; was=text/html", false),
            ("text/htmlx", false),
        ] {
            assert_eq!(is_page(&headers(&[("content-type", said)])), page, "{said}");
        }
        assert!(!is_page(&headers(&[])), "nothing is said");
    }

    #[test]
    fn the_whole_length_stands_behind_the_range_of_a_part() {
        let length = |status, lines: &[_]| {
            whole_length(StatusCode::from_u16(status).unwrap(), &headers(lines))
        };
        assert_eq!(length(200, &[("content-length", "7")]), Some(7));
        let part = |range| length(206, &[("content-length", "1"), ("content-range", range)]);
        assert_eq!(part("bytes 0-0/12345"), Some(12_345));
        assert_eq!(part("bytes 0-0/*"), None);
        assert_eq!(part("bytes"), None);
        assert_eq!(length(206, &[("content-length", "1")]), None, "that of the part");
        assert_eq!(length(200, &[]), None);
    }

    #[test]
    fn content_encodings_are_told_apart() {
        let other = |text: &str| Encoding::Other(text.to_owned());
        for (lines, told) in [
            (vec![], Encoding::Identity),
            (vec![("content-encoding", "Identity")], Encoding::Identity),
            (vec![("content-encoding", "")], Encoding::Identity),
            (vec![("content-encoding", "GZip")], Encoding::Gzip),
            (vec![("content-encoding", "x-gzip, identity")], Encoding::Gzip),
            (vec![("content-encoding", "deflate")], Encoding::Deflate),
            (vec![("content-encoding", "br")], other("br")),
            (vec![("content-encoding", "gzip, gzip")], other("gzip, gzip")),
        ] {
            assert_eq!(encoding(&headers(&lines)), told, "{lines:?}");
        }
        let mut twice = headers(&[("content-encoding", "gzip")]);
        twice.append(CONTENT_ENCODING, "br".parse().unwrap());
        assert_eq!(encoding(&twice), other("gzip, br"));
    }
}
