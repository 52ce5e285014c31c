//! What is sent to take an object away, on a bucket that answers as it is told.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::{Method, Response, StatusCode};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService,
};
use object_store::{ClientOptions, aws::AmazonS3Builder};

use super::super::S3Store;
use super::super::answers::{Answers, Completion};
use super::super::build::Clients;
use super::super::faults::Where;
use super::super::patience::Patience;
use super::super::writes::Checksums;
use super::*;
use crate::store::counters::Counters;
use crate::store::{Probe, RemovingStore, Store};

/// Answers HEADs with an object, and DELETEs one after the other as told.
#[derive(Debug, Clone, Default)]
struct Scripted {
    answers: Arc<Mutex<Vec<StatusCode>>>,
    deletes: Arc<Mutex<Vec<Option<String>>>>,
}

impl HttpConnector for Scripted {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Scripted {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut answer = Response::builder();
        if request.method() == Method::HEAD {
            answer = answer.header("content-length", 5).header("etag", "\"e\"");
            answer = answer.header("last-modified", "Mon, 05 Jan 2026 10:00:00 GMT");
            return Ok(answer.body(String::new().into()).unwrap());
        }
        assert_eq!((request.method(), request.uri().query()), (&Method::DELETE, None));
        let tag = request.headers().get("if-match");
        self.deletes.lock().unwrap().push(tag.map(|tag| tag.to_str().unwrap().to_owned()));
        let status = self.answers.lock().unwrap().remove(0);
        Ok(answer.status(status).body(String::new().into()).unwrap())
    }
}

fn store(answers: &[StatusCode]) -> (S3Store, Scripted) {
    let scripted =
        Scripted { answers: Arc::new(Mutex::new(answers.to_vec())), ..Scripted::default() };
    let counters = Arc::new(Counters::default());
    let connector = Answers {
        inner: scripted.clone(),
        counters: Arc::clone(&counters),
        completion: Completion::Overwrites,
        patience: Patience::default(),
    };
    let client = AmazonS3Builder::new()
        .with_bucket_name("b")
        .with_access_key_id("k")
        .with_secret_access_key("s")
        .with_disable_bulk_delete(true)
        .with_retry(super::super::build::once())
        .with_http_connector(connector)
        .build()
        .unwrap();
    let at = Where { endpoint: "http://memory".to_owned(), bucket: "b".to_owned() };
    let [reads, writes, creates, removes] = [(); 4].map(|()| client.clone());
    let clients = Clients {
        reads,
        writes,
        creates,
        removes,
        counters,
        at,
        offsets: true,
        checksums: Checksums::default(),
    };
    (S3Store::with_clients(clients, "s/"), scripted)
}

async fn version(store: &S3Store) -> ObjectMeta {
    let Probe::Present(version) = store.probe("a").await else { panic!("it is there") };
    version
}

#[tokio::test]
async fn a_delete_names_the_version_that_it_means() {
    let (store, scripted) = store(&[StatusCode::NO_CONTENT]);
    store.remove("a", &version(&store).await).await.unwrap();
    assert_eq!(*scripted.deletes.lock().unwrap(), [Some("\"e\"".to_owned())]);
}

#[tokio::test]
async fn a_server_that_knows_no_such_condition_is_asked_without_it() {
    let (store, scripted) = store(&[StatusCode::NOT_IMPLEMENTED, StatusCode::NO_CONTENT]);
    store.remove("a", &version(&store).await).await.unwrap();
    assert_eq!(*scripted.deletes.lock().unwrap(), [Some("\"e\"".to_owned()), None]);
}

#[tokio::test]
async fn a_delete_that_failed_is_not_sent_again() {
    for (status, fault) in [
        (StatusCode::INTERNAL_SERVER_ERROR, StoreFault::Server),
        (StatusCode::PRECONDITION_FAILED, StoreFault::Conflict),
        (StatusCode::FORBIDDEN, StoreFault::AccessDenied),
    ] {
        let (store, scripted) = store(&[status, StatusCode::NO_CONTENT]);
        let error = store.remove("a", &version(&store).await).await.unwrap_err();
        assert_eq!((error.fault, scripted.deletes.lock().unwrap().len()), (fault, 1), "{error}");
    }
}
