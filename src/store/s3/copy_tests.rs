//! Copies that are too large for one request, on a bucket in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use object_store::ClientOptions;
use object_store::aws::{AmazonS3Builder, Checksum};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService,
};

use super::build::Clients;
use super::faults::Where;
use super::writes::Checksums;
use super::*;
use crate::store::counters::Counters;

/// Objects by path, and the parts of one upload.
#[derive(Debug, Clone, Default)]
struct Memory {
    objects: Arc<Mutex<BTreeMap<String, Bytes>>>,
    parts: Arc<Mutex<BTreeMap<u32, Bytes>>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl HttpConnector for Memory {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Memory {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let query = request.uri().query().unwrap_or("").to_owned();
        let body = axum::body::Body::new(request.into_body());
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        self.requests.lock().unwrap().push(format!("{method} {query}"));
        let (mut objects, mut parts) = (self.objects.lock().unwrap(), self.parts.lock().unwrap());
        let number = query.split('&').find_map(|pair| pair.strip_prefix("partNumber="));
        let answer = match (method, number) {
            (Method::GET | Method::HEAD, _) => match objects.get(&path) {
                Some(bytes) => return Ok(found(bytes.clone())),
                None => return Ok(answer(StatusCode::NOT_FOUND, String::new())),
            },
            (Method::PUT, Some(number)) => {
                parts.insert(number.parse().unwrap(), body);
                String::new()
            }
            (Method::POST, _) if query.starts_with("uploads") => {
                "<R><UploadId>u</UploadId></R>".to_owned()
            }
            (Method::POST, _) => {
                let whole: Vec<Bytes> = std::mem::take(&mut *parts).into_values().collect();
                objects.insert(path, whole.concat().into());
                "<R><ETag>e</ETag></R>".to_owned()
            }
            other => panic!("{other:?}"),
        };
        Ok(answer_ok(answer))
    }
}

fn found(bytes: Bytes) -> HttpResponse {
    let response = Response::builder().header("content-length", bytes.len());
    response.header("etag", "\"e\"").body(bytes.into()).unwrap()
}

fn answer_ok(body: String) -> HttpResponse {
    answer(StatusCode::OK, body)
}

fn answer(status: StatusCode, body: String) -> HttpResponse {
    Response::builder().status(status).header("etag", "\"e\"").body(body.into()).unwrap()
}

#[tokio::test]
async fn what_is_too_large_for_one_copy_is_copied_in_parts() {
    let memory = Memory::default();
    let client = AmazonS3Builder::new()
        .with_bucket_name("b")
        .with_access_key_id("k")
        .with_secret_access_key("s")
        .with_checksum_algorithm(Checksum::SHA256)
        .with_http_connector(memory.clone())
        .build()
        .unwrap();
    let at = Where { endpoint: "http://memory".to_owned(), bucket: "b".to_owned() };
    let [reads, writes, creates, removes] = [(); 4].map(|()| client.clone());
    let counters = Arc::new(Counters::default());
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
    let mut store = S3Store::with_clients(clients, "s/");
    Arc::get_mut(&mut store.bucket).unwrap().copy_max_bytes = 1 << 20;

    let bytes: Bytes = (0..20_u32 << 18).flat_map(u32::to_le_bytes).collect();
    memory.objects.lock().unwrap().insert("/b/s/p/a".to_owned(), bytes.clone());
    store.set_aside("p/a", "aside/a").await.unwrap();
    assert!(memory.objects.lock().unwrap()["/b/s/aside/a"] == bytes);
    let sent = memory.requests.lock().unwrap().clone();
    let parts = sent.iter().filter(|request| request.contains("partNumber=")).count();
    assert_eq!(parts, 3, "20 MiB in parts of 8: {sent:?}");
}
