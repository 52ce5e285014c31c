//! A bucket on a scripted server: the store on it, and the answers that it may give.

use std::error::Error;
use std::fmt::Write;
use std::sync::Arc;

use futures::TryStreamExt;
use restock::model::Slice;
use restock::store::{
    HealStore, ListRequest, ListedPage, OptionValue, Store, StoreError, StoreOptions, open,
};

use super::http_server::{Answer, HttpServer};

pub(crate) const KEY: &str = "p/1111111111111111111111111111111111111111111111111111111111111111";

/// A key at the end of the digest space: what is left is not worth a range of its own.
pub(crate) const LATE: &str = "p/ffff111111111111111111111111111111111111111111111111111111111111";

pub(crate) async fn store_at(endpoint: &str, more: &[(&str, &str)]) -> Arc<dyn HealStore> {
    let mut options = StoreOptions { url: "s3://b/s".to_owned(), ..StoreOptions::default() };
    let own = [
        ("aws_endpoint", endpoint),
        ("aws_allow_http", "true"),
        ("aws_access_key_id", "key"),
        ("aws_secret_access_key", "hidden-word"),
    ];
    for (key, value) in own.iter().chain(more) {
        options.options.insert((*key).to_owned(), OptionValue::Text((*value).to_owned()));
    }
    open(&options, "/".as_ref()).await.unwrap()
}

pub(crate) async fn store(server: &HttpServer) -> Arc<dyn HealStore> {
    store_at(&server.url(""), &[]).await
}

pub(crate) async fn listed(store: &dyn Store) -> Result<Vec<ListedPage>, StoreError> {
    let layout = "p/{digest}".parse().unwrap();
    let request = ListRequest { layout, slice: Slice::WHOLE, concurrency: 4 };
    store.list(request).try_collect().await
}

pub(crate) fn page(keys: &[&str], token: Option<&str>) -> Answer {
    let mut contents = String::new();
    for key in keys {
        write!(
            contents,
            "<Contents><Key>s/{key}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>\
             <ETag>&quot;e&quot;</ETag><Size>5</Size></Contents>"
        )
        .unwrap();
    }
    let next = token.map_or_else(
        || "<IsTruncated>false</IsTruncated>".to_owned(),
        |token| {
            format!(
                "<IsTruncated>true</IsTruncated>\
                 <NextContinuationToken>{token}</NextContinuationToken>"
            )
        },
    );
    Answer::ok(format!("<ListBucketResult>{contents}{next}</ListBucketResult>"))
        .header("date", "Fri, 02 Jan 2026 03:04:06 GMT")
}

pub(crate) fn error_answer(status: u16, code: &str) -> Answer {
    let body = format!("<Error><Code>{code}</Code><Message>because</Message></Error>");
    Answer::status(status).body(body)
}

/// The message with its causes, as a person reads it.
pub(crate) fn told(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    assert!(!text.contains("hidden-word"), "{text}");
    text
}
