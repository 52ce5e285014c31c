//! The ledger by way of pgbouncer: the suite where each transaction has another connection to the
//! server, and what is left behind; and two connections in all where each session keeps its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use restock::ledger::{Ledger, open};
use restock::model::FindingKind;
use rstest::rstest;

use crate::databases::pooler::{Pooler, Pooling};
use crate::databases::{Database, Engine};
use crate::lease::{SHORT, acquire, holder};
use crate::samples::{finding, pass, sighting};
use crate::suite::{Fixture, STORE};

struct Pooled {
    pooler: Pooler,
    database: Database,
}

impl Pooled {
    async fn fresh(pooling: Pooling) -> Option<Self> {
        let database = Engine::Postgres.fresh().await?;
        Some(Self { pooler: Pooler::start(&database, pooling, 2)?, database })
    }

    fn url(&self) -> &str {
        self.pooler.url()
    }
}

impl Fixture for Pooled {
    async fn open(&self, store_identity: &str) -> Arc<dyn Ledger> {
        open(self.url(), store_identity, Path::new("/")).await.unwrap()
    }
}

mod transactions {
    crate::suite::conforms!(super::Pooled::fresh(super::Pooling::Transaction));
}

/// One connection for all that is read and written, and one for the lease.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_of_the_lock_needs_two_connections(
    #[values(Pooling::Session, Pooling::Transaction)] pooling: Pooling,
) {
    let Some(pooled) = Pooled::fresh(pooling).await else { return };
    let ledger = pooled.open(STORE).await;
    let lock = acquire(SHORT, pooled.url(), None).await.unwrap();
    let guarded = lock.guard(&ledger);
    let found: Vec<_> =
        (0..500).map(|n| finding(FindingKind::Missing, &format!("k{n}"), 1)).collect();
    let sightings: Vec<_> = (0..500).map(|n| sighting(&format!("k{n}"), 1)).collect();
    // Until the lease was renewed more than once.
    let write = async |n: i64| {
        guarded.record_pass(&pass(&format!("p{n}"), n), &found, true).await.unwrap();
        guarded.put_sightings(&sightings).await.unwrap();
        ledger.findings_page(None, None, 500).await.unwrap().items.len()
    };
    let read = async |_| ledger.passes(10).await.unwrap().len();
    let begun = tokio::time::Instant::now();
    let mut n = 0;
    while begun.elapsed() < SHORT.renew_every * 3 {
        n += 1;
        let (written, ..) = futures::join!(write(n), join_all((0..8).map(read)));
        assert_eq!(written, 500);
    }
    assert!(holder_now(&pooled, pooling).await, "the lock is held");
    lock.release().await;
}

/// In a pool of sessions there is no third connection by which to ask.
async fn holder_now(pooled: &Pooled, pooling: Pooling) -> bool {
    match pooling {
        Pooling::Session => {
            pooled.database.values("SELECT holder FROM leases WHERE holder <> ''").await.len() == 1
        }
        Pooling::Transaction => holder(pooled.url()).await.is_some(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_instances_share_two_connections_and_leave_nothing_on_them() {
    let Some(pooled) = Pooled::fresh(Pooling::Transaction).await else { return };
    let ledgers = join_all((0..6).map(|n| {
        let url = pooled.url().to_owned();
        tokio::spawn(async move {
            let ledger = open(&url, &format!("s3://{n}"), Path::new("/")).await.unwrap();
            for m in 0..10 {
                ledger.record_pass(&pass(&format!("p{n}-{m}"), m), &[], true).await.unwrap();
                assert_eq!(
                    ledger.passes(100).await.unwrap().len(),
                    usize::try_from(m + 1).unwrap()
                );
            }
            ledger
        })
    }))
    .await;
    let left = "SELECT concat_ws(' ', current_setting('lock_timeout'), \
                current_setting('idle_in_transaction_session_timeout'), \
                (SELECT count(*) FROM pg_prepared_statements), \
                (SELECT count(*) FROM pg_locks JOIN pg_database ON oid = database \
                 WHERE locktype = 'advisory' AND datname = current_database()))";
    for _ in 0..8 {
        assert_eq!(pooled.pooler.values(left).await, ["0 0 0 0"]);
    }
    drop(ledgers);
}

/// What a pooler's own connection is like says nothing of the one to it.
#[tokio::test]
async fn a_pooler_without_tls_is_no_encrypted_connection() {
    let Some(pooled) = Pooled::fresh(Pooling::Transaction).await else { return };
    let url = format!("{}?sslmode=require", pooled.url());
    assert!(crate::server::refused(&url).await.contains("TLS"));
    let ledger = pooled.open(STORE).await;
    assert_eq!(ledger.remarks(), [""; 0], "on this machine that is no matter");
    let waited = acquire(SHORT, pooled.url(), Some(Duration::from_secs(1))).await.unwrap();
    waited.release().await;
}
