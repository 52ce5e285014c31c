//! What heals make of a bucket's answers around the completion of an upload.

use restock::model::{FailureReason, RepairResult};
use rstest::rstest;

use FailureReason::{StoreWrite, VerifyAfterWrite};
use RepairResult::{AlreadyPresent, Failed, Held, Restored};

use crate::bucket::{Bucket, page, refusal, there};
use crate::support::http_server::Answer;
use crate::support::world::{Object, repair};

/// The size of the missing object, which is the first of four in the order of digests.
fn right_size() -> usize {
    let mut objects: Vec<_> = (0..4).map(Object::nth).collect();
    objects.sort_by_key(|object| object.digest);
    objects[0].bytes.len()
}

fn absent() -> Answer {
    Answer::status(404)
}

fn taken() -> Answer {
    Answer::status(200).header("etag", "\"new\"")
}

/// The answers from the PUT on; before it stand the HEADs that confirm and that clear the way.
#[rstest]
#[case::all_well(vec![taken(), there(right_size(), "\"new\"")], Restored, None)]
#[case::taken_and_then_absent(vec![taken(), absent()], Failed, Some(VerifyAfterWrite))]
#[case::taken_and_then_denied(vec![taken(), Answer::status(403)], Failed, Some(VerifyAfterWrite))]
#[case::taken_and_then_of_another_size(
    vec![taken(), there(3, "\"new\"")], Failed, Some(VerifyAfterWrite))]
#[case::lost_answer(
    vec![Answer::raw("").then_reset(), there(right_size(), "\"new\"")], Restored, None)]
#[case::somebody_else_was_faster(
    vec![refusal(412, "PreconditionFailed"), there(right_size(), "\"other\"")],
    AlreadyPresent, None)]
#[case::somebody_else_wrote_something_else(
    vec![refusal(412, "PreconditionFailed"), there(3, "\"other\"")], Held, None)]
#[case::a_conflict_over_nothing(
    vec![refusal(412, "PreconditionFailed"), absent(), taken(), there(right_size(), "\"new\"")],
    Restored, None)]
#[case::a_conflict_over_nothing_and_a_refusal_without_the_condition(
    vec![refusal(412, "PreconditionFailed"), absent()], Failed, Some(StoreWrite))]
#[case::denied(vec![refusal(403, "AccessDenied"), absent()], Failed, Some(StoreWrite))]
#[case::too_full(vec![refusal(507, "XStorageFull"), refusal(507, "XStorageFull"),
    refusal(507, "XStorageFull"), absent()], Failed, Some(StoreWrite))]
#[case::denied_and_nobody_says_what_is_there(
    vec![refusal(403, "AccessDenied"), Answer::status(403)], Failed, Some(StoreWrite))]
#[tokio::test(flavor = "multi_thread")]
async fn after_any_answer_to_the_completion_a_probe_decides(
    #[case] answers: Vec<Answer>,
    #[case] result: RepairResult,
    #[case] reason: Option<FailureReason>,
) {
    let bucket = Bucket::without_the_first([absent(), absent()].into_iter().chain(answers)).await;
    let report = bucket.world.heal().await;
    let repair = repair(&report, &bucket.objects[0]);
    assert_eq!((repair.result, repair.reason), (result, reason), "{repair:?}");
    assert_eq!(report.summary.exit_code, if result.is_success() { 0 } else { 2 });
    let methods = bucket.methods(&bucket.objects[0]);
    assert_eq!(methods[..3], ["HEAD", "HEAD", "PUT"], "{methods:?}");
    assert_eq!(methods.last().unwrap(), "HEAD", "{methods:?}");
    assert_eq!(bucket.world.http.requests().len(), 1, "the source is asked once");
}

#[rstest]
#[case::denied(vec![Answer::status(403)], Failed, Some(StoreWrite))]
#[case::there_by_now(vec![there(right_size(), "\"other\"")], AlreadyPresent, None)]
#[case::something_else_there_by_now(vec![there(3, "\"other\"")], Held, None)]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_unless_a_probe_right_before_found_the_key_absent(
    #[case] answers: Vec<Answer>,
    #[case] result: RepairResult,
    #[case] reason: Option<FailureReason>,
) {
    let bucket = Bucket::without_the_first([absent()].into_iter().chain(answers)).await;
    let report = bucket.world.heal().await;
    let repair = repair(&report, &bucket.objects[0]);
    assert_eq!((repair.result, repair.reason), (result, reason), "{repair:?}");
    assert_eq!(bucket.methods(&bucket.objects[0]), ["HEAD", "HEAD"]);
}

/// A corrupt object, with the answers from the PUT on; before it stand the GET that read it and
/// the HEAD that clears the way.
#[rstest]
#[case::all_well(vec![taken(), there(right_size(), "\"new\"")], Restored, None)]
#[case::taken_and_the_old_version_is_there_still(
    vec![taken(), there(right_size(), "\"bad\"")], Failed, Some(VerifyAfterWrite))]
#[case::lost_answer(
    vec![Answer::raw("").then_reset(), there(right_size(), "\"new\"")], Restored, None)]
#[case::denied(
    vec![refusal(403, "AccessDenied"), there(right_size(), "\"bad\"")], Failed, Some(StoreWrite))]
#[case::a_conflict_over_the_version_that_was_read(
    vec![refusal(412, "PreconditionFailed"), there(right_size(), "\"bad\""), taken(),
        there(right_size(), "\"new\"")], Restored, None)]
#[case::a_conflict_over_the_version_that_was_read_and_a_refusal_without_the_condition(
    vec![refusal(412, "PreconditionFailed"), there(right_size(), "\"bad\""),
        refusal(403, "AccessDenied"), there(right_size(), "\"bad\"")],
    Failed, Some(StoreWrite))]
#[case::somebody_else_wrote_another_version(
    vec![refusal(412, "PreconditionFailed"), there(right_size(), "\"other\"")], Held, None)]
#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_object_counts_as_healed_only_where_another_version_is_there(
    #[case] answers: Vec<Answer>,
    #[case] result: RepairResult,
    #[case] reason: Option<FailureReason>,
) {
    let mut bucket = Bucket::of(4).await;
    bucket.world.settings.heal.quarantine = String::new();
    bucket.lists([page(&bucket.objects, None)]);
    for object in &bucket.objects[1..] {
        bucket.answers(object, [Answer::ok(object.bytes.clone()).header("etag", "\"e\"")]);
    }
    let size = right_size();
    let before = [Answer::ok(vec![b'#'; size]).header("etag", "\"bad\""), there(size, "\"bad\"")];
    bucket.answers(&bucket.objects[0], before.into_iter().chain(answers));
    let report = bucket.world.heal_deep().await;
    let repair = repair(&report, &bucket.objects[0]);
    assert_eq!((repair.result, repair.reason), (result, reason), "{repair:?}");
    let standing = bucket.world.open_ledger().await.corruptions().await.unwrap().len();
    assert_eq!(standing, usize::from(!result.is_success()), "{repair:?}");
}
