//! Answers that drip, are silent, or take their time for a reason; no clock is waited for.

use std::pin::pin;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use http::Response;
use object_store::client::{HttpClient, HttpConnector, HttpService};
use object_store::{ClientOptions, aws::AmazonS3Builder};
use tokio::time::sleep;

use super::super::S3Store;
use super::super::answers::{Answers, Completion};
use super::super::build::Clients;
use super::super::faults::Where;
use super::super::writes::Checksums;
use super::*;
use crate::model::{ObjectMeta, Slice, Upload};
use crate::store::counters::Counters;
use crate::store::{
    BoxError, Condition, HealStore, ListRequest, Store, StoreError, StoreFault, UploadJournal,
};

/// Sends chunks at intervals.
#[derive(Debug)]
struct Drips {
    chunk: usize,
    every: Duration,
    left: usize,
    next: Option<Pin<Box<Sleep>>>,
}

impl Body for Drips {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let every = self.every;
        let next = self.next.get_or_insert_with(|| Box::pin(sleep(every)));
        if next.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.next = None;
        let chunk = self.chunk.min(self.left);
        self.left -= chunk;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![b' '; chunk])))))
    }
}

/// How a server answers whatever it is asked.
#[derive(Debug, Clone, Copy)]
enum Manner {
    /// With so many bytes in chunks of a size, one in so many milliseconds.
    Drips { bytes: usize, chunk: usize, every: u64 },
    /// Not within this time, then with nothing.
    After(Duration),
    /// Reads and completes uploads at once, and says so after this time.
    Completes(Duration),
}

#[derive(Debug, Clone, Copy)]
struct Server(Manner);

impl HttpConnector for Server {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(*self))
    }
}

#[async_trait]
impl HttpService for Server {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = Response::builder().header("etag", "\"e\"");
        Ok(match self.0 {
            Manner::Drips { bytes, chunk, every } => {
                let every = Duration::from_millis(every);
                let body = Drips { chunk, every, left: bytes, next: None };
                answer.header("content-length", bytes).body(HttpResponseBody::new(body)).unwrap()
            }
            Manner::After(time) => {
                sleep(time).await;
                answer.body(String::new().into()).unwrap()
            }
            Manner::Completes(time) => {
                let query = request.uri().query().unwrap_or("");
                let body = if query.contains("uploads") {
                    "<R><UploadId>u</UploadId></R>"
                } else if query.contains("partNumber") {
                    ""
                } else {
                    sleep(time).await;
                    "<R><ETag>e</ETag></R>"
                };
                answer.body(body.to_owned().into()).unwrap()
            }
        })
    }
}

fn store(manner: Manner) -> S3Store {
    let counters = Arc::new(Counters::default());
    let answers = Answers {
        inner: Server(manner),
        counters: Arc::clone(&counters),
        completion: Completion::Overwrites,
        patience: Patience::default(),
    };
    let client = AmazonS3Builder::new()
        .with_bucket_name("b")
        .with_access_key_id("k")
        .with_secret_access_key("s")
        .with_retry(super::super::build::once())
        .with_http_connector(answers)
        .build()
        .unwrap();
    let at = Where { endpoint: "http://canned".to_owned(), bucket: "b".to_owned() };
    let [reads, writes, creates, removes] =
        [client.clone(), client.clone(), client.clone(), client];
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
    S3Store::with_clients(clients, "")
}

/// How many bytes come, and how long that takes; `pause` lies between two chunks.
async fn reads(manner: Manner, pause: Duration) -> (Result<usize, StoreError>, u64) {
    let began = Instant::now();
    let mut body = store(manner).read("k").await.unwrap().body;
    let mut bytes = 0;
    let mut outcome = Ok(());
    while let Some(chunk) = body.next().await {
        match chunk {
            Ok(chunk) => bytes += chunk.len(),
            Err(error) => outcome = Err(error),
        }
        sleep(pause).await;
    }
    (outcome.map(|()| bytes), began.elapsed().as_secs())
}

struct Nowhere;

#[async_trait]
impl UploadJournal for Nowhere {
    async fn begun(&self, _: &Upload) -> Result<(), BoxError> {
        Ok(())
    }

    async fn ended(&self, _: &Upload) -> Result<(), BoxError> {
        Ok(())
    }
}

/// How an upload of so many bytes ends, and after how long.
async fn writes(manner: Manner, bytes: usize) -> (Result<(), StoreError>, u64) {
    let began = Instant::now();
    let store = store(manner);
    let upload = async {
        let mut staged = store.stage("k", None, Arc::new(Nowhere)).await?;
        staged.write(vec![0; bytes].into()).await?;
        staged.publish(Condition::Replaces(ObjectMeta::default())).await
    };
    (upload.await, began.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn a_read_that_drips_is_given_up_after_a_minute() {
    let drips = Manner::Drips { bytes: 1 << 20, chunk: 8, every: 1_000 };
    let (read, took) = reads(drips, Duration::ZERO).await;
    let error = read.unwrap_err();
    assert_eq!(error.fault, StoreFault::Timeout, "{error}");
    assert!(crate::model::error_chain(&error).contains("too slow: 480 bytes in 1m"), "{error:?}");
    assert_eq!(took, 60);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_falls_silent_is_given_up_after_half_a_minute() {
    let stops = Manner::Drips { bytes: 1 << 20, chunk: 1 << 19, every: 3_600_000 };
    let (read, took) = reads(stops, Duration::ZERO).await;
    assert_eq!((read.unwrap_err().fault, took), (StoreFault::Timeout, 30));
}

#[tokio::test(start_paused = true)]
async fn a_slow_read_above_the_floor_may_take_all_day() {
    let slow = Manner::Drips { bytes: 1 << 30, chunk: 64 << 10, every: 5_000 };
    let (read, took) = reads(slow, Duration::ZERO).await;
    assert_eq!((read.unwrap(), took), (1 << 30, 5 << 14));
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_slow_reader_is_not_the_stores() {
    let quick = Manner::Drips { bytes: 3_200, chunk: 32, every: 1 };
    let (read, _) = reads(quick, Duration::from_hours(1)).await;
    assert_eq!(read.unwrap(), 3_200);
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_drips_fails_after_a_minute() {
    let began = Instant::now();
    let store = store(Manner::Drips { bytes: 1 << 20, chunk: 8, every: 1_000 });
    let layout = "p/{digest}".parse().unwrap();
    let request = ListRequest { layout, slice: Slice::WHOLE, concurrency: 4 };
    let mut pages = pin!(store.list(request));
    let error = pages.next().await.unwrap().unwrap_err();
    assert_eq!((error.fault, began.elapsed().as_secs()), (StoreFault::Timeout, 60));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_nobody_answers_is_given_up_after_half_a_minute_whatever_its_size() {
    let never = Manner::After(Duration::from_hours(10));
    for bytes in [10, 8 << 20, 20 << 20] {
        let (written, took) = writes(never, bytes).await;
        let error = written.unwrap_err();
        assert_eq!(error.fault, StoreFault::Timeout, "{error}");
        assert_eq!(took, 30, "{bytes}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_completion_may_take_minutes_and_no_more() {
    let (written, _) = writes(Manner::Completes(Duration::from_secs(290)), 20 << 20).await;
    written.unwrap();
    let (written, _) = writes(Manner::Completes(Duration::from_secs(310)), 20 << 20).await;
    assert_eq!(written.unwrap_err().fault, StoreFault::Timeout);
}

#[tokio::test(start_paused = true)]
async fn blanks_keep_a_completion_going_for_minutes_and_no_longer() {
    for (blanks, is_whole, ends) in [(50, true, 250), (1_000, false, 300)] {
        let began = Instant::now();
        let every = Duration::from_secs(5);
        let body = Drips { chunk: 1, every, left: blanks, next: None };
        let answer = Response::new(HttpResponseBody::new(body));
        let asked = Asked { answers_when_done: true };
        let mut body = Patience::default().guard(answer, asked).into_body().bytes_stream();
        let end = loop {
            match body.next().await {
                Some(Ok(_)) => {}
                end => break end,
            }
        };
        assert_eq!(end.is_none(), is_whole);
        assert_eq!(began.elapsed().as_secs(), ends);
    }
}
