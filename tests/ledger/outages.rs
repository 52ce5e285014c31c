//! What becomes of an open ledger when its server goes away and comes back.

use std::time::Duration;

use restock::ledger::Ledger;
use rstest::rstest;
use tokio::time::Instant;

use crate::databases::{DatabaseServer, Engine};
use crate::samples::{minute, pass, repair, sighting};
use crate::server::chain;
use crate::suite::{Fixture, STORE};

async fn works(ledger: &dyn Ledger, id: &str) {
    ledger.passes(1).await.unwrap();
    ledger.record_pass(&pass(id, 1), &[], true).await.unwrap();
    ledger.note("n").await.unwrap();
    ledger.set_note("n", Some(id)).await.unwrap();
}

fn down(server: &mut DatabaseServer, orderly: bool) {
    if orderly { server.stop() } else { server.kill() }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_outlives_a_restart_of_its_server(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
    #[values(true, false)] orderly: bool,
) {
    let Some(mut server) = engine.start(&[]) else { return };
    let database = server.fresh().await;
    let ledger = database.open(STORE).await;
    works(&*ledger, "before").await;
    down(&mut server, orderly);
    server.restart();
    works(&*ledger, "after").await;
    assert_eq!(ledger.passes(9).await.unwrap().len(), 2);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_while_the_server_is_away_is_answered_when_it_is_back(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(mut server) = engine.start(&[]) else { return };
    let database = server.fresh().await;
    let ledger = database.open(STORE).await;
    works(&*ledger, "before").await;
    server.kill();
    let asks = async {
        ledger.set_note("n", Some("asked while it was away")).await.unwrap();
        assert_eq!(ledger.passes(9).await.unwrap().len(), 1);
    };
    let mut asks = Box::pin(asks);
    let waiting = tokio::time::timeout(Duration::from_secs(1), &mut asks).await;
    assert!(waiting.is_err(), "it was answered by nobody");
    // Starting takes its thread.
    tokio::task::block_in_place(|| server.restart());
    asks.await;
    assert_eq!(ledger.note("n").await.unwrap().as_deref(), Some("asked while it was away"));
}

/// The server ends every connection while a transaction is under way: it is carried out whole, once.
#[rstest]
#[case(
    Engine::MariaDb,
    "SELECT GROUP_CONCAT(CONCAT('KILL ', id) SEPARATOR '; ') FROM information_schema.processlist \
     WHERE db = DATABASE() AND id <> CONNECTION_ID()"
)]
#[case(
    Engine::Postgres,
    "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity \
     WHERE datname = current_database() AND pid <> pg_backend_pid()"
)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_connection_is_ended_is_done_again(
    #[case] engine: Engine,
    #[case] end_all: &str,
) {
    let Some(database) = engine.fresh().await else { return };
    let ledger = database.open(STORE).await;
    let many: Vec<_> = (0..3_000).map(|n| sighting(&format!("k{n:05}"), n)).collect();
    let keys: Vec<_> = many.iter().map(|one| one.key.clone()).collect();
    for round in 0..5 {
        let write = ledger.put_sightings(&many);
        let cut = async {
            tokio::time::sleep(Duration::from_millis(10 + 20 * round)).await;
            let kills = database.values(end_all).await;
            if engine == Engine::MariaDb && !kills[0].is_empty() {
                database.execute(&kills[0]).await;
            }
        };
        let (written, ()) = futures::join!(write, cut);
        written.unwrap();
        assert_eq!(ledger.sightings(&keys).await.unwrap().len(), 3_000);
        ledger
            .record_repair(
                "p",
                minute(1),
                &repair(crate::samples::digest(1), restock::model::RepairResult::Restored),
            )
            .await
            .unwrap();
        let repairs = ledger.repairs(&crate::samples::digest(1), 99).await.unwrap();
        assert_eq!(repairs.len(), usize::try_from(round).unwrap() + 1);
    }
}

/// It is stopped, not ended: its connections stay, and nobody answers on them.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stays_away_is_an_error_with_its_place(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(mut server) = engine.start(&[]) else { return };
    let database = server.fresh().await;
    let ledger = database.open(STORE).await;
    works(&*ledger, "before").await;
    server.kill();
    let start = Instant::now();
    let message = chain(&ledger.passes(1).await.unwrap_err());
    println!("after {:?}: {message}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(40));
    assert!(message.contains("cannot read the passes: 127.0.0.1:"), "{message}");
    assert!(message.contains("check that it runs"), "{message}");
}
