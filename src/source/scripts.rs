//! [`Scripts`]: text kept in the catalog as a source. A database may have changed its line ends,
//! so that they are tried in every spelling, and only the digest says which one it was.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use sha2::{Digest as _, Sha256};

use super::{Asked, Decoding, FetchError, Fetched, Offer, Route, Source};
use crate::model::{Digest, SCRIPT, error_chain};

/// What some editors put before text in UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Where texts are kept.
#[async_trait]
pub trait Texts: Send + Sync {
    /// The text with this id; `None` where there is none.
    async fn text(&self, id: &str) -> Result<Option<String>, Box<dyn Error + Send + Sync>>;
}

/// Gives texts as the bytes that a digest asks for.
pub struct Scripts {
    texts: Arc<dyn Texts>,
}

impl Scripts {
    /// Takes texts from there.
    pub fn new(texts: Arc<dyn Texts>) -> Self {
        Self { texts }
    }

    async fn bytes(&self, source: &str, digest: &Digest) -> Result<Vec<u8>, FetchError> {
        let id = source.strip_prefix(SCRIPT).unwrap_or(source);
        let passing = |message| FetchError::Transient { message, retry_after: None };
        let text = match self.texts.text(id).await {
            Ok(Some(text)) => text,
            Ok(None) => {
                return Err(FetchError::Lacking(format!("the catalog has no text {id}")));
            }
            Err(error) => return Err(passing(error_chain(error.as_ref()))),
        };
        let digest = *digest;
        // Hashed two dozen times: of a long text that takes a while.
        let spelled = tokio::task::spawn_blocking(move || spelled_as(&text, &digest)).await;
        spelled.map_err(|error| passing(error.to_string()))?.ok_or_else(|| {
            let said = "the catalog is another one, whatever its line ends";
            FetchError::Lacking(format!("text {id} of {said}"))
        })
    }
}

#[async_trait]
impl Source for Scripts {
    fn permits(&self, _: &str) -> Result<(), String> {
        Ok(())
    }

    async fn fetch_at(
        &self,
        route: Route,
        digest: &Digest,
        _: Decoding,
        limit: u64,
    ) -> Result<Asked<Fetched>, FetchError> {
        let bytes = self.bytes(route.source(), digest).await?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if length > limit {
            return Err(FetchError::TooLarge { limit });
        }
        let body = stream::iter([Ok(Bytes::from(bytes))]).boxed();
        let length = Some(length);
        Ok(Asked::Here(Fetched { length, etag: None, encoded: false, page: false, body }))
    }

    async fn offer_at(&self, route: Route, digest: &Digest) -> Result<Asked<Offer>, FetchError> {
        let bytes = self.bytes(route.source(), digest).await?;
        Ok(Asked::Here(Offer { length: u64::try_from(bytes.len()).ok(), page: false }))
    }
}

/// The text in the spelling of this digest: its line ends as they are, or all LF, or all CRLF; the
/// last one there or not; with a byte order mark or without.
fn spelled_as(text: &str, digest: &Digest) -> Option<Vec<u8>> {
    let bare = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let lf = bare.replace("\r\n", "\n");
    let crlf = lf.replace('\n', "\r\n");
    for lines in [bare, lf.as_str(), crlf.as_str()] {
        let open = lines.strip_suffix("\r\n").or_else(|| lines.strip_suffix('\n'));
        let open = open.unwrap_or(lines);
        for (lines, end) in [(lines, ""), (open, ""), (open, "\n"), (open, "\r\n")] {
            for mark in ["", BYTE_ORDER_MARK] {
                let mut hasher = Sha256::new();
                for part in [mark, lines, end] {
                    hasher.update(part);
                }
                if Digest::new(hasher.finalize().into()) == *digest {
                    return Some([mark, lines, end].concat().into_bytes());
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(kept: &str, wanted: &str) -> bool {
        let digest = Digest::new(Sha256::digest(wanted).into());
        let found = spelled_as(kept, &digest);
        assert!(found.as_ref().is_none_or(|bytes| bytes == wanted.as_bytes()));
        found.is_some()
    }

    #[test]
    fn a_text_is_found_under_every_spelling_of_its_line_ends() {
        const SPELLINGS: [&str; 12] = [
            "a\nb\n",
            "a\r\nb\r\n",
            "a\nb",
            "a\r\nb",
            "a\nb\r\n",
            "a\r\nb\n",
            "\u{feff}a\nb\n",
            "\u{feff}a\r\nb\r\n",
            "\u{feff}a\nb",
            "\u{feff}a\r\nb",
            "\u{feff}a\nb\r\n",
            "\u{feff}a\r\nb\n",
        ];
        for kept in SPELLINGS {
            for wanted in SPELLINGS {
                assert!(found(kept, wanted), "{wanted:?} out of {kept:?}");
            }
        }
        assert!(found("a\r\nb\nc", "a\r\nb\nc"), "mixed line ends are kept as they are");
        assert!(found("a\r\nb\nc", "a\nb\nc") && found("a\nb\n\n", "a\nb\n"));
        assert!(found("", "") && found("", "\n") && found("\n", ""));
    }

    #[test]
    fn another_text_is_not_found() {
        for other in ["a\nb\n\n", "a\rb\n", "a b\n", "A\nb\n", "a\n", " a\nb\n", ""] {
            assert!(!found("a\nb\n", other), "{other:?}");
        }
    }
}
