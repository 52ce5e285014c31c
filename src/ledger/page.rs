//! [`Page`]s of long lists, and cursors that say where the next one begins.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::model::FindingKind;

/// Stands between the parts of a cursor; in them it is encoded.
const SEPARATOR: char = '~';

/// Stands in cursors for the `%` of percent-encoding, and is encoded itself. With a `%` they would
/// be another cursor once a server has decoded them, if whoever pages did not encode them again.
const ESCAPE: char = '.';

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, C> {
    /// What it holds, in order.
    pub items: Vec<T>,
    /// Behind what the next page begins; `None` where nothing follows.
    pub next: Option<C>,
}

impl<T, C> Page<T, C> {
    /// A page of at most `limit` of these items, of which one more was asked for.
    pub(super) fn cut(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> C) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| has_more).map(cursor);
        Self { items, next }
    }

    /// The same page of something else.
    pub(super) fn map<U>(self, of: impl Fn(T) -> U) -> Page<U, C> {
        Page { items: self.items.into_iter().map(of).collect(), next: self.next }
    }
}

/// A place in the list of standing findings: by kind, collection and subject. As text it fits into
/// a URL; it stays good when the finding is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingCursor {
    /// The kind of the last finding.
    pub kind: FindingKind,
    /// Its collection.
    pub collection: String,
    /// Its subject.
    pub subject: String,
}

/// A place in the list of passes: newest first. As text it fits into a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassCursor {
    /// When the last pass ended.
    pub finished_at: DateTime<Utc>,
    /// Its id.
    pub pass_id: String,
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no cursor: take one from the page before, as it is")]
pub struct ParseCursorError;

impl fmt::Display for FindingCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [collection, subject] = [&self.collection, &self.subject].map(|part| encoded(part));
        write!(f, "{}{SEPARATOR}{collection}{SEPARATOR}{subject}", self.kind.as_str())
    }
}

impl FromStr for FindingCursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, SEPARATOR);
        let mut next = || parts.next().ok_or(ParseCursorError);
        let kind = next()?;
        let kind = FindingKind::ALL.into_iter().find(|one| one.as_str() == kind);
        Ok(Self {
            kind: kind.ok_or(ParseCursorError)?,
            collection: decoded(next()?)?,
            subject: decoded(next()?)?,
        })
    }
}

impl fmt::Display for PassCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.finished_at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        write!(f, "{}{SEPARATOR}{}", encoded(&at), encoded(&self.pass_id))
    }
}

impl FromStr for PassCursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (at, id) = text.split_once(SEPARATOR).ok_or(ParseCursorError)?;
        let at = DateTime::parse_from_rfc3339(&decoded(at)?).map_err(|_| ParseCursorError)?;
        Ok(Self { finished_at: at.to_utc(), pass_id: decoded(id)? })
    }
}

fn encoded(part: &str) -> String {
    utf8_percent_encode(part, NON_ALPHANUMERIC).to_string().replace('%', &ESCAPE.to_string())
}

/// A NUL can stand in no key, and not every database takes one.
fn decoded(part: &str) -> Result<String, ParseCursorError> {
    if !part.chars().all(|c| c.is_ascii_alphanumeric() || c == ESCAPE) {
        return Err(ParseCursorError);
    }
    let part = part.replace(ESCAPE, "%");
    let text = percent_decode_str(&part).decode_utf8().map_err(|_| ParseCursorError)?;
    if text.contains('\0') {
        return Err(ParseCursorError);
    }
    Ok(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_text_and_back_whatever_its_key_holds() {
        for subject in ["", "a~b", "%7E", "a b/\u{1f98a}?&#\n", "~~"] {
            let cursor = FindingCursor {
                kind: FindingKind::InvalidRecord,
                collection: subject.to_owned(),
                subject: subject.to_owned(),
            };
            let text = cursor.to_string();
            // What a query of a URL holds as it is, encoded or not.
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "~_.".contains(c);
            assert!(text.chars().all(is_plain), "{text}");
            assert_eq!(text.parse(), Ok(cursor));
        }
        let at = DateTime::from_timestamp(1_790_000_000, 123_456_789).unwrap();
        let cursor = PassCursor { finished_at: at, pass_id: "p~1".to_owned() };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }

    #[test]
    fn other_texts_are_no_cursors() {
        for text in [
            "",
            "~",
            "missing",
            "missing~a",
            "gone~a~b",
            "missing~.ff~b",
            "missing~a~.00",
            "missing~a~b/c",
            "missing~a~%41",
        ] {
            assert_eq!(text.parse::<FindingCursor>(), Err(ParseCursorError), "{text}");
        }
        for text in
            ["", "~", "2026~p", "2026-11-24T00:00:00Z~p", "2026.2D11.2D24T00.3A00.3A00Z~.00"]
        {
            assert_eq!(text.parse::<PassCursor>(), Err(ParseCursorError), "{text}");
        }
    }
}
