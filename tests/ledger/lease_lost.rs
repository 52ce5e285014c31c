//! A lease that is lost: its holder knows before anybody else has it, and nothing that it writes
//! from then on gets into the ledger.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use restock::ledger::{LeaseTerms, Ledger, LedgerError, Lock, LockError, open};
use rstest::rstest;
use tokio_util::sync::CancellationToken;

use crate::databases::{Database, Engine};
use crate::lease::{SHORT, acquire, fence, holder, plain, runtime};
use crate::samples::{pass, sighting};
use crate::suite::STORE;
use crate::wire::Wire;

const EXPIRED: &str = "UPDATE leases SET expires_ms = 0";

async fn guarded(lock: &Lock, url: &str) -> Arc<dyn Ledger> {
    lock.guard(&open(url, STORE, Path::new("/")).await.unwrap())
}

fn refused(written: Result<(), LedgerError>) {
    let error = written.unwrap_err();
    assert!(error.is_lease_lost(), "{error:?}");
}

#[rstest]
#[tokio::test]
async fn what_a_former_holder_writes_is_refused(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    let url = plain(&database);
    let former = acquire(SHORT, &url, None).await.unwrap();
    let ledger = guarded(&former, &url).await;
    ledger.set_note("n", Some("former")).await.unwrap();
    database.execute(EXPIRED).await;
    let now = acquire(SHORT, &url, Some(Duration::MAX)).await.unwrap();
    refused(ledger.set_note("n", Some("too late")).await);
    refused(ledger.record_pass(&pass("p", 1), &[], true).await);
    assert_eq!(ledger.passes(1).await.unwrap(), [], "it may still read");
    assert_eq!(ledger.note("n").await.unwrap().as_deref(), Some("former"));
    former.lost().await;
    guarded(&now, &url).await.set_note("n", Some("now")).await.unwrap();
    assert_eq!(ledger.note("n").await.unwrap().as_deref(), Some("now"));
    // Nor when the later holder has gone again.
    now.release().await;
    refused(ledger.set_note("n", Some("too late")).await);
}

/// The write waits for a row that the test has locked, and meanwhile the lease changes hands.
#[rstest]
#[case(
    Engine::MariaDb,
    "SELECT CAST(id AS CHAR(20)) FROM information_schema.innodb_trx \
     JOIN information_schema.processlist ON id = trx_mysql_thread_id \
     WHERE trx_state = 'LOCK WAIT' AND db = DATABASE()"
)]
#[case(
    Engine::Postgres,
    "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() \
     AND wait_event_type = 'Lock'"
)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_was_under_way_is_refused_as_a_whole(
    #[case] engine: Engine,
    #[case] who_waits: &str,
) {
    let Some(database) = engine.fresh().await else { return };
    let url = plain(&database);
    let former = acquire(SHORT, &url, None).await.unwrap();
    let ledger = guarded(&former, &url).await;
    ledger.put_sightings(&[sighting("k2", 1)]).await.unwrap();
    let locked = Wire::to(&url);
    let blocker = open(locked.url(), STORE, Path::new("/")).await.unwrap();
    locked.hold_from(b"COMMIT");
    let blocks = tokio::spawn(async move { blocker.put_sightings(&[sighting("k2", 5)]).await });
    tokio::task::block_in_place(|| locked.wait_until_it_holds());
    let writes =
        tokio::spawn(
            async move { ledger.put_sightings(&[sighting("k1", 9), sighting("k2", 9)]).await },
        );
    while database.values(who_waits).await.is_empty() {
        // MariaDB looks again only where nobody has asked for a while.
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    database.execute(EXPIRED).await;
    let now = acquire(SHORT, &url, Some(Duration::MAX)).await.unwrap();
    locked.let_go();
    blocks.await.unwrap().unwrap();
    refused(writes.await.unwrap());
    let stand = guarded(&now, &url).await;
    let keys = ["k1".to_owned(), "k2".to_owned()];
    assert_eq!(stand.sightings(&keys).await.unwrap(), [sighting("k2", 5)]);
}

/// What was allowed is written before the next holder begins.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_takes_over_between_the_permission_and_the_end_of_a_write(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    let url = plain(&database);
    let former = acquire(SHORT, &url, None).await.unwrap();
    let wire = Wire::to(&url);
    let ledger = guarded(&former, wire.url()).await;
    database.execute(EXPIRED).await;
    wire.hold_from(b"COMMIT");
    let writes = tokio::spawn(async move { ledger.set_note("n", Some("allowed")).await });
    tokio::task::block_in_place(|| wire.wait_until_it_holds());
    // Who does not lose patience with a server that lets it wait.
    let terms = LeaseTerms { renew_every: Duration::from_mins(1), ..SHORT };
    let takes = {
        let url = url.clone();
        tokio::spawn(async move { acquire(terms, &url, Some(Duration::MAX)).await })
    };
    // Far longer than it takes; neither does the holder renew meanwhile.
    tokio::time::sleep(SHORT.renew_every / 2).await;
    assert!(!takes.is_finished(), "two have it");
    assert_eq!(fence(&database).await, 1);
    wire.let_go();
    writes.await.unwrap().unwrap();
    drop(former);
    let next = takes.await.unwrap().unwrap();
    let note = guarded(&next, &url).await.note("n").await.unwrap();
    assert_eq!(note.as_deref(), Some("allowed"));
}

/// Its keeper stands still, as in a machine that is busy with something else.
#[rstest]
fn a_holder_knows_of_the_loss_before_another_has_the_lock(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let (first, second) = (runtime(), runtime());
    let Some(database) = second.block_on(engine.fresh()) else { return };
    let url = plain(&database);
    let frozen = first.block_on(acquire(SHORT, &url, None)).unwrap();
    second.block_on(told_first(&frozen, &url));
}

async fn told_first(lock: &Lock, url: &str) {
    let mut order = Vec::new();
    let (mut lost, mut taken) =
        (Box::pin(lock.lost()), Box::pin(acquire(SHORT, url, Some(Duration::MAX))));
    let mut next = None;
    while order.len() < 2 {
        tokio::select! {
            () = &mut lost, if !order.contains(&"lost") => order.push("lost"),
            lock = &mut taken, if !order.contains(&"taken") => {
                next = Some(lock.unwrap());
                order.push("taken");
            }
        }
    }
    assert_eq!(order, ["lost", "taken"]);
    drop(next);
}

/// It does not hang up: it just answers no more.
#[rstest]
#[tokio::test]
async fn work_ends_in_time_when_the_database_falls_silent(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    let (wire, url) = (Wire::to(database.url()), plain(&database));
    let lock = acquire(SHORT, wire.url(), None).await.unwrap();
    let (cancel, drained) = (CancellationToken::new(), CancellationToken::new());
    wire.hold();
    let work = async {
        cancel.cancelled().await;
        drained.cancel();
        // What does not end by itself is dropped.
        std::future::pending::<()>().await;
    };
    let ends = async {
        let held = lock.hold(&cancel, work).await;
        assert!(matches!(held, Err(LockError::Lost { .. })), "{held:?}");
        let message = held.unwrap_err().to_string();
        assert!(message.contains("the lock was lost: "), "{message}");
        assert!(drained.is_cancelled());
        // All has ended, and still nobody else can have it.
        assert!(holder(&url).await.is_some());
    };
    let ((), ()) = futures::join!(told_first(&lock, &url), ends);
}

#[rstest]
#[tokio::test]
async fn work_that_ends_is_not_touched(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    let lock = acquire(SHORT, &plain(&database), None).await.unwrap();
    let cancel = CancellationToken::new();
    assert_eq!(lock.hold(&cancel, async { 7 }).await.unwrap(), 7);
    assert!(!cancel.is_cancelled());
}

/// A row that somebody removed is no lease.
#[rstest]
#[tokio::test]
async fn a_lease_whose_row_is_gone_is_lost(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    let url = plain(&database);
    let lock = acquire(SHORT, &url, None).await.unwrap();
    emptied(&database).await;
    lock.lost().await;
    refused(guarded(&lock, &url).await.set_note("n", Some("x")).await);
}

async fn emptied(database: &Database) {
    database.execute("DELETE FROM leases").await;
}
