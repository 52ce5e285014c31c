//! The lease in a ledger on a server: one holder for each store, another one at once when it is
//! given back, and when its time is over.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::Utc;
use futures::future::join_all;
use restock::ledger::{Holder, LeaseTerms, Lock, LockError};
use rstest::rstest;
use tokio::runtime::Runtime;
use tokio::time::Instant;

use crate::databases::{Database, Engine};
use crate::suite::STORE;

/// Short ones, for those that wait for the end of a lease.
pub(crate) const SHORT: LeaseTerms = LeaseTerms {
    length: Duration::from_secs(4),
    renew_every: Duration::from_secs(1),
    margin: Duration::from_millis(1_500),
    poll: Duration::from_millis(20),
};

/// A lease that no test outlasts.
const LONG: LeaseTerms = LeaseTerms { length: Duration::from_mins(5), ..SHORT };

/// Without encryption, which takes most of the time of a debug build.
pub(crate) fn plain(database: &Database) -> String {
    format!("{}?sslmode=disable", database.url())
}

pub(crate) async fn acquire(
    terms: LeaseTerms,
    url: &str,
    wait: Option<Duration>,
) -> Result<Lock, LockError> {
    Lock::acquire_on(terms, url, STORE, Path::new("/"), wait).await
}

pub(crate) async fn holder(url: &str) -> Option<Holder> {
    Lock::holder(url, STORE, Path::new("/")).await.unwrap()
}

/// What runs on it stands still as long as nobody blocks on it.
pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

pub(crate) async fn fence(database: &Database) -> i64 {
    let fences = database.values("SELECT CAST(fence AS CHAR(20)) FROM leases").await;
    fences[0].trim().parse().unwrap()
}

fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned()
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_ask_at_once_one_gets_it(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    let ask = || {
        let url = plain(&database);
        tokio::spawn(async move { acquire(LONG, &url, None).await })
    };
    let answers = join_all((0..8).map(|_| ask())).await;
    let (got, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().map(Result::unwrap).partition(Result::is_ok);
    assert_eq!(got.len(), 1);
    for error in refused {
        assert!(matches!(error, Err(LockError::Busy { holder: Some(_), .. })), "{error:?}");
    }
    assert_eq!(fence(&database).await, 1);
}

#[rstest]
#[tokio::test]
async fn a_second_instance_is_told_who_holds_it(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    let url = plain(&database);
    assert_eq!(holder(&url).await, None);
    let held = acquire(LeaseTerms::default(), &url, None).await.unwrap();
    assert_eq!(held.path(), None);
    let known = holder(&url).await.unwrap();
    assert_eq!(known.host.as_deref(), Some(&*host()));
    assert_eq!(known.pid, std::process::id());
    let age = Utc::now() - known.since;
    assert!(age.abs().num_seconds() < 20, "{age}");
    let left = known.expires_in.unwrap();
    assert!(Duration::from_secs(10) < left && left <= Duration::from_secs(30), "{left:?}");
    let busy = acquire(LeaseTerms::default(), &url, None).await.unwrap_err().to_string();
    let (pid, host) = (std::process::id(), host());
    for part in [
        &format!("another restock (process {pid} on {host}, since 20"),
        "; if it is gone, the lock is free in ",
        &format!("the lease in the ledger {}://127.0.0.1:", url.split(':').next().unwrap()),
        "--wait-lock",
    ] {
        assert!(busy.contains(part), "`{part}` is not in {busy}");
    }
    assert!(!busy.contains('@'), "{busy}");
    held.release().await;
    assert_eq!(holder(&url).await, None);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_gets_it_as_soon_as_it_is_given_back(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
    #[values(true, false)] in_words: bool,
) {
    let Some(database) = engine.fresh().await else { return };
    let url = plain(&database);
    let held = acquire(LONG, &url, None).await.unwrap();
    let waits = {
        let url = url.clone();
        tokio::spawn(async move { acquire(LONG, &url, Some(Duration::MAX)).await })
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waits.is_finished());
    if in_words {
        held.release().await;
    } else {
        drop(held);
    }
    let given_back = Instant::now();
    waits.await.unwrap().unwrap();
    println!("taken over after {:?}", given_back.elapsed());
    assert!(given_back.elapsed() < Duration::from_secs(10));
    assert_eq!(fence(&database).await, 2);
}

#[rstest]
#[tokio::test]
async fn stores_of_one_ledger_have_a_lease_each(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    let url = plain(&database);
    let _one = acquire(LONG, &url, None).await.unwrap();
    Lock::acquire_on(LONG, &url, "s3://other", Path::new("/"), None).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn as_long_as_its_holder_lives_a_lease_does_not_end(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    let url = plain(&database);
    let held = acquire(SHORT, &url, None).await.unwrap();
    let wait = SHORT.length * 2;
    let asks = acquire(SHORT, &url, Some(wait));
    tokio::select! {
        () = held.lost() => panic!("it was lost"),
        asked = asks => assert!(matches!(asked, Err(LockError::Busy { .. })), "{asked:?}"),
    }
}

#[rstest]
fn a_holder_that_is_frozen_is_followed_by_another_when_its_time_is_over(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let (first, second) = (runtime(), runtime());
    let Some(database) = second.block_on(engine.fresh()) else { return };
    let url = plain(&database);
    let frozen = first.block_on(acquire(SHORT, &url, None)).unwrap();
    let asked = Instant::now();
    let held = second.block_on(acquire(SHORT, &url, Some(Duration::MAX))).unwrap();
    let took = asked.elapsed();
    println!("taken over after {took:?}");
    let early = SHORT.length.checked_sub(Duration::from_millis(500)).unwrap();
    assert!(early < took && took < SHORT.length * 2, "{took:?}");
    // It wakes up: it knows at once, and can neither renew nor give back what is another's now.
    first.block_on(async {
        frozen.lost().await;
        frozen.release().await;
    });
    assert!(second.block_on(holder(&url)).is_some());
    assert_eq!(second.block_on(fence(&database)), 2);
    drop(held);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_take_turns_are_never_two_at_once(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    let is_taken = Arc::new(AtomicBool::new(false));
    let take_turns = || {
        let (url, is_taken) = (plain(&database), Arc::clone(&is_taken));
        tokio::spawn(async move {
            for _ in 0..6 {
                let lock = acquire(LONG, &url, Some(Duration::MAX)).await.unwrap();
                assert!(!is_taken.swap(true, Ordering::SeqCst), "there are two");
                tokio::time::sleep(Duration::from_millis(5)).await;
                is_taken.store(false, Ordering::SeqCst);
                lock.release().await;
            }
        })
    };
    for ended in join_all((0..4).map(|_| take_turns())).await {
        ended.unwrap();
    }
    assert_eq!(fence(&database).await, 24);
}
