//! How digests are spelled in a column, and [`Spelling`]: whether an index can be trusted to find
//! one.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::model::Digest;

/// All rows were seen, and all are plain; 0 is not known.
const PLAIN: u8 = 1;

/// An odd one was seen.
const ODD: u8 = 2;

/// The name of the algorithm before a digest, as container registries write it.
const ALGORITHM: &str = "sha256:";

/// What marks hex digits as such in many languages.
const HEX: &str = "0x";

/// The digest that a text means: 64 hex digits in any case, with `sha256:` or `0x` before them and
/// white space around. Otherwise the text, fit for printing.
pub(super) fn read(text: &str) -> Result<Digest, String> {
    text.parse::<Digest>().or_else(|error| bare(text).parse().map_err(|_| error.shown))
}

/// The hex digits alone. Zero bytes fill up columns of a fixed length.
fn bare(text: &str) -> &str {
    let trim = |text| str::trim_matches(text, |c: char| c.is_whitespace() || c == '\0');
    let text = trim(text);
    let text = without(text, ALGORITHM).map_or(text, trim);
    without(text, HEX).unwrap_or(text)
}

fn without<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// The spellings that a look-up names one by one, so that an index serves it.
pub(super) fn plain(digest: &Digest) -> [String; 3] {
    let hex = digest.to_string();
    [hex.to_uppercase(), format!("{ALGORITHM}{hex}"), hex]
}

/// Whether what was read as a digest is one of these.
pub(super) fn is_plain(text: &[u8]) -> bool {
    let prefixed = text.strip_prefix(ALGORITHM.as_bytes());
    let hex = prefixed.unwrap_or(text);
    let has = |of: fn(&u8) -> bool| hex.iter().any(of);
    let (lower, upper) = (has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase));
    hex.len() == 64 && !(upper && (lower || prefixed.is_some()))
}

/// How the digests of a collection are spelled, as far as this process has seen all of them.
///
/// A list of values finds the plain spellings and raw bytes, by an index where there is one. Others
/// it does not find: as long as one may be there, all rows have to be looked at.
#[derive(Debug, Default)]
pub(super) struct Spelling(AtomicU8);

impl Spelling {
    /// Notes a row. One odd spelling is enough for the life of this process.
    pub(super) fn note(&self, is_plain: bool) {
        if !is_plain {
            self.0.fetch_max(ODD, Ordering::Relaxed);
        }
    }

    /// Notes that every row was noted.
    pub(super) fn all_seen(&self) {
        self.0.fetch_max(PLAIN, Ordering::Relaxed);
    }

    /// Whether all rows were seen and all of them are plain.
    pub(super) fn is_plain(&self) -> bool {
        self.0.load(Ordering::Relaxed) == PLAIN
    }
}
