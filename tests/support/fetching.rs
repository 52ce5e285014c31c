//! A source under test: its options, and fetches whose errors are searched for secrets.

use std::time::Duration;

use futures::TryStreamExt;
use restock::model::{Digest, Span};
use restock::source::{Decoding, FetchError, Fetched, HttpSource, Source, SourceOptions};

/// A secret that stands in URLs and tokens, and may stand in no message.
pub const CANARY: &str = "CANARY-7f3a";

/// The most bytes that a fetch here takes.
pub const LIMIT: u64 = 1 << 20;

/// Options under which a server on 127.0.0.1 is a source, with little patience.
pub fn loopback_options() -> SourceOptions {
    SourceOptions {
        allow_http: true,
        allow_private: vec!["127.0.0.1/32".parse().unwrap()],
        connect_timeout: Span(Duration::from_secs(5)),
        read_timeout: Span(Duration::from_secs(5)),
        max_redirects: 3,
        per_host: 1,
        ..SourceOptions::default()
    }
}

/// A source under [`loopback_options`].
pub fn loopback_source() -> HttpSource {
    HttpSource::new(&loopback_options()).unwrap()
}

/// The whole body as sent.
pub async fn fetched(source: &HttpSource, url: &str) -> Vec<u8> {
    fetch(source, url, Decoding::AsSent).await.unwrap()
}

/// The error of a fetch that has to fail, be it at its head or in its body.
pub async fn refused(source: &HttpSource, url: &str) -> FetchError {
    fetch(source, url, Decoding::AsSent).await.expect_err("this fetch has to fail")
}

/// The whole body, or an error in which no secret stands.
pub async fn fetch(
    source: &HttpSource,
    url: &str,
    decoding: Decoding,
) -> Result<Vec<u8>, FetchError> {
    let result = match source.fetch(url, &Digest::new([7; 32]), decoding, LIMIT).await {
        Ok(answer) => collect(answer).await,
        Err(error) => Err(error),
    };
    if let Err(error) = &result {
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(CANARY), "a secret stands in: {shown}");
    }
    result
}

/// The whole body of an answer.
pub async fn collect(answer: Fetched) -> Result<Vec<u8>, FetchError> {
    let add = |mut all: Vec<u8>, chunk: bytes::Bytes| async move {
        all.extend_from_slice(&chunk);
        Ok(all)
    };
    answer.body.try_fold(Vec::new(), add).await
}
