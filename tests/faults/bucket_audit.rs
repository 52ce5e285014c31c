//! What audits make of a bucket's answers: an answer that says nothing is never taken for an
//! absent object or an empty bucket.

use restock::model::{FindingKind, Outcome};
use restock::pass::PassReport;
use rstest::rstest;

use crate::bucket::{Bucket, archived_page, page, refusal, there};
use crate::support::http_server::Answer;
use crate::support::world::{briefly, count};

const HTML: &str = "<html><body>Sign in to continue</body></html>";
const TRUNCATED: &str = "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>";

/// A pass that could not be finished: no count, no finding, no repair, exit 1.
fn is_failed(report: &PassReport, code: &str) {
    let summary = &report.summary;
    assert_eq!((summary.outcome, summary.exit_code), (Outcome::Failed, 1), "{summary:?}");
    assert_eq!((briefly(report), report.repairs.len(), report.plan.actions.len()), (vec![], 0, 0));
    let counts = [
        summary.expected,
        summary.observed,
        summary.present,
        summary.missing,
        summary.corrupt,
        summary.unknown,
        summary.orphans,
        summary.foreign,
        summary.at_risk,
    ];
    assert_eq!(counts, [None; 9]);
    assert!(summary.breaker.is_none(), "nothing was seen that could open it");
    let codes: Vec<_> = summary.errors.iter().map(|error| error.code.as_str()).collect();
    assert_eq!(codes, [code], "{:?}", summary.errors);
    assert!(!summary.errors[0].message.is_empty());
}

#[rstest]
#[case::a_page_for_people(Answer::ok(HTML))]
#[case::an_empty_answer(Answer::ok(""))]
#[case::truncated_without_a_token(Answer::ok(TRUNCATED))]
#[case::a_bucket_that_is_not_there(refusal(404, "NoSuchBucket"))]
#[case::a_bare_404(Answer::status(404))]
#[case::access_denied(refusal(403, "AccessDenied"))]
#[case::server_error(Answer::status(500))]
#[case::slow_down(refusal(503, "SlowDown"))]
#[case::reset(Answer::raw("").then_reset())]
#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_says_nothing_fails_audit_and_heal(#[case] answer: Answer) {
    let bucket = Bucket::of(6).await;
    bucket.lists([answer]);
    is_failed(&bucket.world.audit().await, "listing");
    is_failed(&bucket.world.heal().await, "listing");
    assert_eq!(bucket.world.http.requests().len(), 0, "no source is asked");
    assert!(bucket.server.requests().iter().all(|request| request.method == "GET"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_breaks_off_half_way_gives_no_verdict() {
    let bucket = Bucket::of(6).await;
    let first = page(&bucket.objects[..3], Some("more"));
    bucket.lists([first.clone(), refusal(500, "InternalError")]);
    is_failed(&bucket.world.audit().await, "listing");
    bucket.lists([first, refusal(500, "InternalError")]);
    is_failed(&bucket.world.heal_deep().await, "listing");
    assert_eq!(bucket.world.http.requests().len(), 0);
}

#[rstest]
#[case::access_denied(403, "access_denied")]
#[case::server_error(500, "server")]
#[case::bad_gateway(502, "server")]
#[case::throttled(429, "throttled")]
#[case::gateway_timeout(504, "timeout")]
#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_is_not_answered_makes_an_unlisted_object_unknown(
    #[case] status: u16,
    #[case] reason: &str,
) {
    let bucket = Bucket::without_the_first([Answer::status(status)]).await;
    let key = bucket.objects[0].key.clone();
    for report in [bucket.world.audit().await, bucket.world.heal().await] {
        let reason = Some(reason.to_owned());
        assert_eq!(briefly(&report), [(FindingKind::Unknown, key.clone(), reason)]);
        let summary = &report.summary;
        assert_eq!((summary.outcome, summary.exit_code), (Outcome::Incomplete, 3));
        let counts = (summary.expected, summary.present, summary.unknown, summary.missing);
        assert_eq!(counts, (Some(4), Some(3), Some(1), Some(0)));
        assert_eq!((report.plan.actions.len(), report.repairs.len()), (0, 0));
    }
    assert_eq!(bucket.world.http.requests().len(), 0, "nothing unknown is healed");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_404_to_the_probe_makes_it_missing_and_a_200_makes_it_present() {
    let bucket = Bucket::without_the_first([Answer::status(404)]).await;
    let report = bucket.world.audit().await;
    assert_eq!((count(&report, FindingKind::Missing), report.summary.exit_code), (1, 2));

    let size = bucket.objects[0].bytes.len();
    bucket.answers(&bucket.objects[0], [there(size, "\"e\"")]);
    let report = bucket.world.audit().await;
    assert_eq!((briefly(&report), report.summary.present), (vec![], Some(4)));
    assert_eq!(report.summary.exit_code, 0, "a listing that lags behind is no loss");
}

#[rstest]
#[case::access_denied(Answer::status(403), "access_denied")]
#[case::server_error(Answer::status(500), "server")]
#[case::cut_off(Answer::ok("half").saying_length(400).header("etag", "\"e\""), "other")]
#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_cannot_be_read_is_unknown_and_not_corrupt(
    #[case] answer: Answer,
    #[case] reason: &str,
) {
    let bucket = Bucket::of(3).await;
    bucket.lists([page(&bucket.objects, None)]);
    for object in &bucket.objects[1..] {
        let whole = Answer::ok(object.bytes.clone()).header("etag", "\"e\"");
        bucket.answers(object, [whole]);
    }
    bucket.answers(&bucket.objects[0], [answer]);
    let report = bucket.world.heal_deep().await;
    let reason = Some(reason.to_owned());
    let key = bucket.objects[0].key.clone();
    assert_eq!(briefly(&report), [(FindingKind::Unknown, key, reason)]);
    assert_eq!((report.summary.verified, report.summary.exit_code), (Some(2), 3));
    assert!(bucket.server.requests().iter().all(|request| request.method == "GET"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_list_and_head_show_and_a_get_denies_is_unknown() {
    let bucket = Bucket::of(1).await;
    bucket.lists([page(&bucket.objects, None)]);
    let (object, size) = (&bucket.objects[0], bucket.objects[0].bytes.len());
    for named in [false, true] {
        bucket.answers(object, [refusal(404, "NoSuchKey"), there(size, "\"e\"")]);
        let report = if named {
            bucket.world.heal_named(&[object.digest]).await
        } else {
            bucket.world.heal_deep().await
        };
        let reason = Some("unreadable".to_owned());
        assert_eq!(briefly(&report), [(FindingKind::Unknown, object.key.clone(), reason)]);
        assert_eq!((report.summary.exit_code, report.repairs.len()), (3, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_in_an_archive_is_unknown_to_a_shallow_pass_too() {
    for class in ["GLACIER", "DEEP_ARCHIVE"] {
        let bucket = Bucket::of(2).await;
        bucket.lists([archived_page(&bucket.objects, &bucket.objects[..1], class)]);
        bucket.answers(&bucket.objects[0], [refusal(403, "InvalidObjectState")]);
        let report = bucket.world.audit().await;
        let reason = Some("archived".to_owned());
        let key = bucket.objects[0].key.clone();
        assert_eq!(briefly(&report), [(FindingKind::Unknown, key, reason)]);
        assert_eq!(bucket.methods(&bucket.objects[1]).len(), 0, "the other one is not asked");
    }
    let bucket = Bucket::of(2).await;
    bucket.lists([archived_page(&bucket.objects, &bucket.objects, "GLACIER_IR")]);
    assert_eq!(bucket.world.audit().await.summary.exit_code, 0, "that one is read at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_listed_and_then_answered_with_404_is_missing() {
    let bucket = Bucket::of(3).await;
    bucket.lists([page(&bucket.objects, None)]);
    for object in &bucket.objects[1..] {
        bucket.answers(object, [Answer::ok(object.bytes.clone()).header("etag", "\"e\"")]);
    }
    bucket.answers(&bucket.objects[0], [refusal(404, "NoSuchKey")]);
    let report = bucket.world.audit_deep().await;
    assert_eq!(briefly(&report), [(FindingKind::Missing, bucket.objects[0].key.clone(), None)]);
    assert_eq!(bucket.methods(&bucket.objects[0]), ["GET", "HEAD"], "read, then confirmed");
}
