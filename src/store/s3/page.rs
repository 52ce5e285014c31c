//! One LIST answer, read before `object_store` reads it: is it a listing at all, is it whole, and
//! which of its keys would `object_store` refuse together with the whole page?

use std::collections::HashSet;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use object_store::client::{HttpError, HttpErrorKind};
use object_store::path::Path;
use percent_encoding::percent_decode_str;
use quick_xml::Reader;
use quick_xml::escape::{escape, unescape};
use quick_xml::events::{BytesStart, Event};

/// Bytes of an answer. 1,000 keys of 1,024 bytes, each byte escaped to six, are 6.4 MB.
pub(super) const PAGE_MAX_BYTES: usize = 8 << 20;

/// What `object_store` drops from a page, handed on in the extensions of its result.
#[derive(Debug, Default)]
pub(super) struct PageFacts {
    /// The store's clock when it answered.
    pub(super) date: Option<DateTime<Utc>>,
    /// Keys that were taken out, as the server wrote them.
    pub(super) refused: Vec<String>,
    /// Keys of objects that lie in an archive, of those that are left in the page.
    pub(super) archived: HashSet<String>,
}

/// Storage classes whose objects have to be brought back before they can be read.
const ARCHIVES: [&str; 2] = ["GLACIER", "DEEP_ARCHIVE"];

/// Why an answer is no listing that one may believe.
#[derive(Debug, thiserror::Error)]
pub(super) enum PageFault {
    #[error("the answer is no S3 listing but {0}")]
    NotAListing(String),
    #[error("the listing is not well-formed: {0}")]
    Malformed(#[from] quick_xml::Error),
    #[error("the listing is not well-formed: {0}")]
    Escape(#[from] quick_xml::escape::EscapeError),
    #[error("the listing is not UTF-8: {0}")]
    Utf8(#[from] std::str::Utf8Error),
    #[error("the listing ends early, or does not say whether it is complete")]
    Incomplete,
    #[error("the listing says that it goes on, but not where")]
    NoToken,
    #[error("the listing says that it goes on with the same page")]
    SameToken,
    #[error("the listing has keys in an unknown encoding, or markup inside a value")]
    Encoded,
    #[error("the listing has a page of more than {PAGE_MAX_BYTES} bytes")]
    TooLarge,
}

impl From<PageFault> for HttpError {
    /// `object_store` tries again what was interrupted, and not what cannot be decoded. A proxy's
    /// page and half a page may pass; an answer that contradicts itself will not.
    fn from(fault: PageFault) -> Self {
        let passing = matches!(
            fault,
            PageFault::NotAListing(_) | PageFault::Malformed(_) | PageFault::Incomplete
        );
        let kind = if passing { HttpErrorKind::Interrupted } else { HttpErrorKind::Decode };
        Self::new(kind, fault)
    }
}

/// Reads a page whole. `token` is the one that the page was asked with.
///
/// Gives what was found, and the page without the keys that `object_store` cannot hold.
///
/// Some servers write keys as in URLs, and say so anywhere on the page: then it is read again.
pub(super) fn check(body: Bytes, token: Option<&str>) -> Result<(PageFacts, Bytes), PageFault> {
    let text = std::str::from_utf8(&body)?;
    let mut scan = Scan::new(text, false);
    while scan.step()? {}
    if scan.is_encoded {
        scan = Scan::new(text, true);
        while scan.step()? {}
    }
    let (facts, edits) = scan.finish(token)?;
    Ok((facts, edited(body, &edits)))
}

/// A part of a page, and what is handed on in its place.
type Edit = (Range<usize>, String);

/// Where in the document the reader stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    Listing,
    /// In `Contents`, or in `CommonPrefixes`.
    Entry(EntryKind),
    Done,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum EntryKind {
    Object,
    CommonPrefix,
}

struct Scan<'a> {
    text: &'a str,
    xml: Reader<&'a [u8]>,
    place: Place,
    /// Where the entry at hand starts, in bytes.
    start: usize,
    key: Option<String>,
    /// Where the key of the entry at hand is written, and how it is spelled without encoding.
    spelled: Option<Edit>,
    /// Whether keys are decoded.
    decodes: bool,
    /// Whether the page says that its keys are encoded.
    is_encoded: bool,
    /// Whether the entry at hand lies in an archive.
    in_archive: bool,
    truncated: Option<bool>,
    next: Option<String>,
    /// Where the token is written.
    next_at: Vec<Range<usize>>,
    refused: Vec<String>,
    archived: HashSet<String>,
    edits: Vec<Edit>,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str, decodes: bool) -> Self {
        let mut xml = Reader::from_str(text);
        xml.config_mut().expand_empty_elements = true;
        Self {
            text,
            xml,
            place: Place::Outside,
            start: 0,
            key: None,
            spelled: None,
            decodes,
            is_encoded: false,
            in_archive: false,
            truncated: None,
            next: None,
            next_at: Vec::new(),
            refused: Vec::new(),
            archived: HashSet::new(),
            edits: Vec::new(),
        }
    }

    /// Reads one event; false at the end of the document.
    fn step(&mut self) -> Result<bool, PageFault> {
        let at = self.position();
        let event = self.xml.read_event()?;
        if let Event::Start(tag) = &event {
            self.open(tag, at)?;
        } else if let Event::End(_) = &event {
            self.close();
        } else if let Event::Text(text) = &event {
            let between = matches!(self.place, Place::Outside | Place::Done);
            if between && !text.trim_ascii().is_empty() {
                return Err(self.not_a_listing("text"));
            }
        }
        Ok(!matches!(event, Event::Eof))
    }

    fn open(&mut self, tag: &BytesStart<'a>, at: usize) -> Result<(), PageFault> {
        match (self.place, tag.local_name().as_ref()) {
            (Place::Outside, b"ListBucketResult") => self.place = Place::Listing,
            (Place::Outside | Place::Done, other) => {
                let name = String::from_utf8_lossy(other);
                return Err(self.not_a_listing(&format!("<{name}>")));
            }
            (Place::Listing, b"Contents") => self.enter(EntryKind::Object, at),
            (Place::Listing, b"CommonPrefixes") => self.enter(EntryKind::CommonPrefix, at),
            (Place::Listing, b"EncodingType") => {
                match self.value(tag)?.trim().to_ascii_lowercase().as_str() {
                    "" => {}
                    "url" => {
                        self.is_encoded = true;
                        self.edits.push((at..self.position(), String::new()));
                    }
                    _ => return Err(PageFault::Encoded),
                }
            }
            (Place::Listing, b"IsTruncated") => {
                self.truncated = match self.value(tag)?.trim().to_ascii_lowercase().as_str() {
                    "true" => Some(true),
                    "false" => Some(false),
                    _ => None,
                };
            }
            (Place::Listing, b"NextContinuationToken") => {
                self.next = Some(self.value(tag)?);
                self.next_at.push(at..self.position());
            }
            (Place::Entry(_), b"Key" | b"Prefix") => self.key = Some(self.key(tag)?),
            (Place::Entry(_), b"StorageClass") => {
                self.in_archive = ARCHIVES.contains(&self.value(tag)?.trim());
            }
            _ => {
                self.xml.read_to_end(tag.name())?;
            }
        }
        Ok(())
    }

    fn enter(&mut self, kind: EntryKind, at: usize) {
        self.place = Place::Entry(kind);
        self.start = at;
        (self.key, self.spelled) = (None, None);
        self.in_archive = false;
    }

    fn close(&mut self) {
        let Place::Entry(kind) = self.place else {
            self.place = Place::Done;
            return;
        };
        self.place = Place::Listing;
        let Some(key) = self.key.take() else { return };
        let kept = match kind {
            EntryKind::Object => keeps(&key),
            // A common prefix ends with the delimiter, which `Path` drops.
            EntryKind::CommonPrefix => keeps(key.strip_suffix('/').unwrap_or(&key)),
        };
        if kept {
            self.edits.extend(self.spelled.take());
            if self.in_archive {
                self.archived.insert(key);
            }
        } else {
            self.refused.push(key);
            self.edits.push((self.start..self.position(), String::new()));
        }
    }

    /// A key as it is; one that is encoded is spelled out on the page too.
    fn key(&mut self, tag: &BytesStart<'a>) -> Result<String, PageFault> {
        let from = self.position();
        let written = self.value(tag)?;
        if !self.decodes {
            return Ok(written);
        }
        let spaced = written.replace('+', " ");
        let decoded: Vec<u8> = percent_decode_str(&spaced).collect();
        // What is no UTF-8 is refused below, as what cannot be asked for.
        let Ok(key) = String::from_utf8(decoded) else { return Ok(format!("{written}\u{0}")) };
        let length = self.text.get(from..).and_then(|rest| rest.find('<')).unwrap_or(0);
        self.spelled = Some((from..from + length, escape(&key).into_owned()));
        Ok(key)
    }

    fn value(&mut self, tag: &BytesStart<'a>) -> Result<String, PageFault> {
        let raw = self.xml.read_text(tag.name())?;
        if raw.contains(&b'<') {
            return Err(PageFault::Encoded);
        }
        Ok(unescape(std::str::from_utf8(&raw)?)?.into_owned())
    }

    fn position(&self) -> usize {
        usize::try_from(self.xml.buffer_position()).unwrap_or(usize::MAX)
    }

    fn not_a_listing(&self, what: &str) -> PageFault {
        let head: String = self.text.chars().take(120).collect();
        PageFault::NotAListing(format!("{what}: `{}`", head.escape_debug()))
    }

    fn finish(mut self, token: Option<&str>) -> Result<(PageFacts, Vec<Edit>), PageFault> {
        if self.place == Place::Outside {
            return Err(self.not_a_listing("empty"));
        }
        let next = self.next.filter(|next| !next.is_empty());
        match (self.truncated.filter(|_| self.place == Place::Done), next) {
            (None, _) => return Err(PageFault::Incomplete),
            (Some(true), None) => return Err(PageFault::NoToken),
            (Some(true), next) if next.as_deref() == token => return Err(PageFault::SameToken),
            (Some(true), _) => {}
            (Some(false), _) => {
                // `object_store` would follow the token, whatever stands beside it.
                self.edits.extend(self.next_at.into_iter().map(|at| (at, String::new())));
                self.edits.sort_by_key(|(at, _)| at.start);
            }
        }
        let Self { refused, archived, edits, .. } = self;
        Ok((PageFacts { date: None, refused, archived }, edits))
    }
}

/// Whether `object_store` keeps the key as it is: `Path::parse` fails on `a//b`, `..` and control
/// characters, and drops an outer slash without a word.
pub(super) fn keeps(key: &str) -> bool {
    !key.is_empty() && Path::parse(key).is_ok_and(|path| path.as_ref() == key)
}

fn edited(body: Bytes, edits: &[Edit]) -> Bytes {
    if edits.is_empty() {
        return body;
    }
    let (mut kept, mut from) = (BytesMut::with_capacity(body.len()), 0);
    for (at, instead) in edits {
        kept.extend_from_slice(body.get(from..at.start).unwrap_or_default());
        kept.extend_from_slice(instead.as_bytes());
        from = at.end;
    }
    kept.extend_from_slice(body.get(from..).unwrap_or_default());
    kept.freeze()
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
