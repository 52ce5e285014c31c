//! The lease and its server: one that goes away and comes back, and one whose clock is wrong.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use restock::ledger::{LeaseTerms, LockError};
use rstest::rstest;
use tokio::time::Instant;

use crate::databases::Engine;
use crate::lease::{SHORT, acquire, fence, holder, plain, runtime};
use crate::wire::Wire;

/// Longer than a server takes to start again.
const PATIENT: LeaseTerms = LeaseTerms {
    length: Duration::from_secs(25),
    renew_every: Duration::from_secs(2),
    margin: Duration::from_secs(2),
    poll: Duration::from_millis(20),
};

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_for_a_moment_leaves_the_lock_where_it_was(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(mut server) = engine.start(&[]) else { return };
    let database = server.fresh().await;
    let url = plain(&database);
    let held = acquire(PATIENT, &url, None).await.unwrap();
    let waits = {
        let url = url.clone();
        tokio::spawn(async move { acquire(PATIENT, &url, Some(Duration::MAX)).await })
    };
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.kill();
    tokio::task::block_in_place(|| server.restart());
    // One that is renewed has longer to go than one that is not.
    let renewed = PATIENT.length.checked_sub(PATIENT.renew_every).unwrap();
    while holder(&url).await.unwrap().expires_in.unwrap() < renewed {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(fence(&database).await, 1);
    assert!(!waits.is_finished());
    held.release().await;
    // Who waited was not discouraged by errors.
    waits.await.unwrap().unwrap();
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_for_long_hands_the_lock_to_nobody_before_it_is_lost(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(mut server) = engine.start(&[]) else { return };
    let database = server.fresh().await;
    let url = plain(&database);
    let held = acquire(SHORT, &url, None).await.unwrap();
    let waits = {
        let url = url.clone();
        tokio::spawn(async move { acquire(SHORT, &url, Some(Duration::MAX)).await })
    };
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.kill();
    held.lost().await;
    assert!(!waits.is_finished());
    tokio::task::block_in_place(|| server.restart());
    let next = waits.await.unwrap().unwrap();
    assert_eq!(fence(&database).await, 2);
    held.release().await;
    assert!(holder(&url).await.is_some(), "the former gave back what is another's");
    drop(next);
}

/// It takes longer to answer than a statement may take.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_is_not_discouraged_by_a_database_that_falls_silent(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    let url = plain(&database);
    let held = acquire(PATIENT, &url, None).await.unwrap();
    let wire = Wire::to(&url);
    let waits = {
        let url = wire.url().to_owned();
        tokio::spawn(async move { acquire(SHORT, &url, Some(Duration::MAX)).await })
    };
    // It has been answered by then.
    tokio::time::sleep(SHORT.renew_every * 2).await;
    wire.hold();
    tokio::time::sleep(SHORT.renew_every * 3).await;
    assert!(!waits.is_finished(), "{waits:?}");
    wire.let_go();
    held.release().await;
    waits.await.unwrap().unwrap();
}

#[rstest]
#[tokio::test]
async fn who_comes_while_it_is_away_is_told(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    let mut url: url::Url = plain(&database).parse().unwrap();
    // Port 1 is nobody's.
    url.set_port(Some(1)).unwrap();
    let error = acquire(SHORT, url.as_str(), Some(Duration::MAX)).await.unwrap_err();
    assert!(matches!(error, LockError::Place { .. }), "{error:?}");
    assert!(error.to_string().starts_with("cannot lock the ledger "), "{error}");
}

/// To a lease, a server whose clock was set back by a day is one whose lease ends a day later.
#[rstest]
fn a_dead_holders_lease_ends_though_the_servers_clock_was_set_back(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let (first, second) = (runtime(), runtime());
    let Some(database) = second.block_on(engine.fresh()) else { return };
    let url = plain(&database);
    let held = first.block_on(acquire(SHORT, &url, None)).unwrap();
    // It dies, and gives nothing back.
    first.shutdown_background();
    let _held = std::mem::ManuallyDrop::new(held);
    second.block_on(
        database.execute("UPDATE leases SET expires_ms = expires_ms + 86400000 WHERE fence > 0"),
    );
    assert!(second.block_on(acquire(SHORT, &url, None)).is_err(), "nobody has watched it yet");
    second.block_on(acquire(SHORT, &url, Some(SHORT.length * 10))).unwrap();
}

/// It is a day ahead. In MariaDB that can only be done to a session, whose clock stands from then
/// on, so that each try is one of its own.
#[rstest]
fn the_servers_clock_alone_counts(#[values(Engine::MariaDb, Engine::Postgres)] engine: Engine) {
    let settings = match engine {
        Engine::MariaDb => &["init-connect=SET timestamp = UNIX_TIMESTAMP() + 86400"][..],
        Engine::Postgres => &[],
    };
    let (first, second) = (runtime(), runtime());
    let Some(server) = engine.start(settings) else { return };
    let database = second.block_on(server.fresh());
    let all = match engine {
        Engine::MariaDb => "ALL ON *",
        Engine::Postgres => "CREATE, USAGE ON SCHEMA public",
    };
    // Whoever may do everything is spared what each connection begins with.
    let user = second.block_on(database.create_user("user", &[all]));
    if engine == Engine::Postgres {
        second.block_on(database.execute(&format!(
            "CREATE SCHEMA ahead; GRANT USAGE ON SCHEMA ahead TO {}; \
             CREATE FUNCTION ahead.clock_timestamp() RETURNS timestamptz LANGUAGE sql \
             AS $$ SELECT pg_catalog.clock_timestamp() + interval '1 day' $$; \
             ALTER ROLE {} SET search_path = public, ahead, pg_catalog",
            user.name, user.name
        )));
    }
    let url = format!("{}?sslmode=disable", user.url);
    let held = first.block_on(acquire(SHORT, &url, None)).unwrap();
    let known = second.block_on(holder(&url)).unwrap();
    let ahead = known.since - Utc::now();
    assert!((ahead - TimeDelta::days(1)).abs() < TimeDelta::minutes(1), "{ahead}");
    let left = known.expires_in.unwrap();
    assert!(left <= SHORT.length, "{left:?}");
    assert!(second.block_on(acquire(SHORT, &url, None)).is_err());
    let asked = Instant::now();
    while second.block_on(acquire(SHORT, &url, None)).is_err() {
        assert!(asked.elapsed() < SHORT.length * 2, "it does not end");
    }
    first.block_on(held.lost());
}
