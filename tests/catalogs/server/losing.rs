//! Statements that take too long, connections that are lost, and readers that stop or are slow.

use std::time::Duration;

use futures::StreamExt;
use restock::catalog::{CatalogError, CatalogOptions};
use restock::model::Span;
use rstest::rstest;
use tokio::time::Instant;

use super::fixture::{open, options, plain};
use crate::databases::{Database, Engine, User};
use crate::suite::{chain, digest, only, packages, scan};

/// How long a test waits for a condition.
const PATIENCE: Duration = Duration::from_mins(1);

/// More rows than all buffers between here and the server hold, in no time.
fn many_rows(engine: Engine) -> &'static str {
    match engine {
        Engine::MariaDb => {
            "SELECT LPAD(HEX(seq), 64, '0') AS digest, REPEAT('x', 500) AS name, seq AS ref, \
             REPEAT('y', 500) AS source_url FROM seq_1_to_60000"
        }
        Engine::Postgres => {
            "SELECT lpad(to_hex(i), 64, '0') AS digest, repeat('x', 500) AS name, i AS ref, \
             repeat('y', 500) AS source_url FROM generate_series(1, 60000) AS g (i)"
        }
    }
}

/// A database, and somebody to be known by.
async fn reader(engine: Engine) -> Option<(Database, User)> {
    let database = engine.fresh().await?;
    let insert = format!("INSERT INTO t VALUES ('{}')", digest(1));
    database.execute(&format!("CREATE TABLE t (digest VARCHAR(64)); {insert}")).await;
    let all = if engine == Engine::MariaDb { "SELECT ON *" } else { "SELECT ON t" };
    let user = database.create_user("reader", &[all]).await;
    Some((database, user))
}

/// What the connections of a user are doing, each as some text.
async fn sessions(database: &Database, user: &User) -> Vec<String> {
    database
        .values(&match database.engine() {
            Engine::MariaDb => format!(
                "SELECT CONCAT(id, ' ', time, ' ', COALESCE(info, '')) \
                 FROM information_schema.processlist WHERE user = '{}'",
                user.name
            ),
            Engine::Postgres => format!(
                "SELECT concat(pid, ' ', extract(epoch FROM clock_timestamp() - query_start), ' ', \
                 query) FROM pg_stat_activity WHERE usename = '{}'",
                user.name
            ),
        })
        .await
}

/// Waits until the sessions of a user are as they should be.
async fn until(database: &Database, user: &User, wanted: impl Fn(&[String]) -> bool) {
    let begun = Instant::now();
    loop {
        let sessions = sessions(database, user).await;
        if wanted(&sessions) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "still {sessions:?}");
        tokio::task::yield_now().await;
    }
}

/// Ends all sessions of a user, as an administrator can.
async fn end_sessions(database: &Database, user: &User) {
    match database.engine() {
        Engine::MariaDb => {
            for session in sessions(database, user).await {
                let id = session.split(' ').next().unwrap().to_owned();
                database.execute(&format!("KILL {id}")).await;
            }
        }
        Engine::Postgres => {
            let user = &user.name;
            database
                .execute(&format!(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{user}'"
                ))
                .await;
        }
    }
}

fn patient(url: &str, statement_timeout: Duration) -> CatalogOptions {
    CatalogOptions { statement_timeout: Span(statement_timeout), ..options(plain(url)) }
}

#[rstest]
#[case::mariadb_that_waits(Engine::MariaDb, "SELECT digest, SLEEP(600) AS size FROM t")]
#[case::mariadb_that_computes(
    Engine::MariaDb,
    "SELECT digest, BENCHMARK(1000000000000, SHA2(digest, 256)) AS size FROM t"
)]
#[case::postgres_that_waits(Engine::Postgres, "SELECT digest, pg_sleep(600)::text AS size FROM t")]
#[case::postgres_that_computes(
    Engine::Postgres,
    "SELECT digest, (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT 1 FROM n) \
     SELECT count(*) FROM n) AS size FROM t"
)]
#[tokio::test]
async fn a_statement_that_takes_too_long_is_told_and_ended(
    #[case] engine: Engine,
    #[case] query: &str,
) {
    let Some((database, user)) = reader(engine).await else { return };
    let options = patient(&user.url, Duration::from_millis(300));
    let catalog = open(&options, &[packages(query)]).await.unwrap();
    for message in [
        chain(&scan(&*catalog).await.unwrap_err()),
        chain(&catalog.rows(&only(&*catalog), &[digest(1)]).await.unwrap_err()),
    ] {
        assert!(message.contains("than `statement_timeout` in [catalog], 300ms"), "{message}");
    }
    // The server does not go on for nobody.
    until(&database, &user, <[String]>::is_empty).await;
}

#[rstest]
#[tokio::test]
async fn a_statement_that_somebody_ends_is_told(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some((database, user)) = reader(engine).await else { return };
    let query = match engine {
        Engine::MariaDb => "SELECT CONCAT(digest, SLEEP(600)) AS digest FROM t",
        Engine::Postgres => "SELECT concat(digest, pg_sleep(600)) AS digest FROM t",
    };
    let catalog = open(&options(plain(&user.url)), &[packages(query)]).await.unwrap();
    let ended = async {
        until(&database, &user, |all| all.iter().any(|one| one.to_lowercase().contains("sleep")))
            .await;
        let id = sessions(&database, &user).await[0].split(' ').next().unwrap().to_owned();
        let end = match engine {
            Engine::MariaDb => format!("KILL QUERY {id}"),
            Engine::Postgres => format!("SELECT pg_cancel_backend({id})"),
        };
        database.execute(&end).await;
    };
    let (scanned, ()) = tokio::join!(scan(&*catalog), ended);
    let error = scanned.unwrap_err();
    assert!(matches!(error, CatalogError::Read { .. }), "{error:?}");
    assert!(chain(&error).contains("somebody ended the statement"), "{}", chain(&error));
}

/// Reads a scan to its end, of which some batches were read already.
async fn rest_of(
    mut scanning: impl futures::Stream<Item = Result<Vec<restock::catalog::ScannedRow>, CatalogError>>
    + Unpin,
) -> (usize, Option<CatalogError>) {
    let mut rows = 0;
    while let Some(batch) = scanning.next().await {
        match batch {
            Ok(batch) => rows += batch.len(),
            Err(error) => {
                assert!(scanning.next().await.is_none(), "the error is the end");
                return (rows, Some(error));
            }
        }
    }
    (rows, None)
}

#[rstest]
#[tokio::test]
async fn a_connection_that_is_lost_in_the_middle_of_a_scan_is_an_error(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some((database, user)) = reader(engine).await else { return };
    let query = many_rows(engine);
    let catalog = open(&options(plain(&user.url)), &[packages(query)]).await.unwrap();
    let collection = only(&*catalog);
    let mut scanning = catalog.scan(&collection);
    assert_eq!(scanning.next().await.unwrap().unwrap().len(), 1000);
    end_sessions(&database, &user).await;
    let (rows, error) = rest_of(&mut scanning).await;
    let error = error.expect("an early end looks complete");
    assert!(rows < 59_000 && matches!(error, CatalogError::Read { .. }), "{rows}: {error:?}");
    let message = chain(&error);
    let told = ["closed the connection", "terminating connection", "Connection was killed"];
    assert!(told.iter().any(|told| message.contains(told)), "{message}");
    // The next statement connects anew.
    assert_eq!(catalog.rows(&collection, &[]).await.unwrap(), []);
    catalog.now().await.unwrap();
}

#[rstest]
#[tokio::test]
async fn a_server_that_stops_in_the_middle_of_a_scan_is_an_error_and_then_read_again(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
    #[values(true, false)] orderly: bool,
) {
    let Some(mut server) = engine.start(&[]) else { return };
    let database = server.fresh().await;
    let query = many_rows(engine);
    let catalog = open(&options(plain(database.url())), &[packages(query)]).await.unwrap();
    let collection = only(&*catalog);
    let mut scanning = catalog.scan(&collection);
    assert_eq!(scanning.next().await.unwrap().unwrap().len(), 1000);
    if orderly {
        server.stop();
    } else {
        server.kill();
    }
    let (rows, error) = rest_of(&mut scanning).await;
    assert!(rows < 59_000 && matches!(error, Some(CatalogError::Read { .. })), "{error:?}");
    let error = scan(&*catalog).await.unwrap_err();
    assert!(matches!(error, CatalogError::Connect { .. }), "{error:?}");
    server.restart();
    assert_eq!(scan(&*catalog).await.unwrap().0.len(), 60_000);
}

#[rstest]
#[tokio::test]
async fn a_scan_that_nobody_reads_to_its_end_lets_go_of_the_server(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some((database, user)) = reader(engine).await else { return };
    let query = many_rows(engine);
    let catalog = open(&options(plain(&user.url)), &[packages(query)]).await.unwrap();
    let collection = only(&*catalog);
    let mut scanning = catalog.scan(&collection);
    assert_eq!(scanning.next().await.unwrap().unwrap().len(), 1000);
    assert_eq!(sessions(&database, &user).await.len(), 1);
    drop(scanning);
    until(&database, &user, <[String]>::is_empty).await;
}

/// A server that has nothing to send yet learns of it all the same, long before any limit.
#[tokio::test]
async fn postgres_does_not_compute_for_nobody() {
    let Some((database, user)) = reader(Engine::Postgres).await else { return };
    let query = "SELECT digest, (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT 1 FROM n) \
                 SELECT count(*) FROM n) AS size FROM t";
    let catalog = open(&options(plain(&user.url)), &[packages(query)]).await.unwrap();
    let collection = only(&*catalog);
    let mut scanning = catalog.scan(&collection);
    let computes = until(&database, &user, |all| all.iter().any(|one| one.contains("RECURSIVE")));
    tokio::select! {
        batch = scanning.next() => panic!("{batch:?}"),
        () = computes => {}
    }
    drop(scanning);
    until(&database, &user, <[String]>::is_empty).await;
}

#[rstest]
#[tokio::test]
async fn between_two_statements_there_is_no_connection_to_be_cut_off(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some((database, user)) = reader(engine).await else { return };
    let query = "SELECT digest FROM t";
    let catalog = open(&options(plain(&user.url)), &[packages(query)]).await.unwrap();
    until(&database, &user, <[String]>::is_empty).await;
    assert_eq!(scan(&*catalog).await.unwrap().0.len(), 1);
    until(&database, &user, <[String]>::is_empty).await;
    assert_eq!(catalog.rows(&only(&*catalog), &[digest(1)]).await.unwrap().len(), 1);
    until(&database, &user, <[String]>::is_empty).await;
}

/// A listener that is slow for longer than the server waits for slow readers by itself.
#[rstest]
#[case::mariadb(Engine::MariaDb, &["net_write_timeout=1"])]
#[case::postgres(Engine::Postgres, &["statement_timeout=1s"])]
#[tokio::test]
async fn a_listener_that_is_slow_is_not_cut_off(#[case] engine: Engine, #[case] settings: &[&str]) {
    let Some(server) = engine.start(settings) else { return };
    let database = server.fresh().await;
    let grants: &[&str] = if engine == Engine::MariaDb { &["SELECT ON *"] } else { &[] };
    let user = database.create_user("reader", grants).await;
    // Of ours it may be slow for a minute.
    let options = patient(&user.url, Duration::from_secs(30));
    let catalog = open(&options, &[packages(many_rows(engine))]).await.unwrap();
    let collection = only(&*catalog);
    let mut scanning = catalog.scan(&collection);
    assert_eq!(scanning.next().await.unwrap().unwrap().len(), 1000);
    let is_old = |session: &String| {
        let age: f64 = session.split(' ').nth(1).unwrap().parse().unwrap();
        age > 3.0
    };
    until(&database, &user, |sessions| sessions.iter().any(is_old)).await;
    let (rows, error) = rest_of(&mut scanning).await;
    assert_eq!((rows, error.map(|error| chain(&error))), (59_000, None));
}

/// The server's own limit, twice ours, is for those that nobody waits for any more.
#[rstest]
#[tokio::test]
async fn a_listener_that_is_slow_for_ever_is_told(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some((database, user)) = reader(engine).await else { return };
    let options = patient(&user.url, Duration::from_millis(500));
    let catalog = open(&options, &[packages(many_rows(engine))]).await.unwrap();
    let collection = only(&*catalog);
    let mut scanning = catalog.scan(&collection);
    assert_eq!(scanning.next().await.unwrap().unwrap().len(), 1000);
    let is_old = |session: &String| {
        let age: f64 = session.split(' ').nth(1).unwrap().parse().unwrap();
        age > 1.5
    };
    until(&database, &user, |all| all.is_empty() || all.iter().any(is_old)).await;
    let (rows, error) = rest_of(&mut scanning).await;
    let message = chain(&error.unwrap());
    assert!(rows < 59_000, "{rows}");
    // In the middle of a row it can only hang up.
    let told = ["raise `statement_timeout` in [catalog]", "closed the connection"];
    assert!(told.iter().any(|told| message.contains(told)), "{message}");
}
