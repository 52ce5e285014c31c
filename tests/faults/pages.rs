//! A web page with status 200 in place of a file: a login, a queue, a site that is busy. It is no
//! lasting verdict on the source, however often it comes.

use restock::model::{RepairResult, Size, Verdict};

use crate::single::{BYTES, Single, drifted};
use crate::support::http_server::Answer;
use crate::support::world::{repair, unhealable};

fn page(bytes: impl Into<Vec<u8>>) -> Answer {
    Answer::ok(bytes).header("content-type", "text/html; charset=utf-8")
}

const LOGIN: &str = "<html><body>Sign in to continue</body></html>";

/// Heals, and checks that the source was asked as often as it may be, drifted by its answer, and
/// is worth asking again all the same.
async fn drifts_without_a_verdict(single: &Single, requests: usize) {
    let asked = single.world.http.requests().len();
    let report = single.world.heal().await;
    let told = repair(&report, &single.lost);
    assert_eq!(told.result, RepairResult::SourceDrifted, "{told:?}");
    assert!(told.detail.contains("a web page in place of the file"), "{told:?}");
    assert_eq!(single.world.http.requests().len() - asked, requests);
    assert_eq!((single.verdicts().await, unhealable(&report, &single.lost)), (vec![], None));
    assert_eq!((report.summary.exit_code, report.summary.heal_failed), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_every_time_is_drift_of_this_heal_and_the_next_one_asks_again() {
    let single = Single::new().await;
    single.world.answer(&single.lost, [page(LOGIN)]);
    for _ in 0..2 {
        drifts_without_a_verdict(&single, 3).await;
    }
    single.world.serve(&single.lost);
    single.is_restored(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoded_page_is_one_too() {
    use async_compression::tokio::bufread::GzipEncoder;
    use tokio::io::AsyncReadExt;

    let mut gzip = Vec::new();
    GzipEncoder::new(LOGIN.as_bytes()).read_to_end(&mut gzip).await.unwrap();
    let single = Single::new().await;
    single.world.answer(&single.lost, [page(gzip).header("content-encoding", "gzip")]);
    // Once for the bytes as sent, and then as often as it is tried for the decoded ones.
    drifts_without_a_verdict(&single, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_bytes_may_call_themselves_a_page() {
    let single = Single::new().await;
    single.world.answer(&single.lost, [page(BYTES)]);
    single.is_restored(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_object_that_is_a_page_another_page_is_drift() {
    for name in ["manual.HTML", "index.htm"] {
        let single = Single::new().await;
        single
            .world
            .sql(&format!(
                "UPDATE packages SET filename = '{name}' WHERE sha256 = '{}'",
                single.lost.digest
            ))
            .await;
        single.world.answer(&single.lost, [page(LOGIN)]);
        single.fails(drifted(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_for_a_page_in_its_place_is_drift_whatever_it_says() {
    let mut single = Single::new().await;
    single.world.settings.heal.max_object_size = Size(4 << 20);
    single.world.answer(&single.lost, [page(vec![b'x'; (1 << 20) + 1])]);
    let report = single.world.heal().await;
    assert_eq!(repair(&report, &single.lost).result, RepairResult::SourceDrifted);
    let verdicts = single.verdicts().await;
    assert_eq!(verdicts.iter().map(|kept| kept.verdict).collect::<Vec<_>>(), [Verdict::Drifted]);
    assert_eq!(single.world.http.requests().len(), 1);
}
