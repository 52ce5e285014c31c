//! What a bucket's answers are taken for: each wrong one becomes an error with its cause and a
//! hint, and none of them an absent object or an empty listing.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a broken test should stop")]

#[path = "support/http_server.rs"]
#[expect(dead_code, unreachable_pub, reason = "the server serves other tests too")]
mod http_server;
#[path = "support/scripted_bucket.rs"]
mod scripted_bucket;
#[path = "store_answers/silent.rs"]
mod silent;
#[path = "store_answers/uploads.rs"]
mod uploads;

use bytes::Bytes;
use futures::TryStreamExt;
use restock::model::{ObjectMeta, Slice};
use restock::store::{ListRequest, Probe, StoreFault};

use http_server::{Answer, HttpServer};
use scripted_bucket::{KEY, LATE, error_answer, listed, page, store, store_at, told};

/// Lists a bucket that answers so, and gives the fault and the message.
async fn refused(answers: impl IntoIterator<Item = Answer>) -> (StoreFault, String, usize) {
    let server = HttpServer::start();
    server.route("/b", answers);
    let error = listed(store(&server).await.as_ref()).await.expect_err("the listing passes");
    (error.fault, told(&error), server.requests().len())
}

#[tokio::test]
async fn an_answer_that_is_no_listing_is_never_an_empty_one() {
    let html = "<html><body>Sign in to continue</body></html>";
    for (answer, says) in [
        (Answer::ok(html), "<html>"),
        (Answer::ok(""), "empty"),
        (Answer::ok("down for maintenance"), "text"),
        (Answer::ok("<ListBucketResult/>"), "whether it is complete"),
        (Answer::ok("<ListBucketResult><IsTruncated>false"), "not well-formed"),
        (Answer::ok("<Error><Code>InternalThing</Code></Error>"), "<Error>"),
    ] {
        let (fault, told, requests) = refused([answer]).await;
        assert_eq!(fault, StoreFault::Malformed, "{told}");
        assert!(told.contains(says) && told.contains("aws_endpoint"), "{told}");
        assert_eq!(requests, 3, "a proxy's page may pass, so it is asked again: {told}");
    }
}

#[tokio::test]
async fn a_listing_that_contradicts_itself_is_refused_at_once() {
    let truncated = "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>";
    let (fault, told, requests) = refused([Answer::ok(truncated)]).await;
    assert_eq!((fault, requests), (StoreFault::Malformed, 1), "{told}");
    assert!(told.contains("but not where"), "{told}");

    let (fault, told, requests) = refused([page(&[LATE], Some("t"))]).await;
    assert_eq!((fault, requests), (StoreFault::Malformed, 2), "{told}");
    assert!(told.contains("the same page"), "{told}");
}

#[tokio::test]
async fn a_listing_that_breaks_off_ends_in_an_error_and_not_in_silence() {
    let server = HttpServer::start();
    server.route("/b", [page(&[LATE], Some("t")), error_answer(403, "AccessDenied")]);
    let store = store(&server).await;
    let layout = "p/{digest}".parse().unwrap();
    let mut pages = store.list(ListRequest { layout, slice: Slice::WHOLE, concurrency: 4 });
    let first = pages.try_next().await.unwrap().unwrap();
    assert_eq!(first.objects[0].key, LATE);
    assert_eq!(first.date.unwrap().to_rfc3339(), "2026-01-02T03:04:06+00:00");
    assert_eq!(pages.try_next().await.unwrap_err().fault, StoreFault::AccessDenied);
    assert!(pages.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn one_range_that_fails_fails_the_listing() {
    let server = HttpServer::start();
    server.route("/b", [page(&[KEY], Some("t")), page(&[LATE], None), error_answer(500, "X")]);
    let store = store(&server).await;
    assert_eq!(listed(store.as_ref()).await.unwrap_err().fault, StoreFault::Server);
    assert!(server.requests()[1].target.contains("start-after="), "ranges are tried at all");
}

#[tokio::test]
async fn a_page_that_breaks_off_is_asked_for_again() {
    let server = HttpServer::start();
    server.route("/b", [page(&[KEY], None).saying_length(5_000), page(&[KEY], None)]);
    assert_eq!(listed(store(&server).await.as_ref()).await.unwrap()[0].objects.len(), 1);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn an_empty_page_with_a_token_is_not_the_end() {
    let server = HttpServer::start();
    server.route("/b", [page(&[], Some("t")), page(&[KEY], None)]);
    let pages = listed(store(&server).await.as_ref()).await.unwrap();
    assert_eq!(pages.iter().map(|page| page.objects.len()).sum::<usize>(), 1);
}

#[tokio::test]
async fn a_listing_that_says_to_be_complete_ends_whatever_token_stands_beside_it() {
    for token in ["t", ""] {
        let server = HttpServer::start();
        let body = format!(
            "<ListBucketResult><NextContinuationToken>{token}</NextContinuationToken>\
             <IsTruncated>false</IsTruncated><Contents><Key>s/{KEY}</Key>\
             <LastModified>2026-01-02T03:04:05.000Z</LastModified><Size>5</Size></Contents>\
             </ListBucketResult>"
        );
        server.route("/b", [Answer::ok(body)]);
        let pages = listed(store(&server).await.as_ref()).await.unwrap();
        assert_eq!(pages.iter().map(|page| page.objects.len()).sum::<usize>(), 1);
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_listing_that_does_not_get_on_fails_and_says_why() {
    let turn = |n: usize, keys: &[&str]| page(keys, Some(&format!("t{n}")));
    let same_page: Vec<_> = (0..20).map(|n| turn(n, &[LATE])).collect();
    let backwards: Vec<_> =
        (0..20).map(|n| if n % 2 == 0 { turn(n, &[LATE]) } else { turn(n, &[KEY]) }).collect();
    let circle: Vec<_> = (0..20).map(|n| turn(n % 2, &[])).collect();
    let outside: Vec<_> = (0..1_100).map(|n| turn(n, &["other/key"])).collect();
    let empty: Vec<_> = (0..1_100).map(|n| turn(n, &[])).collect();
    for (answers, says, at_most) in [
        (same_page, "the same page again", 3),
        (backwards, "the same page again", 6),
        (circle, "in a circle", 6),
        (outside, "bring no key", 1_000),
        (empty, "bring no key", 1_000),
    ] {
        let (fault, told, requests) = refused(answers).await;
        assert_eq!(fault, StoreFault::Malformed, "{told}");
        assert!(told.contains("does not come to an end") && told.contains(says), "{told}");
        assert!(requests <= at_most, "{says}: {requests}");
    }
}

#[tokio::test]
async fn empty_pages_that_get_on_are_followed_for_long() {
    let server = HttpServer::start();
    let empty = (0..900).map(|n| page(&[], Some(&format!("t{n}"))));
    server.route("/b", empty.chain([page(&[KEY], None)]));
    let pages = listed(store(&server).await.as_ref()).await.unwrap();
    assert_eq!(pages.iter().map(|page| page.objects.len()).sum::<usize>(), 1);
}

#[tokio::test]
async fn one_poisoned_key_hides_no_other() {
    let server = HttpServer::start();
    let other = KEY.replace('1', "2");
    server.route("/b", [page(&[KEY, "p//a", "p/../b", "p/&#x1;c", "p/folder/", &other], None)]);
    let pages = listed(store(&server).await.as_ref()).await.unwrap();
    let keys: Vec<_> = pages[0].objects.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(keys, [KEY, &other]);
    assert_eq!(pages[0].unaddressable, ["p//a", "p/../b", "p/\\u{1}c"]);
}

#[tokio::test]
async fn keys_in_any_order_and_outside_the_prefix_are_sorted_out() {
    let server = HttpServer::start();
    let keys = ["p/f", KEY, "p-old/x", "p/a", "other"];
    server.route("/b", [page(&keys, Some("t")), page(&["p/0"], None)]);
    let pages = listed(store(&server).await.as_ref()).await.unwrap();
    let keys: Vec<_> = pages.iter().flat_map(|page| &page.objects).map(|o| &*o.key).collect();
    assert_eq!(keys, ["p/f", KEY, "p/a", "p/0"]);
    assert_eq!(server.requests().len(), 2, "page after page");
}

#[tokio::test]
async fn a_403_to_a_probe_is_unknown_while_the_listing_works() {
    let server = HttpServer::start();
    server.route("/b", [page(&[KEY], None)]);
    server.route(&format!("/b/s/{KEY}"), [Answer::status(403)]);
    let store = store(&server).await;
    assert_eq!(listed(store.as_ref()).await.unwrap()[0].objects.len(), 1);
    let Probe::Unknown(error) = store.probe(KEY).await else { panic!("a verdict from a 403") };
    assert_eq!(error.fault, StoreFault::AccessDenied);
    let told = told(&error);
    assert!(told.contains("s3:ListBucket") && told.contains("s3:GetObject"), "{told}");
    assert_eq!((store.requests().list, store.requests().head), (1, 1));
}

#[tokio::test]
async fn an_error_of_any_other_kind_is_unknown_and_only_a_404_is_absent() {
    for (answer, fault) in [
        (Answer::status(500), StoreFault::Server),
        (Answer::status(502), StoreFault::Server),
        (Answer::status(429), StoreFault::Throttled),
        (Answer::status(400), StoreFault::Other),
        (Answer::status(301), StoreFault::Other),
        (Answer::raw("").then_reset(), StoreFault::Unreachable),
    ] {
        let server = HttpServer::start();
        server.route(&format!("/b/s/{KEY}"), [answer.clone()]);
        let Probe::Unknown(error) = store(&server).await.probe(KEY).await else {
            panic!("a verdict from {answer:?}")
        };
        assert_eq!(error.fault, fault, "{}", told(&error));
        assert!(error.to_string().contains(KEY), "{error}");
    }
    let server = HttpServer::start();
    server.route(&format!("/b/s/{KEY}"), [Answer::status(404)]);
    assert!(matches!(store(&server).await.probe(KEY).await, Probe::Absent));
}

#[tokio::test]
async fn an_error_that_passes_is_waited_out() {
    let server = HttpServer::start();
    let found = Answer::status(200).saying_length(5).header("etag", "\"e\"");
    server.route("/b", [Answer::status(503), page(&[KEY], None)]);
    server
        .route(&format!("/b/s/{KEY}"), [Answer::status(500), Answer::raw("").then_reset(), found]);
    let store = store(&server).await;
    assert_eq!(listed(store.as_ref()).await.unwrap()[0].objects.len(), 1);
    let Probe::Present(meta) = store.probe(KEY).await else { panic!("not found") };
    assert_eq!((meta.size, meta.etag.as_deref(), meta.modified), (5, Some("\"e\""), None));
    assert_eq!((store.requests().list, store.requests().head), (2, 3), "retries count");
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_no_empty_one() {
    for answer in [error_answer(404, "NoSuchBucket"), Answer::status(404)] {
        let server = HttpServer::start();
        server.route("/b", [answer]);
        server.route(&format!("/b/s/{KEY}"), [error_answer(404, "NoSuchBucket")]);
        let store = store(&server).await;
        for error in [store.check().await.unwrap_err(), listed(store.as_ref()).await.unwrap_err()] {
            assert_eq!(error.fault, StoreFault::NoSuchStore, "{error}");
            assert!(told(&error).contains("no bucket `b`"), "{error}");
        }
        let error = store.read(KEY).await.err().unwrap();
        assert_eq!(error.fault, StoreFault::NoSuchStore, "{error}");
    }
}

#[tokio::test]
async fn silence_in_the_middle_ends_a_listing_and_a_read_and_the_patience_can_be_set() {
    let server = HttpServer::start();
    server.route("/b", [page(&[KEY], None).saying_length(5_000).then_stall()]);
    let half = Answer::ok("ha").saying_length(4).then_stall();
    server.route(&format!("/b/s/{KEY}"), [half]);
    let store = store_at(&server.url(""), &[("read_timeout", "300ms")]).await;
    assert_eq!(listed(store.as_ref()).await.unwrap_err().fault, StoreFault::Timeout);
    let reading = store.read(KEY).await.unwrap();
    let body: Result<Vec<Bytes>, _> = reading.body.try_collect().await;
    assert_eq!(body.unwrap_err().fault, StoreFault::Timeout);
}

#[tokio::test]
async fn an_object_that_changes_while_it_is_read_is_never_read_as_one() {
    let server = HttpServer::start();
    let part = |etag: &str| Answer::ok("half").header("etag", etag);
    let rest = Answer::status(206)
        .header("etag", "\"new\"")
        .header("content-range", "bytes 4-7/8")
        .body("else");
    server.route(&format!("/b/s/{KEY}"), [part("\"old\"").saying_length(8), rest]);
    let reading = store(&server).await.read(KEY).await.unwrap();
    assert_eq!(reading.meta, ObjectMeta { size: 8, etag: Some("\"old\"".into()), modified: None });
    let body: Result<Vec<Bytes>, _> = reading.body.try_collect().await;
    told(&body.expect_err("two versions passed for one"));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_resumed_where_it_is_the_same_object() {
    let server = HttpServer::start();
    let first = Answer::ok("half").header("etag", "\"e\"").saying_length(8);
    let rest = Answer::status(206)
        .header("etag", "\"e\"")
        .header("content-range", "bytes 4-7/8")
        .body("rest");
    server.route(&format!("/b/s/{KEY}"), [first, rest]);
    let reading = store(&server).await.read(KEY).await.unwrap();
    let body: Vec<Bytes> = reading.body.try_collect().await.unwrap();
    assert_eq!(body.concat(), b"halfrest");
    assert_eq!(server.requests()[1].header("range"), Some("bytes=4-7"));
}

#[tokio::test]
async fn a_body_that_is_shorter_than_it_was_said_to_be_is_no_whole_one() {
    let server = HttpServer::start();
    let first = Answer::ok("half").header("etag", "\"e\"").saying_length(8);
    let short = Answer::status(206)
        .header("etag", "\"e\"")
        .header("content-range", "bytes 4-7/8")
        .body("re");
    server.route(&format!("/b/s/{KEY}"), [first, short]);
    let reading = store(&server).await.read(KEY).await.unwrap();
    let body: Result<Vec<Bytes>, _> = reading.body.try_collect().await;
    assert_eq!(body.unwrap_err().fault, StoreFault::Malformed);
}

#[tokio::test]
async fn causes_that_are_no_lack_of_rights_are_told_as_their_own() {
    for (status, code, fault, says) in [
        (403, "InvalidObjectState", StoreFault::Archived, "restore-object"),
        (400, "ExpiredToken", StoreFault::Credentials, "have expired"),
        (400, "InvalidToken", StoreFault::Credentials, "session token"),
        (403, "SignatureDoesNotMatch", StoreFault::Credentials, "secret is wrong"),
        (403, "InvalidAccessKeyId", StoreFault::Credentials, "access key"),
        (403, "RequestTimeTooSkewed", StoreFault::Clock, "clock is wrong"),
        (403, "AccessDenied", StoreFault::AccessDenied, "s3:GetObject"),
        (503, "Busy", StoreFault::Throttled, "503 Busy"),
    ] {
        let server = HttpServer::start();
        server.route(&format!("/b/s/{KEY}"), [error_answer(status, code)]);
        let error = store(&server).await.read(KEY).await.err().unwrap();
        assert_eq!(error.fault, fault, "{code}: {error}");
        assert!(told(&error).contains(says), "{says}: {}", told(&error));
    }
}

#[tokio::test]
async fn the_words_of_a_refusal_may_be_endless_or_no_text_and_its_status_holds() {
    for body in [vec![b'x'; 1 << 10], vec![0xff; 1 << 10]] {
        let server = HttpServer::start();
        server.route(&format!("/b/s/{KEY}"), [Answer::status(403).body(body).endless()]);
        let error = store(&server).await.read(KEY).await.err().unwrap();
        assert_eq!(error.fault, StoreFault::AccessDenied, "{error}");
    }
}

#[tokio::test]
async fn a_listing_with_encoded_keys_is_read_as_what_it_means() {
    let server = HttpServer::start();
    let body = format!(
        "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>\
         <Contents><Key>s%2F{}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>\
         <Size>5</Size></Contents></ListBucketResult>",
        KEY.replace('/', "%2F")
    );
    server.route("/b", [Answer::ok(body)]);
    let pages = listed(store(&server).await.as_ref()).await.unwrap();
    assert_eq!(pages[0].objects[0].key, KEY);
}
