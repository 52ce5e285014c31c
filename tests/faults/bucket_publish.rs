//! What heals make of a bucket's answers around the completion of an upload.

use restock::model::{FailureReason, RepairResult, Size};
use rstest::rstest;

use FailureReason::{StoreWrite, VerifyAfterWrite};
use RepairResult::{AlreadyPresent, Failed, Held, Restored};

use crate::bucket::{Bucket, page, refusal, there};
use crate::support::http_server::Answer;
use crate::support::world::{Object, repair};

/// The bytes of the missing object, which is the first of four in the order of digests.
fn right_bytes() -> Vec<u8> {
    let mut objects: Vec<_> = (0..4).map(Object::nth).collect();
    objects.sort_by_key(|object| object.digest);
    objects.swap_remove(0).bytes
}

fn right_size() -> usize {
    right_bytes().len()
}

fn absent() -> Answer {
    Answer::status(404)
}

fn taken() -> Answer {
    Answer::status(200).header("etag", "\"new\"")
}

fn right() -> Answer {
    read(&right_bytes(), "\"new\"")
}

/// Other bytes of the right size.
fn wrong() -> Answer {
    read(&vec![b'?'; right_size()], "\"other\"")
}

/// The answer to a GET.
fn read(bytes: &[u8], etag: &str) -> Answer {
    Answer::ok(bytes.to_vec()).header("etag", etag)
}

fn new() -> Answer {
    there(right_size(), "\"new\"")
}

fn other() -> Answer {
    there(right_size(), "\"other\"")
}

fn lost() -> Answer {
    Answer::raw("").then_reset()
}

fn precondition() -> Answer {
    refusal(412, "PreconditionFailed")
}

fn not_modified() -> Answer {
    Answer::status(304)
}

/// The answers from the PUT on; before it stand the HEADs that confirm and that clear the way.
#[rstest]
#[case::all_well(vec![taken(), right()], Restored, None)]
#[case::taken_and_then_absent(vec![taken(), absent()], Failed, Some(VerifyAfterWrite))]
#[case::taken_and_then_denied(vec![taken(), Answer::status(403)], Failed, Some(VerifyAfterWrite))]
#[case::taken_and_then_of_another_size(
    vec![taken(), read(b"abc", "\"new\"")], Failed, Some(VerifyAfterWrite))]
#[case::taken_and_changed(vec![taken(), wrong()], Failed, Some(VerifyAfterWrite))]
#[case::lost_answer(vec![lost(), new(), right()], Restored, None)]
#[case::lost_answer_and_somebody_elses_bytes(
    vec![lost(), other(), wrong()], Failed, Some(StoreWrite))]
#[case::lost_answer_and_nobody_can_read_it(
    vec![lost(), other(), Answer::status(403)], Failed, Some(StoreWrite))]
#[case::somebody_else_was_faster(vec![precondition(), other(), right()], AlreadyPresent, None)]
#[case::somebody_else_wrote_other_bytes_of_this_size(
    vec![precondition(), other(), wrong()], Held, None)]
#[case::somebody_else_wrote_what_nobody_can_read(
    vec![precondition(), other(), other(), Answer::status(403)], Held, None)]
#[case::somebody_else_wrote_something_else(
    vec![precondition(), there(3, "\"other\""), read(b"abc", "\"other\"")], Held, None)]
#[case::a_304_for_a_condition_that_did_not_hold(
    vec![not_modified(), other(), right()], AlreadyPresent, None)]
#[case::a_304_over_other_bytes(vec![not_modified(), other(), wrong()], Held, None)]
#[case::a_304_over_nothing(vec![not_modified(), absent()], Failed, Some(StoreWrite))]
#[case::a_conflict_over_nothing(
    vec![precondition(), absent(), taken(), right()], Restored, None)]
#[case::a_conflict_over_nothing_and_a_refusal_without_the_condition(
    vec![precondition(), absent()], Failed, Some(StoreWrite))]
#[case::denied(vec![refusal(403, "AccessDenied"), absent()], Failed, Some(StoreWrite))]
#[case::too_full(vec![refusal(507, "XStorageFull"), refusal(507, "XStorageFull"),
    refusal(507, "XStorageFull"), absent()], Failed, Some(StoreWrite))]
#[case::denied_and_nobody_says_what_is_there(
    vec![refusal(403, "AccessDenied"), Answer::status(403)], Failed, Some(StoreWrite))]
#[tokio::test(flavor = "multi_thread")]
async fn after_any_answer_to_the_completion_what_lies_there_decides(
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
    if result.is_success() {
        assert_eq!(methods.last().unwrap(), "GET", "it was read: {methods:?}");
    }
    let standing = bucket.world.open_ledger().await.corruptions().await.unwrap().len() as u64;
    assert_eq!(report.summary.corrupt, Some(standing), "wrong bytes that were read are told");
    let missing = u64::from(!result.is_success()) - standing;
    assert_eq!((report.summary.missing, report.summary.expected), (Some(missing), Some(4)));
    assert_eq!(bucket.world.http.requests().len(), 1, "the source is asked once");
}

/// Of an object larger than `verify_up_to` a HEAD has to be enough, unless it tells of doubt.
#[rstest]
#[case::all_well(vec![taken(), new()], Restored, None, "HEAD")]
#[case::of_another_size(
    vec![taken(), there(3, "\"new\""), read(b"abc", "\"new\"")],
    Failed, Some(VerifyAfterWrite), "GET")]
#[case::lost_answer(vec![lost(), new(), right()], Restored, None, "GET")]
#[case::somebody_else_was_faster(
    vec![precondition(), other(), right()], AlreadyPresent, None, "GET")]
#[case::somebody_else_wrote_other_bytes(vec![precondition(), other(), wrong()], Held, None, "GET")]
#[tokio::test(flavor = "multi_thread")]
async fn a_large_object_is_not_read_back_unless_there_is_doubt(
    #[case] answers: Vec<Answer>,
    #[case] result: RepairResult,
    #[case] reason: Option<FailureReason>,
    #[case] last: &str,
) {
    let answers = [absent(), absent()].into_iter().chain(answers);
    let mut bucket = Bucket::without_the_first(answers).await;
    bucket.world.settings.heal.verify_up_to = Size(right_size() as u64 - 1);
    let report = bucket.world.heal().await;
    let repair = repair(&report, &bucket.objects[0]);
    assert_eq!((repair.result, repair.reason), (result, reason), "{repair:?}");
    assert_eq!(bucket.methods(&bucket.objects[0]).last().unwrap(), last);
}

#[rstest]
#[case::denied(vec![Answer::status(403)], Failed, Some(StoreWrite))]
#[case::there_by_now(vec![other(), right()], AlreadyPresent, None)]
#[case::other_bytes_there_by_now(vec![other(), wrong()], Held, None)]
#[case::something_else_there_by_now(
    vec![there(3, "\"other\""), read(b"abc", "\"other\"")], Held, None)]
#[case::there_by_now_and_nobody_can_read_it(vec![other(), absent()], Held, None)]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_unless_a_probe_right_before_found_the_key_absent(
    #[case] answers: Vec<Answer>,
    #[case] result: RepairResult,
    #[case] reason: Option<FailureReason>,
) {
    let asked = answers.len();
    let bucket = Bucket::without_the_first([absent()].into_iter().chain(answers)).await;
    let report = bucket.world.heal().await;
    let repair = repair(&report, &bucket.objects[0]);
    assert_eq!((repair.result, repair.reason), (result, reason), "{repair:?}");
    let methods = ["HEAD", "HEAD", "GET"];
    assert_eq!(bucket.methods(&bucket.objects[0]), methods[..=asked]);
}

/// A corrupt object, with the answers from the PUT on; before it stand the GET that read it and
/// the HEAD that clears the way.
#[rstest]
#[case::all_well(vec![taken(), right()], Restored, None)]
#[case::taken_and_the_old_version_is_there_still(
    vec![taken(), bad()], Failed, Some(VerifyAfterWrite))]
#[case::lost_answer(vec![lost(), new(), right()], Restored, None)]
#[case::denied(
    vec![refusal(403, "AccessDenied"), there(right_size(), "\"bad\"")], Failed, Some(StoreWrite))]
#[case::a_conflict_over_the_version_that_was_read(
    vec![precondition(), there(right_size(), "\"bad\""), taken(), right()],
    Restored, None)]
#[case::a_conflict_over_the_version_that_was_read_and_a_refusal_without_the_condition(
    vec![precondition(), there(right_size(), "\"bad\""), refusal(403, "AccessDenied"),
        there(right_size(), "\"bad\"")],
    Failed, Some(StoreWrite))]
#[case::a_304_over_the_version_that_was_read(
    vec![not_modified(), there(right_size(), "\"bad\""), taken(), right()],
    Restored, None)]
#[case::somebody_else_wrote_another_version(vec![precondition(), other(), wrong()], Held, None)]
#[case::somebody_else_mended_it(vec![precondition(), other(), right()], AlreadyPresent, None)]
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
    let before = [bad(), there(right_size(), "\"bad\"")];
    bucket.answers(&bucket.objects[0], before.into_iter().chain(answers));
    let report = bucket.world.heal_deep().await;
    let repair = repair(&report, &bucket.objects[0]);
    assert_eq!((repair.result, repair.reason), (result, reason), "{repair:?}");
    let standing = bucket.world.open_ledger().await.corruptions().await.unwrap().len();
    assert_eq!(standing, usize::from(!result.is_success()), "{repair:?}");
}

/// The corrupt version.
fn bad() -> Answer {
    read(&vec![b'#'; right_size()], "\"bad\"")
}
