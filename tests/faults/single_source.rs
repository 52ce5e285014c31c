//! What one source may answer, and what the heal of one missing object makes of it.

use std::time::Duration;

use restock::model::{FailureReason, RepairResult, Span};
use rstest::rstest;

use crate::single::{BYTES, Ends, LIMIT_BYTES, Single, drifted, gone, refused, unavailable};
use crate::support::http_server::Answer;
use crate::support::world::{repair, result, unhealable};

const HALF: &[u8] = BYTES.split_at(20).0;
const LENGTH: u64 = BYTES.len() as u64;

fn page() -> Answer {
    Answer::ok("<html><body>Sign in to continue</body></html>").header("content-type", "text/html")
}

#[rstest]
#[case::not_found(vec![Answer::status(404)], gone())]
#[case::gone_for_good(vec![Answer::status(410)], gone())]
#[case::forbidden(vec![Answer::status(403)], unavailable(1))]
#[case::unauthorized(vec![Answer::status(401)], unavailable(1))]
#[case::server_error_every_time(vec![Answer::status(500)], unavailable(3))]
#[case::too_many_requests_every_time(
    vec![Answer::status(429).header("retry-after", "0")], unavailable(3))]
#[case::no_content(vec![Answer::status(204)], unavailable(1))]
#[case::a_part(vec![Answer::status(206).body(BYTES)], unavailable(1))]
#[case::cut_off(vec![Answer::ok(HALF).saying_length(LENGTH)], unavailable(3))]
#[case::empty_and_cut_off(vec![Answer::ok("").saying_length(LENGTH)], unavailable(3))]
#[case::reset_in_the_middle(
    vec![Answer::ok(HALF).saying_length(LENGTH).then_reset()], unavailable(3))]
#[case::reset_at_once(vec![Answer::raw("").then_reset()], unavailable(3))]
#[case::no_http_at_all(vec![Answer::raw("SSH-2.0-OpenSSH_9.9\r\n")], unavailable(3))]
#[case::half_of_it_said_to_be_all(vec![Answer::ok(HALF)], drifted(1))]
#[case::a_length_that_cuts_it_short(vec![Answer::ok(BYTES).saying_length(20)], drifted(1))]
#[case::more_than_it_was(vec![Answer::ok([BYTES, b"!"].concat())], drifted(1))]
#[case::nothing_at_all(vec![Answer::ok("")], drifted(1))]
#[case::endless(
    vec![Answer::ok([b'x'; 4096]).endless()], refused(FailureReason::TooLarge, 1))]
#[case::said_to_be_too_large(
    vec![Answer::ok("").saying_length(LIMIT_BYTES + 1)], refused(FailureReason::TooLarge, 1))]
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_the_bytes_changes_nothing_in_the_store(
    #[case] answers: Vec<Answer>,
    #[case] ends: Ends,
) {
    let single = Single::new().await;
    single.world.answer(&single.lost, answers);
    single.fails(ends).await;
    single.world.serve(&single.lost);
    if ends.result == RepairResult::SourceDrifted {
        let named = single.world.heal_named(&[single.lost.digest]).await;
        assert_eq!(result(&named, &single.lost), RepairResult::Restored, "a named heal asks anew");
    } else {
        single.is_restored(1).await;
    }
}

#[rstest]
#[case::server_error_twice(vec![Answer::status(500), Answer::status(500)])]
#[case::bad_gateway(vec![Answer::status(502)])]
#[case::busy(vec![Answer::status(429).header("retry-after", "1")])]
#[case::unavailable_for_no_time(vec![Answer::status(503).header("retry-after", "0")])]
#[case::request_timeout(vec![Answer::status(408)])]
#[case::too_early(vec![Answer::status(425)])]
#[case::cut_off(vec![Answer::ok(HALF).saying_length(LENGTH)])]
#[case::a_page_in_its_place_twice(vec![page(), page()])]
#[case::reset(vec![Answer::raw("").then_reset(), Answer::ok(HALF).saying_length(99).then_reset()])]
#[tokio::test(flavor = "multi_thread")]
async fn trouble_that_passes_is_waited_out(#[case] mut answers: Vec<Answer>) {
    let single = Single::new().await;
    answers.push(Answer::ok(BYTES));
    let requests = answers.len();
    single.world.answer(&single.lost, answers);
    single.is_restored(requests).await;
}

#[rstest]
#[case::more_bytes_than_said(Answer::ok([BYTES, b" and more"].concat()).saying_length(LENGTH))]
#[case::no_length(Answer::raw([b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", BYTES].concat()))]
#[case::in_chunks(Answer::raw(
    [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2C\r\n", BYTES, b"\r\n0\r\n\r\n"]
        .concat()
))]
#[tokio::test(flavor = "multi_thread")]
async fn the_right_bytes_are_taken_however_they_are_sent(#[case] answer: Answer) {
    let single = Single::new().await;
    single.world.answer(&single.lost, [answer]);
    single.is_restored(1).await;
}

#[rstest]
#[case::before_the_head(Answer::raw("").then_stall())]
#[case::before_the_body(Answer::ok("").saying_length(LENGTH).then_stall())]
#[case::in_the_middle(Answer::ok(HALF).saying_length(LENGTH).then_stall())]
#[tokio::test(flavor = "multi_thread")]
async fn silence_ends_a_try(#[case] answer: Answer) {
    let mut single = Single::new().await;
    single.world.source_options.read_timeout = Span(Duration::from_millis(300));
    single.world.source_options.tries = 2;
    single.world.answer(&single.lost, [answer]);
    let report = single.fails(unavailable(2)).await;
    let told = &repair(&report, &single.lost).detail;
    assert!(told.contains("silent for 300ms"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port_is_a_source_that_gives_nothing() {
    let single = Single::new().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    single
        .world
        .sql(&format!(
            "UPDATE packages SET url = 'http://{free}/x' WHERE sha256 = '{}'",
            single.lost.digest
        ))
        .await;
    single.fails(unavailable(0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_size_that_is_known_to_be_too_large_needs_no_request() {
    let single = Single::new().await;
    single.world.sql(&format!("UPDATE packages SET size_bytes = {}", LIMIT_BYTES + 1)).await;
    let report = single.world.heal().await;
    let repair = repair(&report, &single.lost);
    let expected = (RepairResult::Refused, Some(FailureReason::TooLarge), None);
    assert_eq!((repair.result, repair.reason, repair.source.clone()), expected);
    assert_eq!(
        unhealable(&report, &single.lost),
        Some(restock::model::Unhealable::TooLarge),
        "known before anybody asks"
    );
    assert_eq!(single.world.http.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_drifted_source_sent_is_remembered() {
    let single = Single::new().await;
    single.world.answer(&single.lost, [Answer::ok("other bytes").header("etag", "\"v2\"")]);
    single.fails(drifted(1)).await;
    let kept = single.verdicts().await;
    let observed = crate::support::world::digest_of(b"other bytes");
    assert_eq!(
        (kept[0].digest, kept[0].observed_digest, kept[0].length, kept[0].etag.as_deref()),
        (single.lost.digest, Some(observed), Some(11), Some("\"v2\""))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_row_makes_a_drifted_source_worth_asking_again() {
    let single = Single::new().await;
    single.world.answer(&single.lost, [Answer::ok("other bytes"), Answer::ok(BYTES)]);
    single.fails(drifted(1)).await;
    single.world.sql("UPDATE packages SET updated_at = '2026-01-01 00:00:00'").await;
    single.is_restored(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_url_stands_in_repair_finding_or_ledger() {
    let single = Single::new().await;
    let port = single.world.http.port();
    let url = format!("http://user:CANARY@127.0.0.1:{port}/secret?token=CANARY");
    single
        .world
        .sql(&format!("UPDATE packages SET url = '{url}' WHERE sha256 = '{}'", single.lost.digest))
        .await;
    for answer in [Answer::status(403), Answer::status(500), Answer::ok("other")] {
        single.world.http.route("/secret", [answer]);
        let report = single.world.heal().await;
        let told = format!("{:?} {:?} {:?}", report.repairs, report.findings, report.summary);
        assert!(!told.contains("CANARY") && told.contains("/secret"), "{told}");
        assert!(!format!("{:?}", single.verdicts().await).contains("CANARY"));
    }
    let ledger = std::fs::read(single.world.dir.path().join("ledger.db")).unwrap();
    assert!(!ledger.windows(6).any(|six| six == b"CANARY"), "the ledger holds a secret");
}
