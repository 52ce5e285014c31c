//! Buckets that drip, or fall silent: each ends in a time-out of its own, and holds up nobody else.

use std::time::Duration;

use restock::model::{FailureReason, FindingKind, Outcome, RepairResult};
use restock::store::{OptionValue, StoreOptions, open};

use crate::bucket::{Bucket, page};
use crate::support::http_server::Answer;
use crate::support::world::{Row, briefly, repair};

/// A bucket of `n` whose silence is borne for half a second, and its drip for a second.
async fn impatient(n: u32) -> Bucket {
    let mut bucket = Bucket::of(n).await;
    let mut options = StoreOptions { url: "s3://b/s".to_owned(), ..StoreOptions::default() };
    for (key, value) in [
        ("aws_endpoint", bucket.server.url("").as_str()),
        ("aws_allow_http", "true"),
        ("aws_access_key_id", "key"),
        ("aws_secret_access_key", "secret"),
        ("read_timeout", "500ms"),
    ] {
        options.options.insert(key.to_owned(), OptionValue::Text(value.to_owned()));
    }
    bucket.world.store = Some(open(&options, "/".as_ref()).await.unwrap());
    bucket
}

/// Without a tag, so that nothing is asked for the rest.
fn drip(answer: Answer) -> Answer {
    answer.saying_length(1 << 20).dripping(Duration::from_millis(100))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_drips_or_stops_is_unknown_and_the_others_are_read() {
    let bucket = impatient(4).await;
    bucket.lists([page(&bucket.objects, None)]);
    let stops = Answer::ok("half").saying_length(1 << 20).then_stall();
    bucket.answers(&bucket.objects[0], [drip(Answer::ok("8 bytes!"))]);
    bucket.answers(&bucket.objects[1], [stops]);
    for object in &bucket.objects[2..] {
        bucket.answers(object, [Answer::ok(object.bytes.clone()).header("etag", "\"e\"")]);
    }
    let report = bucket.world.audit_deep().await;
    let timeout = |n: usize| {
        (FindingKind::Unknown, bucket.objects[n].key.clone(), Some("timeout".to_owned()))
    };
    assert_eq!(briefly(&report), [timeout(0), timeout(1)]);
    assert_eq!((report.summary.verified, report.summary.exit_code), (Some(2), 3));
    let detail =
        report.findings.iter().find(|f| f.key.as_ref() == Some(&bucket.objects[0].key)).unwrap();
    assert!(detail.detail.contains("too slow"), "{}", detail.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_drips_is_a_failed_one() {
    let bucket = impatient(2).await;
    bucket.lists([drip(Answer::ok("        "))]);
    let report = bucket.world.audit().await;
    assert_eq!((report.summary.outcome, report.summary.exit_code), (Outcome::Failed, 1));
    assert!(report.summary.errors[0].message.contains("timeout"), "{:?}", report.summary.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_nobody_answers_fails_and_the_others_are_restored() {
    let bucket = impatient(4).await;
    bucket.lists([page(&bucket.objects[2..], None)]);
    let absent = || Answer::status(404);
    let silent = Answer::raw("").then_stall();
    bucket.answers(&bucket.objects[0], [absent(), absent(), silent, absent()]);
    let taken = |answer: Answer| answer.header("etag", "\"n\"");
    let whole = Answer::ok(bucket.objects[1].bytes.clone());
    let answers = [absent(), absent(), taken(Answer::status(200)), taken(whole)];
    bucket.answers(&bucket.objects[1], answers);
    let report = bucket.world.heal().await;
    let [stuck, other] = [0, 1].map(|n| repair(&report, &bucket.objects[n]));
    assert_eq!(
        (stuck.result, stuck.reason),
        (RepairResult::Failed, Some(FailureReason::StoreWrite)),
        "{stuck:?}"
    );
    assert_eq!(other.result, RepairResult::Restored, "{other:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_nobody_answers_is_not_tried_again_with_every_other_source() {
    let bucket = impatient(4).await;
    bucket.lists([page(&bucket.objects[1..], None)]);
    let object = &bucket.objects[0];
    for path in ["/second", "/third"] {
        let http = &bucket.world.http;
        http.route(path, [Answer::ok(object.bytes.clone())]);
        let row = Row { url: Some(http.url(path)), ..bucket.world.row_of(object) };
        bucket.world.row(&row).await;
    }
    let absent = || Answer::status(404);
    bucket.answers(object, [absent(), absent(), Answer::raw("").then_stall()]);
    let report = bucket.world.heal().await;
    let stuck = repair(&report, object);
    assert_eq!(
        (stuck.result, stuck.reason),
        (RepairResult::Failed, Some(FailureReason::StoreWrite)),
        "{stuck:?}"
    );
    assert_eq!(bucket.world.http.requests().len(), 1, "no second download");
}
