//! Listings of canned buckets, without a socket.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Mutex;

use async_trait::async_trait;
use futures::TryStreamExt;
use http::StatusCode;
use object_store::ClientOptions;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService,
};
use proptest::prelude::*;

use super::*;
use crate::model::{Digest, Slice};
use crate::store::Store;
use crate::store::counters::Counters;
use crate::store::s3::S3Store;
use crate::store::s3::answers::{Answers, Completion};
use crate::store::s3::build::Clients;
use crate::store::s3::faults::Where;
use crate::store::s3::patience::Patience;
use crate::store::s3::writes::Checksums;

/// How a server departs from what S3 does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Plain,
    IgnoresStartAfter,
    Shuffles,
    /// In order at first, as a file system walks its folders.
    ShufflesFrom(usize),
    IgnoresPrefix,
}

/// A server that holds keys, and answers LIST.
#[derive(Debug)]
struct Canned {
    keys: Vec<String>,
    page_keys: usize,
    manner: Manner,
    /// Prefix and start of each request.
    asked: Mutex<Vec<(String, Option<String>)>>,
}

#[derive(Debug, Clone)]
struct Service(Arc<Canned>);

impl HttpConnector for Service {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let query = request.uri().query().unwrap_or("").to_owned();
        let parameter = |name: &str| {
            url::form_urlencoded::parse(query.as_bytes())
                .find_map(|(key, value)| (key == name).then(|| value.into_owned()))
        };
        let page = self.0.page(
            &parameter("prefix").unwrap_or_default(),
            parameter("start-after"),
            parameter("continuation-token").as_deref(),
        );
        // Let the others take their turn, so that ranges do interleave.
        tokio::task::yield_now().await;
        let answer = http::Response::builder().status(StatusCode::OK).body(page.into());
        Ok(answer.unwrap())
    }
}

impl Canned {
    fn page(&self, prefix: &str, start: Option<String>, token: Option<&str>) -> String {
        self.asked.lock().unwrap().push((prefix.to_owned(), start.clone()));
        // A token says how far the listing is, and after which key it started.
        let (after, from) = match token {
            Some(token) => {
                let (from, after) = token.split_once(':').unwrap();
                (after.to_owned(), from.parse().unwrap())
            }
            None if self.manner == Manner::IgnoresStartAfter => (String::new(), 0),
            None => (start.unwrap_or_default(), 0),
        };
        let ignores_prefix = self.manner == Manner::IgnoresPrefix;
        let asked = |key: &&String| (ignores_prefix || key.starts_with(prefix)) && **key > after;
        let keys: Vec<&String> = self.keys.iter().filter(asked).collect();
        let to = (from + self.page_keys).min(keys.len());
        let mut page: Vec<&String> = keys[from..to].to_vec();
        let shuffled = match self.manner {
            Manner::Shuffles => true,
            Manner::ShufflesFrom(position) => from >= position,
            Manner::Plain | Manner::IgnoresStartAfter | Manner::IgnoresPrefix => false,
        };
        if shuffled {
            page.reverse();
        }
        let mut xml = String::from("<ListBucketResult>");
        for key in page {
            let key = quick_xml::escape::escape(key.as_str());
            write!(
                xml,
                "<Contents><Key>{key}</Key><LastModified>2026-01-02T03:04:05Z</LastModified>\
                 <Size>7</Size></Contents>"
            )
            .unwrap();
        }
        let more = to < keys.len();
        write!(xml, "<IsTruncated>{more}</IsTruncated>").unwrap();
        if more {
            let token = format!("{to}:{after}");
            let token = quick_xml::escape::escape(&token);
            write!(xml, "<NextContinuationToken>{token}</NextContinuationToken>").unwrap();
        }
        xml + "</ListBucketResult>"
    }
}

struct Bench {
    server: Arc<Canned>,
    store: S3Store,
}

fn bench(keys: impl IntoIterator<Item = String>, page_keys: usize, manner: Manner) -> Bench {
    let mut keys: Vec<String> = keys.into_iter().map(|key| format!("store/{key}")).collect();
    keys.sort();
    keys.dedup();
    let server = Arc::new(Canned { keys, page_keys, manner, asked: Mutex::default() });
    let counters = Arc::new(Counters::default());
    let inner = Service(Arc::clone(&server));
    let answers = Answers {
        inner,
        counters: Arc::clone(&counters),
        completion: Completion::Overwrites,
        patience: Patience::default(),
    };
    let client: AmazonS3 = AmazonS3Builder::new()
        .with_bucket_name("b")
        .with_access_key_id("k")
        .with_secret_access_key("s")
        .with_http_connector(answers)
        .build()
        .unwrap();
    let at = Where { endpoint: "http://canned".to_owned(), bucket: "b".to_owned() };
    let [reads, writes, creates] = [client.clone(), client.clone(), client];
    let removes = creates.clone();
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
    Bench { server, store: S3Store::with_clients(clients, "store/") }
}

impl Bench {
    async fn listed(
        &self,
        layout: &str,
        slice: Slice,
        concurrency: usize,
    ) -> Result<Listed, StoreError> {
        let layout = layout.parse().unwrap();
        let mut listed = Listed::default();
        let mut pages = self.store.list(ListRequest { layout, slice, concurrency });
        while let Some(page) = pages.try_next().await? {
            listed.objects.extend(page.objects.into_iter().map(|object| object.key));
            listed.unaddressable.extend(page.unaddressable);
        }
        listed.objects.sort();
        listed.unaddressable.sort();
        Ok(listed)
    }

    /// Which starts were asked for.
    fn starts(&self) -> BTreeSet<String> {
        self.server.asked.lock().unwrap().iter().filter_map(|(_, start)| start.clone()).collect()
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Listed {
    objects: Vec<String>,
    unaddressable: Vec<String>,
}

fn digest(n: u64) -> Digest {
    let mut bytes = [0x11; 32];
    bytes[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    Digest::new(bytes)
}

fn digests(count: u64) -> Vec<String> {
    (0..count).map(|n| format!("p/{}", digest(n))).collect()
}

const LAYOUT: &str = "p/{digest}";

#[tokio::test]
async fn a_small_bucket_takes_one_request_and_a_large_one_many_at_once() {
    let small = bench(digests(1_000), 1_000, Manner::Plain);
    assert_eq!(small.listed(LAYOUT, Slice::WHOLE, 16).await.unwrap().objects.len(), 1_000);
    assert_eq!(small.store.requests().list, 1);
    let empty = bench([], 1_000, Manner::Plain);
    assert_eq!(empty.listed(LAYOUT, Slice::WHOLE, 16).await.unwrap(), Listed::default());
    assert_eq!(empty.store.requests().list, 1);

    let large = bench(digests(10_000), 100, Manner::Plain);
    assert_eq!(large.listed(LAYOUT, Slice::WHOLE, 8).await.unwrap().objects.len(), 10_000);
    assert_eq!(large.starts().len(), 7, "the first range goes on where the first page ends");
    assert!(large.store.requests().list <= 100 + 8 + 7, "{:?}", large.store.requests());
    for (prefix, _) in large.server.asked.lock().unwrap().iter() {
        assert_eq!(prefix, "store/p/");
    }
}

#[tokio::test]
async fn foreign_keys_between_before_and_after_the_digests_are_listed_once() {
    let mut keys = digests(5_000);
    let foreign = ["p/!", "p/4", "p/8/x", "p/ABC", "p/g", "p/zz/z", "p/ÿ"].map(str::to_owned);
    keys.extend(foreign.clone());
    let poison = ["p//x", "p/../y", "p/7\u{1}", "p/f//z"].map(str::to_owned);
    keys.extend(poison);
    keys.extend(["p-old/a", "p", "q/a"].map(str::to_owned));
    keys.extend(["p/", "p/8/", "p/.restock-tmp-1"].map(str::to_owned));
    for manner in [
        Manner::Plain,
        Manner::IgnoresStartAfter,
        Manner::Shuffles,
        Manner::IgnoresPrefix,
        Manner::ShufflesFrom(300),
    ] {
        let bench = bench(keys.clone(), 100, manner);
        let mut listed = bench.listed(LAYOUT, Slice::WHOLE, 8).await.unwrap();
        let requests = bench.store.requests().list;
        if manner == Manner::ShufflesFrom(300) {
            listed.objects.dedup(); // Only digests come twice.
        }
        // 51 pages, and a first one of each range to find out that there are none.
        assert!(manner == Manner::ShufflesFrom(300) || requests < 65, "{manner:?}: {requests}");
        let mut expected = digests(5_000);
        expected.extend(foreign.clone());
        expected.sort();
        assert_eq!(listed.objects.len(), expected.len(), "{manner:?}");
        assert_eq!(listed.objects, expected, "{manner:?}");
        assert_eq!(listed.unaddressable, ["p/../y", "p//x", "p/7\\u{1}", "p/f//z"], "{manner:?}");
    }
}

#[tokio::test]
async fn only_digests_are_handed_on_twice_where_the_order_breaks_late() {
    let mut keys = digests(5_000);
    keys.extend((0..400).map(|n| format!("p/{:x}-foreign", n * 10)));
    let bench = bench(keys, 100, Manner::ShufflesFrom(200));
    let listed = bench.listed(LAYOUT, Slice::WHOLE, 8).await.unwrap().objects;
    let foreign = listed.iter().filter(|key| key.ends_with("-foreign")).count();
    assert_eq!(foreign, 400);
    assert!(listed.len() > 5_400, "some digests were handed on before the order broke");
    let distinct: BTreeSet<_> = listed.into_iter().collect();
    assert_eq!(distinct.len(), 5_400);
}

#[tokio::test]
async fn slices_start_where_they_start_and_share_every_key_among_them() {
    let mut keys = digests(3_000);
    keys.extend(["p/!", "p/8foreign", "p/zz"].map(str::to_owned));
    let bench = bench(keys.clone(), 100, Manner::Plain);
    let mut all = Vec::new();
    for index in 1..=4 {
        let before = bench.store.requests().list;
        let listed = bench.listed(LAYOUT, Slice::new(index, 4).unwrap(), 1).await.unwrap();
        let requests = bench.store.requests().list - before;
        assert!((7..=9).contains(&requests), "a quarter of 31 pages: {requests}");
        all.extend(listed.objects);
    }
    all.sort();
    keys.sort();
    assert_eq!(all, keys);
}

#[tokio::test]
async fn a_dropped_listing_sends_no_more() {
    let bench = bench(digests(20_000), 100, Manner::Plain);
    let layout = LAYOUT.parse().unwrap();
    let request = ListRequest { layout, slice: Slice::WHOLE, concurrency: 4 };
    let mut pages = bench.store.list(request);
    pages.try_next().await.unwrap();
    drop(pages);
    tokio::task::yield_now().await;
    let sent = bench.store.requests().list;
    assert!(sent < 30, "bounded by what waits: {sent}");
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.store.requests().list, sent);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_parallel_listing_equals_a_sequential_one(
        count in 0_u64..1_500,
        foreign in prop::collection::btree_set("[!-~é]{1,6}", 0..40),
        page_keys in 5_usize..60,
        concurrency in 2_usize..24,
        wide in any::<bool>(),
        of in 1_u32..4,
        index in 0_u32..3,
    ) {
        let layout = if wide { "p/{digest:2}/{digest}" } else { LAYOUT };
        let template: KeyTemplate = layout.parse().unwrap();
        let mut keys: Vec<String> = (0..count).map(|n| template.render(&digest(n))).collect();
        keys.extend(foreign.iter().map(|name| format!("p/{name}")));
        let slice = Slice::new(index % of + 1, of).unwrap();
        let bench = bench(keys, page_keys, Manner::Plain);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let parallel = runtime.block_on(bench.listed(layout, slice, concurrency)).unwrap();
        let sequential = runtime.block_on(bench.listed(layout, slice, 1)).unwrap();
        prop_assert_eq!(&parallel, &sequential);
        if slice.is_whole() {
            let whole = sequential.objects.len() + sequential.unaddressable.len();
            let wanted = bench.server.keys.iter().filter(|key| is_listed(key)).count();
            prop_assert_eq!(whole, wanted);
        }
    }
}
