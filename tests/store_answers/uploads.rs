//! What a bucket answers to uploads: servers that refuse checksums, that know no conditions, or that
//! say of one that it does not hold although it does.

use std::sync::Arc;

use bytes::Bytes;
use restock::model::{ObjectMeta, Upload};
use restock::store::{BoxError, Condition, StoreFault, UploadJournal};

use crate::http_server::{Answer, HttpServer, Request};
use crate::scripted_bucket::{KEY, error_answer, store, store_at, told};

#[tokio::test]
async fn a_store_that_knows_no_conditions_is_written_to_without() {
    let server = HttpServer::start();
    let unknown = error_answer(501, "NotImplemented");
    server.route(
        &format!("/b/s/{KEY}"),
        [unknown.clone(), unknown.clone(), unknown, Answer::status(200).header("etag", "\"e\"")],
    );
    let store = store(&server).await;
    let mut staged = store.stage(KEY, Some(6), Arc::new(Ledger)).await.unwrap();
    staged.write(Bytes::from_static(b"proven")).await.unwrap();
    staged.publish(Condition::Absent).await.unwrap();
    let sent = server.requests();
    let condition = |n: usize| sent[n].header("if-none-match");
    assert_eq!((condition(0), sent.last().unwrap().header("if-none-match")), (Some("*"), None));
    assert!(sent[0].header("x-amz-checksum-sha256").is_some());
}

/// Uploads six bytes, and gives the requests that this took.
async fn upload(
    server: &HttpServer,
    answers: impl IntoIterator<Item = Answer>,
    more: &[(&str, &str)],
    condition: Condition,
) -> (Result<(), StoreFault>, Vec<Request>) {
    server.route(&format!("/b/s/{KEY}"), answers);
    let store = store_at(&server.url(""), more).await;
    let mut staged = store.stage(KEY, Some(6), Arc::new(Ledger)).await.unwrap();
    staged.write(Bytes::from_static(b"proven")).await.unwrap();
    let published = staged.publish(condition).await.map_err(|error| error.fault);
    (published, server.requests())
}

fn taken() -> Answer {
    Answer::status(200).header("etag", "\"n\"")
}

#[tokio::test]
async fn a_store_that_refuses_checksums_is_written_to_without_and_asked_so_once() {
    let server = HttpServer::start();
    server.route(&format!("/b/s/{KEY}"), [error_answer(400, "InvalidRequest"), taken()]);
    let store = store(&server).await;
    for _ in 0..2 {
        let mut staged = store.stage(KEY, Some(6), Arc::new(Ledger)).await.unwrap();
        staged.write(Bytes::from_static(b"proven")).await.unwrap();
        staged.publish(Condition::Absent).await.unwrap();
    }
    let sent = server.requests();
    let checksums = sent.iter().map(|request| request.header("x-amz-checksum-sha256").is_some());
    assert_eq!(checksums.collect::<Vec<_>>(), [true, false, false]);
    assert!(sent.iter().all(|request| request.header("if-none-match") == Some("*")));
}

#[tokio::test]
async fn a_large_upload_goes_without_checksums_too_where_they_are_refused() {
    let server = HttpServer::start();
    let begun = Answer::ok("<R><UploadId>u</UploadId></R>");
    let done = Answer::ok("<R><ETag>e</ETag></R>");
    let refused = error_answer(400, "InvalidArgument");
    server.route(&format!("/b/s/{KEY}"), [refused, begun, taken(), taken(), done]);
    let store = store(&server).await;
    let mut staged = store.stage(KEY, None, Arc::new(Ledger)).await.unwrap();
    staged.write(vec![0; 9 << 20].into()).await.unwrap();
    staged.publish(Condition::Absent).await.unwrap();
    let sent = server.requests();
    assert_eq!(sent[0].header("x-amz-checksum-algorithm"), Some("SHA256"));
    let any = |request: &Request| request.header("x-amz-checksum-sha256").is_some();
    assert!(sent[1].header("x-amz-checksum-algorithm").is_none() && !sent.iter().any(any));
}

#[tokio::test]
async fn checksums_can_be_switched_off_and_another_400_is_no_reason_to_drop_them() {
    let server = HttpServer::start();
    let none = [("aws_checksum_algorithm", "none")];
    let (published, sent) = upload(&server, [taken()], &none, Condition::Absent).await;
    assert_eq!((published, sent[0].header("x-amz-checksum-sha256")), (Ok(()), None));
    let server = HttpServer::start();
    let expired = error_answer(400, "ExpiredToken");
    let (published, sent) = upload(&server, [expired], &[], Condition::Absent).await;
    assert_eq!((published, sent.len()), (Err(StoreFault::Credentials), 1));
}

#[tokio::test]
async fn a_condition_that_fails_though_nothing_changed_is_left_out() {
    let etag = || Some("\"old\"".to_owned());
    let old = ObjectMeta { size: 5, etag: etag(), modified: None };
    let same = || Answer::status(200).saying_length(5).header("etag", "\"old\"");
    let other = || Answer::status(200).saying_length(5).header("etag", "\"new\"");
    let unmet = || error_answer(412, "PreconditionFailed");
    let absent = || Answer::status(404);
    for (condition, look, published) in [
        (Condition::Absent, absent(), Ok(())),
        (Condition::Absent, same(), Err(StoreFault::Conflict)),
        (Condition::Absent, Answer::status(403), Err(StoreFault::Conflict)),
        (Condition::Replaces(old.clone()), same(), Ok(())),
        (Condition::Replaces(old.clone()), other(), Err(StoreFault::Conflict)),
        (Condition::Replaces(old), absent(), Err(StoreFault::Conflict)),
    ] {
        let server = HttpServer::start();
        let (outcome, sent) = upload(&server, [unmet(), look, taken()], &[], condition).await;
        assert_eq!(outcome, published);
        let methods: Vec<_> = sent.iter().map(|request| request.method.as_str()).collect();
        let expected: &[_] =
            if published.is_ok() { &["PUT", "HEAD", "PUT"] } else { &["PUT", "HEAD"] };
        assert_eq!(methods, expected);
        let bare = |request: &Request| {
            request.header("if-none-match").or(request.header("if-match")).is_none()
        };
        assert!(!bare(&sent[0]) && bare(sent.last().unwrap()));
    }
}

#[tokio::test]
async fn a_completion_whose_condition_fails_though_nothing_changed_is_sent_without() {
    let server = HttpServer::start();
    let begun = Answer::ok("<R><UploadId>u</UploadId></R>");
    let done = Answer::ok("<R><ETag>e</ETag></R>");
    let unmet = error_answer(412, "PreconditionFailed");
    let answers = [begun, taken(), taken(), unmet, Answer::status(404), done];
    server.route(&format!("/b/s/{KEY}"), answers);
    let store = store(&server).await;
    let mut staged = store.stage(KEY, None, Arc::new(Ledger)).await.unwrap();
    staged.write(vec![0; 9 << 20].into()).await.unwrap();
    staged.publish(Condition::Absent).await.unwrap();
    let sent = server.requests();
    let last: Vec<_> = sent[3..].iter().map(|request| request.method.as_str()).collect();
    assert_eq!(last, ["POST", "HEAD", "POST"]);
}

#[tokio::test]
async fn a_completion_that_fails_with_status_200_has_failed() {
    let server = HttpServer::start();
    let begun = Answer::ok("<R><UploadId>u</UploadId></R>");
    let error = Answer::ok("  <Error><Code>AccessDenied</Code><Message>no</Message></Error>");
    server.route(&format!("/b/s/{KEY}"), [begun, taken(), taken(), error]);
    let store = store(&server).await;
    let mut staged = store.stage(KEY, None, Arc::new(Ledger)).await.unwrap();
    staged.write(vec![0; 9 << 20].into()).await.unwrap();
    let error = staged.publish(Condition::Absent).await.unwrap_err();
    assert!(told(&error).contains("it answered 200 AccessDenied: no"), "{}", told(&error));
}

pub(crate) struct Ledger;

#[async_trait::async_trait]
impl UploadJournal for Ledger {
    async fn begun(&self, _: &Upload) -> Result<(), BoxError> {
        Ok(())
    }

    async fn ended(&self, _: &Upload) -> Result<(), BoxError> {
        Ok(())
    }
}
