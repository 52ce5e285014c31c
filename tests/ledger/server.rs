//! The ledger on a server: the suite on PostgreSQL and on MariaDB, and what opening one may find.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use futures::future::join_all;
use restock::ledger::{Ledger, open};
use restock::model::FindingKind;
use rstest::rstest;

use crate::databases::{Database, Engine, Tls};
use crate::samples::{finding, pass, sighting};
use crate::suite::{Fixture, STORE};

impl Fixture for Database {
    async fn open(&self, store_identity: &str) -> Arc<dyn Ledger> {
        open(self.url(), store_identity, Path::new("/")).await.unwrap()
    }
}

mod postgres {
    crate::suite::conforms!(crate::databases::Engine::Postgres.fresh());
}

mod mariadb {
    crate::suite::conforms!(crate::databases::Engine::MariaDb.fresh());
}

/// The whole chain of the error.
pub(crate) async fn refused(url: &str) -> String {
    let Err(error) = open(url, STORE, Path::new("/")).await else { panic!("it was opened") };
    chain(&error)
}

pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text += ": ";
        text += &cause.to_string();
        next = cause.source();
    }
    text
}

/// Every right in a database.
fn all_rights(database: &Database) -> &'static [&'static str] {
    match database.engine() {
        Engine::MariaDb => &["ALL ON *"],
        Engine::Postgres => &["CREATE, USAGE ON SCHEMA public"],
    }
}

fn rights_on_tables(database: &Database) -> &'static [&'static str] {
    match database.engine() {
        Engine::MariaDb => &["SELECT, INSERT, UPDATE, DELETE ON *"],
        Engine::Postgres => &["SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public"],
    }
}

#[rstest]
#[case(Engine::MariaDb, "CREATE DATABASE ", "ALL ON ")]
#[case(Engine::Postgres, "CREATE DATABASE ", " OWNER ")]
#[tokio::test]
async fn a_database_that_is_not_there_is_named_with_what_makes_it(
    #[case] engine: Engine,
    #[case] make: &str,
    #[case] grant: &str,
) {
    let Some(database) = engine.fresh().await else { return };
    let message = refused(&database.url().replace(database.name(), "nowhere")).await;
    for part in ["cannot open it: cannot use the database at 127.0.0.1:", make, "nowhere", grant] {
        assert!(message.contains(part), "{message}");
    }
}

#[rstest]
#[tokio::test]
async fn a_user_without_rights_is_told_which(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    // May connect, and look at one table of the server's own.
    let grants = match engine {
        Engine::MariaDb => &["SELECT ON *"][..],
        Engine::Postgres => &[],
    };
    let user = database.create_user("poor", grants).await;
    let message = refused(&user.url).await;
    for part in [&format!("user `{}` lacks a right", user.name), "GRANT", "denied"] {
        assert!(message.contains(part), "{message}");
    }
    let wrong = refused(&user.url.replace(&user.password, "SECRET")).await;
    assert!(wrong.contains("check user and password in `ledger.url`"), "{wrong}");
    assert!(!wrong.contains("SECRET") && !message.contains(&user.password), "{wrong}");
}

#[rstest]
#[tokio::test]
async fn tables_once_made_need_no_right_to_make_tables(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    let maker = database.create_user("maker", all_rights(&database)).await;
    open(&maker.url, STORE, Path::new("/")).await.unwrap();
    let user = database.create_user("user", rights_on_tables(&database)).await;
    let ledger = open(&user.url, "s3://another", Path::new("/")).await.unwrap();
    ledger
        .record_pass(&pass("p", 1), &[finding(FindingKind::Missing, "k", 1)], true)
        .await
        .unwrap();
    assert_eq!(ledger.findings(9).await.unwrap().len(), 1);
}

#[rstest]
#[case(Engine::MariaDb, "mysql")]
#[case(Engine::Postgres, "postgres")]
#[tokio::test]
async fn where_nothing_listens_or_nobody_is_the_server_is_named(
    #[case] engine: Engine,
    #[case] scheme: &str,
) {
    let Some(_) = engine.fresh().await else { return };
    // Port 1 is nobody's.
    let url = format!("{scheme}://u:SECRET@127.0.0.1:1/db?sslmode=disable");
    let message = refused(&url).await;
    assert!(message.starts_with(&format!("ledger {scheme}://127.0.0.1:1/db: cannot open it")));
    assert!(message.contains("at 127.0.0.1:1: nothing listens there; check that"), "{message}");
    assert!(!message.contains("SECRET"), "{message}");
}

#[rstest]
#[tokio::test]
async fn a_database_of_somebody_else_is_refused_and_left_alone(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    database.execute("CREATE TABLE passes (a INT); CREATE TABLE zoo (a INT)").await;
    let message = refused(database.url()).await;
    assert!(
        message.contains("no ledger of restock (it holds the tables passes, zoo)"),
        "{message}"
    );
    let schema = match engine {
        Engine::MariaDb => "DATABASE()",
        Engine::Postgres => "current_schema()",
    };
    let tables = format!(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = {schema} ORDER BY 1"
    );
    assert_eq!(database.values(&tables).await, ["passes", "zoo"]);
}

#[rstest]
#[tokio::test]
async fn a_ledger_of_a_newer_restock_is_refused(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    drop(database.open(STORE).await);
    database
        .execute(
            "INSERT INTO restock_migrations (version, description, success, checksum, \
             execution_time) VALUES (77, 'later', TRUE, 'x', 0)",
        )
        .await;
    let message = refused(database.url()).await;
    assert!(message.contains("it has schema version 77 and this restock knows"), "{message}");
}

/// MariaDB commits each table that it makes.
#[tokio::test]
async fn what_a_crash_left_half_made_is_finished() {
    let Some(database) = Engine::MariaDb.fresh().await else { return };
    database.open(STORE).await.record_pass(&pass("p", 1), &[], true).await.unwrap();
    database
        .execute("UPDATE restock_migrations SET success = FALSE; DROP TABLE notes, leases")
        .await;
    let ledger = database.open(STORE).await;
    ledger.set_note("n", Some("x")).await.unwrap();
    assert_eq!(ledger.passes(9).await.unwrap(), [pass("p", 1)]);
    let versions = "SELECT success FROM restock_migrations";
    assert_eq!(database.values(versions).await, ["1"]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_can_open_a_new_ledger_at_once(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    let ledgers = join_all((0..12).map(|n| {
        let url = database.url().to_owned();
        tokio::spawn(async move {
            open(&url, &format!("s3://{}", n % 3), Path::new("/")).await.unwrap()
        })
    }))
    .await;
    for (n, ledger) in ledgers.into_iter().enumerate() {
        ledger.unwrap().record_pass(&pass(&format!("p{n}"), 1), &[], true).await.unwrap();
    }
    assert_eq!(database.open("s3://0").await.passes(100).await.unwrap().len(), 4);
}

/// Each locks the rows in its own order, and so they get in each other's way.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_that_block_each_other_both_succeed(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    let forwards: Vec<_> = (0..1_000).map(|n| sighting(&format!("k{n:04}"), n)).collect();
    let backwards: Vec<_> = forwards.iter().rev().cloned().collect();
    let write = async |sightings: &[_]| {
        let ledger = database.open(STORE).await;
        for _ in 0..6 {
            ledger.put_sightings(sightings).await.unwrap();
        }
    };
    futures::join!(write(&forwards), write(&backwards));
    let keys: Vec<_> = forwards.into_iter().map(|one| one.key).collect();
    assert_eq!(database.open(STORE).await.sightings(&keys).await.unwrap().len(), 1_000);
}

#[rstest]
#[tokio::test]
async fn the_certificate_of_the_server_is_checked_where_the_url_asks_for_it(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let (Some(database), Some(tls)) = (engine.fresh().await, Tls::of_this_run()) else { return };
    let parameter = match engine {
        Engine::MariaDb => "ssl-ca",
        Engine::Postgres => "sslrootcert",
    };
    let with = |host: &str, file: &Path| {
        format!("{}?{parameter}={}", database.url().replace("127.0.0.1", host), file.display())
    };
    let ledger = open(&with("localhost", &tls.ca), STORE, Path::new("/")).await.unwrap();
    assert_eq!(ledger.remarks(), [""; 0]);
    // Relative to the configuration.
    let (folder, name) = (tls.ca.parent().unwrap(), tls.ca.file_name().unwrap());
    open(&with("localhost", Path::new(name)), STORE, folder).await.unwrap();
    for url in [with("0.0.0.0", &tls.ca), with("localhost", &tls.cert)] {
        let message = refused(&url).await;
        assert!(message.contains("certificate") && message.contains("TLS"), "{message}");
    }
    let message = refused(&with("localhost", Path::new("/nowhere.pem"))).await;
    assert!(message.contains("/nowhere.pem, which cannot be used: No such file"), "{message}");
}

/// 0.0.0.0 is this machine, though not by its name.
#[rstest]
#[tokio::test]
async fn a_plain_or_unverified_connection_to_another_machine_is_remarked(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    let open = async |host: &str, mode: &str| {
        let url = format!("{}?sslmode={mode}", database.url().replace("127.0.0.1", host));
        open(&url, STORE, Path::new("/")).await.unwrap().remarks().to_vec()
    };
    assert_eq!(open("127.0.0.1", "disable").await, [""; 0]);
    assert_eq!(open("127.0.0.1", "require").await, [""; 0]);
    for (mode, how) in [("disable", "is not encrypted"), ("require", "is not verified")] {
        let remarks = open("0.0.0.0", mode).await;
        assert!(remarks[0].contains("at 0.0.0.0:") && remarks[0].contains(how), "{remarks:?}");
        assert!(!remarks[0].contains("restock:"), "{remarks:?}");
    }
}

#[rstest]
#[tokio::test]
async fn a_pass_with_many_findings_is_kept_whole(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some(database) = engine.fresh().await else { return };
    let ledger = database.open(STORE).await;
    let found: Vec<_> = (0..5_000)
        .map(|n| finding(FindingKind::Missing, &format!("software-installers/{n:064x}"), 1))
        .collect();
    for id in ["first", "second"] {
        ledger.record_pass(&pass(id, 1), &found, true).await.unwrap();
        let page = ledger.findings_page(None, None, 4_991).await.unwrap();
        let last = ledger.findings_page(None, page.next.as_ref(), 100).await.unwrap();
        assert_eq!((page.items.len(), last.items.len(), last.next), (4_991, 9, None), "{id}");
    }
}
