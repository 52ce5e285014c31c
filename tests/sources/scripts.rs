//! Texts of a catalog as the bytes that a digest asks for.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use restock::model::Digest;
use restock::source::{Decoding, FetchError, Scripts, Source, Texts};

use crate::support::fetching::{CANARY, LIMIT, collect};
use crate::support::world::digest_of;

/// Texts by their id; none can be read where it is told to fail.
#[derive(Default)]
struct Kept {
    texts: BTreeMap<String, String>,
    fails: bool,
}

#[async_trait]
impl Texts for Kept {
    async fn text(&self, id: &str) -> Result<Option<String>, Box<dyn Error + Send + Sync>> {
        if self.fails {
            return Err(format!("mysql://u:{CANARY}@db/fleet went away").into());
        }
        Ok(self.texts.get(id).cloned())
    }
}

fn scripts(texts: &[(&str, &str)]) -> Scripts {
    let texts = texts.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect();
    Scripts::new(Arc::new(Kept { texts, fails: false }))
}

async fn bytes(scripts: &Scripts, source: &str, digest: &Digest) -> Result<Vec<u8>, FetchError> {
    collect(scripts.fetch(source, digest, Decoding::AsSent, LIMIT).await?).await
}

const LINES: [&str; 3] = ["#!/bin/sh", "echo hello", "exit 0"];

#[tokio::test]
async fn a_text_is_given_in_the_spelling_that_the_digest_asks_for() {
    let (mut spellings, mut mixed) = (Vec::new(), Vec::new());
    for ends in ["\n", "\r\n"] {
        for last in ["", "\n", "\r\n"] {
            for mark in ["", "\u{feff}"] {
                spellings.push(format!("{mark}{}{last}", LINES.join(ends)));
            }
        }
    }
    mixed.push("a\r\nb\nc\r\n".to_owned());
    for kept in spellings.iter().chain(&mixed) {
        let source = scripts(&[("7", kept)]);
        for wanted in if mixed.contains(kept) { &mixed } else { &spellings } {
            let digest = digest_of(wanted.as_bytes());
            let given = bytes(&source, "script:7", &digest).await.unwrap();
            assert_eq!(String::from_utf8(given).unwrap(), *wanted, "out of {kept:?}");
            let offer = source.offer("script:7", &digest).await.unwrap();
            assert_eq!(offer.length, u64::try_from(wanted.len()).ok());
        }
    }
}

#[tokio::test]
async fn another_text_or_none_is_lacking_and_says_so() {
    let source = scripts(&[("7", "echo hello\n")]);
    for (asked, digest, told) in [
        ("script:7", digest_of(b"echo bye\n"), "text 7 of the catalog is another one"),
        ("script:8", digest_of(b"echo hello\n"), "the catalog has no text 8"),
        ("script:", digest_of(b"echo hello\n"), "the catalog has no text "),
    ] {
        assert_eq!(source.permits(asked), Ok(()));
        for error in [
            bytes(&source, asked, &digest).await.unwrap_err(),
            source.offer(asked, &digest).await.unwrap_err(),
        ] {
            assert!(matches!(error, FetchError::Lacking(_)), "{error:?}");
            assert!(error.to_string().starts_with(told), "{error}");
        }
    }
}

#[tokio::test]
async fn a_catalog_that_fails_may_recover_and_its_secrets_stay_with_it() {
    let source = Scripts::new(Arc::new(Kept { fails: true, ..Kept::default() }));
    let error = bytes(&source, "script:7", &digest_of(b"x")).await.unwrap_err();
    assert!(matches!(error, FetchError::Transient { retry_after: None, .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains(CANARY), "{error:?}");
}

#[tokio::test]
async fn a_text_beyond_the_limit_is_too_large() {
    let text = "x".repeat(usize::try_from(LIMIT).unwrap() + 1);
    let (source, digest) = (scripts(&[("7", &text)]), digest_of(text.as_bytes()));
    let error = bytes(&source, "script:7", &digest).await.unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { limit: LIMIT }), "{error:?}");
}
