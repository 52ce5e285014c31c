//! Answers that are encoded although nobody asked for that: the digest tells which bytes are
//! meant, and a failure on the way says nothing about the source's bytes.

use async_compression::tokio::bufread::GzipEncoder;
use restock::model::FailureReason;
use tokio::io::AsyncReadExt;

use crate::single::{BYTES, LIMIT_BYTES, Single, drifted, gone, refused, unavailable};
use crate::support::http_server::Answer;

async fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    GzipEncoder::new(bytes).read_to_end(&mut encoded).await.unwrap();
    encoded
}

/// An answer with these bytes that says that they are encoded.
fn encoded(bytes: Vec<u8>) -> Answer {
    Answer::ok(bytes).header("content-encoding", "gzip")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_of_the_decoded_bytes_restores_the_decoded_bytes() {
    let single = Single::new().await;
    single.world.answer(&single.lost, [encoded(gzip(BYTES).await)]);
    single.is_restored(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_of_the_encoded_bytes_restores_them_as_sent() {
    let archive = gzip(BYTES).await;
    let single = Single::of(&archive).await;
    single.world.answer(&single.lost, [encoded(archive)]);
    single.is_restored(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_wrong_both_ways_have_drifted() {
    let single = Single::new().await;
    single.world.answer(&single.lost, [encoded(gzip(b"other bytes").await)]);
    single.fails(drifted(2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoding_that_nobody_undoes_leaves_the_bytes_as_sent() {
    let single = Single::new().await;
    let answer = || Answer::ok("\u{b}\u{2}\u{80}other").header("content-encoding", "br");
    single.world.answer(&single.lost, [answer()]);
    single.fails(drifted(2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_what_it_says_gives_nothing() {
    let single = Single::new().await;
    single.world.answer(&single.lost, [encoded(b"plain text".to_vec())]);
    single.fails(unavailable(4)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_is_too_large_and_no_drift() {
    let single = Single::new().await;
    let bomb = gzip(&vec![0; 2 * usize::try_from(LIMIT_BYTES).unwrap()]).await;
    assert!(bomb.len() < 10_000);
    single.world.answer(&single.lost, [encoded(bomb)]);
    single.fails(refused(FailureReason::TooLarge, 2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_while_it_is_asked_for_the_decoded_bytes_is_no_drift() {
    let body = gzip(BYTES).await;
    for (trouble, ends) in [
        (Answer::status(404), gone()),
        (Answer::status(403), unavailable(2)),
        (Answer::status(500), unavailable(4)),
    ] {
        let single = Single::new().await;
        single.world.answer(&single.lost, [encoded(body.clone()), trouble]);
        let report = single.world.heal().await;
        let repair = crate::support::world::repair(&report, &single.lost);
        assert_eq!((repair.result, repair.reason), (ends.result, Some(ends.reason)), "{repair:?}");
        single.world.answer(&single.lost, [encoded(body.clone())]);
        single.is_restored(2).await;
    }
}
